"""P-values adjusted for how many comparisons there are."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def holm(p_values: ArrayLike) -> Array:
    """P-values adjusted for their number by the step-down method of Holm (1979).

    Parameters
    ----------
    p_values : array_like, shape (m,)
        NaN stands for "not tested": it stays NaN and does not count.

    Examples
    --------
    >>> holm([0.01, 0.04, float("nan"), 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p_values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def holm_within(
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    tested: Sequence[bool],
    p_value: str = "p_value",
) -> list[float]:
    """Adjust the p-values of rows (`holm`), by themselves wherever all the keys are equal.

    Parameters
    ----------
    rows : sequence of mappings
    keys : sequence of str
        Rows with the same values of these are adjusted for each other.
    tested : sequence of bool
        Whether a row is tested at all; the others get NaN and do not count.
    p_value : str
        The column that is adjusted.

    Returns
    -------
    list of float
        In the order of the rows.

    Examples
    --------
    >>> rows = [{"k": 3, "p_value": 0.02}, {"k": 3, "p_value": 0.01}, {"k": 5, "p_value": 0.02}]
    >>> holm_within(rows, ["k"], [True, True, True])
    [0.02, 0.02, 0.02]
    """
    p_values = np.array(
        [row[p_value] if is_tested else np.nan for row, is_tested in zip(rows, tested, strict=True)]
    )
    adjusted = np.full(len(rows), np.nan)
    places: dict[tuple[Hashable, ...], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(tuple(row[key] for key in keys), []).append(place)
    for same in places.values():
        adjusted[same] = holm(p_values[same])
    return adjusted.tolist()


def among(p_values: Sequence[float], families: int) -> list[float]:
    """P-values that were adjusted within one of several families, for all of them (Bonferroni); NaN stays.

    Examples
    --------
    >>> among([0.01, 0.5, float("nan")], families=3)
    [0.03, 1.0, nan]
    """
    return [p if p != p else min(1.0, families * p) for p in map(float, p_values)]
