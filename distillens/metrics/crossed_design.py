"""How sure a mean is when both the examples and the training runs are drawn at random.

A student's agreement with its teacher varies with the texts and with the run: another
seed gives another model. Both must count, and runs are few. A bootstrap of three runs
covers the truth far too rarely (the tests measure it), so the interval comes from the
variances of a crossed design, examples x runs. Step by step, for a weighted sum of
columns such as "ceiling less student":

1. A column has one value per example: the mean over the runs of one recipe.
2. Examples: form the sum on each of the n examples; the variance of these n values,
   divided by n, is the examples' part, with n - 1 degrees of freedom.
3. Runs: the difference of two runs' means has twice the variance of one run (`noise_of`).
   A column of k runs has a k-th of that variance, times its squared weight: the runs' part.
   Degrees of freedom: one less than the runs that the noise was seen in. A recipe with a
   single run borrows the noise of another.
4. Interaction: runs also differ on single examples. Both parts contain that, so it is
   taken off the examples' part of the columns whose own runs gave the noise.
5. The parts add up to the variance of the sum. Its degrees of freedom are those of
   Satterthwaite (1946): total^2 / sum(part^2 / df).
6. The interval is the sum -+ Student's t times the root of the variance.

For a ratio, Fieller (1954): r belongs to the interval if the one of ``above - r below``
holds zero. With many runs all this is what a bootstrap over runs and examples gives (Owen
2007, "The pigeonhole bootstrap"; Sellam et al. 2022, "The MultiBERTs").
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """How much one more run would differ from another, seen on the given examples.

    Attributes
    ----------
    variance : float
        Of a run's mean over these examples.
    interaction : float
        The part of it that comes from runs being unlike on single examples; it shrinks
        with the number of examples, the rest does not.
    df : int
        Degrees of freedom of the variance.
    """

    variance: float
    interaction: float
    df: int


@dataclass(frozen=True)
class Group:
    """Runs whose mean over examples is column ``column`` of a `Crossed` design.

    ``noise`` is None where it is not known; ``own`` says whether these very runs gave
    it. Of runs that only borrow it, the interaction stays in the examples' part.
    """

    column: int
    runs: int
    noise: Noise | None
    own: bool = True


class Interval(NamedTuple):
    """A value, its bounds, and the two-sided p-value of its being zero."""

    value: float
    low: float
    high: float
    p_value: float


def noise_of(differences: ArrayLike, runs: int) -> Noise | None:
    """Noise of a run from differences between runs.

    Parameters
    ----------
    differences : array_like, shape (pairs, n)
        Per example, of two runs' values: each has twice the variance of one run.
    runs : int
        How many runs the pairs are made of; one less are the degrees of freedom. (Pairs
        of pairs of runs carry more where runs differ at random and not each from
        all others: then this is on the safe side.)

    Returns
    -------
    Noise or None
        None for less than two runs or examples.

    Examples
    --------
    >>> noise = noise_of([[0.1, 0.3]], runs=2)
    >>> round(noise.variance, 3), round(noise.interaction, 3), noise.df
    (0.02, 0.005, 1)
    """
    differences = np.asarray(differences, dtype=np.float64)
    if runs < 2 or differences.size == 0 or differences.shape[1] < 2:
        return None
    n = differences.shape[1]
    return Noise(
        variance=float((differences.mean(axis=1) ** 2).mean() / 2),
        interaction=float(differences.var(axis=1, ddof=1).mean() / 2 / n),
        df=runs - 1,
    )


def noise_of_runs(values: Array) -> Noise | None:
    """Noise of a run from several runs' values, shape (runs, n); None for less than two.

    Examples
    --------
    >>> noise = noise_of_runs(np.array([[0.5, 0.6], [0.7, 0.8], [0.6, 0.7]]))
    >>> round(noise.variance, 3), round(noise.interaction, 3), noise.df
    (0.01, 0.0, 2)
    """
    return noise_of([a - b for a, b in itertools.combinations(values, 2)], len(values))


def noise_of_pairs(agreement: Array) -> Noise | None:
    """Noise of a run from the agreement of each two runs, shape (runs, runs, n); None for less than three.

    Pairs that share a run are compared: they differ by one run, as a student does from a seed.

    Examples
    --------
    >>> agreement = np.full((3, 3, 2), 0.8)
    >>> agreement[0, 1] = agreement[1, 0] = 0.5
    >>> round(noise_of_pairs(agreement).variance, 3)
    0.03
    """
    runs = len(agreement)
    if runs < 3:
        return None
    pairs = list(itertools.combinations(range(runs), 2))
    adjacent = [(a, b) for a, b in itertools.combinations(pairs, 2) if set(a) & set(b)]
    return noise_of([agreement[a] - agreement[b] for a, b in adjacent], runs)


class Crossed:
    """Means over examples of several columns, some of them means over runs.

    Parameters
    ----------
    columns : array_like, shape (columns, n)
        Without NaN.
    groups : sequence of Group
        The columns that are means over runs; those with the same noise share its
        uncertainty.

    Examples
    --------
    >>> design = Crossed([[0.5, 0.6, 0.7], [0.8, 0.8, 0.9]], groups=[])
    >>> found = design.interval([-1, 1], confidence_level=0.95)  # the second less the first
    >>> [round(float(bound), 2) for bound in found[:3]]
    [0.23, 0.09, 0.38]
    >>> round(design.ratio([1, 0], [0, 1], confidence_level=0.95).value, 2)
    0.72
    """

    def __init__(self, columns: ArrayLike, groups: Sequence[Group]) -> None:
        self._columns = np.asarray(columns, dtype=np.float64)
        self._groups = groups
        self.means = self._columns.mean(axis=1)

    @property
    def n(self) -> int:
        """Number of examples."""
        return self._columns.shape[1]

    def variance(self, weights: ArrayLike) -> tuple[float, float]:
        """Variance of the weighted sum of means that examples cause, and that runs cause.

        Examples: the variance of the weighted sum over examples divided by their number,
        less the interaction that the runs' part has already.
        """
        return self._examples(weights), sum(variance for variance, _ in self._by_noise(weights))

    def interval(self, weights: ArrayLike, confidence_level: float) -> Interval:
        """Student's t interval of the weighted sum of means; bounds are NaN below two examples."""
        value = float(np.dot(weights, self.means))
        if self.n < 2:
            return Interval(value, math.nan, math.nan, math.nan)
        scale, df = self._scale(weights)
        half = scale * special.stdtrit(df, (1 + confidence_level) / 2)
        if scale == 0:
            return Interval(value, value, value, 1.0 if value == 0 else 0.0)
        return Interval(value, value - half, value + half, float(2 * special.stdtr(df, -abs(value) / scale)))

    def ratio(self, above: ArrayLike, below: ArrayLike, confidence_level: float) -> Interval:
        """Ratio of two weighted sums, with the interval of Fieller (1954).

        It holds the ratios r for which the sum above less r times the sum below may be zero, each by the
        test of `interval`; so it leaves out zero just if the interval of the sum above does. All NaN where
        the sum below is not shown to be above zero: then the ratio has no bounds. There is no p-value.
        """
        above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
        if not self.interval(below, confidence_level).low > 0:
            return Interval(math.nan, math.nan, math.nan, math.nan)
        value = float(above @ self.means) / float(below @ self.means)

        def excluded(ratio: float) -> float:
            """Above zero for a ratio outside of the interval."""
            difference = self.interval(above - ratio * below, confidence_level)
            return max(difference.low, -difference.high)

        return Interval(value, _end(excluded, value, -1.0), _end(excluded, value, 1.0), math.nan)

    def _scale(self, weights: ArrayLike) -> tuple[float, float]:
        """Standard error of a weighted sum, and its degrees of freedom."""
        parts = [(self._examples(weights), self.n - 1), *self._by_noise(weights)]
        total = sum(variance for variance, _ in parts)
        if total <= 0:
            return 0.0, float(self.n - 1)
        return math.sqrt(total), total**2 / sum(variance**2 / df for variance, df in parts)

    def _examples(self, weights: ArrayLike) -> float:
        weights = np.asarray(weights, dtype=np.float64)
        variance = float((weights @ self._columns).var(ddof=1) / self.n)
        for group in self._groups:
            if group.noise is not None and group.own:
                variance -= weights[group.column] ** 2 * group.noise.interaction / group.runs
        return max(0.0, variance)

    def _by_noise(self, weights: ArrayLike) -> list[tuple[float, int]]:
        weights = np.asarray(weights, dtype=np.float64)
        variances: dict[Noise, float] = {}
        for group in self._groups:
            if group.noise is not None:
                factor = float(weights[group.column]) ** 2 / group.runs
                variances[group.noise] = variances.get(group.noise, 0.0) + factor * group.noise.variance
        return [(variance, noise.df) for noise, variance in variances.items()]


def _end(excluded: Callable[[float], float], start: float, step: float) -> float:
    """Where an interval that holds ``start`` ends in the direction of ``step``."""
    if excluded(start) >= 0:  # nothing varies: all but `start`, and by rounding `start` too, is excluded
        return start
    while excluded(start + step) <= 0:
        step *= 2
    return float(optimize.brentq(excluded, start, start + step))
