"""Reads the scores of a study and says who is compared with whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from distillens import registry, tables
from distillens.config import label_views
from distillens.metrics.calibration import HEADLINE

PROJECTION = ("projection_1", "projection_2")
"""The metrics that are coordinates of a point, not measures of anything."""

PER_EXAMPLE = (HEADLINE, "cosine", *PROJECTION, "post_cue_ratio")
"""The metrics that are shown for single examples."""


# The config comes with sorted keys, so that another order reruns nothing; this is how explainers are shown.
_FIRST = ("shap", "lime", "integrated_gradients", "occlusion", "input_x_gradient")


@dataclass(frozen=True)
class Run:
    """One model trained with one seed; ``teacher`` is None for a teacher.

    ``teacher_seed`` is the teacher's run that it belongs to; None where it is compared with all of them.
    """

    model: str
    seed: int
    teacher: str | None
    label: str
    teacher_seed: int | None = None


@dataclass(frozen=True)
class Outline:
    """What the report knows besides the tables: the study, its tasks, its runs in order."""

    settings: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    runs: tuple[Run, ...]

    @property
    def explainers(self) -> tuple[str, ...]:
        """Names of the explainers that count: all but the controls."""
        return tuple(name for name in self.settings["explainers"] if name not in self.controls)

    @property
    def controls(self) -> tuple[str, ...]:
        """Names of the explainers that know nothing of the output, or nothing at all."""
        return tuple(
            name
            for name, options in self.settings["explainers"].items()
            if (options or {}).get("method", name) in registry.controls()
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, each teacher followed by its students."""
        return tuple(dict.fromkeys(run.model for run in self.runs))

    @property
    def students(self) -> tuple[Run, ...]:
        """The runs that are compared with a teacher."""
        return tuple(run for run in self.runs if run.teacher is not None)

    @property
    def runs_of_students(self) -> dict[str, list[Run]]:
        """The runs of each student, by its name."""
        by_student: dict[str, list[Run]] = {}
        for run in self.students:
            by_student.setdefault(run.model, []).append(run)
        return by_student

    @property
    def families(self) -> dict[str, str]:
        """For each task that is one label of several the task that has them."""
        return label_views.families(self.tasks)

    def lead(self, task: str) -> str:
        """The metric that leads a task's tables."""
        return self.tasks[task]["metrics"][0]

    def relabels(self, task: str) -> tuple[str, ...]:
        """Perturbations after which a text of a task need not keep its label."""
        return tuple((self.tasks[task].get("perturb") or {}).get("relabels", ()))

    def first(self, model: str) -> Run | None:
        """A model's first run: the lowest seed."""
        return next((run for run in self.runs if run.model == model), None)

    def reference(self, run: Run) -> Run | None:
        """The one run that another is shown beside: of a student its own of the teacher, else the first.

        Verdicts go by all runs that a student is compared with.
        """
        teacher = run.teacher or run.model
        own = (one for one in self.runs if (one.model, one.seed) == (teacher, run.teacher_seed))
        return next(own, self.first(teacher))

    def is_paired(self, student: str) -> bool:
        """Whether each run of a student is compared with one run of its teacher, and not with all."""
        return any(run.teacher_seed is not None for run in self.runs if run.model == student)

    def find(self, model: Any, seed: Any) -> Run:
        """The run of a model and seed; one that the study does not name is labelled in full."""
        for run in self.runs:
            if (run.model, run.seed) == (model, seed):
                return run
        return Run(model, int(seed), None, _label(model, int(seed), several=True))


def study_of(settings: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]]) -> Outline:
    """Put the runs of a study in the order in which they are shown: teachers before their students.

    Examples
    --------
    >>> models = {"student": {"seeds": [1], "teacher": "teacher"}, "teacher": {"seeds": [1, 2]}}
    >>> [run.label for run in study_of({"models": models}, {}).runs]
    ['teacher · seed 1', 'teacher · seed 2', 'student']
    """
    settings = {"explainers": {}, "perturbations": {}, "probes": {}, **settings}
    settings["explainers"] = dict(sorted(settings["explainers"].items(), key=_prominence))
    models = settings["models"]
    ordered = [
        name
        for teacher, options in models.items()
        if not options.get("teacher")
        for name in (teacher, *(other for other, o in models.items() if o.get("teacher") == teacher))
    ]
    runs = tuple(run for name in ordered for run in _runs(name, models[name]))
    return Outline(settings, tasks, runs)


