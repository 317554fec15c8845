"""Which texts two models read otherwise, beyond what two runs of one model do.

A rank correlation of one text counts every word alike. So the order of words that matter to nobody decides
it: two models that both look at one word of twenty may have a Spearman of 0.09 and a cosine of 0.99. For
single texts each word therefore counts by the attribution at stake: its signed share, which is its value
divided by the sizes of all values of the text.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def shares(values: ArrayLike) -> Array:
    """Signed shares of a text's attribution, ``v_i / sum |v|``.

    Parameters
    ----------
    values : array, shape (..., n)
        Attributions of the words of a text.

    Returns
    -------
    ndarray, shape (..., n)
        Their sizes add up to 1; NaN where all values are zero, or one is not finite.

    Examples
    --------
    >>> shares([3, -1, 0]).tolist()
    [0.75, -0.25, 0.0]
    """
    values = np.asarray(values, dtype=np.float64)
    # By the largest first, so that sums neither overflow nor vanish.
    largest = np.abs(values).max(axis=-1, keepdims=True, initial=0.0)
    usable = np.isfinite(largest) & (largest > 0)
    scaled = np.where(usable, values, np.nan) / np.where(usable, largest, np.nan)
    return scaled / np.abs(scaled).sum(axis=-1, keepdims=True)


def shared_attribution(a: ArrayLike, b: ArrayLike) -> Array:
    """The share of the attribution that two models put on the same words with the same sign.

    The sum over words of the smaller of the two shares where signs agree: ``1 - sum |p_i - q_i| / 2`` of
    the signed shares p and q, which is the similarity of Bray and Curtis (1957, "An ordination of the upland
    forest communities of southern Wisconsin") of parts that add up to one. 1: the same attribution;
    0: other words, or other signs.

    Parameters
    ----------
    a, b : arrays, shape (..., n)
        Attributions of the same ``n`` words.

    Returns
    -------
    ndarray, shape (...)
        NaN where either is zero everywhere, or not finite.

    Raises
    ------
    ValueError
        If shapes differ.

    Examples
    --------
    >>> float(shared_attribution([2, 1, 1], [1, 1, -2]))  # 0.25 on the first word, 0.25 on the second
    0.5
    >>> tiny = [0.01, 0.02, 0.03]  # the order of what is near zero decides nothing
    >>> float(shared_attribution([9.94, *tiny], [9.94, *tiny[::-1]]).round(3))
    0.998
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"attributions of shapes {a.shape} and {b.shape} are not about the same words")
    return np.clip(1 - np.abs(shares(a) - shares(b)).sum(axis=-1) / 2, 0, 1)


def beyond_noise(of_student: ArrayLike, of_teachers: ArrayLike) -> Array:
    """How much less a student shares with its teacher than the teacher's runs share, per text.

    The ceiling (mean over all pairs of the teacher's runs) minus the student's mean over the pairs
    that it is compared in. 0: no further from the teacher than another of its runs.

    Parameters
    ----------
    of_student : array, shape (pairs, n)
        What `shared_attribution` says of each run of the student and each run of the teacher that it is
        compared with.
    of_teachers : array, shape (teacher pairs, n)
        The same of each two runs of the teacher.

    Returns
    -------
    ndarray, shape (n,)
        In -1 to 1; NaN where a pair is undefined, or where there is none.

    Examples
    --------
    >>> beyond_noise([[0.5, 0.75], [0.25, 1.0]], [[0.875, 0.875]]).tolist()
    [0.5, 0.0]
    """
    return mean_of_pairs(of_teachers) - mean_of_pairs(of_student)


def mean_of_pairs(values: ArrayLike) -> Array:
    """Mean over pairs, per text: NaN where one of them is undefined, or where there is no pair.

    Examples
    --------
    >>> mean_of_pairs([[0.5, np.nan], [1.0, 1.0]]).tolist()
    [0.75, nan]
    """
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    return values.sum(axis=0) / len(values) if len(values) else np.full(values.shape[1], np.nan)


def worst(beyond: Sequence[float], count: int) -> list[int]:
    """The places of the largest disagreements beyond noise, the largest first.

    Only what is above zero is beyond noise; of equal ones the first comes first; what is undefined is none.

    Examples
    --------
    >>> worst([0.1, np.nan, 0.5, -0.2, 0.1], 3)
    [2, 0, 4]
    """
    known = [place for place, value in enumerate(beyond) if value > 0]
    return sorted(known, key=lambda place: -beyond[place])[:count]
