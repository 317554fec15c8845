"""Task metrics of predictions, weighted, so that thousands of resamples cost a matrix product.

`statistic` turns labels and predictions into a function of example weights (see
`distillens.metrics.statistics`); with weights of one it is scikit-learn's or SciPy's
number, in every resample theirs with ``sample_weight``.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics import ranking
from distillens.metrics.statistics import Estimate, Resampling, Statistic, estimate, mean_of, proportion

Array = NDArray[np.float64]

_VANISHING = 1e-12


def predictions_of(logits: ArrayLike) -> Array:
    """Predicted class, or the predicted value where there is one output (regression); NaN if a logit is NaN.

    Parameters
    ----------
    logits : array_like, shape (..., outputs)

    Returns
    -------
    array, shape (...)
        NaN where an output is not finite: that is no prediction.

    Examples
    --------
    >>> predictions_of([[0.1, 2.0], [1.0, -1.0]]).tolist(), predictions_of([[3.7]]).tolist()
    ([1.0, 0.0], [3.7])
    """
    logits = np.asarray(logits, dtype=np.float64)
    answers = logits[..., 0] if logits.shape[-1] == 1 else logits.argmax(axis=-1)
    return np.where(np.isfinite(logits).all(axis=-1), answers, np.nan).astype(np.float64)


def statistic(
    metric: str, truth: ArrayLike, predicted: ArrayLike, n_classes: int, groups: ArrayLike | None = None
) -> Statistic:
    """Return a task metric as a function of the weights of the examples.

    Parameters
    ----------
    metric : str
        A key of `CLASSIFICATION`, `REGRESSION` or `distillens.metrics.ranking.RANKING`.
    truth : array_like, shape (n,)
        Class numbers, or values.
    predicted : array_like, shape (..., n)
        Leading axes are variants of the same examples, such as repeats. With a NaN, which is no prediction,
        a variant has no score (NaN).
    n_classes : int
        Number of classes; not looked at for a regression.
    groups : array_like, shape (n,), optional
        Which examples are of one query; a ranking cannot do without.

    Returns
    -------
    callable
        From weights of shape (n,) or (b, n) to shape (...) or (..., b).

    Raises
    ------
    ValueError
        If there is no such metric, a class number is not one of the classes, or a ranking lacks its groups.

    Examples
    --------
    >>> accuracy = statistic("accuracy", [0, 1, 1], [0, 1, 0], n_classes=2)
    >>> float(accuracy(np.ones(3)).round(3)), float(accuracy(np.array([1, 2, 0])))
    (0.667, 1.0)
    """
    truth, predicted = np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if metric in REGRESSION:
        return partial(REGRESSION[metric], truth, predicted)
    if metric in ranking.RANKING:
        return ranking.statistic(metric, truth, predicted, groups)
    if metric not in CLASSIFICATION:
        there_are = ", ".join([*CLASSIFICATION, *REGRESSION, *ranking.RANKING])
        raise ValueError(f"no task metric {metric!r}; there are: {there_are}")
    classes = np.arange(n_classes)
    for name, values in (("label", truth), ("predicted class", predicted[~np.isnan(predicted)])):
        strange = values[~np.isin(values, classes)]
        if strange.size:
            raise ValueError(f"{name} {strange[0]} is not one of the {n_classes} classes 0..{n_classes - 1}")
    if metric == "accuracy":
        return mean_of(right(truth, predicted))
    cells = (truth * n_classes + predicted)[..., None] == np.arange(n_classes**2)
    variants, silent = predicted.shape[:-1], np.isnan(predicted).any(axis=-1)
    # One matrix (n, variants x cells), so that all confusions are one matrix product.
    cells = np.moveaxis(cells, -2, 0).reshape(truth.size, -1).astype(np.float64)

    def of_confusion(weights: Array) -> Array:
        shape = (*weights.shape[:-1], *variants, n_classes, n_classes)
        with np.errstate(invalid="ignore"):  # where there is no prediction at all
            values = CLASSIFICATION[metric]((weights @ cells).reshape(shape))
        values = np.where(silent, np.nan, values)
        return values if weights.ndim == 1 else np.moveaxis(values, 0, -1)

    return of_confusion


def scores(
    metrics: Sequence[str],
    truth: ArrayLike,
    predicted: ArrayLike,
    n_classes: int,
    resampling: Resampling,
    groups: ArrayLike | None = None,
) -> dict[str, Estimate]:
    """Task metrics of one model, each with its confidence interval over examples.

    Parameters are those of `statistic`, with ``predicted`` of shape (n,). Accuracy is a proportion and has
    the interval of one (`distillens.metrics.statistics.proportion`). Examples with the same number in
    ``groups``, shape (n,), count as one draw.

    Examples
    --------
    >>> estimates = scores(["accuracy"], [0, 1, 1, 0], [0, 1, 1, 1], 2, Resampling(seed=1, resamples=100))
    >>> float(estimates["accuracy"].value)
    0.75
    """
    parts = [statistic(metric, truth, predicted, n_classes, groups) for metric in metrics]
    result = estimate(
        lambda weights: np.stack([part(weights) for part in parts]), np.size(truth), resampling, groups
    )
    estimates = {metric: Estimate(*row) for metric, *row in zip(metrics, *result, strict=True)}
    if "accuracy" in estimates:
        estimates["accuracy"] = proportion(right(truth, predicted), 1, resampling.confidence_level, groups)
    return estimates


def right(truth: ArrayLike, predicted: ArrayLike) -> Array:
    """1 where the predicted class is the label, else 0; NaN without a prediction; shapes as in `statistic`.

    Examples
    --------
    >>> right([0, 1], [[0, 0], [1, np.nan]]).tolist()
    [[1.0, 0.0], [0.0, nan]]
    """
    predicted = np.asarray(predicted, dtype=np.float64)
    return np.where(np.isnan(predicted), np.nan, np.asarray(truth) == predicted)


def majority(metric: str, truth: ArrayLike, n_classes: int, groups: ArrayLike | None = None) -> float:
    """Score what always giving the same answer reaches: the best constant class.

    For accuracy that is the share of the majority class; for F1 of two classes it is
    what "always positive" gets; Matthews' and other correlations of a constant are 0. A ranking in which
    all scores are equal is the mean over all orders: half of the pairs are right.

    Examples
    --------
    >>> majority("accuracy", [1, 1, 1, 0], n_classes=2), majority("pearson", [1.5, 2.0], n_classes=1)
    (0.75, 0.0)
    """
    if metric in REGRESSION:
        return 0.0
    truth = np.asarray(truth, dtype=np.float64)
    if metric in ranking.RANKING:
        equal = np.zeros(truth.size)
        return float(statistic(metric, truth, equal, n_classes, groups)(np.ones(truth.size)))
    constant = np.repeat(np.arange(n_classes), truth.size).reshape(n_classes, truth.size)
    return float(statistic(metric, truth, constant, n_classes)(np.ones(truth.size)).max())


def _accuracy(confusion: Array) -> Array:
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1))


def _f1_by_class(confusion: Array) -> tuple[Array, Array]:
    """F1 of each class, 0 where nothing is right, and which classes occur at all."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return np.divide(2 * right, total, out=np.zeros_like(total), where=total > 0), total > 0


