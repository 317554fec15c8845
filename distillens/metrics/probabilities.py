"""Whether the probabilities of a classifier may be believed.

Both numbers are errors: 0 is best, and both change where a model becomes surer without becoming better, which
no score of its answers shows. Like all statistics they are functions of the weights of examples
(`distillens.metrics.statistics`).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from distillens.metrics.statistics import Estimate, Resampling, Statistic, estimate, mean_of

Array = NDArray[np.float64]

BINS = 15
"""Bins of confidence: of equal width, each without its lower end (Guo et al. 2017)."""


def brier(truth: ArrayLike, probabilities: ArrayLike) -> Statistic:
    """Brier score (Brier 1950): ``sum_c (p_c - [c is the label])^2``, its mean over examples.

    The sum runs over all classes, for two classes too: 0 is best, 2 worst, and guessing among m classes
    gives ``1 - 1 / m``. It is what scikit-learn's ``brier_score_loss`` gives with ``scale_by_half=False``.

    Parameters
    ----------
    truth : array_like, shape (n,)
        Class numbers.
    probabilities : array_like, shape (n, classes)

    Returns
    -------
    callable
        From weights of shape (n,) or (b, n) to shape () or (b,).

    Examples
    --------
    >>> float(brier([1, 0], [[0.5, 0.5], [1.0, 0.0]])(np.ones(2)))
    0.25
    """
    truth, probabilities = np.asarray(truth, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    right = np.eye(probabilities.shape[1])[truth]
    return mean_of(((probabilities - right) ** 2).sum(axis=1))


def ece(truth: ArrayLike, probabilities: ArrayLike) -> Statistic:
    """Expected calibration error of the predicted class (Guo et al. 2017, eq. 3 to 5).

    1. An example's confidence is the largest of its probabilities.
    2. Examples are put into `BINS` bins of confidence, ``((i - 1) / BINS, i / BINS]``.
    3. The error is the sum over bins of the share of examples in it times the distance between its mean
       confidence and its accuracy.

    Chance alone makes it larger than 0 where examples are few.

    Parameters and result are those of `brier`; 0 is best, 1 worst.

    Examples
    --------
    >>> sure = [[0.75, 0.25], [0.25, 0.75]]  # both right: confidence .75, accuracy 1
    >>> float(ece([0, 1], sure)(np.ones(2)))
    0.25
    """
    truth, probabilities = np.asarray(truth, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    surest = probabilities.max(axis=1)
    away = surest - (probabilities.argmax(axis=1) == truth)
    # What is a bound but for rounding is one.
    number = np.clip(np.ceil((surest * BINS).round(9)) - 1, 0, BINS - 1)
    by_bin = np.where(number[:, None] == np.arange(BINS), away[:, None], 0.0)
    if np.isnan(away).any():
        return lambda weights: np.full(weights.shape[:-1], np.nan)
    return lambda weights: np.abs(weights @ by_bin).sum(axis=-1) / weights.sum(axis=-1)


def scores(
    truth: ArrayLike,
    logits: ArrayLike,
    resampling: Resampling,
    teachers: Sequence[ArrayLike] = (),
    groups: ArrayLike | None = None,
) -> dict[str, Estimate]:
    """Both errors of one model, and how much larger they are than those of its teacher's runs.

    Parameters
    ----------
    truth : array_like, shape (n,)
        Class numbers.
    logits : array_like, shape (n, classes)
        Their softmax are the probabilities.
    teachers : sequence of array_like, each of shape (n, classes)
        Logits of the teacher's runs for the same examples.
    resampling : Resampling
        All numbers share their resamples, so the difference is paired.
    groups : array_like, shape (n,), optional
        Examples with the same number count as one draw.

    Returns
    -------
    dict
        ``ece`` and ``brier``, with a teacher also ``ece_gap`` and ``brier_gap``, the model's less the mean
        of the teacher's. NaN in the logits leaves them undefined.

    Examples
    --------
    >>> student, teacher = np.eye(2)[[[0, 1, 1], [0, 1, 0]]] * [[[9]], [[1]]]
    >>> errors = scores([0, 1, 1], student, Resampling(seed=1, resamples=50), [teacher])
    >>> {name: float(of.value.round(3)) for name, of in errors.items()}
    {'ece': 0.0, 'brier': 0.0, 'ece_gap': -0.064, 'brier_gap': -0.453}
    """
    own, names = _errors(truth, logits), list(METRICS)
    theirs = [_errors(truth, of) for of in teachers]

    def both(weights: Array) -> Array:
        values = own(weights)
        if not theirs:
            return values
        return np.concatenate([values, values - np.mean([of(weights) for of in theirs], axis=0)])

    if theirs:
        names += [f"{name}_gap" for name in METRICS]
    result = estimate(both, np.size(truth), resampling, groups)
    return {name: Estimate(*row) for name, *row in zip(names, *result, strict=True)}


def _errors(truth: ArrayLike, logits: ArrayLike) -> Statistic:
    """Both errors at once, shape (2,) or (2, b)."""
    probabilities = softmax(np.asarray(logits, dtype=np.float64), axis=-1)
    parts = [METRICS[name](truth, probabilities) for name in METRICS]
    return lambda weights: np.stack([part(weights) for part in parts])


METRICS: dict[str, Callable[[ArrayLike, ArrayLike], Statistic]] = {"ece": ece, "brier": brier}
