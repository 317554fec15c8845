"""Area over the perturbation curve: how much confidence goes with the words that an explainer names.

Over all numbers k of words, as ferret's defaults have it (Attanasio et al. 2023):
*comprehensiveness* is the mean of p(x) - p(x without the top k), higher is better;
*sufficiency* the mean of p(x) - p(the top k only), lower is better (DeYoung et al.
2020). Both depend on how easily a model loses its confidence: before models are
compared, they are put on the scale between the worst and the best order of the words
(Edin et al. 2025).
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
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    return drop(confidence[0], confidence[1:], absolute)


def area(lost: ArrayLike) -> float:
    """Mean of the drops of a curve; NaN for a text without words."""
    lost = np.asarray(lost, dtype=np.float64)
    return float(lost.mean()) if lost.size else float("nan")


def kept_instead(lost: ArrayLike) -> Array:
    """Drops with the first 1..n words only, from those without them in the reversed order.

    To keep the first k words is to remove the last n - k; to keep all changes nothing.
    """
    lost = np.asarray(lost, dtype=np.float64)
    return np.append(lost[-2::-1], 0.0) if lost.size else lost


def normalised(value: float, lower: float, upper: float) -> float:
    """``(value - lower) / (upper - lower)``: 0 for the worst order that was found, 1 for the best.

    NaN where no order differs from another. The bounds come from a search, so a value may
    pass them a little.
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
    """
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
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
            found.setdefault((metric, row.ranking), {}).setdefault(row.example_id, []).append(area(along))
    result = {
        key: pd.Series({name: float(np.mean(areas)) for name, areas in values.items()})
        for key, values in found.items()
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
