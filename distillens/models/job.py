"""A job that asks a finished model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distillens.models.asking import Asking
from distillens.models.black_box import BlackBox
from distillens.models.engine import Engine, EngineOptions
from distillens.provenance import RunId


@dataclass(frozen=True)
class ModelJob:
    """Which run a job is about, where its model lies, and what it runs on.

    ``code`` is a digest of the code that asks: what another code has made is made again. ``config`` is the
    study's, for what does not decide on answers (`distillens.models.asking.Asking`).
    """

    run: RunId
    folder: str | Path
    engine: EngineOptions
    code: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, snakemake: Any) -> "ModelJob":
        """The job of a script."""
        folder, params = Path(snakemake.input.card).parent, snakemake.params
        return cls(
            RunId.of(snakemake.wildcards),
            folder,
            EngineOptions(**params.engine),
            params.code,
            snakemake.config,
        )

    def load(self, again: bool = False) -> Engine | BlackBox:
        """The model; asked again, it reads none of its first answers where it gives others each time."""
        draw = f"{self.run.seed}-again" if again else str(self.run.seed)
        return self.engine.load(self.folder, asking=Asking.of(self.config, self.run.model, draw))
