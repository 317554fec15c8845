"""What the curves say, as tables: the smallest plant found, false alarms, power for a forward pass."""

import numpy as np
import pandas as pd

from bench.detection.power import BESIDE_COPY, NULLS, POWER

BUDGETS = (100, 1_000, 10_000, 100_000)
"""Forward passes of one run."""


def judged(curves: pd.DataFrame) -> pd.DataFrame:
    """Rows of planted students, each on one scale: copies beside the copy that has lost nothing.

    Examples
    --------
    >>> judged(pd.DataFrame({"plant": [NULL, "word", "not", "not" + BESIDE_COPY]}))["plant"].tolist()
    ['word', 'not (beside bfloat16)']
    """
    of_copies = curves["plant"][curves["plant"].str.endswith(BESIDE_COPY)].str.removesuffix(BESIDE_COPY)
    return curves[~curves["plant"].isin({*NULLS, *of_copies})]


def by_size(curves: pd.DataFrame, texts: int, measures: list[str]) -> pd.DataFrame:
    """How often each plant is found, of 100 parts, by some measures."""
    own = curves[(curves["texts"] == texts) & curves["measure"].isin(measures)]
    wide = own.pivot_table(
        index=["plant", "size", "student"], columns="measure", values="power", dropna=False
    )
    wide = wide[[name for name in measures if name in wide]].dropna(how="all")
    return wide.mul(100).round().reset_index()


def smallest(curves: pd.DataFrame) -> pd.DataFrame:
    """The smallest size of each kind that is found in four of five parts, and so are all larger ones.

    Examples
    --------
    >>> sizes = pd.DataFrame({"size": [0.1, 0.5], "power": [0.3, 0.9]})
    >>> smallest(sizes.assign(plant="word", measure="accuracy", texts=100))[100].tolist()
    [0.5]
    """
    rows = []
    for (kind, measure, texts), own in curves[~curves["plant"].isin(NULLS)].groupby(
        ["plant", "measure", "texts"], sort=False
    ):
        rows.append((kind, measure, texts, smallest_of(own)))
    wide = pd.DataFrame(rows, columns=["plant", "measure", "texts", "size"]).pivot_table(
        index=["plant", "measure"], columns="texts", values="size", dropna=False, sort=False
    )
    return wide.reset_index().rename_axis(columns=None)


def smallest_of(one: pd.DataFrame) -> float:
    """The smallest size of one plant from which on it is found in four of five parts; NaN of none.

    Examples
    --------
    >>> smallest_of(pd.DataFrame({"size": [1.0, 0.1, 0.5], "power": [0.8, 0.3, 0.9]}))
    0.5
    """
    sizes = one.groupby("size")["power"].min().sort_index(ascending=False)
    return min((size for size, ok in (sizes >= POWER).cummin().items() if ok), default=np.nan)


def alarms(curves: pd.DataFrame) -> pd.DataFrame:
    """How often, in percent, a student without a plant is found, and how often the verdict's rule says so."""
    own = curves[curves["plant"].isin(NULLS)]
    means = own.groupby(["plant", "measure", "texts"], sort=False)[["power", "said"]].mean().mul(100).round(1)
    wide = means.unstack("texts")
    wide.columns = [f"{'found' if name == 'power' else 'said'}, {texts}" for name, texts in wide.columns]
    return wide.dropna(axis=1, how="all").reset_index()


def ranked(curves: pd.DataFrame) -> pd.DataFrame:
    """Mean power over all plants (`judged`), in percent, by texts and at equal cost.

    The best at equal cost come first.

    A budget is so many forward passes of one run. The texts that it buys lie between those that were
    counted, and power is read off a line over their logarithm. It is empty where a budget buys fewer than
    the fewest; where it buys more than the most, it is that of the most.

    Examples
    --------
    >>> curves = pd.DataFrame({"texts": [25, 100], "power": [0.2, 0.6], "plant": "word"})
    >>> row = ranked(curves.assign(measure="occlusion", forwards=20.0)).iloc[0]
    >>> row[["25 texts", "1,000 passes", "10,000 passes"]].astype(float).tolist()
    [20.0, 40.0, 60.0]
    """
    rows = []
    for (measure, forwards), own in judged(curves).groupby(["measure", "forwards"], sort=False):
        mean = own.groupby("texts")["power"].mean().mul(100)
        row = {"measure": measure, "passes a text": round(forwards, 1)}
        row |= {f"{texts} texts": float(np.round(power)) for texts, power in mean.items()}
        rows.append(row | {f"{budget:,} passes": _at(mean, budget / forwards) for budget in BUDGETS})
    return pd.DataFrame(rows).sort_values(
        [f"{budget:,} passes" for budget in BUDGETS[::-1]], ascending=False, kind="stable"
    )


def _at(mean: pd.Series, texts: float) -> float:
    """Power with so many texts; NaN for fewer than were counted."""
    counted = mean.index.to_numpy(float)
    if texts < counted[0]:
        return np.nan
    return float(np.interp(np.log(texts), np.log(counted), mean).round())
