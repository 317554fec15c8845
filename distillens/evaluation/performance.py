"""From the predictions of a task to its table of performance.

Which model, seed and explainer a file is about is read from its provenance, never from its name.
A row without an ``example_id`` is an aggregate: ``n`` examples count in it, ``n_undefined`` do not.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from distillens import tables
from distillens.evaluation.inputs import (
    FilePath,
    Predictions,
    Run,
    Settings,
    by_identity,
    labels,
    logits_of,
)
from distillens.evaluation.rows import aggregate, versus, write_scores
from distillens.joblog import tracked
from distillens.metrics import performance, probabilities
from distillens.metrics.permutation import best_renaming
from distillens.metrics.statistics import Estimate

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
    that these are about, if they came with logits; without, nothing can be said of them. A model
    that would score far better if its outputs were called by each other's names gets a row of the
    metric ``permuted``, with these names.
    """
    truth = labels(test, settings)
    rows = []
    answers = {
        run: Predictions(path, settings).of("none", [0], truth.index)[0]
        for run, path in tracked(by_identity(predictions, settings).items(), "performance", "run")
    }
    of_all_texts = {run: (truth, logits) for run, logits in answers.items()}
    everything = of_all_texts | _from_elsewhere(explanations, truth, settings)
    majority = performance.majority(settings.lead, truth, settings.n_classes)
    for run, (labelled, logits) in everything.items():
        predicted = performance.predictions_of(logits)
        estimates = _scores(run, settings.task_settings["metrics"], labelled, predicted, settings)
        for metric, value in estimates.items():
            rows.append(aggregate(len(labelled), value, model=run[0], seed=run[1], metric=metric))
        rows += _of_probabilities(run, everything, settings)
        rows += _renamed(run, labelled, predicted, max(majority, estimates[settings.lead].high), settings)
    rows.append({"metric": "majority", "value": majority, "n": len(truth), "n_undefined": 0})
    write_scores(out, "scores", rows, settings, [test, *predictions, *explanations])


def _scores(
    run: Run, metrics: Sequence[str], truth: pd.Series, predicted: np.ndarray, s: Settings
) -> dict[str, Estimate]:
    return performance.scores(metrics, truth, predicted, s.n_classes, s.resampling("performance", *run))


def _of_probabilities(
    run: Run, everything: Mapping[Run, tuple[pd.Series, np.ndarray]], s: Settings
) -> Iterator[dict[str, Any]]:
    """Errors of a classifier's probabilities, and how much larger they are than its teacher's."""
    if not s.n_classes:
        return
    truth, logits = everything[run]
    references = [one for one in s.references(*run) if one in everything]
    teachers = [of for texts, of in map(everything.get, references) if texts.index.equals(truth.index)]
    against = versus(references[0]) if len(references) == 1 else {"against": s.teachers[run[0]]}
    estimates = probabilities.scores(truth, logits, s.resampling("probabilities", *run), teachers)
    for metric, value in estimates.items():
        beside = against if metric.endswith("_gap") else {}
        yield aggregate(len(truth), value, model=run[0], seed=run[1], metric=metric, **beside)


def _renamed(
    run: Run, truth: pd.Series, predicted: np.ndarray, at_most: float, s: Settings
) -> Iterator[dict[str, Any]]:
    """A row where a run whose outputs had other names would score far better, beyond its interval."""
    # The best of many renamings flatters: both halves of the texts must find it.
    known = s.n_classes and np.isfinite(predicted).all()
    parts = [slice(None), slice(0, None, 2), slice(1, None, 2)] if known else []
    found = [best_renaming(truth.to_numpy()[part], predicted[part], s.n_classes) for part in parts]
    labels = found[0] if found else []
    if labels == sorted(labels) or any(other != labels for other in found):
        return
    value = _scores(run, [s.lead], truth, np.array(labels, float)[predicted.astype(int)], s)[s.lead]
    if value.low > at_most:
        names = [s.task_settings["labels"][label] for label in labels]
        row = aggregate(len(truth), value, model=run[0], seed=run[1], metric=PERMUTED)
        yield {**row, "outputs": names}


def _from_elsewhere(
    paths: Sequence[FilePath], truth: pd.Series, s: Settings
) -> dict[Run, tuple[pd.Series, np.ndarray]]:
    """Labels and logits of the texts that attributions from elsewhere are about, where all have logits."""
    by_run = {}
    for (model, seed, _), path in by_identity(paths, s, "explainer").items():
        table = tables.read(path, "explanations")
        if table.num_rows and not table["logits"].null_count:
            ids = table["example_id"].to_pylist()
            by_run.setdefault((model, seed), (truth[ids], logits_of(table, "logits", path, s)))
    return by_run
