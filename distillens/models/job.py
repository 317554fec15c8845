"""A job that asks a finished model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens.models.engine import EngineOptions
from distillens.provenance import RunId


@dataclass(frozen=True)
class ModelJob:
    """Which run a job is about, where its model lies, and what it runs on.

    ``code`` is a digest of the code that asks: what another code has made is made again.
    """

    run: RunId
    folder: str | Path
    engine: EngineOptions
    code: str = ""

    @classmethod
    def of(cls, snakemake: Any) -> "ModelJob":
        """The job of a script."""
        folder, params = Path(snakemake.input.card).parent, snakemake.params
        return cls(RunId.of(snakemake.wildcards), folder, EngineOptions(**params.engine), params.code)
