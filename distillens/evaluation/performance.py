"""From the predictions of a task to its table of performance.

Which model, seed and explainer a file is about is read from its provenance, never from its name.
A row without an ``example_id`` is an aggregate: ``n`` examples count in it, ``n_undefined`` do not.
"""

from collections.abc import Sequence

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
    that these are about, if they came with logits; without, nothing can be said of them.
    """
    truth = labels(test, settings)
    rows = []
    answers = {
        run: Predictions(path, settings).of("none", [0], truth.index)[0]
        for run, path in tracked(by_identity(predictions, settings).items(), "performance", "run")
    }
    of_all_texts = {run: (truth, logits) for run, logits in answers.items()}
    of_some_texts = _from_elsewhere(explanations, truth, settings)
    for (model, seed), (labelled, logits) in (of_all_texts | of_some_texts).items():
        estimates = performance.scores(
            settings.task_settings["metrics"],
            labelled,
            performance.predictions_of(logits),
            settings.n_classes,
            settings.resampling("performance", model, seed),
        )
        for metric, value in estimates.items():
            rows.append(aggregate(len(labelled), value, model=model, seed=seed, metric=metric))
    majority = performance.majority(settings.lead, truth, settings.n_classes)
    rows.append({"metric": "majority", "value": majority, "n": len(truth), "n_undefined": 0})
    write_scores(out, "scores", rows, settings, [test, *predictions, *explanations])


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
