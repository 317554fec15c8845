"""Rows of numbers as short text, so that a page can hold the attributions to every class."""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

STEPS = 32767
"""The largest number is so many steps; 1 / STEPS of it is the precision of all."""
_NONE = -STEPS - 1


def pack(values: ArrayLike) -> tuple[str, float]:
    """Write numbers as 16-bit steps of the largest of them.

    Parameters
    ----------
    values : array, shape (n,)
        What is not finite is kept as missing.

    Returns
    -------
    text : str
        Base64 of ``n`` little-endian 16-bit integers; -32768 is missing.
    largest : float
        The largest size, to four digits and more; 0 where all are zero or missing.

    Examples
    --------
    >>> pack([0.5, -0.25, float("nan")])
    ('/38AwACA', 0.5)
    """
    values = np.asarray(values, dtype=np.float64)
    usable = np.isfinite(values)
    largest = float(np.abs(values[usable]).max(initial=0.0))
    if largest == 0:
        steps = np.where(usable, 0, _NONE)
    else:
        steps = np.where(usable, np.rint(np.where(usable, values, 0) / largest * STEPS), _NONE)
    return base64.b64encode(steps.astype("<i2").tobytes()).decode(), float(f"{largest:.6g}")


def of_classes(values: Sequence[Sequence[float]]) -> tuple[list[str | None], list[float | None]]:
    """Pack the attributions to each class; of two classes that mirror each other only the second.

    Parameters
    ----------
    values : array, shape (outputs, n)

    Returns
    -------
    texts, largest : lists of length ``outputs``
        As `pack`; None for the class whose values are those of the other with the other sign.

    Examples
    --------
    >>> of_classes([[-0.5, 0.25], [0.5, -0.25]])
    ([None, '/38AwA=='], [None, 0.5])
    """
    packed = [pack(of_class) for of_class in values]
    texts: list[str | None] = [text for text, _ in packed]
    largest: list[float | None] = [size for _, size in packed]
    if len(packed) == 2:
        first, second = (np.asarray(of_class, dtype=np.float64) for of_class in values)
        if np.array_equal(np.isfinite(first), np.isfinite(second)):
            apart = np.abs(first + second)[np.isfinite(first)].max(initial=0.0)
            if apart <= packed[1][1] / (2 * STEPS):
                texts[0] = largest[0] = None
    return texts, largest
