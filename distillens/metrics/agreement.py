"""How alike the attributions of two models are, per example.

All functions take arrays of shape (..., n): the signed attributions of the same ``n``
words, rows being examples with the same number of words; they return shape (...).
Where a metric is undefined the result is NaN, for the caller to count: an attribution
that is zero everywhere (or not finite) agrees with nothing; correlations need values
that differ; metrics at ``k`` need at least ``2 k`` words. Two arrays of unlike shapes are a ValueError.

**Ties.** "The top k words" have the largest absolute values. Where words tie for the
last places, each belongs to the top with the probability that a random choice would
take it (two words tied for one place: 1/2 each). Every metric at k is its mean over
independent random choices for both models: exact, no seed (`distillens.metrics.top_words`).
A tie is therefore not agreement: where all words tie, each metric is at its chance level.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from distillens.metrics.top_words import mean_over_ties, membership

Array = NDArray[np.float64]


def cosine(a: ArrayLike, b: ArrayLike) -> Array:
    """Cosine of the angle between two attributions, ``<a, b> / (|a| |b|)``.

    Examples
    --------
    >>> cosine([[1, 0], [1, 1]], [[0, 1], [2, 2]]).round(3).tolist()
    [0.0, 1.0]
    """
    a, b = _pair(a, b)
    return np.clip((_unit(a) * _unit(b)).sum(axis=-1), -1, 1)


def pearson(a: ArrayLike, b: ArrayLike) -> Array:
    """Pearson's correlation: the cosine of centred attributions.

    Examples
    --------
    >>> float(pearson([1, 2, 3], [3, 2, 1]).round(3))
    -1.0
    """
    a, b = _pair(a, b)
    return cosine(_centred(_scaled(a)), _centred(_scaled(b)))


def spearman(a: ArrayLike, b: ArrayLike) -> Array:
    """Spearman's correlation of signed values: Pearson's of their ranks, ties sharing the mean rank.

    Examples
    --------
    >>> float(spearman([0.1, 0.2, 9.0], [1, 2, 3]).round(3))
    1.0
    """
    a, b = _pair(a, b)
    return pearson(_ranks(a), _ranks(b))


def kendall(a: ArrayLike, b: ArrayLike) -> Array:
    """Kendall's tau-b (Kendall 1945): concordant minus discordant pairs of words, ties allowed for.

    It is the cosine of the signs of all pairwise differences.

    Examples
    --------
    >>> float(kendall([1, 2, 3], [1, 3, 2]).round(3))  # two pairs in the same order, one in the other
    0.333
    """
    a, b = _pair(a, b)
    signs = [np.sign(x[..., :, None] - x[..., None, :]).reshape(*x.shape[:-1], -1) for x in (a, b)]
    return cosine(*signs)


def overlap(a: ArrayLike, b: ArrayLike, k: int) -> Array:
    """Share of the top k words that both name, ``|A & B| / k``.

    The feature agreement of Krishna et al. (2022), "The disagreement problem in explainable machine
    learning".

    Examples
    --------
    >>> float(overlap([9, 8, 0, 1], [9, 0, 8, 1], 2))
    0.5
    >>> float(overlap([9, 8, 1], [9, 8, 1], 2))  # fewer than 2 k words
    nan
    """
    a, b = _pair(a, b, words=2 * k)
    return (membership(a, k) * membership(b, k)).sum(axis=-1) / k


def jaccard(a: ArrayLike, b: ArrayLike, k: int) -> Array:
    """Jaccard index of the top k words, ``|A & B| / |A | B|``, its mean over all ways to break ties.

    Without ties it is a function of `overlap`, ``o / (2 - o)``, never larger: no second piece of evidence.

    Examples
    --------
    >>> float(jaccard([9, 8, 0, 1], [9, 0, 8, 1], 2).round(3))
    0.333
    >>> float(jaccard([1, 1], [1, 0], 1))  # 1 or 0, as the tie is broken
    0.5
    """
    a, b = _pair(a, b, words=2 * k)
    return mean_over_ties(lambda shared: shared / (2 * k - shared), a, b, k)


def overlap_corrected(a: ArrayLike, b: ArrayLike, k: int) -> Array:
    """Overlap beyond chance, ``(O - k / n) / (1 - k / n)``: 0 for unrelated, 1 for equal tops.

    Corrected as Cohen's kappa is (Cohen 1960).

    Examples
    --------
    >>> float(overlap_corrected([9, 8, 0, 1], [9, 0, 8, 1], 2))
    0.0
    """
    chance = chance_overlap(np.shape(a)[-1], k) if np.shape(a)[-1] > k else np.nan
    return (overlap(a, b, k) - chance) / (1 - chance)


def sign_agreement(a: ArrayLike, b: ArrayLike, k: int) -> Array:
    """Share of the top k words that both name with the same sign (Krishna et al. 2022, sign agreement).

    A value of zero has no sign to agree on.

    Examples
    --------
    >>> float(sign_agreement([9, -8, 0, 1], [9, 8, 0, 1], 2))
    0.5
    """
    a, b = _pair(a, b, words=2 * k)
    return (membership(a, k) * membership(b, k) * (np.sign(a) * np.sign(b) > 0)).sum(axis=-1) / k


def chance_overlap(n: int, k: int) -> float:
    """Mean overlap of two random tops of k among n words: ``k / n``.

    Examples
    --------
    >>> chance_overlap(10, 3)
    0.3
    """
    return k / n


def chance_jaccard(n: int, k: int) -> float:
    """Mean Jaccard index of two random tops of k among n words: the intersection is hypergeometric.

    Examples
    --------
    >>> round(chance_jaccard(4, 2), 3)  # 1, 1/3 or 0 with probability 1/6, 4/6, 1/6
    0.389
    """
    shared = np.arange(k + 1)
    return float((shared / (2 * k - shared) * stats.hypergeom.pmf(shared, n, k, k)).sum())


def chance_cosine(a: ArrayLike, b: ArrayLike) -> Array:
    """Mean cosine of ``a`` with ``b`` in random order: ``n mean(a) mean(b) / (|a| |b|)``.

    The mean over all ``n!`` orders, in closed form: each word of ``b`` meets each word
    of ``a`` equally often.

    Examples
    --------
    >>> float(chance_cosine([1, 0], [1, 0]).round(3))  # 1 in one order, 0 in the other
    0.5
    """
    a, b = _pair(a, b)
    return _unit(a).sum(axis=-1) * _unit(b).sum(axis=-1) / a.shape[-1]


def chance_sign_agreement(a: ArrayLike, b: ArrayLike, k: int) -> Array:
    """Mean sign agreement of ``a`` with ``b`` in random order: tops meet by chance, and so do their signs.

    Examples
    --------
    >>> float(chance_sign_agreement([1, 1], [1, -1], 1))
    0.25
    """
    a, b = _pair(a, b, words=2 * k)
    tops = [membership(x, k) for x in (a, b)]
    same = 0.0
    for sign in (1, -1):
        of_sign = [(top * (np.sign(x) == sign)).sum(axis=-1) for top, x in zip(tops, (a, b), strict=True)]
        same = same + of_sign[0] * of_sign[1]
    return same / (a.shape[-1] * k)


@dataclass(frozen=True)
class AgreementMetric:
    """All that is to be said of a metric; one more entry in `METRICS` is enough for a new one.

    ``function`` and ``chance`` (its mean over all orders of the words of one of the two) take two arrays
    of shape (..., n), and ``k`` where it is about the k strongest words (``at_k``). The page calls it by
    its ``label`` and says its ``meaning``; ``in_buckets``: also taken of texts by which models are right.
    """

    function: Callable[..., Array]
    chance: Callable[..., ArrayLike]
    label: str
    meaning: str
    at_k: bool = False
    in_buckets: bool = False


def _no_chance(*_: object) -> float:
    """By symmetry, or by correction."""
    return 0.0


METRICS: dict[str, AgreementMetric] = {
    "cosine": AgreementMetric(
        cosine, chance_cosine, "cosine", "cosine of the two attribution vectors", in_buckets=True
    ),
    "pearson": AgreementMetric(pearson, _no_chance, "Pearson", "linear correlation"),
    "spearman": AgreementMetric(
        spearman,
        _no_chance,
        "Spearman",
        "rank correlation; of attributions: decides the verdict",
        in_buckets=True,
    ),
    "kendall": AgreementMetric(
        kendall, _no_chance, "Kendall τ", "rank correlation by pairs of words, ties counted"
    ),
    "jaccard": AgreementMetric(
        jaccard,
        lambda a, b, k: chance_jaccard(a.shape[-1], k),
        "Jaccard",
        "shared share of the two sets of k strongest words",
        at_k=True,
        in_buckets=True,
    ),
    "overlap": AgreementMetric(
        overlap,
        lambda a, b, k: chance_overlap(a.shape[-1], k),
        "overlap",
        "share of the k strongest words that both name",
        at_k=True,
        in_buckets=True,
    ),
    "overlap_corrected": AgreementMetric(
        overlap_corrected,
        _no_chance,
        "overlap, corrected",
        "overlap above chance: 0 is chance, 1 the same words",
        at_k=True,
    ),
    "sign_agreement": AgreementMetric(
        sign_agreement,
        chance_sign_agreement,
        "sign",
        "share of the k strongest words that both name with the same sign",
        at_k=True,
    ),
}
"""Every metric by its name, in the order in which tables show them."""


def grid(ks: Iterable[int]) -> list[tuple[str, int | None]]:
    """All metrics, those at k once for each k, as ``(metric, k)``.

    Examples
    --------
    >>> grid([3])[-2:]
    [('overlap_corrected', 3), ('sign_agreement', 3)]
    """
    ks = list(ks)
    return [(name, k) for name, metric in METRICS.items() for k in (ks if metric.at_k else [None])]


def agreements(a: Sequence[Array], b: Sequence[Array], metrics: Sequence[tuple[str, int | None]]) -> Array:
    """Agreement of two models on many examples.

    Parameters
    ----------
    a, b : sequences of arrays
        For each example, the attributions of its words, shape (n_words,).
    metrics : sequence of (metric, k)
        As `grid` gives them; k is None for a metric that has none.

    Returns
    -------
    array, shape (metrics, examples)
        NaN where undefined.

    Raises
    ------
    ValueError
        If the two models do not have the same number of words for an example.

    Examples
    --------
    >>> a, b = [np.array([1, 2])], [np.array([2, 4])]
    >>> agreements(a, b, [("cosine", None), ("overlap", 1)]).round(3).tolist()
    [[1.0], [1.0]]
    """
    return _by_length(a, b, [_call(METRICS[name].function, k) for name, k in metrics])


def chances(a: Sequence[Array], b: Sequence[Array], metrics: Sequence[tuple[str, int | None]]) -> Array:
    """Chance level of the agreement of ``a`` with ``b`` in random order; as `agreements`.

    It is the exact mean over all orders, for which permuting at random would give an
    estimate. Where the agreement itself is undefined the result means nothing.

    Examples
    --------
    >>> a, b = [np.array([1.0, 0, 0, 0])], [np.array([0, 1.0, 0, 0])]
    >>> chances(a, b, [("cosine", None), ("overlap", 1)]).round(3).tolist()
    [[0.25], [0.25]]
    """
    return _by_length(a, b, [_call(METRICS[name].chance, k) for name, k in metrics])


def _by_length(a: Sequence[Array], b: Sequence[Array], functions: Sequence[Callable[..., Array]]) -> Array:
    """Apply functions of (m, n) arrays to ragged examples, those of one length together."""
    lengths = np.array([len(row) for row in a], dtype=np.int64)
    differing = [i for i, (n, row) in enumerate(zip(lengths, b, strict=True)) if n != len(row)]
    if differing:
        i = differing[0]
        raise ValueError(
            f"example number {i} has {lengths[i]} words in one model and {len(b[i])} in the other"
        )
    result = np.full((len(functions), len(lengths)), np.nan)
    for n in np.unique(lengths[lengths > 0]):
        rows = np.flatnonzero(lengths == n)
        left, right = (np.stack([x[i] for i in rows]) for x in (a, b))
        result[:, rows] = [function(left, right) for function in functions]
    return result


def _call(function: Callable[..., ArrayLike], k: int | None) -> Callable[[Array, Array], Array]:
    extra = () if k is None else (k,)
    return lambda a, b: np.broadcast_to(function(a, b, *extra), len(a))


def _pair(a: ArrayLike, b: ArrayLike, words: int = 1) -> tuple[Array, Array]:
    """Both as float arrays, with NaN for rows that agree with nothing."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"attributions of shapes {a.shape} and {b.shape} are not about the same words")
    usable = np.ones(a.shape[:-1], dtype=bool) & (a.shape[-1] >= words)
    for x in (a, b):
        usable &= np.isfinite(x).all(axis=-1) & (x != 0).any(axis=-1)
    return np.where(usable[..., None], a, np.nan), np.where(usable[..., None], b, np.nan)


def _scaled(a: Array) -> Array:
    """By the largest value, so that neither sums nor squares overflow or vanish; zeros have none (NaN)."""
    return a / np.abs(a).max(axis=-1, keepdims=True)


def _unit(a: Array) -> Array:
    scaled = _scaled(a)
    return scaled / np.linalg.norm(scaled, axis=-1, keepdims=True)


def _centred(a: Array) -> Array:
    # Equal values minus their rounded mean would leave noise that correlates with anything.
    constant = a.max(axis=-1, keepdims=True) == a.min(axis=-1, keepdims=True)
    return np.where(constant, 0.0, a - a.mean(axis=-1, keepdims=True))


def _ranks(a: Array) -> Array:
    return stats.rankdata(a, axis=-1)
