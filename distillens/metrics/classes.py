"""How well single classes are told apart, over several runs of one model."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.statistics import Estimate, proportion

Array = NDArray[np.float64]


class ClassScores(NamedTuple):
    """Of each class, shape (classes,): its texts, the share of them that are given it, and what follows.

    ``recall`` has Wilson's interval over texts; ``precision`` is the share of the texts given a class that
    are of it, ``f1`` the harmonic mean of both. NaN is the recall of a class without texts, the precision of
    one that nothing is given, and the F1 of one that is both.
    """

    texts: NDArray[np.int64]
    recall: Estimate
    precision: Array
    f1: Array


def confusion(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> Array:
    """How many texts of each class are given which, mean over runs.

    Parameters
    ----------
    truth : array_like of int, shape (n,)
    predicted : array_like, shape (runs, n)
        Class numbers; NaN is no prediction, and is of no class.
    n_classes : int

    Returns
    -------
    ndarray, shape (n_classes, n_classes)
        Rows are the classes of the texts, columns those that they are given.

    Examples
    --------
    >>> confusion([0, 0, 1], [[0, 1, 1], [0, 0, 1]], 2).tolist()
    [[1.5, 0.5], [0.0, 1.0]]
    """
    truth, predicted = np.asarray(truth, dtype=np.int64), np.atleast_2d(np.asarray(predicted, np.float64))
    counts = np.zeros((n_classes, n_classes))
    for answers in predicted:
        known = ~np.isnan(answers)
        np.add.at(counts, (truth[known], answers[known].astype(np.int64)), 1 / len(predicted))
    return counts


def class_scores(
    truth: ArrayLike,
    predicted: ArrayLike,
    n_classes: int,
    confidence_level: float,
    groups: ArrayLike | None = None,
) -> ClassScores:
    """Score every class; arguments as of `confusion`, what is not predicted counts as wrong.

    With ``groups``, shape (n,), texts of one group are one draw.

    Examples
    --------
    >>> scores = class_scores([0, 0, 1], [[0, 1, 1], [0, 0, 1]], 2, confidence_level=0.95)
    >>> scores.recall.value.tolist(), scores.precision.round(2).tolist()
    ([0.75, 1.0], [1.0, 0.67])
    """
    truth, predicted = np.asarray(truth, dtype=np.int64), np.atleast_2d(np.asarray(predicted, np.float64))
    counts, right = confusion(truth, predicted, n_classes), (predicted == truth).mean(axis=0)
    of = np.arange(len(truth)) if groups is None else np.asarray(groups)
    recalls = [
        proportion(right[truth == one], len(predicted), confidence_level, of[truth == one])
        for one in range(n_classes)
    ]
    recall = Estimate(*map(np.array, zip(*recalls, strict=True)))
    texts = np.bincount(truth, minlength=n_classes)
    with np.errstate(invalid="ignore"):
        precision = np.diag(counts) / counts.sum(axis=0)
        f1 = 2 * np.diag(counts) / (texts + counts.sum(axis=0))
    return ClassScores(texts, recall, precision, f1)