def _macro_f1(confusion: Array) -> Array:
    # Like scikit-learn: the mean over the classes that are labels or predictions.
    f1, occurs = _f1_by_class(confusion)
    return f1.sum(axis=-1) / occurs.sum(axis=-1)


def _weighted_f1(confusion: Array) -> Array:
    f1, _ = _f1_by_class(confusion)
    labels = confusion.sum(axis=-1)
    return (f1 * labels).sum(axis=-1) / labels.sum(axis=-1)


def _f1(confusion: Array) -> Array:
    return _f1_by_class(confusion)[0][..., 1]


def _matthews(confusion: Array) -> Array:
    """Matthews' correlation for any number of classes (Gorodkin 2004, eq. 8); 0 for a constant."""
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    right, total = np.trace(confusion, axis1=-2, axis2=-1), true.sum(axis=-1)
    covariance = right * total - (true * predicted).sum(axis=-1)
    variances = (total**2 - (true**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    return np.divide(covariance, np.sqrt(variances), out=np.zeros_like(total), where=variances > 0)


def _pearson(x: Array, y: Array, weights: Array) -> Array:
    """Weighted correlation of x (n,) with y (..., n); NaN where one of them does not vary."""
    x, y = _standard(x), _standard(y)
    return _moments(weights @ x, y @ weights.T, weights @ x**2, y**2 @ weights.T, x * y @ weights.T, weights)


def _spearman(x: Array, y: Array, weights: Array) -> Array:
    """Correlation of the ranks that examples have in the resample, (n,) with (..., n)."""
    if y.ndim > 1:
        return np.stack([_spearman(x, row, weights) for row in y])
    if np.isnan(x).any() or np.isnan(y).any():  # what is no number has no rank
        return np.full(weights.shape[:-1], np.nan)
    # A rank is at most the number of examples: centred ones keep the moments exact enough.
    middle = weights.sum(axis=-1, keepdims=True) / 2 + 0.5
    a, b = (_weighted_ranks(values, weights) - middle for values in (x, y))
    n = weights.shape[-1]
    a, b = a / n, b / n
    sums = ((weights * z).sum(axis=-1) for z in (a, b, a**2, b**2, a * b))
    return _moments(*sums, weights)


def _moments(x: Array, y: Array, xx: Array, yy: Array, xy: Array, weights: Array) -> Array:
    """Correlation from weighted sums of x, y, x^2, y^2 and xy, each of shape (..., b)."""
    total = weights.sum(axis=-1)
    variances = (xx / total - (x / total) ** 2, yy / total - (y / total) ** 2)
    varies = (variances[0] > _VANISHING) & (variances[1] > _VANISHING)
    covariance = xy / total - x * y / total**2
    root = np.sqrt(np.maximum(variances[0], 0) * np.maximum(variances[1], 0))
    return np.where(varies, np.clip(covariance / np.where(varies, root, 1), -1, 1), np.nan)


def _weighted_ranks(values: Array, weights: Array) -> Array:
    """Mean ranks that values (n,) have where each counts weight times, shape of weights.

    Sorting once and adding up weights spares sorting every resample.
    """
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    sizes = np.add.reduceat(weights[..., order], starts, axis=-1)
    ranks = np.cumsum(sizes, axis=-1) - sizes / 2 + 0.5
    return ranks[..., np.unique(values, return_inverse=True)[1]]


def _standard(values: Array) -> Array:
    """Centred and scaled to unit variance, rows that do not vary to exact zeros."""
    largest = np.abs(values).max(axis=-1, keepdims=True, initial=0.0)
    values = values / np.where(largest > 0, largest, 1.0)  # neither sums nor squares overflow or vanish
    spread = np.ptp(values, axis=-1, keepdims=True)
    centred = np.where(spread > 0, values - values.mean(axis=-1, keepdims=True), 0.0)
    return centred / np.where(spread > 0, values.std(axis=-1, keepdims=True), 1.0)


CLASSIFICATION: dict[str, Callable[[Array], Array]] = {
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "weighted_f1": _weighted_f1,
    "f1": _f1,
    "matthews": _matthews,
}
REGRESSION: dict[str, Callable[[Array, Array, Array], Array]] = {"pearson": _pearson, "spearman": _spearman}
