"""From explanations and answers of a task to how much of a baseline's drift its other students close."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from distillens.evaluation.calibrate import gates_of, teachers_agreement, usable
from distillens.evaluation.inputs import FilePath, Predictions, Run, Settings, by_identity, labels
from distillens.evaluation.teacher_groups import Family, families
from distillens.metrics import agreement, gap_closed
from distillens.metrics.statistics import holm

SCORES = {"classification": "accuracy", "regression": "squared_error"}
"""What is compared of the answers, by type of task: a mean over texts."""

_FAMILY = ("baseline", "metric", "k")


def score_closing(
    test: FilePath,
    predictions: Sequence[FilePath],
    performance: FilePath,
    explanations: Sequence[FilePath],
    *,
    out: FilePath,
    baselines: Sequence[str],
    controls: Sequence[str],
    **settings: Any,
) -> None:
    """Compare students with a baseline that has the same teacher, by each explainer and by their answers.

    Parameters
    ----------
    test : path
        The examples that were predicted.
    predictions, explanations : sequences of paths
        Of all runs.
    performance : path
        Scores of the task: runs that are no better than a constant do not count.
    out : path
        Table of kind ``closing``: a row for each baseline, student, explainer and metric, and one
        without an explainer for the answers. P-values are also adjusted (Holm 1979) for the students
        and explainers that one baseline and metric are tested with.
    baselines, controls : sequences of str
        Names of students, and of explainers that know nothing of the output.
    **settings
        See `distillens.evaluation.inputs.Settings`.
    """
    s = Settings(**settings)
    gates = gates_of(performance, s)
    rows = list(_of_answers(test, predictions, baselines, gates, s))
    for family in families(explanations, s):
        if family.explainer not in controls:
            rows += _of_family(family, baselines, gates, s)
    s.write(out, "closing", _adjusted(rows), [test, *predictions, performance, *explanations])


def _of_answers(
    test: FilePath,
    paths: Sequence[FilePath],
    baselines: Sequence[str],
    gates: Mapping[Run, bool],
    s: Settings,
) -> Iterator[dict[str, Any]]:
    truth = labels(test, s)
    answers = {
        run: Predictions(path, s).of("none", [0], truth.index)[0]
        for run, path in by_identity(paths, s).items()
    }
    for student, baseline in _compared(baselines, s):
        sides = [
            [run for run in usable(_runs(model, s), gates) if run in answers] for model in (student, baseline)
        ]
        if all(sides):
            values = [np.stack([_right(answers[run], truth, s) for run in side]) for side in sides]
            found = gap_closed.close(*values, confidence=s.metrics["confidence"])
            what = {"explainer": None, "metric": SCORES[s.task_settings["type"]], "k": None}
            yield _named(student, baseline, gates, s) | what | found


def _right(logits: np.ndarray, truth: pd.Series, s: Settings) -> np.ndarray:
    """Whether each answer is right; of a score the squared error, negative, so that more is better."""
    if s.n_classes:
        return (logits.argmax(axis=-1) == truth.to_numpy()).astype(float)
    return -((logits[:, 0] - truth.to_numpy()) ** 2)


def _of_family(
    family: Family, baselines: Sequence[str], gates: Mapping[Run, bool], s: Settings
) -> Iterator[dict[str, Any]]:
    metrics = agreement.grid(s.metrics["overlap_k"])
    teachers = teachers_agreement(family, metrics, gates)
    students = {
        student: np.stack(
            [
                agreement.agreements(*family.together(run, family.first), metrics)
                for run in usable(runs, gates)
            ]
        )
        for student, runs in family.by_student.items()
    }
    for student, baseline in _compared(baselines, s):
        if baseline not in students:
            continue
        for i, (metric, k) in enumerate(metrics):
            found = gap_closed.close(
                students[student][:, i], students[baseline][:, i], teachers[:, :, i], s.metrics["confidence"]
            )
            named = {"explainer": family.explainer, "metric": metric, "k": k}
            yield _named(student, baseline, gates, s) | named | found


def _compared(baselines: Sequence[str], s: Settings) -> Iterator[tuple[str, str]]:
    """Each baseline with the other students of its teacher."""
    for student, baseline in itertools.product(s.teachers, baselines):
        if student != baseline and s.teachers[student] == s.teachers[baseline]:
            yield student, baseline


def _runs(model: str, s: Settings) -> list[Run]:
    return [(model, seed) for seed in s.seeds[model]]


def _named(student: str, baseline: str, gates: Mapping[Run, bool], s: Settings) -> dict[str, Any]:
    unusable = [all(gates[run] for run in _runs(model, s)) for model in (student, baseline)]
    return {
        "student": student,
        "baseline": baseline,
        "teacher": s.teachers[student],
        "gated": any(unusable) or gates[s.reference(student)],
    }


def _adjusted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    families: dict[tuple, list[dict[str, Any]]] = {}
    for row in rows:
        row["p_adjusted"] = np.nan
        if not row["gated"]:
            families.setdefault(tuple(row[key] for key in _FAMILY), []).append(row)
    for family in families.values():
        for row, p in zip(family, holm([row["p_value"] for row in family]), strict=True):
            row["p_adjusted"] = float(p)
    return rows
