"""What noise of a model's own answers leaves of its agreement with another."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

REPEATABLE = 1e-5
"""Probabilities that differ by no more than this are the same: another batch may round in another way."""


def reach(ceiling: ArrayLike, of_teacher: ArrayLike, of_student: ArrayLike) -> Array:
    """Agreement that another run of the teacher would reach if it were as noisy as the student.

    Two attributions with independent noise correlate as the noiseless ones do, times the square root of the
    product of what each agrees with itself when it is made again (Spearman 1904, "The proof and measurement
    of association between two things"). The ceiling C has the noise of the teacher twice; with that of
    the student in place of one of them it is C sqrt(R_student / R_teacher). For rank correlations this
    holds about.

    Parameters
    ----------
    ceiling : array_like
        C, of each two runs of the teacher.
    of_teacher, of_student : array_like
        R, of two explanations of one run of either.

    Returns
    -------
    array
        Never above the ceiling; 0 where the student does not agree with itself, NaN where a number is
        missing or the teacher does not agree with itself.

    Examples
    --------
    >>> float(reach(0.8, 1.0, 0.64).round(3)), float(reach(0.8, 0.9, 0.95)), float(reach(0.8, 1.0, -0.1))
    (0.64, 0.8, 0.0)
    """
    ceiling, of_teacher, of_student = (
        np.asarray(one, dtype=np.float64) for one in (ceiling, of_teacher, of_student)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(of_teacher > 0, np.clip(of_student, 0, None) / of_teacher, math.nan)
    return ceiling * np.minimum(np.sqrt(share), 1)
