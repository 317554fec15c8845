"""The k words of largest size, where words may tie for the last places.

Tied words share the places that are left: each choice of them is as likely as any other, and the choices of
two models are independent. All numbers are expectations over these choices: exact, without a seed.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def membership(values: Array, k: int) -> Array:
    """Probability of each word to be among the top k by absolute value, shape (..., n); sums to k.

    Fewer than k words, or NaN, have none (NaN).

    Examples
    --------
    >>> membership(np.array([3.0, -1.0, 1.0, 0.0]), 2).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    if values.shape[-1] < k:
        return np.full(values.shape, np.nan)
    size = np.abs(values)
    last = np.partition(size, -k, axis=-1)[..., -k, None]
    above, tied = size > last, size == last
    places = k - above.sum(axis=-1, keepdims=True)
    share = places / np.maximum(1, tied.sum(axis=-1, keepdims=True))
    return np.where(np.isnan(values), np.nan, above + tied * share)


def mean_over_ties(function: Callable[[Array], Array], a: Array, b: Array, k: int) -> Array:
    """Mean of a function of how many of the top k two models share, over all ways to break ties.

    Step by step: where nothing ties, it is the function of the number. Else model b takes the words of its
    last places at random: some of them are sure ones of a, some are tied in a. Given these numbers, how
    many of a's own last places fall on b's top is hypergeometric.

    Parameters
    ----------
    function : callable
        Of arrays of numbers of shared words.
    a, b : arrays, shape (..., n)
        Attributions.
    k : int
        Size of the tops.

    Returns
    -------
    array, shape (...)
        NaN where a top is undefined.

    Examples
    --------
    >>> mean_over_ties(lambda shared: shared**2, np.array([1.0, 1.0]), np.array([1.0, 0.0]), 1).tolist()
    0.5
    """
    tops = membership(a, k), membership(b, k)
    result = np.asarray(function((tops[0] * tops[1]).sum(axis=-1)), dtype=np.float64).copy()
    tied = np.logical_or(*(((top > 0) & (top < 1)).any(axis=-1) for top in tops))
    for row in np.argwhere(tied):
        at = tuple(row)
        shared, weights = _distribution(tops[0][at], tops[1][at], k)
        result[at] = weights @ function(shared)
    return result


def _distribution(a: Array, b: Array, k: int) -> tuple[Array, Array]:
    """Each possible number of shared words, and its probability."""
    in_a, in_b = a == 1, b == 1
    tied_a, tied_b = (a > 0) & ~in_a, (b > 0) & ~in_b
    places_a, places_b = k - int(in_a.sum()), k - int(in_b.sum())
    on_sure, on_tied = int((tied_b & in_a).sum()), int((tied_b & tied_a).sum())
    elsewhere, candidates = int(tied_b.sum()) - on_sure - on_tied, int(tied_a.sum())
    weights = np.zeros(k + 1)
    for sure, both in itertools.product(range(on_sure + 1), range(on_tied + 1)):
        rest = places_b - sure - both
        if not 0 <= rest <= elsewhere:
            continue
        of_b = math.comb(on_sure, sure) * math.comb(on_tied, both) * math.comb(elsewhere, rest)
        named = int((tied_a & in_b).sum()) + both
        for hits in range(max(0, places_a - candidates + named), min(named, places_a) + 1):
            of_a = math.comb(named, hits) * math.comb(candidates - named, places_a - hits)
            weights[int((in_a & in_b).sum()) + sure + hits] += of_b * of_a
    ways = math.comb(int(tied_b.sum()), places_b) * math.comb(candidates, places_a)
    return np.arange(k + 1.0), weights / ways
