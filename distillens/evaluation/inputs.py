"""What scores are computed from: the settings, and files read into checked arrays."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from distillens import tables
from distillens.data.text import examples, seed_of
from distillens.metrics.edit_rates import Extent, extent
from distillens.metrics.statistics import Resampling

Array = NDArray[np.float64]
Run = tuple[str, int]
FilePath = str | Path


@dataclass(frozen=True)
class Settings:
    """The part of the config that scores of one task depend on.

    Attributes
    ----------
    task : str
        Name of the task.
    task_settings : mapping
        Its block: ``type``, ``labels``, ``metrics``, a regression's ``flip`` and, where the task is one label
        of a task with several, ``of`` are used.
    metrics : mapping
        The config's ``metrics`` block.
    teachers : mapping
        The teacher of each model; None for a teacher.
    seeds : mapping
        The seeds of each model.
    teacher_seeds : mapping
        For each of a student's seeds the teacher's seed that the run belongs to; None (or no entry) where it
        belongs to none, and is compared with all runs of its teacher.
    seed : int
        The study's seed.
    attributions_only : sequence of str
        Models that are known by their attributions only: nothing was predicted with them.
    not_explained : mapping
        For each model the explainers that do not apply to it: nothing is expected of them.
    labelled : bool
        Whether the task's texts have labels. Without, no performance is known and nothing is gated.
    """

    task: str
    task_settings: Mapping[str, Any]
    metrics: Mapping[str, Any]
    teachers: Mapping[str, str | None]
    seeds: Mapping[str, Sequence[int]]
    seed: int
    attributions_only: Sequence[str] = ()
    teacher_seeds: Mapping[str, Sequence[int] | None] = field(default_factory=dict)
    labelled: bool = True
    not_explained: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def explains(self, explainer: str, model: str) -> bool:
        """Whether there are attributions of a model by an explainer."""
        return explainer not in self.not_explained.get(model, ())

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for a regression, and for a task with several labels as a whole."""
        return len(self.task_settings["labels"]) if self.task_settings["type"] == "classification" else 0

    @property
    def n_outputs(self) -> int:
        """Number of outputs of a model."""
        return len(self.task_settings["labels"]) or 1

    @property
    def labels_together(self) -> int:
        """How many labels are judged together: of a task with several labels all of them, else 1."""
        of = self.task_settings.get("of")
        return len(of["labels"]) if of else 1

    @property
    def flip(self) -> float:
        """How far a regression's prediction may move and count as the same; classes do not move (0)."""
        return self.task_settings["flip"] if self.task_settings["type"] == "regression" else 0.0

    @property
    def lead(self) -> str:
        """The task metric that leads the tables."""
        return self.task_settings["metrics"][0]

    def resampling(self, *parts: object) -> Resampling:
        """How to resample for one result, from a seed of its own."""
        return Resampling(
            seed_of(self.seed, self.task, *parts), self.metrics["resamples"], self.metrics["confidence_level"]
        )

    def references(self, model: str, seed: int) -> list[Run]:
        """Return the teacher's runs that a run is compared with: the one that it belongs to, or all."""
        teacher = self.teachers[model]
        if teacher is None:
            return []
        own = self.teacher_seeds.get(model)
        return [(teacher, own[list(self.seeds[model]).index(seed)])] if own else self.runs(teacher)

    def reference(self, model: str, seed: int) -> Run | None:
        """Return the first of them, where one must stand for all; None for a teacher."""
        return next(iter(self.references(model, seed)), None)

    def runs(self, model: str) -> list[Run]:
        """Return the runs of a model, by seed."""
        return [(model, seed) for seed in sorted(self.seeds[model])]


