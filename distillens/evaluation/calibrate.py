"""From the explanations of a task to its calibrated agreement."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from distillens import tables
from distillens.evaluation.inputs import FilePath, Run, Settings, by_identity
from distillens.evaluation.rows import write_scores
from distillens.evaluation.teacher_groups import Attributions, TeacherGroup, teacher_groups
from distillens.metrics import agreement, calibration


def calibrate(
    performance: FilePath,
    explanations: Sequence[FilePath],
    again: Sequence[FilePath],
    *,
    settings: Settings,
    out: FilePath,
) -> None:
    """Put each student's agreement with its teacher between chance and what the teacher's seeds reach.

    Parameters
    ----------
    performance : path
        Scores of the task: runs that are no better than a constant do not count.
    explanations, again : sequences of paths
        Explanations of all runs, and of each teacher's first seed by a second run of each explainer.
    settings : Settings
    out : path
        Table of kind ``calibration``: a row for each student, explainer and metric.

    Raises
    ------
    TableError
        If a teacher's first seed has no second explanations.
    """
    gates = gates_of(performance, settings)
    repeated = by_identity(again, settings, "explainer")
    metrics = agreement.grid(settings.metrics["overlap_k"])
    rows = []
    for group in teacher_groups(explanations, settings):
        second = repeated.get((*group.first, group.explainer))
        # What was explained elsewhere cannot be explained again.
        if second is None and not _from_elsewhere(group.reference.path):
            raise tables.TableError(
                f"task {settings.task!r}: no second explanations of {group.first} by {group.explainer!r}; "
                "add the file"
            )
        rows += _of_group(group, second and Attributions.read(second), metrics, gates, settings)
    write_scores(out, "calibration", rows, settings, [performance, *explanations, *again])


def _from_elsewhere(path: FilePath) -> bool:
    return "form" in tables.provenance(path).get("settings", {})


def _of_group(
    group: TeacherGroup,
    second: Attributions | None,
    metrics: Sequence[tuple[str, int | None]],
    gates: Mapping[Run, bool],
    s: Settings,
) -> Iterator[dict[str, Any]]:
    first = group.values[group.first]
    teachers = teachers_agreement(group, metrics, gates)
    again = None
    if second is not None:
        again = agreement.agreements(second.towards(group.reference), first, metrics)
    for student, runs in group.by_student.items():
        compared = [group.aligned(run, group.first) for run in usable(runs, gates)]
        agreed = np.stack([agreement.agreements(*pair, metrics) for pair in compared])
        chance = np.stack([agreement.chances(*pair, metrics) for pair in compared])
        for i, (metric, k) in enumerate(metrics):
            row = calibration.calibrate(
                agreed[:, i],
                teachers[:, :, i],
                chance[:, i],
                None if again is None else again[i],
                s.metrics["confidence_level"],
                s.metrics["tolerance"],
            )
            yield {
                "student": student,
                "teacher": group.first[0],
                "explainer": group.explainer,
                "metric": metric,
                "k": k,
                **row,
                "gated": all(gates[run] for run in runs) or gates[group.first],
            }


def usable(runs: Sequence[Run], gates: Mapping[Run, bool]) -> Sequence[Run]:
    """The runs that learnt something; all of them where none did, and what is said of them is gated.

    Examples
    --------
    >>> usable([("student", 1), ("student", 2)], {("student", 1): True, ("student", 2): False})
    [('student', 2)]
    """
    return [run for run in runs if not gates[run]] or runs


def teachers_agreement(
    group: TeacherGroup, metrics: Sequence[tuple[str, int | None]], gates: Mapping[Run, bool]
) -> np.ndarray:
    """Agreement of each two seeds of a teacher, the first one first.

    A seed that failed to train is left out: it says nothing about how alike good ones are.

    Returns
    -------
    array, shape (seeds, seeds, metrics, examples)
        NaN on the diagonal.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> alike = lambda *runs: [[np.array([0.1, 0.7, 0.2])] for _ in runs]
    >>> first, second = ("teacher", 1), ("teacher", 2)
    >>> group = Fake(teachers=[first, second], first=first, ids=["a"], aligned=alike)
    >>> teachers_agreement(group, [("spearman", None)], {second: False}).round(3)[..., 0, 0].tolist()
    [[nan, 1.0], [1.0, nan]]
    """
    seeds = [run for run in group.teachers if run == group.first or not gates[run]]
    between = np.full((len(seeds), len(seeds), len(metrics), len(group.ids)), np.nan)
    for i, j in itertools.combinations(range(len(seeds)), 2):
        between[i, j] = between[j, i] = agreement.agreements(*group.aligned(seeds[j], seeds[i]), metrics)
    return between


def gates_of(path: FilePath, settings: Settings) -> dict[Run, bool]:
    """Whether each run is no better than a constant, from the table of performance.

    Raises
    ------
    TableError
        If the table lacks a run, or the score of the constant answer.
    """
    rows = tables.read(path, "scores").to_pylist()
    majority = [row["value"] for row in rows if row["metric"] == "majority" and row["task"] == settings.task]
    if len(majority) != 1:
        raise tables.TableError(
            f"{path}: {len(majority)} rows 'majority' of task {settings.task!r} instead of one; "
            "give what score_performance wrote for this task"
        )
    low = {
        (row["model"], row["seed"]): np.nan if row["low"] is None else row["low"]
        for row in rows
        if row["metric"] == settings.lead and row["model"] is not None
    }
    gates = {}
    for model, seeds in settings.seeds.items():
        for run in [(model, seed) for seed in seeds]:
            if run not in low and model in settings.attributions_only:
                gates[run] = True  # never asked, so not shown to be better than a constant
                continue
            if run not in low:
                raise tables.TableError(
                    f"{path}: no {settings.lead!r} of {run[0]!r}, seed {run[1]}; run score_performance again"
                )
            gates[run] = calibration.gated(low[run], majority[0])
    return gates
