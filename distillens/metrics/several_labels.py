"""Metrics of tasks with several labels for one text, weighted, so that resamples cost a matrix product.

With weights of one they are scikit-learn's ``f1_score`` (micro, macro) and ``average_precision_score``
(macro), over the labels that occur: without any text a label has no precision and no recall. A label is
predicted where its logit is above 0.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.statistics import Estimate, Resampling, Statistic, estimate

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def predicted(logits: ArrayLike) -> Flags:
    """The labels that are given: those whose logit is above 0, a probability above one half.

    Examples
    --------
    >>> predicted([[0.3, -1.0, 0.0]]).tolist()
    [[True, False, False]]
    """
    return np.asarray(logits, dtype=np.float64) > 0


def statistic(metric: str, truth: ArrayLike, logits: ArrayLike) -> Statistic:
    """A metric as a function of the weights of the texts.

    Parameters
    ----------
    metric : str
        ``micro_f1``, ``macro_f1`` or ``map``.
    truth : array_like of bool, shape (n, labels)
    logits : array_like, shape (n, labels)

    Returns
    -------
    callable
        From weights of shape (n,) or (b, n) to a number, or to shape (b,).

    Raises
    ------
    ValueError
        If there is no such metric, or the shapes differ.

    Examples
    --------
    >>> truth, logits = [[1, 0], [1, 1]], [[2.0, -1.0], [-1.0, 0.5]]
    >>> of_all = np.ones(2)
    >>> {name: round(float(statistic(name, truth, logits)(of_all)), 3) for name in METRICS}
    {'micro_f1': 0.8, 'macro_f1': 0.833, 'map': 1.0}
    """
    if metric not in METRICS:
        raise ValueError(f"no metric {metric!r} of several labels; there are: {', '.join(METRICS)}")
    truth, logits = np.asarray(truth, dtype=bool), np.asarray(logits, dtype=np.float64)
    if truth.ndim != 2 or truth.shape != logits.shape:
        raise ValueError(f"labels of shape {truth.shape}, but logits of shape {logits.shape}")
    return METRICS[metric](truth, logits)


def scores(
    metrics: Sequence[str],
    truth: ArrayLike,
    logits: ArrayLike,
    resampling: Resampling,
    groups: ArrayLike | None = None,
) -> dict[str, Estimate]:
    """Metrics of one model, each with its confidence interval over texts.

    Parameters are those of `statistic`; texts with the same number in ``groups`` count as one draw.

    Examples
    --------
    >>> estimates = scores(["micro_f1"], [[1, 0], [1, 1]], [[2.0, -1], [-1, 0.5]], Resampling(1, 100))
    >>> round(float(estimates["micro_f1"].value), 3)
    0.8
    """
    parts = [statistic(metric, truth, logits) for metric in metrics]
    result = estimate(
        lambda weights: np.stack([part(weights) for part in parts]), len(truth), resampling, groups
    )
    return {metric: Estimate(*row) for metric, *row in zip(metrics, *result, strict=True)}


def constant(metric: str, truth: ArrayLike) -> float:
    """The score of the best answer that is the same for every text.

    Of micro F1 the most frequent labels are given to all texts, as many as score best; of macro F1 all labels
    that occur; mean average precision of equal scores is the mean share of texts that have a label.

    Examples
    --------
    >>> truth = [[1, 0], [1, 1], [1, 0], [0, 0]]
    >>> [round(constant(metric, truth), 3) for metric in METRICS]  # only the first label: 6 / 8
    [0.75, 0.629, 0.5]
    """
    truth = np.asarray(truth, dtype=bool)
    shares = truth.mean(axis=0)[truth.any(axis=0)]
    if not shares.size:
        return float("nan")
    if metric == "map":
        return float(shares.mean())
    if metric == "macro_f1":
        return float((2 * shares / (1 + shares)).mean())
    first = np.sort(shares)[::-1].cumsum()
    return float((2 * first / (np.arange(1, len(shares) + 1) + shares.sum())).max())


def _counted(truth: Flags, logits: Array) -> Callable[[Array], tuple[Array, Array]]:
    """For weights, twice the right labels and those that are given or true, shape (..., labels)."""
    given = predicted(logits)
    right, total = 2.0 * (truth & given), truth.astype(np.float64) + given
    return lambda weights: (weights @ right, weights @ total)


def _micro_f1(truth: Flags, logits: Array) -> Statistic:
    counted = _counted(truth, logits)

    def value(weights: Array) -> Array:
        right, total = (part.sum(axis=-1) for part in counted(weights))
        return np.divide(right, total, out=np.full_like(total, np.nan), where=total > 0)

    return value


def _macro_f1(truth: Flags, logits: Array) -> Statistic:
    counted = _counted(truth, logits)

    def value(weights: Array) -> Array:
        right, total = counted(weights)
        f1 = np.divide(right, total, out=np.full_like(total, np.nan), where=total > 0)
        return _mean(f1)

    return value


def _map(truth: Flags, logits: Array) -> Statistic:
    labels = []
    for own, scored in zip(truth.T, logits.T, strict=True):
        order = np.argsort(-scored, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(scored[order]) != 0, True))  # texts that tie come together
        labels.append((order, ends, own[order].astype(np.float64)))

    def value(weights: Array) -> Array:
        return _mean(np.stack([_average_precision(weights, *label) for label in labels], axis=-1))

    return value


def _average_precision(weights: Array, order: Array, ends: Array, truth: Array) -> Array:
    """Sum over thresholds of precision times the recall that each adds; NaN where nothing is true."""
    ordered = weights[..., order]
    hits = np.cumsum(ordered * truth, axis=-1)[..., ends]
    asked = np.cumsum(ordered, axis=-1)[..., ends]
    precision = np.divide(hits, asked, out=np.zeros_like(hits), where=asked > 0)
    added = np.diff(hits, axis=-1, prepend=0.0)
    every = hits[..., -1]
    total = (precision * added).sum(axis=-1)
    return np.divide(total, every, out=np.full_like(total, np.nan), where=every > 0)


def _mean(by_label: Array) -> Array:
    """Mean over the labels that have a number; NaN where none has."""
    known = ~np.isnan(by_label)
    count = known.sum(axis=-1)
    total = np.where(known, by_label, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


METRICS: dict[str, Callable[[Flags, Array], Statistic]] = {
    "micro_f1": _micro_f1,
    "macro_f1": _macro_f1,
    "map": _map,
}