def by_identity(paths: Iterable[FilePath], settings: Settings, *more: str) -> dict[tuple, Path]:
    """Find files by what their provenance says they are about: (model, seed, *more), sorted.

    Raises
    ------
    TableError
        If a file cannot be read, is about another task or a model or seed that the
        settings do not have, or about the same thing as another one.
    """
    files: dict[tuple, Path] = {}
    for path in map(Path, paths):
        source = tables.provenance(path)
        for key in ("task", "model", "seed", *more):
            if key not in source:
                raise tables.TableError(
                    f"{path}: its provenance has no {key!r}; delete it and run the workflow again"
                )
        if source["task"] != settings.task:
            raise tables.TableError(f"{path}: is about task {source['task']!r}, not {settings.task!r}")
        identity = tuple(source[key] for key in ("model", "seed", *more))
        if identity[1] not in settings.seeds.get(identity[0], ()):
            raise tables.TableError(
                f"{path}: model {identity[0]!r} with seed {identity[1]} is not in the settings; "
                "give the files of the study's own models only"
            )
        if identity in files:
            raise tables.TableError(f"{path}: is about {identity}, like {files[identity]}; give one of them")
        files[identity] = path
    return dict(sorted(files.items()))


class Predictions:
    """Logits of one model, found by perturbation, repeat and example."""

    def __init__(self, path: FilePath, settings: Settings) -> None:
        table = tables.read(path, "predictions")
        self._path = path
        self._logits = logits_of(table, "logits", path, settings)
        self._rows = pd.MultiIndex.from_frame(
            table.select(["perturbation", "repeat", "example_id"]).to_pandas()
        )
        twice = self._rows.duplicated()
        if twice.any():
            raise tables.TableError(
                f"{path}: {self._rows[twice][0]} is predicted twice; delete the file and rerun"
            )

    def of(self, perturbation: str, repeats: Iterable[int], ids: Iterable[str]) -> Array:
        """Logits of shape (repeats, ids, outputs); a missing one is an error that names it."""
        repeats, ids = list(repeats), list(ids)
        wanted = pd.MultiIndex.from_product([[perturbation], repeats, ids])
        rows = self._rows.get_indexer(wanted)
        if (rows < 0).any():
            raise tables.TableError(
                f"{self._path}: has no prediction for {wanted[rows < 0][0]} (perturbation, repeat, example); "
                "delete it and run the workflow again"
            )
        return self._logits[rows].reshape(len(repeats), len(ids), -1)


