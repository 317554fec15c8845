"""What a perturbation does to a model: its task metric, its predictions, and against its teacher.

Repeats are repetitions of the same random edit. Their mean is the value and their
standard deviation the ``spread``; the confidence interval comes from resampling
*examples*, each with all its repeats, since the spread of repeats says nothing about the
test set.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.performance import predictions_of, right, statistic
from distillens.metrics.statistics import Estimate, Resampling, estimate, mean_of, proportion

Array = NDArray[np.float64]


class Scored(NamedTuple):
    """One number: its value, bounds, and standard deviation over repeats (NaN for one repeat)."""

    value: float
    low: float
    high: float
    spread: float


class Outputs(NamedTuple):
    """A model's logits on the original texts, (n, outputs), and the perturbed ones, (repeats, n, outputs)."""

    original: Array
    perturbed: Array


def unchanged(original: ArrayLike, perturbed: ArrayLike, flip: float) -> Array:
    """1 where the prediction stays the same: the class, or a regression's value within ``flip``.

    Parameters
    ----------
    original, perturbed : array_like, shape (..., outputs), broadcast against each other
        Logits.
    flip : float
        How far a regression's value may move; not looked at for classes.

    Returns
    -------
    ndarray, shape (...)
        1 or 0; NaN where there is no prediction, before or after.

    Examples
    --------
    >>> unchanged([[0.0, 3.0]], [[1.0, 0.0]], flip=0.0).tolist()
    [0.0]
    >>> unchanged([[3.0]], [[3.4]], flip=0.5).tolist()
    [1.0]
    """
    before, after = predictions_of(original), predictions_of(perturbed)
    same = np.abs(after - before) <= flip if np.shape(original)[-1] == 1 else before == after
    return np.where(np.isnan(before) | np.isnan(after), np.nan, same)


def score(
    metric: str | None,
    truth: ArrayLike,
    model: Outputs,
    n_classes: int,
    flip: float,
    resampling: Resampling,
    teacher: Outputs | None = None,
    groups: ArrayLike | None = None,
) -> dict[str, Scored]:
    """Robustness of one model to one perturbation.

    Parameters
    ----------
    metric : str or None
        Task metric, as `performance.statistic` takes it; None where there are no labels.
    truth : array_like, shape (n,)
        Labels; without a metric they are not looked at.
    model, teacher : Outputs
        Logits on the same examples and repeats.
    n_classes : int
        Number of classes; not looked at for a regression.
    flip : float
        See `unchanged`.
    resampling : Resampling
        All numbers share their resamples of examples.
    groups : array_like, shape (n,), optional
        Examples with the same number count as one draw.

    Returns
    -------
    dict
        ``METRIC`` on the perturbed texts, ``METRIC_change`` from the original ones,
        ``consistency`` and, with a teacher, ``METRIC_change_gap``: the model's change
        minus the teacher's. Accuracy and consistency have the interval of a
        `distillens.metrics.statistics.proportion`. Without a metric ``consistency`` alone.

    Examples
    --------
    >>> logits = np.eye(2)[[0, 1, 1, 0]]  # of four texts
    >>> model = Outputs(logits, np.stack([logits[::-1]]))  # of one repeat
    >>> scores = score("accuracy", [0, 1, 1, 0], model, 2, 0.0, Resampling(seed=1, resamples=100))
    >>> {name: scored.value for name, scored in scores.items()}
    {'accuracy': 1.0, 'accuracy_change': 0.0, 'consistency': 1.0}
    """
    same = unchanged(model.original, model.perturbed, flip)
    kept, n = mean_of(same), np.size(truth)
    if metric is None:
        share_kept = proportion(same.mean(axis=0), len(same), resampling.confidence_level, groups)
        return {"consistency": Scored(*map(float, (*share_kept, _spread(kept(np.ones(n))))))}
    names = [metric, f"{metric}_change", "consistency"]
    task = _task_metric(metric, truth, model, n_classes, groups)
    if teacher is not None:
        names.append(f"{metric}_change_gap")
        task_of_teacher = _task_metric(metric, truth, teacher, n_classes, groups)

    def by_repeat(weights: Array) -> Array:
        before, after = task(weights)
        parts = [after, after - before, kept(weights)]
        if teacher is not None:
            of_teacher = task_of_teacher(weights)
            parts.append(after - before - (of_teacher[1] - of_teacher[0]))
        return np.stack(parts)

    result = estimate(lambda weights: by_repeat(weights).mean(axis=1), n, resampling, groups)
    estimates = {name: Estimate(*row) for name, *row in zip(names, *result, strict=True)}
    shares = {"consistency": same}
    if metric == "accuracy":
        shares[metric] = right(truth, predictions_of(model.perturbed))
    for name, answers in shares.items():
        estimates[name] = proportion(answers.mean(axis=0), len(answers), resampling.confidence_level, groups)
    spread = _spread(by_repeat(np.ones(n)))
    return {name: Scored(*map(float, (*estimates[name], of))) for name, of in zip(names, spread, strict=True)}


def share(
    parts: ArrayLike, wholes: ArrayLike, resampling: Resampling, groups: ArrayLike | None = None
) -> Scored:
    """Share of a whole that a perturbation changes, such as of all texts or of all their words.

    Parameters
    ----------
    parts, wholes : array_like, shape (repeats, n)
        Both are summed over the texts first. A whole of nothing has no share (NaN). Where all wholes are 1,
        it is a `distillens.metrics.statistics.proportion`.
    resampling : Resampling
    groups : array_like, shape (n,), optional
        As for `score`.

    Examples
    --------
    >>> share([[1, 0, 1]], [[4, 4, 2]], Resampling(seed=1, resamples=100)).value
    0.2
    """
    parts, wholes = (np.asarray(counts, dtype=np.float64) for counts in (parts, wholes))

    def by_repeat(weights: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return parts @ weights.T / (wholes @ weights.T)

    n = parts.shape[1]
    if (wholes == 1).all() and wholes.size:
        value, low, high = proportion(parts.mean(axis=0), len(parts), resampling.confidence_level, groups)
    else:
        value, low, high = estimate(lambda weights: by_repeat(weights).mean(axis=0), n, resampling, groups)
    return Scored(float(value), float(low), float(high), float(_spread(by_repeat(np.ones(n)))))


def _task_metric(
    metric: str, truth: ArrayLike, outputs: Outputs, n_classes: int, groups: ArrayLike | None
) -> Callable[[Array], tuple[Array, Array]]:
    """Return the metric on the original texts and, by repeat, the perturbed ones, given weights."""
    before, after = (statistic(metric, truth, predictions_of(x), n_classes, groups) for x in outputs)
    return lambda weights: (before(weights), after(weights))


def _spread(by_repeat: Array) -> Array:
    """Take the standard deviation over repeats, the last axis: what another draw of edits may change."""
    if by_repeat.shape[-1] < 2:
        return np.full(by_repeat.shape[:-1], np.nan)
    return by_repeat.std(axis=-1, ddof=1)
