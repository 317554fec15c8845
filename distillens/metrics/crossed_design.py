"""How sure a mean is when texts and training runs of teacher and student are all drawn at random.

A student's agreement with its teacher varies with the texts, with the teacher's run and with
the student's: another seed gives another model. All three must count, and runs are few. Resampling
three runs covers the truth far too rarely (the tests measure it), so the interval comes from
variances, by leaving out one run after the other. Step by step, for a weighted sum of columns such as
"ceiling less agreement":

1. A column has one value per text: a mean over runs, or over pairs of runs.
2. Runs: leave out one run. What the column loses, times the number of the others, is that run's *influence*
   (Quenouille's jackknife; of a mean over pairs it is Hoeffding's projection, so runs that stand in many
   pairs count as often as they do: Arvesen 1969). The variance of the influences over the runs,
   divided by their number, is the runs' part, with one degree of freedom less than runs. It is not too small
   for any mean over pairs (Efron and Stein 1981).
3. Texts: the variance of the weighted sum over texts, divided by their number; texts of one group
   count as one draw.
4. Runs also differ on single texts. The texts' part holds that already, so it is taken off the runs' part,
   which does not fall below zero.
5. The parts add up to the variance of the sum (Owen 2007, "The pigeonhole bootstrap"). Its degrees of
   freedom are those of Satterthwaite (1946), total^2 / sum(part^2 / df), from parts in which what step 4
   takes off is taken off the texts: that way few runs count as few.
6. The interval is the sum -+ Student's t times the root of the variance.

For a ratio, Fieller (1954): r belongs to the interval if the one of ``above - r below`` holds zero.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

Array = NDArray[np.float64]

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Factor:
    """Runs of one kind, and what each of them does to the columns.

    Attributes
    ----------
    influence : ndarray, shape (k, columns, n)
        Of each of the k runs in which the noise was seen, centred over them.
    runs : int
        How many runs the columns are means of: k, unless the noise is borrowed from other runs.
    """

    influence: Array
    runs: int

    @classmethod
    def of(cls, columns: Array, without: Sequence[Array]) -> "Factor":
        """Runs by what the columns are without each of them.

        Examples
        --------
        >>> values = np.array([[0.5, 0.7, 0.9]])  # one text, three runs
        >>> without = [np.delete(values, run, axis=1).mean(axis=1)[None] for run in range(3)]
        >>> Factor.of(values.mean(axis=1)[None], without).influence.ravel().round(3).tolist()
        [-0.2, 0.0, 0.2]
        """
        influence = (len(without) - 1) * (columns - np.stack(without))
        return cls(influence - influence.mean(axis=0), len(without))

    @property
    def df(self) -> int:
        """Degrees of freedom."""
        return len(self.influence) - 1


class Interval(NamedTuple):
    """A value and its bounds."""

    value: float
    low: float
    high: float

    def named(self, name: str) -> dict[str, float]:
        """The columns of a table that hold it.

        Examples
        --------
        >>> Interval(0.5, 0.4, 0.6).named("drift")
        {'drift': 0.5, 'drift_low': 0.4, 'drift_high': 0.6}
        """
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


class Parts(NamedTuple):
    """Variance of a weighted sum: what texts cause, and each factor, without and with its single texts."""

    texts: float
    pure: list[float]
    whole: list[float]


class CrossedDesign:
    """Means over texts of several columns, some of which are means over runs.

    Parameters
    ----------
    columns : array_like, shape (columns, n)
        Without NaN.
    factors : sequence of Factor
        The runs, by kind.
    groups : array_like of int, shape (n,), optional
        Texts with the same number are one draw: of one document, say.

    Examples
    --------
    >>> design = CrossedDesign([[0.5, 0.6, 0.7], [0.8, 0.8, 0.9]])
    >>> [round(bound, 2) for bound in design.interval([-1, 1], confidence_level=0.95)]  # second less first
    [0.23, 0.09, 0.38]
    >>> round(design.ratio([1, 0], [0, 1], confidence_level=0.95).value, 2)
    0.72
    >>> round(design.p_above([-1, 1]), 3)
    0.01
    """

    def __init__(
        self, columns: ArrayLike, factors: Sequence[Factor] = (), groups: ArrayLike | None = None
    ) -> None:
        self._columns = np.asarray(columns, dtype=np.float64)
        self.factors = list(factors)
        self.means = self._columns.mean(axis=1)
        self.texts = n = self._columns.shape[1]
        # Numbered from 0 on, whatever they were.
        self._groups = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
        self.draws = int(self._groups.max(initial=-1)) + 1
        """How many independent draws of texts there are."""

    def parts(self, weights: ArrayLike) -> Parts:
        """What the variance of a weighted sum of means is made of; see the module's steps 2 to 4."""
        weights = np.asarray(weights, dtype=np.float64)
        used = np.flatnonzero(weights)
        weights, pure, whole = weights[used], [], []
        for factor in self.factors:
            own = factor.influence[:, used]
            if not own.any():  # these columns do not vary with it
                pure.append(0.0)
                whole.append(0.0)
                continue
            influence = np.einsum("c,kcn->kn", weights, own)
            seen = float((influence.mean(axis=1) ** 2).sum() / factor.df / factor.runs)
            single = sum(map(self._of_texts, influence)) / factor.df / factor.runs
            pure.append(max(0.0, seen - single))
            whole.append(seen)
        return Parts(self._of_texts(weights @ self._columns[used]), pure, whole)

    def estimate(self, weights: ArrayLike) -> tuple[float, float, float]:
        """A weighted sum of means, its standard error, and its degrees of freedom.

        Without two draws of texts the error is NaN. What is zero but for rounding is zero.
        """
        weights = np.asarray(weights, dtype=np.float64)
        used = np.flatnonzero(weights)  # the others may be undefined
        size = float(np.abs(weights[used]) @ np.abs(self.means[used]))
        value = float(weights[used] @ self.means[used])
        value = 0.0 if abs(value) <= _ROUNDING * size else value
        if self.draws < 2:
            return value, math.nan, math.nan
        texts, pure, whole = self.parts(weights)
        total = texts + sum(pure)
        if math.sqrt(total) <= _ROUNDING * size:
            return value, 0.0, float(self.draws - 1)
        return value, math.sqrt(total), satterthwaite(texts, pure, whole, self.draws, self.factors)

    def interval(self, weights: ArrayLike, confidence_level: float) -> Interval:
        """Student's t interval of the weighted sum of means; bounds are NaN below two draws of texts."""
        value, scale, df = self.estimate(weights)
        half = scale * special.stdtrit(df, (1 + confidence_level) / 2) if scale else scale
        return Interval(value, value - float(half), value + float(half))

    def p_above(self, weights: ArrayLike) -> float:
        """One-sided p-value of the weighted sum being zero or less."""
        value, scale, df = self.estimate(weights)
        if scale == 0:
            return 0.0 if value > 0 else 1.0
        return float(special.stdtr(df, -value / scale))

    def p_other(self, weights: ArrayLike) -> float:
        """Two-sided p-value of the weighted sum being zero."""
        value, scale, df = self.estimate(weights)
        if scale == 0:
            return 1.0 if value == 0 else 0.0
        return float(2 * special.stdtr(df, -abs(value) / scale))

    def ratio(self, above: ArrayLike, below: ArrayLike, confidence_level: float) -> Interval:
        """Ratio of two weighted sums, with the interval of Fieller (1954).

        It holds the ratios r for which the sum above less r times the sum below may be zero, each by the
        test of `interval`; so it leaves out zero just if the interval of the sum above does. All NaN where
        the sum below is not shown to be above zero: then the ratio has no bounds.
        """
        above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
        if not self.interval(below, confidence_level).low > 0:
            return Interval(math.nan, math.nan, math.nan)
        value = float(above @ self.means) / float(below @ self.means)

        def excluded(ratio: float) -> float:
            """Above zero for a ratio outside of the interval."""
            difference = self.interval(above - ratio * below, confidence_level)
            return max(difference.low, -difference.high)

        return Interval(value, _end(excluded, value, -1.0), _end(excluded, value, 1.0))

    def _of_texts(self, values: Array) -> float:
        """Variance of the mean of values over texts, by groups (Liang and Zeger 1986)."""
        away = np.bincount(self._groups, weights=values - values.mean(), minlength=self.draws)
        return float((away**2).sum() / values.size**2 * self.draws / (self.draws - 1))


def satterthwaite(
    texts: float, pure: Sequence[float], whole: Sequence[float], draws: int, factors: Sequence[Factor]
) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946), on the side of the few runs.

    Examples
    --------
    >>> satterthwaite(0.01, [], [], 30, [])
    29.0
    """
    single = sum(one - other for one, other in zip(whole, pure, strict=True))
    parts = [(max(0.0, texts - single), draws - 1)]
    parts += [(one, factor.df) for one, factor in zip(whole, factors, strict=True)]
    return sum(part for part, _ in parts) ** 2 / sum(part**2 / df for part, df in parts)


def _end(excluded: Callable[[float], float], start: float, step: float) -> float:
    """Where an interval that holds ``start`` ends in the direction of ``step``."""
    if not excluded(start) < 0:  # nothing varies: all but `start`, and by rounding `start` too, is excluded
        return start
    while not excluded(start + step) > 0:
        step *= 2
        if not math.isfinite(start + step):
            return math.copysign(math.inf, step)
    return float(optimize.brentq(excluded, start, start + step))
