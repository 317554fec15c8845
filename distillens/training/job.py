"""A job that makes a model, and what the config says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens.data.text import seed_of
from distillens.models.asking import Asking
from distillens.models.engine import EngineOptions
from distillens.provenance import RunId


@dataclass(frozen=True)
class TrainingJob:
    """Which run a job makes, out of which files, and on what.

    Attributes
    ----------
    splits : mapping
        The ``train`` and ``validation`` tables.
    checkpoint, teacher : path or None
        Folders of the pretrained encoder and of the teacher. Without a distillation there is no
        teacher; a compression starts from it, and has no checkpoint.
    out : path
        Folder of the finished model.
    engine : EngineOptions
        Where to train, and how to ask the teacher.
    corpus, cost : path, optional
        Texts without labels; where to write a table of kind ``trainings``, what it took.
    asking : Asking, optional
        How to ask a teacher that is only asked.
    """

    run: RunId
    splits: Mapping[str, str | Path]
    checkpoint: str | Path | None
    out: str | Path
    engine: EngineOptions
    teacher: str | Path | None = None
    corpus: str | Path | None = None
    cost: str | Path | None = None
    asking: Asking | None = None

    @property
    def stream(self) -> int:
        """The seed of all that is drawn while the run is trained; see `stream_of`."""
        return stream_of(self.run)

    @classmethod
    def of(cls, snakemake: Any) -> "TrainingJob":
        """The job of a script."""
        files, teacher = snakemake.input, snakemake.input.get("teacher")
        folder = Path(teacher[0]).parent if teacher else None
        return cls(
            RunId.of(snakemake.wildcards),
            {split: files.get(split) for split in ("train", "validation")},
            files.get("checkpoint"),
            Path(snakemake.output.card).parent,
            EngineOptions(**snakemake.params.engine),
            folder,
            files.get("corpus") or None,
            snakemake.output.cost,
            # A run's folder is MODEL/SEED.
            folder and Asking.of(snakemake.config, folder.parent.name, folder.name),
        )


def stream_of(run: RunId) -> int:
    """The seed of all that is drawn while a run is trained: its head's start, order of texts, dropout.

    No other run of a study shares it, even with the same number: a teacher and a student that start
    alike would agree more than two runs of one recipe do.

    Examples
    --------
    >>> stream_of(RunId("sst2", "bert", 1)) == stream_of(RunId("sst2", "student", 1))
    False
    """
    return seed_of("training", run.task, run.model, run.seed)


@dataclass(frozen=True)
class TrainingPlan:
    """What the config says of a training.

    Attributes
    ----------
    task : mapping
        The task's ``type`` and ``labels``.
    settings : dict or None
        The training's block; None where a compressed model is not trained.
    layers : list of int or None
        Numbers of the layers that are kept; None keeps all.
    export_onnx : bool
        Whether to leave a ``model.onnx`` for what comes after.
    """

    task: Mapping[str, Any]
    settings: dict[str, Any] | None
    layers: list[int] | None = None
    export_onnx: bool = False
