"""Agreement and direction of explanations, split by which models classify a text right."""

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from distillens import tables
from distillens.evaluation.inputs import FilePath, Run, Settings, TextGroups, labels
from distillens.evaluation.rows import block, pair, versus, write_scores
from distillens.evaluation.teacher_groups import TeacherGroup, teacher_groups
from distillens.metrics import agreement
from distillens.metrics.buckets import buckets, pairwise
from distillens.metrics.statistics import summaries


def score_buckets(
    explained: FilePath, explanations: Sequence[FilePath], *, settings: Settings, out: FilePath
) -> None:
    """Score each bucket of texts: its size, and how alike each two models' attributions are in it.

    Students and teachers also by how their answers stand to each other.

    Models are a teacher's first seed and its students' first seeds, as far as their predictions
    are known. A regression has no right or wrong, so no buckets; nor has a task without labels.
    """
    blocks = [tables.SCHEMAS["scores"].empty_table()]
    if settings.n_classes and settings.labelled:
        truth = labels(explained, settings)
        drawn = TextGroups(explained)
        groups = [one for one in teacher_groups(explanations, settings) if len(_with_predictions(one)) > 1]
        # Sizes are of all texts; explainers may have fewer.
        largest = {one.first: one for one in sorted(groups, key=lambda one: len(one.ids))}
        for group in groups:
            texts, sizes = drawn.of(group.ids), group is largest[group.first]
            blocks += _of_group(group, truth[group.ids].to_numpy(), texts, settings, with_sizes=sizes)
    write_scores(out, "scores", pa.concat_tables(blocks), settings, [explained, *explanations])


def _of_group(
    group: TeacherGroup, truth: np.ndarray, texts: np.ndarray, s: Settings, with_sizes: bool
) -> list[pa.Table]:
    runs = _with_predictions(group)
    right = {model: np.array(group.predicted[model, seed]) == truth for model, seed in runs}
    metrics = [m for m in agreement.grid(s.metrics["overlap_k"]) if agreement.METRICS[m[0]].in_buckets]
    names, ks = zip(*metrics, strict=True)
    sets = buckets(right)
    blocks = []
    if with_sizes:
        sizes = [int(flags.sum()) for flags in sets.values()]
        where = {"task": s.task, "metric": "size"}
        where |= versus(group.first)
        blocks.append(block(len(sets), where, subset=list(sets), value=sizes, n=[len(truth)] * len(sets)))
    for run, against in itertools.combinations(runs, 2):
        # The teacher, or who comes first, is what another is compared with.
        run, against = against, run
        scores = agreement.agreements(*group.aligned(run, against), metrics)
        of_pair = {}
        if against == group.first:
            own, theirs = (np.array(group.predicted[one]) for one in (run, against))
            of_pair = pairwise(right[run[0]], right[against[0]], own == theirs)
        counted = group.counting([run], [against])
        for name, whole in {**sets, **of_pair}.items():
            flags = whole & counted
            resampling = s.resampling("buckets", group.explainer, *run, *against, name)
            summary = summaries(scores[:, flags], resampling, groups=texts[flags])
            where = {
                "task": s.task,
                "subset": name,
                **pair(run, against),
                "explainer": group.explainer,
            }
            blocks.append(block(len(metrics), where, metric=names, k=ks, **summary._asdict()))
    return blocks


def _with_predictions(group: TeacherGroup) -> list[Run]:
    """The models whose predictions are known; with attributions from elsewhere they need not be."""
    return [run for run in group.models if None not in group.predicted[run]]
