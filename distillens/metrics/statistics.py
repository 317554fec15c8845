"""Confidence intervals and tests: everything that says how sure a number is.

A statistic is a function of *weights*: how often each example counts. With all ones it
gives the value, with the counts of a resample one bootstrap replicate, with one zero a
jackknife replicate. So one primitive serves a mean, a correlation, a confusion matrix
and the ratio of several paired means alike, and replicates become matrix products.

Proportions, means of answers that are 1 or 0, are the exception: near 0 or 1 resamples are all alike, and the
bootstrap of 20 texts of which 95 % are right holds the truth in 58 % of studies. `proportion` has Wilson's
interval.

Examples that belong together, texts of one document say, are a *group*: groups are drawn, each with all
its examples.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from distillens.data.text import seed_of

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]

_BATCH_CELLS = 1_000_000
_SAME = 1e-12
_PROBES = 64
_DIGITS = 40  # binary ones, so 12 decimal ones


@dataclass(frozen=True)
class Resampling:
    """How often, how confidently and from which seed examples are resampled."""

    seed: int
    resamples: int = 2000
    confidence_level: float = 0.95

    def at(self, *parts: object) -> "Resampling":
        """Return the same with a seed of its own for one result, whatever else is computed."""
        return replace(self, seed=seed_of(self.seed, *parts))


class Estimate(NamedTuple):
    """Values with the bounds of their confidence intervals, each of shape (...)."""

    value: Array
    low: Array
    high: Array


class Summary(NamedTuple):
    """Means over the examples that are defined, and how many are; each of shape (rows,).

    ``spread`` is their standard deviation (n - 1).
    """

    value: Array
    low: Array
    high: Array
    spread: Array
    n: NDArray[np.int64]
    n_undefined: NDArray[np.int64]


def estimate(
    statistic: Statistic, n: int, resampling: Resampling, groups: ArrayLike | None = None
) -> Estimate:
    """Value and confidence interval of a statistic of ``n`` examples.

    Step by step: the value is the statistic of weights that are all 1. Each resample draws n examples
    with replacement; its weights are how often each was drawn. The bounds are quantiles of the statistic
    over the resamples, corrected for bias and for skewness, which is seen by leaving out one example
    after the other (BCa: Efron 1987, as `scipy.stats.bootstrap` has it). BCa counts how many replicates are
    below the value and how many equal it, so all are rounded to 12 digits of their scale first: what the
    processor does to the last digit of a sum decides nothing.

    With groups, these are drawn and left out, each with all its examples (the cluster bootstrap: Davison
    and Hinkley 1997, section 3.8), and the level of the quantiles is raised, because few groups tell too
    little of how they vary (the expanded percentile interval: Hesterberg 2015). Groups are too few for bounds
    where resamples that are one group g times, g^-g of all, are no rarer than the truth may be beyond a
    bound: at 95 % below four. Where each is one example nothing changes.

    Parameters
    ----------
    statistic : callable
        Takes weights of shape (n,) or (b, n) and returns shape (...) or (..., b); the
        components of (...) share their resamples, so their differences are paired.
    n : int
        Number of examples.
    resampling : Resampling
        Seed, number of resamples and level.
    groups : array_like, shape (n,), optional
        Examples with the same number, or name, count as one draw.

    Returns
    -------
    Estimate
        Where BCa is degenerate, the percentile interval of the replicates in
        which the statistic is defined; where all replicates are the same, the value.
        Fewer than two examples, or too few groups, have no bounds (NaN).

    Examples
    --------
    >>> mean = estimate(mean_of([1.0, 2.0, 3.0, 4.0]), 4, Resampling(seed=1))
    >>> float(mean.value), bool(1 < mean.low < 2 and 3 < mean.high < 4)
    (2.5, True)
    >>> bool(np.isnan(estimate(mean_of([1.0, 2.0]), 2, Resampling(seed=1), groups=["a", "a"]).low))
    True
    """
    value = np.asarray(statistic(np.ones(n)), dtype=np.float64)
    of, draws = _drawn(groups, n)
    if draws < 2 or (draws < n and float(draws) ** -draws > (1 - resampling.confidence_level) / 2):
        nothing = np.full(value.shape, np.nan)
        return Estimate(value, nothing, nothing)

    unit, level = _unit(statistic, value, of, draws, resampling.seed), resampling.confidence_level
    if draws < n:
        level = 1 - 2 * special.ndtr(-special.ndtri((1 + level) / 2) / np.sqrt(_few(level, n, draws)))

    def replicates(index: NDArray[np.int64], axis: int = -1) -> Array:
        values = statistic(_counts(index, draws)[..., of])
        return _rounded(values, unit[..., None] if values.ndim > unit.ndim else unit)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # degenerate replicates: handled below
        result = stats.bootstrap(
            (np.arange(draws),),
            replicates,
            vectorized=True,
            n_resamples=resampling.resamples,
            confidence_level=level,
            batch=max(1, _BATCH_CELLS // n),
            method="BCa",
            rng=np.random.default_rng(resampling.seed),
        )
        tail = (1 - level) / 2
        distribution = result.bootstrap_distribution
        percentile = np.nanquantile(distribution, [tail, 1 - tail], axis=-1)
        spread = np.nanmax(distribution, axis=-1) - np.nanmin(distribution, axis=-1)
    # Sums of equal numbers differ in their last digits with the order of the weights.
    constant = spread <= unit
    low, high = (np.asarray(bound) for bound in result.confidence_interval)
    degenerate = np.isnan(low) | np.isnan(high)
    low, high = (
        _rounded(np.where(degenerate, edge, bound), unit)
        for bound, edge in zip((low, high), percentile, strict=True)
    )
    low, high = (np.where(constant | (np.abs(end - value) <= unit), value, end) for end in (low, high))
    return Estimate(value, low, high)


def proportion(
    answers: ArrayLike, trials: int, confidence_level: float, groups: ArrayLike | None = None
) -> Estimate:
    """Mean of answers that are 1 or 0, with Wilson's interval (1927), which holds near 0 and 1 too.

    Examples are drawn, so with several answers each (repeats of a random edit, say) they are clusters: the
    interval is that of as many independent answers as would vary so (the effective sample size: Korn and
    Graubard 1998). Where all answers are alike, nothing says how those of one example hang together, and
    they count as one. Groups of examples are clusters likewise, and what few of them tell too little of is
    made up for (Korn and Graubard's ratio of Student's t).

    Parameters
    ----------
    answers : array_like, shape (..., n)
        Of each example the mean of its answers, 0 to 1. With NaN there is no proportion.
    trials : int
        Answers of each example.
    confidence_level : float
        Level of the interval.
    groups : array_like, shape (n,), optional
        As for `estimate`.

    Returns
    -------
    Estimate
        Each of shape (...); fewer than two examples, or groups of them, have no bounds.

    Examples
    --------
    >>> [round(float(end), 3) for end in proportion([1.0] * 19 + [0.0], 1, 0.95)]
    [0.95, 0.764, 0.991]
    """
    answers = np.asarray(answers, dtype=np.float64)
    n = answers.shape[-1]
    value = answers.mean(axis=-1) if n else np.full(answers.shape[:-1], np.nan)
    of, draws = _drawn(groups, n)
    if draws < 2:
        return Estimate(value, *np.full((2, *value.shape), np.nan))
    single, mean = value * (1 - value), _variance_of_mean(answers, of)
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = single / mean * _few(confidence_level, n, draws)
        effective = np.where(single > _SAME, np.minimum(alone, n * trials), draws)
    z2 = special.ndtri((1 + confidence_level) / 2) ** 2
    middle = (value + z2 / (2 * effective)) / (1 + z2 / effective)
    half = np.sqrt(z2 * (single / effective + z2 / (4 * effective**2))) / (1 + z2 / effective)
    low, high = np.clip(middle - half, 0, value), np.clip(middle + half, value, 1)
    return Estimate(value, np.where(value <= _SAME, 0.0, low), np.where(value >= 1 - _SAME, 1.0, high))


def mean_of(columns: ArrayLike) -> Statistic:
    """Return the means of columns as a statistic.

    Parameters
    ----------
    columns : array_like, shape (..., n)
        Without NaN.

    Returns
    -------
    callable
        From weights of shape (n,) or (b, n) to means of shape (...) or (..., b).

    Examples
    --------
    >>> mean = mean_of([1.0, 2.0, 3.0])
    >>> float(mean(np.ones(3))), float(mean(np.array([0, 0, 2])))
    (2.0, 3.0)
    """
    columns = np.asarray(columns, dtype=np.float64)
    return lambda weights: columns @ weights.T / weights.sum(axis=-1)


def summaries(
    columns: ArrayLike,
    resampling: Resampling,
    trials: Sequence[int] = (),
    groups: ArrayLike | None = None,
) -> Summary:
    """Mean over examples of each row, its interval, and how many values are undefined.

    Parameters
    ----------
    columns : array_like, shape (rows, n)
        NaN is "undefined": left out of the mean, and counted.
    resampling : Resampling
        Rows that are defined on the same examples share their resamples.
    trials : sequence of int, optional
        For each row 0, or of how many answers that are 1 or 0 a value is the mean: such rows are a
        `proportion`.
    groups : array_like, shape (n,), optional
        As for `estimate`.

    Examples
    --------
    >>> summary = summaries([[1.0, 3.0, np.nan]], Resampling(seed=1))
    >>> summary.value.tolist(), summary.n.tolist(), summary.n_undefined.tolist()
    ([2.0], [2], [1])
    """
    columns = np.atleast_2d(np.asarray(columns, dtype=np.float64))
    defined = ~np.isnan(columns)
    groups = None if groups is None else np.asarray(groups)
    value, low, high, spread = np.full((4, len(columns)), np.nan)
    for mask in np.unique(defined, axis=0):
        rows = (defined == mask).all(axis=1)
        if mask.any():
            values, own = columns[np.ix_(rows, mask)], None if groups is None else groups[mask]
            value[rows], low[rows], high[rows] = estimate(mean_of(values), values.shape[1], resampling, own)
            if values.shape[1] > 1:
                spread[rows] = values.std(axis=1, ddof=1)
    for row, answers in enumerate(trials):
        if answers:
            known, own = columns[row][defined[row]], None if groups is None else groups[defined[row]]
            _, low[row], high[row] = proportion(known, answers, resampling.confidence_level, own)
    n = defined.sum(axis=1)
    return Summary(value, low, high, spread, n, columns.shape[1] - n)


def _drawn(groups: ArrayLike | None, n: int) -> tuple[NDArray[np.int64] | slice, int]:
    """The draw that each example belongs to, by order of appearance, and how many draws there are.

    Names of groups decide nothing, and groups of one example each are none.

    Raises
    ------
    ValueError
        If there are not as many as examples.
    """
    if groups is None:
        return slice(None), n
    _, first, of = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    if of.shape != (n,):
        raise ValueError(f"groups of {np.shape(groups)} for {n} examples; give one of each")
    return (slice(None), n) if first.size == n else (np.argsort(np.argsort(first))[of], first.size)


def _variance_of_mean(values: Array, of: NDArray[np.int64] | slice) -> Array:
    """Variance of the mean over the last axis: with groups of their sums (Liang and Zeger 1986)."""
    n = values.shape[-1]
    if isinstance(of, slice):
        return values.var(axis=-1) / n
    away = values - values.mean(axis=-1, keepdims=True)
    sums = np.apply_along_axis(lambda row: np.bincount(of, row), -1, away)
    return (sums**2).sum(axis=-1) / n**2


def _few(confidence_level: float, n: int, draws: int) -> float:
    """What a variance seen in so few draws counts for, beside one that was seen in n; 1 for as many.

    Few show too little of it, by (draws - 1) / draws, and vary: the ratio of the quantiles of Student's t,
    squared (Korn and Graubard 1998; of the bootstrap Hesterberg 2015).
    """
    t_many, t_few = special.stdtrit([n - 1, draws - 1], (1 + confidence_level) / 2)
    return float((t_many / t_few) ** 2 * ((draws - 1) * n / (draws * (n - 1))))


def _unit(statistic: Statistic, value: Array, of: NDArray[np.int64] | slice, draws: int, seed: int) -> Array:
    """What numbers are rounded to: the 12th digit of the value, or of what single draws do to it."""
    drawn = np.random.default_rng([seed, _PROBES]).multinomial(draws, np.full(draws, 1 / draws), size=_PROBES)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        away = np.abs(statistic(drawn[:, of].astype(np.float64)) - value[..., None])
        scale = np.fmax(np.abs(value), np.sqrt(draws) * np.nanmax(away, axis=-1))
    # A power of two, so that rounding is exact; scales are rarely close to one times this odd number.
    usable = np.isfinite(scale) & (scale > 0)
    return np.where(usable, np.ldexp(1.0, np.frexp(np.where(usable, scale, 1) * 1.2345)[1] - _DIGITS), 0.0)


def _rounded(values: Array, unit: Array) -> Array:
    """Values in multiples of a unit; of 0 they stay as they are."""
    steps = np.where(unit > 0, unit, 1.0)
    return np.where(unit > 0, np.round(values / steps) * steps, values)


def _counts(index: NDArray[np.int64], n: int) -> Array:
    """How often each of ``n`` examples is in each resample: (..., m) -> (..., n)."""
    flat = index.reshape(-1, index.shape[-1])
    shifted = flat + n * np.arange(len(flat))[:, None]
    counts = np.bincount(shifted.ravel(), minlength=n * len(flat))
    return counts.reshape(*index.shape[:-1], n).astype(np.float64)