def logits_of(table: pa.Table, column: str, path: FilePath, settings: Settings) -> Array:
    """Return a column of logits as an array of shape (rows, outputs), its width checked.

    Raises
    ------
    TableError
        If a row has more or fewer outputs than the task, or one that is not finite.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> table = pa.table({"logits": [[0.5, 1.0], [2.0, 0.0]]})
    >>> logits_of(table, "logits", "predictions.parquet", Fake(n_outputs=2)).shape
    (2, 2)
    """
    width = settings.n_outputs
    lengths = table[column].combine_chunks().value_lengths().to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(lengths != width)
    if wrong.size:
        raise tables.TableError(
            f"{path}: row {wrong[0]} of {column!r} has {lengths[wrong[0]]} outputs, "
            f"task {settings.task!r} has {width}"
        )
    flat = table[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    logits = flat.astype(np.float64).reshape(-1, width)
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if broken.size:
        name = table["example_id"][broken[0]].as_py() if "example_id" in table.column_names else broken[0]
        raise tables.TableError(
            f"{path}: {column!r} of example {name!r} ({broken.size} rows in all) is not finite, and no "
            "prediction can be read from it; mend the model and run the workflow again"
        )
    return logits


def labels(test: FilePath, settings: Settings) -> pd.Series:
    """Read the labels of the test split by example, checked; of a task without labels all are NaN.

    Raises
    ------
    TableError
        If an example has no label, or one that the task does not know.
    """
    frame = tables.read(test, "examples").select(["example_id", "label"]).to_pandas()
    labels = frame.set_index("example_id")["label"].astype(np.float64)
    if not settings.labelled:
        return labels * np.nan
    fits = labels.isin(range(settings.n_classes)) if settings.n_classes else labels.notna()
    if not fits.all():
        bad = labels.index[~fits][0]
        raise tables.TableError(f"{test}: example {bad!r} has the label {labels[bad]}, unknown to the task")
    return labels


def group_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """What a text counts as one draw with: its group, or itself where it has none.

    Examples
    --------
    >>> group_of({"example_id": "a", "group": "X"}), group_of({"example_id": "b", "group": None})
    (('group', 'X'), ('text', 'b'))
    """
    return ("group", row["group"]) if row["group"] else ("text", row["example_id"])


class TextGroups:
    """Which texts of a table count as one draw: those of one group; a text without a group is one of its own.

    Examples
    --------
    >>> rows = [{"example_id": name, "text_a": "x", "group": of} for name, of in ("aX", "bY", "cX")]
    >>> tables.write("explained.parquet", "examples", rows, {})
    >>> TextGroups("explained.parquet").of(["a", "b", "c"]).tolist()
    [0, 1, 0]
    """

    def __init__(self, path: FilePath) -> None:
        self._path = path
        rows = tables.read(path, "examples").select(["example_id", "group"]).to_pylist()
        self._groups = {row["example_id"]: group_of(row) for row in rows}

    def of(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """A number for each text, shape (n,), the same for texts of one group; a missing text is an error."""
        ids = list(ids)
        missing = next((name for name in ids if name not in self._groups), None)
        if missing is not None:
            raise tables.TableError(
                f"{self._path}: no text {missing!r}; delete the explanations and run again"
            )
        numbers: dict[tuple[str, str], int] = {}
        groups = [numbers.setdefault(self._groups[name], len(numbers)) for name in ids]
        return np.array(groups, dtype=np.int64)


def edits_of(path: FilePath, test: FilePath) -> tuple[str, dict[str, pd.DataFrame]]:
    """Read a perturbation's name, and what it edits, in counts of repeats x examples.

    Returns
    -------
    name : str
    counts : dict of DataFrame
        ``changed`` is 1 where the text is another one, of ``texts``, which are all 1; the
        others are those of `distillens.metrics.edit_rates.Extent`.

    Raises
    ------
    TableError
        If the file says not which perturbation it is, or an example is not in the test
        split, has other texts there, or is twice in a repeat, or not in every repeat.
    """
    examples_by_id = {one.example_id: one for one in examples(tables.read(test, "examples"))}
    table = tables.read(path, "perturbed")
    frame = table.select(["example_id", "repeat", "changed"]).to_pandas()
    name = tables.provenance(path).get("perturbation")
    if name is None:
        raise tables.TableError(f"{path}: its provenance has no 'perturbation'; delete it and run again")
    strange = ~frame["example_id"].isin(examples_by_id)
    if strange.any():
        raise tables.TableError(
            f"{path}: example {frame['example_id'][strange].iloc[0]!r} is not in the test split"
        )
    twice = frame.duplicated(["repeat", "example_id"])
    if twice.any():
        raise tables.TableError(
            f"{path}: example {frame['example_id'][twice].iloc[0]!r} is twice in a repeat"
        )
    pairs = zip(frame["example_id"], table["edits"].to_pylist(), strict=True)
    try:
        extents = [extent(examples_by_id[name], edits) for name, edits in pairs]
    except ValueError as error:
        raise tables.TableError(f"{path}: {error}; delete it and run the workflow again") from error
    counts = pd.DataFrame(extents, columns=Extent._fields, index=frame.index)
    frame = frame.assign(texts=1, **counts)
    wide = {
        column: frame.pivot(index="repeat", columns="example_id", values=column).astype(float)
        for column in frame.columns[2:]
    }
    if wide["texts"].isna().any(axis=None):
        missing = wide["texts"].isna().any()
        raise tables.TableError(
            f"{path}: example {missing.index[missing][0]!r} is not in every repeat; rerun perturb"
        )
    return name, wide


def null_for_nan(value: Any) -> Any:
    """Undefined numbers are null in a table.

    Examples
    --------
    >>> null_for_nan(math.nan), null_for_nan([0.5, math.nan])
    (None, [0.5, None])
    """
    if isinstance(value, list):
        return [null_for_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
