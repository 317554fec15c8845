"""Texts before and after a perturbation, and how much their explanations differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from distillens import tables
from distillens.evaluation.inputs import FilePath, Run, Settings, TextGroups, by_identity
from distillens.evaluation.rows import versus, write_scores
from distillens.joblog import tracked
from distillens.metrics.explained_output import towards
from distillens.metrics.stability import METRICS, aligned, stability
from distillens.metrics.statistics import summaries
from distillens.perturbations.select_perturbed import SEPARATOR

Stable = dict[tuple[str, str], np.ndarray]

"""From (example, perturbation) to one value of each metric."""


def score_stability(
    test: FilePath, explanations: Sequence[FilePath], *, settings: Settings, out: FilePath
) -> None:
    """Score how alike each run explains a text before and after each perturbation.

    ``stability_spearman`` and ``stability_cosine`` are means over texts; a student's ``_gap`` is
    its stability minus its teacher's on the same texts. The class is the one that the run
    predicts for the unchanged text. Without explanations the table is empty.

    Raises
    ------
    TableError
        If there are no explanations of a student's teacher.
    """
    files = by_identity(explanations, settings, "explainer")
    by_run: dict[tuple[Run, str], Stable] = {}
    for (model, seed, explainer), path in tracked(files.items(), "stability", "file"):
        by_run[(model, seed), explainer] = _of_file(path)
    rows, texts = [], TextGroups(test)
    for (run, explainer), stable in by_run.items():
        teacher = settings.reference(*run)
        against = None if teacher is None else by_run.get((teacher, explainer))
        if teacher is not None and against is None:
            raise tables.TableError(f"no explanations of {teacher}, the teacher of {run[0]!r}; add the file")
        if against is not None and (missing := sorted(stable.keys() - against.keys())):
            raise tables.TableError(
                f"the explanations of {teacher} by {explainer} lack {SEPARATOR.join(missing[0])!r}, "
                f"which those of {run} have; delete them and run again"
            )
        rows += _rows(run, explainer, stable, against, settings, texts)
    write_scores(out, "scores", rows, settings, [test, *explanations])


def _of_file(path: FilePath) -> Stable:
    explained = {
        tuple(row["example_id"].rsplit(SEPARATOR, 1)): row
        for row in tables.read(path, "explanations").to_pylist()
    }
    stable: Stable = {}
    for (example_id, perturbation), row in explained.items():
        if not perturbation:
            continue
        before = explained.get((example_id, ""))
        if before is None:
            raise tables.TableError(
                f"{path}: no text {example_id!r} as it was; delete the file and run again"
            )
        target = int(np.argmax(before["logits"]))
        pairs = aligned(before["words"], row["words"])
        values = [
            towards(np.array(one["values"], dtype=np.float64).reshape(len(one["words"]), -1), target)
            if one["words"]
            else np.empty(0)
            for one in (before, row)
        ]
        stable[example_id, perturbation] = stability(*values, pairs)
    return stable


def _rows(
    run: Run,
    explainer: str,
    stable: Stable,
    against: Mapping[tuple[str, str], np.ndarray] | None,
    s: Settings,
    texts: TextGroups,
) -> Iterator[dict[str, Any]]:
    for perturbation in sorted({perturbation for _, perturbation in stable}):
        keys = sorted(key for key in stable if key[1] == perturbation)
        own = np.array([stable[key] for key in keys]).T
        columns = {f"stability_{metric}": values for metric, values in zip(METRICS, own, strict=True)}
        if against is not None:
            theirs = np.array([against[key] for key in keys]).T
            columns |= {
                f"stability_{metric}_gap": values
                for metric, values in zip(METRICS, own - theirs, strict=True)
            }
        drawn = texts.of(name for name, _ in keys)
        resampling = s.resampling("stability", perturbation, explainer, *run)
        summary = summaries(np.array(list(columns.values())), resampling, groups=drawn)
        for metric, *numbers in zip(columns, *summary, strict=True):
            where = {"model": run[0], "seed": run[1], "explainer": explainer, "perturbation": perturbation}
            if metric.endswith("_gap"):
                where |= versus(s.reference(*run))
            numbers = dict(zip(summary._fields, (number.item() for number in numbers), strict=True))
            yield {**where, "metric": metric, **numbers}
