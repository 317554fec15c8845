"""From the explanations of a task to its table of agreement.

Within one explainer, on the same words, the attributions to one class are compared: the one
that most runs of the teacher predict (a regression has one output). A student's run is shown beside the
teacher's run that it belongs to, or its lowest seed; verdicts go by all pairs
(`distillens.evaluation.calibrate`).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from distillens import tables
from distillens.evaluation.inputs import FilePath, Settings, TextGroups, by_identity
from distillens.evaluation.rows import block, pair, write_scores
from distillens.evaluation.teacher_groups import (
    Attributions,
    TeacherGroup,
    aligned,
    on_common_texts,
    on_common_words,
    teacher_groups,
)
from distillens.joblog import tracked
from distillens.metrics import agreement, projection
from distillens.metrics.statistics import summaries

Array = NDArray[np.float64]


def score_agreement(
    explained: FilePath, explanations: Sequence[FilePath], *, settings: Settings, out: FilePath
) -> None:
    """Agreement of each two models, of each two seeds of a teacher, and of each two explainers of a run.

    Runs are compared by one explainer, towards the class that the teacher predicts: every
    student with its teacher, and the first runs of students with each other. Explainers
    are compared within a run, towards the class that it predicts itself. Projections of
    all runs (see `distillens.metrics.projection`) stand in the same table.
    """
    metrics, texts = agreement.grid(settings.metrics["overlap_k"]), TextGroups(explained)
    blocks = [tables.SCHEMAS["scores"].empty_table()]
    for group in teacher_groups(explanations, settings):
        pairs = [(student, group.references[student][0]) for student in group.students]
        pairs += [(later, earlier) for earlier, later in itertools.combinations(group.models[1:], 2)]
        pairs += [(later, earlier) for earlier, later in itertools.combinations(group.teachers, 2)]
        for run, against in pairs:
            where = {
                **pair(run, against),
                "explainer": group.explainer,
            }
            values, counted = group.aligned(run, against), group.counting([run], [against])
            compared = _Compared(*values, group.ids, counted)
            blocks += _rows(compared, metrics, where, settings, texts, by_example=True)
        blocks += _projected(group, settings)
    blocks += _explainers(explanations, metrics, settings, texts)
    write_scores(out, "scores", pa.concat_tables(blocks), settings, [explained, *explanations])


class _Compared(NamedTuple):
    """Two attributions of each text, and which texts count (`TeacherGroup.counting`)."""

    a: Sequence[Array]
    b: Sequence[Array]
    ids: Sequence[str]
    counted: NDArray[np.bool_]


def _rows(
    compared: _Compared,
    metrics: Sequence[tuple[str, int | None]],
    where: Mapping[str, Any],
    s: Settings,
    texts: TextGroups,
    *,
    by_example: bool,
) -> Iterator[pa.Table]:
    """Rows of one pair: every metric over all examples, with what chance would give, and by example."""
    where, (a, b, ids, counted) = {"task": s.task, **where}, compared
    scores = agreement.agreements(a, b, metrics)
    scores[:, ~counted] = np.nan
    own, drawn = scores[:, counted], texts.of(ids)[counted]
    summary = summaries(own, s.resampling("agreement", *where.values()), groups=drawn)
    levels = [
        np.nan if np.isnan(values).all() else np.mean(chance[~np.isnan(values)])
        for chance, values in zip(agreement.chances(a, b, metrics), scores, strict=True)
    ]
    names, ks = zip(*metrics, strict=True)
    yield block(len(metrics), where, metric=names, k=ks, chance=levels, **summary._asdict())
    if by_example:
        for (metric, k), values in zip(metrics, scores, strict=True):
            yield block(len(values), {**where, "metric": metric, "k": k}, example_id=ids, value=values)


def _projected(group: TeacherGroup, s: Settings) -> Iterator[pa.Table]:
    runs = [*group.teachers, *group.students]
    counted = group.counting(*([run] for run in runs))
    ids = [name for name, counts in zip(group.ids, counted, strict=True) if counts]
    if not ids:
        return
    aligned_runs = group.aligned(*runs)
    points, clouds = projection.project(
        [[row for row, counts in zip(of_run, counted, strict=True) if counts] for of_run in aligned_runs]
    )
    for (model, seed), point, cloud in zip(runs, points, clouds, strict=True):
        for axis in range(projection.DIMENSIONS):
            where = {"task": s.task, "model": model, "seed": seed, "explainer": group.explainer}
            where["metric"] = f"projection_{axis + 1}"
            defined = int((~np.isnan(cloud[:, axis])).sum())
            count = {"n": [defined], "n_undefined": [len(cloud) - defined]}
            yield block(1, where, value=[point[axis]], **count)
            yield block(len(cloud), where, example_id=ids, value=cloud[:, axis])


def _explainers(
    paths: Sequence[FilePath],
    metrics: Sequence[tuple[str, int | None]],
    s: Settings,
    texts: TextGroups,
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
            both = on_common_words(on_common_texts({one: read[one] for one in (first, second)}))
            reference = both[first]
            values = both[second].towards(reference), reference.towards(reference)
            pair = aligned(values, (both[second].missing, reference.missing))
            where = {"model": model, "seed": seed, "explainer": first, "against_explainer": second}
            names = list(reference.words)
            counted = np.ones(len(names), dtype=bool)
            if s.labels_together > 1:  # the run says yes, whose reasons are compared
                counted = np.array([reference.predicted[name] == 1 for name in names], dtype=bool)
            compared = _Compared(*pair, names, counted)
            yield from _rows(compared, metrics, where, s, texts, by_example=False)
