"""From the predictions of a task to its table of performance.

Which model, seed and explainer a file is about is read from its provenance, never from its name.
A row without an ``example_id`` is an aggregate: ``n`` examples count in it, ``n_undefined`` do not.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distillens import tables
from distillens.evaluation.inputs import (
    FilePath,
    Predictions,
    Run,
    Settings,
    TextGroups,
    by_identity,
    labels,
    logits_of,
)
from distillens.evaluation.rows import aggregate, versus, write_scores
from distillens.joblog import tracked
from distillens.metrics import performance, probabilities, ranking
from distillens.metrics.permutation import best_renaming
from distillens.metrics.statistics import Estimate

log = logging.getLogger("distillens")

PERMUTED = "permuted"
"""The metric of a row that says how far better a run would score if its outputs had other names."""


def score_performance(
    test: FilePath,
    predictions: Sequence[FilePath],
    explanations: Sequence[FilePath] = (),
    *,
    settings: Settings,
    out: FilePath,
) -> None:
    """Score every model on the whole test split, and the best constant answer.

    Of classifications also the errors of their probabilities, and how much larger a student's are than its
    teacher's (of the run that it learnt from, or the mean of all), where both are about the same texts.

    Models that are known by their attributions only (``explanations``) are scored on the texts
    that these are about, where they came with logits: the others count as undefined. Without any
    logits the performance is not known: a row of each metric says so, with ``n`` 0; likewise of all
    models where there are no labels. A model that would score far better if its outputs were called
    by each other's names gets a row of the metric ``permuted``, with these names.
    """
    truth = labels(test, settings)
    if not settings.labelled:
        rows = _not_known(by_identity(predictions, settings), settings, len(truth))
        write_scores(out, "scores", rows, settings, [test, *predictions, *explanations])
        return
    rows = []
    answers = {
        run: Predictions(path, settings).of("none", [0], truth.index)[0]
        for run, path in tracked(by_identity(predictions, settings).items(), "performance", "run")
    }
    answered = {run: (truth, logits, 0) for run, logits in answers.items()}
    answered |= _from_elsewhere(explanations, truth, settings)
    texts = TextGroups(test)
    everything = {run: (labelled, logits) for run, (labelled, logits, _) in answered.items() if len(labelled)}
    _check_ranks(test, truth, texts, settings)
    majority = performance.majority(settings.lead, truth, settings.n_classes, texts.of(truth.index))
    for run, (labelled, logits, undefined) in answered.items():
        where = {"model": run[0], "seed": run[1]}
        if not len(labelled):
            unknown = {**where, "value": None, "n": 0, "n_undefined": undefined}
            rows += [{**unknown, "metric": metric} for metric in settings.task_settings["metrics"]]
            continue
        predicted = performance.predictions_of(logits)
        estimates = _scores(run, settings.task_settings["metrics"], labelled, predicted, settings, texts)
        for metric, value in estimates.items():
            said = _in_order(metric, labelled, texts)
            row = aggregate(said, value, **where, metric=metric)
            rows.append({**row, "n_undefined": undefined + len(labelled) - said})
        rows += _of_probabilities(run, everything, settings, texts)
        at_most = max(majority, estimates[settings.lead].high)
        rows += _renamed(run, labelled, predicted, at_most, settings, texts)
    rows.append({"metric": "majority", "value": majority, "n": len(truth), "n_undefined": 0})
    write_scores(out, "scores", rows, settings, [test, *predictions, *explanations])


def _not_known(runs: Iterable[Run], s: Settings, n_texts: int) -> list[dict[str, Any]]:
    """Rows without a value, of the constant answer too."""
    nothing = {"value": None, "n": 0, "n_undefined": n_texts}
    of_runs = [
        {"model": model, "seed": seed, "metric": metric, **nothing}
        for model, seed in runs
        for metric in s.task_settings["metrics"]
    ]
    return [*of_runs, {"metric": "majority", **nothing}]


def _scores(
    run: Run,
    metrics: Sequence[str],
    truth: pd.Series,
    predicted: np.ndarray,
    s: Settings,
    groups: TextGroups,
) -> dict[str, Estimate]:
    resampling = s.resampling("performance", *run)
    return performance.scores(metrics, truth, predicted, s.n_classes, resampling, groups.of(truth.index))


def _check_ranks(test: FilePath, truth: pd.Series, texts: TextGroups, s: Settings) -> None:
    """Refuse labels that are no gains, and say which queries count for no ranking.

    Raises
    ------
    TableError
        If the task has ``ndcg`` and a label below 0.
    """
    queries = texts.of(truth.index)
    orders = ranking.in_order(truth, queries)
    for metric in s.task_settings["metrics"]:
        if metric not in ranking.RANKING:
            continue
        try:
            ranking.check(metric, truth, queries)
        except ValueError as error:
            raise tables.TableError(f"{test}: {error}") from error
        out, every = np.unique(queries[~orders]).size, np.unique(queries).size
        if out:
            log.warning(
                "%s: %d of %d queries are left out of %s: they have one document, or all labels equal",
                s.task, out, every, metric,
            )  # fmt: skip


def _in_order(metric: str, truth: pd.Series, texts: TextGroups) -> int:
    """How many texts count: of a ranking those of queries that can be put in order."""
    if metric not in ranking.RANKING:
        return len(truth)
    return int(ranking.in_order(truth, texts.of(truth.index)).sum())


def _of_probabilities(
    run: Run, everything: Mapping[Run, tuple[pd.Series, np.ndarray]], s: Settings, groups: TextGroups
) -> Iterator[dict[str, Any]]:
    """Errors of a classifier's probabilities, and how much larger they are than its teacher's."""
    if not s.n_classes:
        return
    truth, logits = everything[run]
    references = [one for one in s.references(*run) if one in everything]
    teachers = [of for texts, of in map(everything.get, references) if texts.index.equals(truth.index)]
    against = versus(references[0]) if len(references) == 1 else {"against": s.teachers[run[0]]}
    resampling = s.resampling("probabilities", *run)
    estimates = probabilities.scores(truth, logits, resampling, teachers, groups.of(truth.index))
    for metric, value in estimates.items():
        beside = against if metric.endswith("_gap") else {}
        yield aggregate(len(truth), value, model=run[0], seed=run[1], metric=metric, **beside)


def _renamed(
    run: Run,
    truth: pd.Series,
    predicted: np.ndarray,
    at_most: float,
    s: Settings,
    groups: TextGroups,
) -> Iterator[dict[str, Any]]:
    """A row where a run whose outputs had other names would score far better, beyond its interval."""
    # The best of many renamings flatters: both halves of the texts must find it.
    known = s.n_classes and np.isfinite(predicted).all()
    parts = [slice(None), slice(0, None, 2), slice(1, None, 2)] if known else []
    renamings = [best_renaming(truth.to_numpy()[part], predicted[part], s.n_classes) for part in parts]
    labels = renamings[0] if renamings else []
    if labels == sorted(labels) or any(other != labels for other in renamings):
        return
    renamed = np.array(labels, float)[predicted.astype(int)]
    value = _scores(run, [s.lead], truth, renamed, s, groups)[s.lead]
    if value.low > at_most:
        names = [s.task_settings["labels"][label] for label in labels]
        row = aggregate(len(truth), value, model=run[0], seed=run[1], metric=PERMUTED)
        yield {**row, "outputs": names}


def _from_elsewhere(
    paths: Sequence[FilePath], truth: pd.Series, s: Settings
) -> dict[Run, tuple[pd.Series, np.ndarray, int]]:
    """Of each run its texts that have logits: their labels and logits; and how many have none.

    Raises
    ------
    TableError
        If rows by two explainers say that one run answers one text differently.
    """
    logits: dict[Run, dict[str, tuple[Path, np.ndarray]]] = {}
    texts: dict[Run, set[str]] = {}
    for (model, seed, _), path in by_identity(paths, s, "explainer").items():
        table = tables.read(path, "explanations").select(["example_id", "logits"])
        texts.setdefault((model, seed), set()).update(table["example_id"].to_pylist())
        table = table.filter(table["logits"].is_valid())
        own = logits.setdefault((model, seed), {})
        for name, answer in zip(
            table["example_id"].to_pylist(), logits_of(table, "logits", path, s), strict=True
        ):
            other, before = own.setdefault(name, (path, answer))
            if s.n_classes and before.argmax() != answer.argmax():
                raise tables.TableError(
                    f"{path} and {other}: the logits of example {name!r} predict different classes, and "
                    f"both are of {model!r}, seed {seed}; mend the file that they come from"
                )
    by_run = {}
    for run, own in logits.items():
        # In the order of the labels, whatever that of the files.
        names = [name for name in truth.index if name in own]
        answers = np.array([own[name][1] for name in names]).reshape(len(names), s.n_classes or 1)
        by_run[run] = (truth[names], answers, len(texts[run]) - len(names))
    return by_run
