"""Texts before and after a perturbation, and how much their explanations differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from distillens import tables
from distillens.datasets.reading import DataError
from distillens.metrics.stability import METRICS, aligned, stability
from distillens.metrics.statistics import summaries
from distillens.outputs import towards
from distillens.provenance import digest
from distillens.runlog import tracked
from distillens.scoring_inputs import FilePath, Run, Settings, by_identity
from distillens.text import Example, draw, examples, seed_of, segments

_SEPARATOR = "::"

Stable = dict[tuple[str, str], np.ndarray]
"""From (example, perturbation) to one value of each metric."""


def select_perturbed(
    test: FilePath,
    perturbed: Sequence[FilePath],
    *,
    out: FilePath,
    name: str,
    count: int,
    max_words: int | None,
    seed: int,
) -> None:
    """Write texts as they were and after each perturbation's first fold, as examples of one table.

    The id of an original ends in ``::``, that of a copy in ``::PERTURBATION``.

    Raises
    ------
    DataError
        If fewer than ``count`` of the perturbed texts have at most ``max_words`` words.
    """
    originals = {example.example_id: example for example in examples(tables.read(test, "examples"))}
    copies = {
        tables.provenance(path)["perturbation"]: _first_fold(path) for path in sorted(map(str, perturbed))
    }
    known = set.intersection(*(set(of) for of in copies.values())) if copies else set()
    short = [i for i in sorted(known) if len(originals[i].words) <= (max_words or len(originals[i].words))]
    if len(short) < count:
        raise DataError(
            f"stability.examples: asks for {count} texts, but of the perturbed ones of {name!r} "
            f"{len(short)} are short enough; lower it, or raise the task's perturb.examples"
        )
    rows = []
    for example_id in draw(short, seed_of(seed, name, "stability"))[:count]:
        example = originals[example_id]
        rows.append(_row(example, example.texts, ""))
        rows += [_row(example, copies[perturbation][example_id], perturbation) for perturbation in copies]
    source = {"task": name, "test_sha256": digest(test), "perturbed": digest(*perturbed), "seed": seed}
    tables.write(out, "examples", rows, source | {"count": count, "max_words": max_words})


def _first_fold(path: str) -> dict[str, tuple[str, ...]]:
    return {
        row["example_id"]: segments(row["text_a"], row["text_b"])
        for row in tables.read(path, "perturbed").to_pylist()
        if row["fold"] == 0 and row["changed"]
    }


def _row(example: Example, texts: tuple[str, ...], perturbation: str) -> dict[str, Any]:
    return {
        "example_id": f"{example.example_id}{_SEPARATOR}{perturbation}",
        "text_a": texts[0],
        "text_b": texts[1] if len(texts) > 1 else None,
        "label": example.label,
        "label_name": example.label_name,
    }


def score_stability(explanations: Sequence[FilePath], *, out: FilePath, **settings: Any) -> None:
    """Score how alike each run explains a text before and after each perturbation.

    ``stability_spearman`` and ``stability_cosine`` are means over texts; a student's ``_gap`` is
    its stability minus its teacher's on the same texts. The class is the one that the run
    predicts for the unchanged text. Without explanations the table is empty.
    """
    s = Settings(**settings)
    files = by_identity(explanations, s, "explainer")
    found: dict[tuple[Run, str], Stable] = {}
    for (model, seed, explainer), path in tracked(files.items(), "stability", "file"):
        found[(model, seed), explainer] = _of_file(path)
    rows = []
    for (run, explainer), stable in found.items():
        teacher = s.reference(run[0])
        against = None if teacher is None else found.get((teacher, explainer))
        if teacher is not None and against is None:
            raise tables.TableError(f"no explanations of {teacher}, the teacher of {run[0]!r}; add the file")
        rows += _rows(run, explainer, stable, teacher, against, s)
    s.write(out, "scores", rows, explanations)


def _of_file(path: FilePath) -> Stable:
    explained = {
        tuple(row["example_id"].rsplit(_SEPARATOR, 1)): row
        for row in tables.read(path, "explanations").to_pylist()
    }
    stable: Stable = {}
    for (example_id, perturbation), row in explained.items():
        if not perturbation:
            continue
        before = explained[example_id, ""]
        said = int(np.argmax(before["logits"]))
        pairs = aligned(before["words"], row["words"])
        values = [
            towards(np.array(one["values"], dtype=np.float64).reshape(len(one["words"]), -1), said)
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
    teacher: Run | None,
    against: Mapping[tuple[str, str], np.ndarray] | None,
    s: Settings,
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
        resampling = s.resampling("stability", perturbation, explainer, *run)
        summary = summaries(np.array(list(columns.values())), resampling)
        for metric, *numbers in zip(columns, *summary, strict=True):
            where = {"model": run[0], "seed": run[1], "explainer": explainer, "perturbation": perturbation}
            if metric.endswith("_gap"):
                where |= dict(zip(("against", "against_seed"), teacher, strict=True))
            numbers = dict(zip(summary._fields, (number.item() for number in numbers), strict=True))
            yield {**where, "metric": metric, **numbers}
