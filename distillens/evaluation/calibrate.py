"""From the explanations of a task to its calibrated agreement; from all tasks to the study's verdicts."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from distillens import provenance, tables
from distillens.evaluation.inputs import FilePath, Run, Settings, by_identity, null_for_nan
from distillens.evaluation.teacher_groups import Attributions, Family, families
from distillens.metrics import agreement, calibration, verdict


def calibrate(
    performance: FilePath,
    explanations: Sequence[FilePath],
    again: Sequence[FilePath],
    *,
    out: FilePath,
    **settings: Any,
) -> None:
    """Put each student's agreement with its teacher between chance and what the teacher's seeds reach.

    Parameters
    ----------
    performance : path
        Scores of the task: runs that are no better than a constant do not count.
    explanations, again : sequences of paths
        Explanations of all runs, and of each teacher's first seed by a second run of each explainer.
    out : path
        Table of kind ``calibration``: a row for each student, explainer and metric.
    **settings
        See `distillens.evaluation.inputs.Settings`.
    """
    s = Settings(**settings)
    gates = gates_of(performance, s)
    repeated = by_identity(again, s, "explainer")
    metrics = agreement.grid(s.metrics["overlap_k"])
    rows = []
    for family in families(explanations, s):
        second = repeated.get((*family.first, family.explainer))
        # What was explained elsewhere cannot be explained again.
        if second is None and not _from_elsewhere(family.reference.path):
            raise tables.TableError(
                f"task {s.task!r}: no second explanations of {family.first} by {family.explainer!r}; "
                "add the file"
            )
        rows += _of_family(family, second and Attributions.read(second), metrics, gates, s)
    s.write(out, "calibration", rows, [performance, *explanations, *again])


def _from_elsewhere(path: FilePath) -> bool:
    return "form" in tables.provenance(path).get("settings", {})


def _of_family(
    family: Family,
    second: Attributions | None,
    metrics: Sequence[tuple[str, int | None]],
    gates: Mapping[Run, bool],
    s: Settings,
) -> Iterator[dict[str, Any]]:
    first = family.values[family.first]
    teachers = teachers_agreement(family, metrics, gates)
    again = None
    if second is not None:
        again = agreement.agreements(second.towards(family.reference), first, metrics)
    for student, runs in family.by_student.items():
        compared = [family.together(run, family.first) for run in usable(runs, gates)]
        agreed = np.stack([agreement.agreements(*pair, metrics) for pair in compared])
        chance = np.stack([agreement.chances(*pair, metrics) for pair in compared])
        for i, (metric, k) in enumerate(metrics):
            row = calibration.calibrate(
                agreed[:, i],
                teachers[:, :, i],
                chance[:, i],
                None if again is None else again[i],
                s.metrics["confidence"],
                s.metrics["tolerance"],
            )
            yield {
                "student": student,
                "teacher": family.first[0],
                "explainer": family.explainer,
                "metric": metric,
                "k": k,
                **row,
                "gated": all(gates[run] for run in runs) or gates[family.first],
            }


def usable(runs: Sequence[Run], gates: Mapping[Run, bool]) -> Sequence[Run]:
    """The runs that learnt something; all of them where none did, and what is said of them is gated."""
    return [run for run in runs if not gates[run]] or runs


def teachers_agreement(
    family: Family, metrics: Sequence[tuple[str, int | None]], gates: Mapping[Run, bool]
) -> np.ndarray:
    """Agreement of each two seeds of a teacher, the first one first.

    A seed that failed to train is left out: it says nothing about how alike good ones are.

    Returns
    -------
    array, shape (seeds, seeds, metrics, examples)
        NaN on the diagonal.
    """
    seeds = [run for run in family.teachers if run == family.first or not gates[run]]
    found = np.full((len(seeds), len(seeds), len(metrics), len(family.ids)), np.nan)
    for i, j in itertools.combinations(range(len(seeds)), 2):
        found[i, j] = found[j, i] = agreement.agreements(*family.together(seeds[j], seeds[i]), metrics)
    return found


def judge(
    calibrations: Sequence[FilePath],
    *,
    out: FilePath,
    confidence: float,
    tolerance: float,
    controls: Sequence[str],
) -> None:
    """Write the study's table of kind ``drift``: the calibrated agreement of all tasks, with verdicts."""
    rows = [row for path in calibrations for row in tables.read(path, "calibration").to_pylist()]
    numbers = [f.name for f in tables.SCHEMAS["calibration"] if str(f.type) == "double"]
    known = [row | {name: np.nan for name in numbers if row[name] is None} for row in rows]
    judged = verdict.judge(known, confidence, tolerance, controls)
    settings = {"confidence": confidence, "tolerance": tolerance, "controls": list(controls)}
    source = settings | {
        "inputs": provenance.digest(*calibrations),
        "versions": provenance.versions("numpy", "scipy"),
    }
    tables.write(out, "drift", ({k: null_for_nan(v) for k, v in row.items()} for row in judged), source)


def gates_of(path: FilePath, settings: Settings) -> dict[Run, bool]:
    """Whether each run is no better than a constant, from the table of performance."""
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
            if run not in low and model in settings.told:
                gates[run] = True  # never asked, so not shown to be better than a constant
                continue
            if run not in low:
                raise tables.TableError(
                    f"{path}: no {settings.lead!r} of {run[0]!r}, seed {run[1]}; run score_performance again"
                )
            gates[run] = calibration.gated(low[run], majority[0])
    return gates