def _runs(name: str, model: Mapping[str, Any]) -> list[Run]:
    """The runs of a model, by seed."""
    seeds, several = model["seeds"], len(model["seeds"]) > 1
    belongs = model.get("teacher_seeds") or [None] * len(seeds)
    paired = sorted(zip(seeds, belongs, strict=True), key=lambda run: run[0])
    teacher = model.get("teacher")
    return [Run(name, seed, teacher, _label(name, seed, several), own) for seed, own in paired]


def scores(paths: Iterable[str | Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read tables of kind ``scores``.

    Returns
    -------
    aggregates : pandas.DataFrame
        All rows that are not about a single example.
    examples : pandas.DataFrame
        Of those about single examples the metrics of `PER_EXAMPLE` only: the rest is large and not shown.
    """
    table = _concat((tables.read(path, "scores") for path in paths), "scores")
    aggregate = pc.is_null(table["example_id"])
    listed = pc.is_in(table["metric"], value_set=pa.array(PER_EXAMPLE))
    per_example = pc.and_(pc.invert(aggregate), listed)
    return _frame(table.filter(aggregate)), _frame(table.filter(per_example))


def frame_of(paths: Iterable[str | Path], kind: str) -> pd.DataFrame:
    """Read tables of one kind below each other.

    Examples
    --------
    >>> frame_of([], "costs").columns[:3].tolist()
    ['task', 'model', 'seed']
    """
    return _frame(_concat((tables.read(path, kind) for path in paths), kind))


def by_subject(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split scores by what they are about; the columns that are filled say which.

    Returns
    -------
    dict
        ``permuted`` (what a run would score under other names of its outputs), ``probes``
        (sentences made for a purpose), ``buckets`` (parts of a task), ``projection``
        (attributions as points of a plane), ``explainers`` (two explainers of one run),
        ``faithfulness``, ``agreement`` (two runs), ``stability``, ``robustness`` and
        ``performance``.

    Examples
    --------
    >>> row = dict.fromkeys(tables.SCHEMAS["scores"].names) | {"model": "tiny", "metric": "accuracy"}
    >>> {name: len(rows) for name, rows in by_subject(pd.DataFrame([row])).items() if len(rows)}
    {'performance': 1}
    """
    filled = {name: scores[name].notna() for name in scores.columns}
    claims = {
        "permuted": filled["outputs"],
        "probes": filled["probe"],
        "buckets": filled["subset"],
        "projection": scores["metric"].isin(PROJECTION),
        "explainers": filled["against_explainer"],
        "faithfulness": filled["ranking"],
        "stability": filled["perturbation"] & filled["explainer"],
        "agreement": filled["explainer"] & filled["against"],
        "robustness": filled["perturbation"] & (scores["perturbation"] != "none"),
        "performance": ~filled["explainer"],
    }
    free, parts = pd.Series(True, index=scores.index), {}
    for subject, claim in claims.items():
        parts[subject] = scores[free & claim]
        free &= ~claim
    return parts


def ordered(values: Iterable[str], order: Sequence[str]) -> list[str]:
    """Distinct values: those that are known first, in their order, then the others by name.

    Examples
    --------
    >>> ordered(["lime", "mine", "shap"], order=["shap", "occlusion", "lime"])
    ['shap', 'lime', 'mine']
    """
    distinct = set(values)
    return [value for value in order if value in distinct] + sorted(distinct - set(order))


def _prominence(explainer: tuple[str, Any]) -> int:
    """Place of an explainer by its method; those not named come between the known and the controls."""
    name, options = explainer
    method = (options or {}).get("method", name)
    if method in _FIRST:
        return _FIRST.index(method)
    return len(_FIRST) + (method in registry.controls())


def _label(model: str, seed: int, several: bool) -> str:
    return f"{model} · seed {seed}" if several else model


def _concat(read: Iterable[pa.Table], kind: str) -> pa.Table:
    return pa.concat_tables(
        [tables.SCHEMAS[kind].empty_table(), *(t.replace_schema_metadata() for t in read)]
    )


def _frame(table: pa.Table) -> pd.DataFrame:
    # Python objects instead of pandas' own nulls: None is missing, an integer stays one.
    frame = pd.DataFrame(
        {name: pd.Series(table[name].to_pylist(), dtype=object) for name in table.column_names}
    )
    numbers = [f.name for f in table.schema if pa.types.is_floating(f.type)]
    return frame.astype(dict.fromkeys(numbers, float))
