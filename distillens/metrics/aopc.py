"""Area over the perturbation curve: how much confidence goes with the words that an explainer names.

Step by step, for one text of n words:

1. Order the words by the explanation, the most important first.
2. Remove them one by one, and note the confidence c_0 (whole text), c_1, ..., c_n.
3. *Comprehensiveness* is the mean of the drops c_0 - c_k over k = 1..n; higher is better.
4. *Sufficiency* is the same with only the top k kept; lower is better. (DeYoung et al.
   2020, ERASER, eq. 1 and 2; over all k, as ferret has it: Attanasio et al. 2023.)
5. Some models lose their confidence easily. So a search finds the best and the worst
   order of the words, and a value is put on the scale between theirs (Edin et al. 2025).

Keeping the first k words of an order is removing the first n - k of its reverse: one
curve of an order gives the sufficiency of its reverse, too.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.explained_output import drop

Array = NDArray[np.float64]

COMPREHENSIVENESS, SUFFICIENCY = "aopc_comprehensiveness", "aopc_sufficiency"


def drops(confidence: ArrayLike, absolute: bool = False) -> Array:
    """Loss of confidence along a curve, ``c_0 - c_k``.

    Parameters
    ----------
    confidence : array_like, shape (n + 1,)
        Of the whole text, and after each step.
    absolute : bool
        A regression has no confidence: the size of its change counts.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> drops([0.75, 0.5, 0.25]).tolist()
    [0.25, 0.5]
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    return drop(confidence[0], confidence[1:], absolute)


def area(lost: ArrayLike) -> float:
    """Mean of the drops of a curve; NaN for a text without words.

    Examples
    --------
    >>> area([0.25, 0.5])
    0.375
    """
    lost = np.asarray(lost, dtype=np.float64)
    return float(lost.mean()) if lost.size else float("nan")


def kept_instead(lost: ArrayLike) -> Array:
    """Drops with the first 1..n words only, from the drops ``lost`` of the reversed order.

    Examples
    --------
    >>> kept_instead([0.1, 0.3, 0.6]).tolist()
    [0.3, 0.1, 0.0]
    """
    lost = np.asarray(lost, dtype=np.float64)
    return np.append(lost[-2::-1], 0.0) if lost.size else lost


def normalised(value: float, lower: float, upper: float) -> float:
    """``(value - lower) / (upper - lower)``: 0 for the order that loses least confidence, 1 for the most.

    So 1 is the best comprehensiveness, and 0 the best sufficiency.
    NaN where no order differs from another. The bounds come from a search, so a value may
    pass them a little.

    Examples
    --------
    >>> normalised(0.25, lower=0.0, upper=0.5)
    0.5
    """
    return (value - lower) / (upper - lower) if upper - lower > 1e-9 else float("nan")


def per_example(curves: pd.DataFrame, absolute: bool) -> dict[tuple[str, str], pd.Series]:
    """Both areas by example, with their normalised forms where bounds are known.

    Parameters
    ----------
    curves : DataFrame
        Columns ``example_id``, ``ranking``, ``operation`` and ``confidence``, of one explainer
        (``own``), of random orders and, in words, of the bounds ``upper`` and ``lower``.
    absolute : bool
        As in `drops`.

    Returns
    -------
    dict
        From (metric, ranking) to values indexed by example_id; random orders are averaged.

    Examples
    --------
    >>> curve = {"ranking": "own", "operation": "remove", "confidence": [0.75, 0.5, 0.25]}
    >>> values = per_example(pd.DataFrame([{"example_id": "7", **curve}]), absolute=False)
    >>> {key: of.to_dict() for key, of in values.items()}
    {('aopc_comprehensiveness', 'own'): {'7': 0.375}}
    """
    by_metric: dict[tuple[str, str], dict[str, list[float]]] = {}
    bounds: dict[str, dict[str, Array]] = {"upper": {}, "lower": {}}
    for row in curves.itertuples(index=False):
        lost = drops(row.confidence, absolute)
        if row.ranking in bounds:
            bounds[row.ranking][row.example_id] = lost
            continue
        sides = {"remove": {COMPREHENSIVENESS: lost}, "keep": {SUFFICIENCY: lost}}[row.operation]
        if row.ranking == "random":
            sides[SUFFICIENCY] = kept_instead(lost)
        for metric, along in sides.items():
            by_metric.setdefault((metric, row.ranking), {}).setdefault(row.example_id, []).append(area(along))
    result = {
        key: pd.Series({name: float(np.mean(areas)) for name, areas in values.items()})
        for key, values in by_metric.items()
    }
    if bounds["upper"]:
        for (metric, ranking), values in list(result.items()):
            scaled = {
                name: normalised(value, *_between(metric, bounds["lower"][name], bounds["upper"][name]))
                for name, value in values.items()
            }
            result[f"{metric}_normalised", ranking] = pd.Series(scaled, dtype=np.float64)
    return result


def _between(metric: str, lower: Array, upper: Array) -> tuple[float, float]:
    """Bounds of a metric; an order's sufficiency is its reverse's comprehensiveness, less the last step."""
    ends = area(lower), area(upper)
    if metric == SUFFICIENCY and lower.size:
        return ends[0] - lower[-1] / lower.size, ends[1] - upper[-1] / upper.size
    return ends
