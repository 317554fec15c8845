"""A curve that falls with the dose: its value at a dose, the doses of a value, and what both hang on."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FallingCurve:
    """Isotonic regression of values on doses (Barlow et al. 1972), with straight lines between the doses.

    Attributes
    ----------
    doses : ndarray, shape (k,)
        Increasing.
    fit : ndarray, shape (k,)
        The regression's values: never increasing.
    shares : ndarray, shape (k, k)
        How much each value (column) has of each fitted one (row): values out of order share one mean.
    """

    doses: Array
    fit: Array
    shares: Array

    @classmethod
    def through(cls, doses: ArrayLike, values: ArrayLike) -> "FallingCurve":
        """Fit the curve.

        Raises
        ------
        ValueError
            If there are fewer than two doses, or they do not increase.

        Examples
        --------
        >>> FallingCurve.through([0, 1, 2, 3], [1.0, 0.5, 0.7, 0.2]).fit.round(2).tolist()
        [1.0, 0.6, 0.6, 0.2]
        """
        doses, values = np.asarray(doses, dtype=np.float64), np.asarray(values, dtype=np.float64)
        if len(doses) < 2 or (np.diff(doses) <= 0).any():
            raise ValueError(f"doses {doses.tolist()}: there must be two or more, and they must increase")
        regression = optimize.isotonic_regression(values, increasing=False)
        shares = np.zeros((len(doses), len(doses)))
        for start, stop in itertools.pairwise(regression.blocks):
            shares[start:stop, start:stop] = 1 / (stop - start)
        return cls(doses, regression.x, shares)

    def weights(self, dose: float) -> Array:
        """How much of each value is in the curve's value at a dose; beyond the last one as at the last.

        Examples
        --------
        >>> curve = FallingCurve.through([0, 1, 2], [1.0, 0.6, 0.2])
        >>> curve.weights(0.25).tolist(), curve.weights(9).tolist()
        ([0.75, 0.25, 0.0], [0.0, 0.0, 1.0])
        """
        between = [np.interp(dose, self.doses, one) for one in np.eye(len(self.doses))]
        return np.array(between) @ self.shares

    def doses_of(self, value: float) -> tuple[float, float]:
        """The first and the last dose at which the curve has a value.

        A value above the curve is that of the first dose; one below it, which no dose has, NaN.

        Examples
        --------
        >>> curve = FallingCurve.through([0, 1, 2, 3], [1.0, 0.6, 0.6, 0.2])
        >>> [curve.doses_of(value) for value in (1.2, 0.6, 0.1)]
        [(0.0, 0.0), (1.0, 2.0), (nan, nan)]
        """
        if not value >= self.fit[-1]:
            return np.nan, np.nan
        value = min(value, self.fit[0])
        above, below = np.flatnonzero(self.fit > value), np.flatnonzero(self.fit < value)
        equal = np.flatnonzero(self.fit == value)
        if equal.size:
            return float(self.doses[equal[0]]), float(self.doses[equal[-1]])
        i, j = above[-1], below[0]
        share = (self.fit[i] - value) / (self.fit[i] - self.fit[j])
        dose = float(self.doses[i] + share * (self.doses[j] - self.doses[i]))
        return dose, dose
