"""Attributions of an output that does not move, or is no number: zero or undefined, and never ranked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from distillens.attribution.types import Attribution
from distillens.metrics.explained_output import predicted, towards

_EPSILON = np.finfo(np.float64).eps


def settled(attribution: Attribution) -> Attribution:
    """An attribution without rounding noise and without numbers that are none.

    By output: where a value, or the output itself, is not finite, all values are NaN. Where all
    values are so small that adding them to the output does not change it, they are noise of an
    output that does not move (LIME's regression leaves some), and become zero.

    Examples
    --------
    >>> from distillens.data.text import Example
    >>> values = np.array([[1e-30, 0.2, np.inf], [-1e-31, 0.1, 0.3]])
    >>> one = Attribution(Example("a", "not bad"), values, np.full(3, np.nan), np.ones(3))
    >>> settled(one).values.tolist()
    [[0.0, 0.2, nan], [0.0, 0.1, nan]]
    """
    values = np.array(attribution.values, dtype=np.float64)
    if not values.size:
        return attribution
    ends = np.abs(np.stack([attribution.base, attribution.output]).astype(np.float64))
    scale = np.where(np.isfinite(ends), ends, 0.0).max(axis=0)
    still = np.abs(values).max(axis=0) <= _EPSILON * scale
    undefined = ~np.isfinite(values).all(axis=0) | ~np.isfinite(attribution.output)
    values[:, still] = 0.0
    values[:, undefined] = np.nan
    return replace(attribution, values=values)


def says_nothing(values: np.ndarray, logits: Sequence[float] | None) -> bool:
    """Whether the values of the predicted class have no order: all are zero, or none is a number.

    Parameters
    ----------
    values : ndarray, shape (n_words, outputs)
    logits : sequence of float, shape (outputs,), or None

    Examples
    --------
    >>> says_nothing(np.zeros((2, 1)), None), says_nothing(np.array([[0.1], [0.0]]), None)
    (True, False)
    """
    column: Any = towards(values, predicted(logits, values))
    return not np.any(np.nan_to_num(column, posinf=1.0, neginf=1.0))
