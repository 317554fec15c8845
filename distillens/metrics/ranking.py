"""How well scores put the documents of a query in order: task metrics of a reranker.

A *query* is a group of examples, its documents. Each metric is a mean over queries, so that one with many
documents counts as one with few. A query that can be put in no order (one document, or all labels equal)
says nothing, and is left out.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]


def ndcg(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Normalised discounted cumulative gain of one query's documents, by scikit-learn.

    The gain is the label itself. Documents of one score share their places, so that a constant score has the
    mean over all orders (Järvelin and Kekäläinen 2002; ties: McSherry and Najork 2008).

    Parameters
    ----------
    truth, predicted : array_like, shape (documents,)

    Examples
    --------
    >>> ndcg([2, 1, 0], [0.9, 0.5, 0.1]), round(ndcg([1, 0], [0.1, 0.9]), 4)
    (1.0, 0.6309)
    """
    from sklearn.metrics import ndcg_score

    return float(ndcg_score([truth], [predicted]))


def pair_agreement(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Share of one query's pairs of documents that are ordered as the labels say, by SciPy.

    Pairs of equal labels do not count; equal scores of unlike labels are half right. So it is
    (1 + D) / 2, where D is Somers' (1962), of scores given labels.

    Examples
    --------
    >>> round(pair_agreement([2, 1, 0], [0.9, 0.1, 0.5]), 3), pair_agreement([1, 0], [0.5, 0.5])
    (0.667, 0.5)
    """
    # The table that SciPy counts in takes ranks as well as values.
    first, second = (np.unique(values, return_inverse=True)[1] for values in (truth, predicted))
    if not second.any():
        return 0.5
    return (1 + float(stats.somersd(first, second).statistic)) / 2


RANKING: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "ndcg": ndcg,
    "pair_agreement": pair_agreement,
}


def in_order(truth: ArrayLike, queries: ArrayLike) -> NDArray[np.bool_]:
    """Which examples are of a query that can be put in order: two documents or more, of unlike labels.

    Parameters
    ----------
    truth, queries : array_like, shape (n,)

    Examples
    --------
    >>> in_order([1, 0, 1, 1, 2], ["a", "a", "b", "b", "c"]).tolist()
    [True, True, False, False, False]
    """
    truth, (_, of) = np.asarray(truth, dtype=np.float64), np.unique(queries, return_inverse=True)
    highest, lowest = np.full(of.max(initial=-1) + 1, -np.inf), np.full(of.max(initial=-1) + 1, np.inf)
    np.maximum.at(highest, of, truth)
    np.minimum.at(lowest, of, truth)
    return (highest > lowest)[of]


def check(metric: str, truth: ArrayLike, queries: ArrayLike | None) -> None:
    """Refuse what a metric of `RANKING` cannot be computed of.

    Raises
    ------
    ValueError
        Without queries; of ``ndcg`` if a label is below 0.

    Examples
    --------
    >>> check("pair_agreement", [1, -1], ["a", "a"])
    >>> check("ndcg", [1, -1], ["a", "a"])
    Traceback (most recent call last):
        ...
    ValueError: ndcg takes labels as gains, and 1 are below 0, the first -1; ...
    """
    if queries is None:
        raise ValueError(
            f"{metric} compares the documents of a query, and no column says which belong together; name it "
            "(columns.group)"
        )
    truth = np.asarray(truth, dtype=np.float64)
    if metric == "ndcg" and (below := truth[truth < 0]).size:
        raise ValueError(
            f"ndcg takes labels as gains, and {below.size} are below 0, the first {below[0]:g}; "
            "shift them, or take pair_agreement"
        )


def statistic(
    metric: str, truth: ArrayLike, predicted: ArrayLike, queries: ArrayLike | None
) -> Callable[[Array], Array]:
    """Return a metric of `RANKING` as a function of the weights of the examples.

    Parameters
    ----------
    metric : str
    truth : array_like, shape (n,)
        Labels: the higher, the better the document.
    predicted : array_like, shape (..., n)
        Scores; with a NaN a variant has no value (NaN).
    queries : array_like, shape (n,)
        A number or name of the query of each example. All documents of one weigh the same.

    Returns
    -------
    callable
        From weights of shape (n,) or (b, n) to shape (...) or (..., b); NaN where no query can be put in
        order.

    Raises
    ------
    ValueError
        See `check`.

    Examples
    --------
    >>> of = statistic("pair_agreement", [1, 0, 1, 0], [0.9, 0.1, 0.2, 0.8], ["a", "a", "b", "b"])
    >>> float(of(np.ones(4))), float(of(np.array([2, 2, 0, 0])))
    (0.5, 1.0)
    """
    check(metric, truth, queries)
    truth, predicted = np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    own, variants = np.flatnonzero(in_order(truth, queries)), predicted.reshape(-1, truth.size)
    _, first, of = np.unique(np.asarray(queries)[own], return_index=True, return_inverse=True)
    documents = [own[of == number] for number in range(first.size)]
    values = np.array(
        [[_value(metric, truth[one], scores[one]) for one in documents] for scores in variants]
    ).reshape(*predicted.shape[:-1], first.size)
    return partial(_mean, values, own[first])


def _value(metric: str, truth: Array, scores: Array) -> float:
    return RANKING[metric](truth, scores) if np.isfinite(scores).all() else np.nan


def _mean(values: Array, first: NDArray[np.int64], weights: Array) -> Array:
    """Mean over queries, each with the weight of its first document."""
    own = weights[..., first]
    with np.errstate(invalid="ignore"):
        return values @ own.T / own.sum(axis=-1)
