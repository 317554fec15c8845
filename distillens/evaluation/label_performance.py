"""From the predictions of a task with several labels to how well its models do all of them together.

How well they do each is scored as of any task with two classes (`distillens.evaluation.cut_label`).
"""

from collections.abc import Sequence
from typing import Any

from distillens import tables
from distillens.data.label_sets import flags_of
from distillens.evaluation.inputs import FilePath, Predictions, Settings, TextGroups, by_identity, labels
from distillens.evaluation.rows import aggregate, write_scores
from distillens.joblog import tracked
from distillens.metrics import several_labels


def score_label_performance(
    test: FilePath, predictions: Sequence[FilePath], *, settings: Settings, out: FilePath
) -> None:
    """Score every run, and the best answer that is the same for all texts.

    Parameters
    ----------
    test : path
        The test split.
    predictions : sequence of paths
        Of all runs.
    settings : Settings
        Of a task of ``type: multi_label``.
    out : path
        Table of kind ``scores``. A row without a model is the constant answer's. Without labels no row has a
        value.

    Raises
    ------
    TableError
        If a label is that of no set, or a run did not answer a text.
    """
    numbers, groups = labels(test, settings), TextGroups(test)
    metrics, n = settings.task_settings["metrics"], len(numbers)
    files = by_identity(predictions, settings)
    rows: list[dict[str, Any]] = []
    if not settings.labelled:
        nothing = {"value": None, "n": 0, "n_undefined": n}
        rows = [
            {"model": model, "seed": seed, "metric": metric, **nothing}
            for model, seed in files
            for metric in metrics
        ]
        write_scores(out, "scores", rows, settings, [test, *predictions])
        return
    try:
        truth = flags_of(numbers.to_numpy(), settings.n_outputs)
    except ValueError as error:
        raise tables.TableError(f"{test}: {error}; delete it and run the workflow again") from error
    for run, path in tracked(list(files.items()), "score", "run"):
        logits = Predictions(path, settings).of("none", [0], numbers.index)[0]
        resampling = settings.resampling("performance", *run)
        estimates = several_labels.scores(metrics, truth, logits, resampling, groups.of(numbers.index))
        rows += [
            aggregate(n, value, model=run[0], seed=run[1], metric=metric)
            for metric, value in estimates.items()
        ]
    rows += [
        {"metric": metric, "value": several_labels.constant(metric, truth), "n": n, "n_undefined": 0}
        for metric in metrics
    ]
    write_scores(out, "scores", rows, settings, [test, *predictions])
