"""From the explanations of a task to its tables of agreement and drift.

Both tables compare within one explainer, on the same words, the attributions to one
class: the one that the first seed of the teacher predicts (a regression has one output).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from distillens import tables
from distillens.families import Attributions, Family, block, families, on_common_words, together
from distillens.metrics import agreement, calibration, projection
from distillens.metrics.statistics import summaries
from distillens.runlog import tracked
from distillens.scoring_inputs import FilePath, Run, Settings, by_identity

Array = NDArray[np.float64]


def score_agreement(explanations: Sequence[FilePath], *, out: FilePath, **settings: Any) -> None:
    """Agreement of each two models, of each two seeds of a teacher, and of each two explainers of a run.

    Runs are compared by one explainer, towards the class that the teacher predicts: every
    student with its teacher, and the first runs of students with each other. Explainers
    are compared within a run, towards the class that it predicts itself. Projections of
    all runs (see `distillens.metrics.projection`) stand in the same table.
    """
    s = Settings(**settings)
    metrics = agreement.grid(s.metrics["overlap_k"])
    blocks = [tables.SCHEMAS["scores"].empty_table()]
    for family in families(explanations, s):
        pairs = [(student, family.first) for student in family.students]
        pairs += [(later, earlier) for earlier, later in itertools.combinations(family.models[1:], 2)]
        pairs += [(later, earlier) for earlier, later in itertools.combinations(family.teachers, 2)]
        for run, against in pairs:
            where = {
                **dict(zip(("model", "seed", "against", "against_seed"), (*run, *against), strict=True)),
                "explainer": family.explainer,
            }
            compared = family.together(run, against)
            blocks += _compared(*compared, family.ids, metrics, where, s, by_example=True)
        blocks += _projected(family, s)
    blocks += _explainers(explanations, metrics, s)
    s.write(out, "scores", pa.concat_tables(blocks), explanations)


def _compared(
    a: Sequence[Array],
    b: Sequence[Array],
    ids: Sequence[str],
    metrics: Sequence[tuple[str, int | None]],
    where: Mapping[str, Any],
    s: Settings,
    by_example: bool,
) -> Iterator[pa.Table]:
    """Rows of one pair: every metric over all examples, with what chance would give, and by example."""
    where = {"task": s.task, **where}
    scores = agreement.agreements(a, b, metrics)
    summary = summaries(scores, s.resampling("agreement", *where.values()))
    by_chance = [(metric, k) for metric, k in metrics if metric in agreement.CHANCE]
    chance = dict(zip(by_chance, agreement.chances(a, b, by_chance), strict=True))
    levels = [
        np.mean(chance[what][~np.isnan(values)]) if what in chance and not np.isnan(values).all() else np.nan
        for what, values in zip(metrics, scores, strict=True)
    ]
    names, ks = zip(*metrics, strict=True)
    yield block(len(metrics), where, metric=names, k=ks, chance=levels, **summary._asdict())
    if by_example:
        for (metric, k), values in zip(metrics, scores, strict=True):
            yield block(len(values), {**where, "metric": metric, "k": k}, example_id=ids, value=values)


def _projected(family: Family, s: Settings) -> Iterator[pa.Table]:
    runs = [*family.teachers, *family.students]
    points, clouds = projection.project(family.together(*runs))
    for (model, seed), point, cloud in zip(runs, points, clouds, strict=True):
        for axis in range(projection.DIMENSIONS):
            where = {"task": s.task, "model": model, "seed": seed, "explainer": family.explainer}
            where["metric"] = f"projection_{axis + 1}"
            known = int((~np.isnan(cloud[:, axis])).sum())
            count = {"n": [known], "n_undefined": [len(cloud) - known]}
            yield block(1, where, value=[point[axis]], **count)
            yield block(len(cloud), where, example_id=family.ids, value=cloud[:, axis])


def _explainers(
    paths: Sequence[FilePath], metrics: Sequence[tuple[str, int | None]], s: Settings
) -> Iterator[pa.Table]:
    """Rows of each pair of explainers of each run."""
    files = by_identity(paths, s, "explainer")
    runs = dict.fromkeys(identity[:2] for identity in files)
    for model, seed in tracked(runs, "compare explainers", "run"):
        read = {
            explainer: Attributions.read(path)
            for (*run, explainer), path in files.items()
            if run == [model, seed]
        }
        for first, second in itertools.combinations(read, 2):
            both = on_common_words({one: read[one] for one in (first, second)})
            reference = both[first]
            values = both[second].towards(reference), reference.towards(reference)
            pair = together(values, (both[second].missing, reference.missing))
            where = {"model": model, "seed": seed, "explainer": first, "against_explainer": second}
            yield from _compared(*pair, list(reference.words), metrics, where, s, by_example=False)


def score_drift(
    performance: FilePath, explanations: Sequence[FilePath], *, out: FilePath, **settings: Any
) -> None:
    """How far each student has drifted from its teacher, calibrated by the teacher's seeds."""
    s = Settings(**settings)
    gates = _gates(performance, s)
    metrics = [
        ("cosine", None),
        (calibration.HEADLINE, None),
        *(("overlap", k) for k in s.metrics["overlap_k"]),
    ]
    found = []
    for family in families(explanations, s):
        # A seed that failed to train says nothing about how alike good ones are.
        trusted = [run for run in family.teachers if run == family.first or not gates[run]]
        seeds = np.array(
            [
                agreement.agreements(*family.together(b, a), metrics)
                for a, b in itertools.combinations(trusted, 2)
            ]
        ).reshape(-1, len(metrics), len(family.ids))
        for student in family.students:
            own, first = family.together(student, family.first)
            agreed = agreement.agreements(own, first, metrics)
            chance = agreement.chances(own, first, metrics)
            for i, (metric, k) in enumerate(metrics):
                row = {
                    **dict(zip(("model", "seed"), student, strict=True)),
                    "teacher": family.first[0],
                    "explainer": family.explainer,
                    "metric": metric,
                    "k": k,
                    "n_teacher_seeds": len(trusted),
                }
                found.append((row, gates[student] or gates[family.first], agreed[i], seeds[:, i], chance[i]))
    flips = calibration.permutations_for(len(found), s.metrics["confidence"])
    rows = []
    for row, _, agreed, seeds, chance in tracked(found, "calibrate", "row"):
        resampling = s.resampling(
            "drift", row["explainer"], row["model"], row["seed"], row["metric"], row["k"]
        )
        rows.append(row | calibration.calibrate(agreed, seeds, chance, resampling, flips))
    judged = calibration.judge(rows, [gate for _, gate, *_ in found], s.metrics["confidence"])
    s.write(out, "drift", judged, [performance, *explanations])


def _gates(path: FilePath, settings: Settings) -> dict[Run, bool]:
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
