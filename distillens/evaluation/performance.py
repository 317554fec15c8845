"""From the predictions of a task to its table of performance.

Which model, seed and explainer a file is about is read from its provenance, never from its name.
A row without an ``example_id`` is an aggregate: ``n`` examples count in it, ``n_undefined`` do not.
"""

from collections.abc import Iterable, Iterator, Sequence
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
from distillens.evaluation.rows import aggregate, write_scores
from distillens.joblog import tracked
from distillens.metrics import performance
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

    Models that are known by their attributions only (``explanations``) are scored on the texts
    that these are about, if they came with logits; without, nothing can be said of them. A model
    that would score far better if its outputs were called by each other's names gets a row of the
    metric ``permuted``, with these names. Without labels no performance is known: a row of each
    metric says so, with ``n`` 0.
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
    of_all_texts = {run: (truth, logits) for run, logits in answers.items()}
    of_some_texts = _from_elsewhere(explanations, truth, settings)
    majority = performance.majority(settings.lead, truth, settings.n_classes)
    for run, (labelled, logits) in (of_all_texts | of_some_texts).items():
        predicted = performance.predictions_of(logits)
        estimates = _scores(run, settings.task_settings["metrics"], labelled, predicted, settings)
        for metric, value in estimates.items():
            rows.append(aggregate(len(labelled), value, model=run[0], seed=run[1], metric=metric))
        rows += _renamed(run, labelled, predicted, max(majority, estimates[settings.lead].high), settings)
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
    run: Run, metrics: Sequence[str], truth: pd.Series, predicted: np.ndarray, s: Settings
) -> dict[str, Estimate]:
    return performance.scores(metrics, truth, predicted, s.n_classes, s.resampling("performance", *run))


def _renamed(
    run: Run, truth: pd.Series, predicted: np.ndarray, at_most: float, s: Settings
) -> Iterator[dict[str, Any]]:
    """A row where a run whose outputs had other names would score far better, beyond its interval."""
    # The best of many renamings flatters: both halves of the texts must find it.
    parts = [slice(None), slice(0, None, 2), slice(1, None, 2)] if s.n_classes else []
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
