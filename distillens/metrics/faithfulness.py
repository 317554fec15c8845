"""Whether the words that an explanation names matter: what happens without them.

Confidence drop is comprehensiveness at a fixed number of words (DeYoung et al. 2020,
ERASER, eq. 1); the flip rate is how often the prediction changes (Serrano & Smith
2019). Both are only worth something beside the removal of as many random words from
the same text, hence the excess over random.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.explained_output import confidence, drop
from distillens.metrics.robustness import unchanged

Array = NDArray[np.float64]

RANDOM = "random"


def confidence_drop(before: ArrayLike, after: ArrayLike, target: ArrayLike) -> Array:
    """Loss of probability of the target class, ``p_target(before) - p_target(after)``.

    Parameters
    ----------
    before, after : array_like, shape (n, outputs)
        Logits. One output is a regression: its probability would always be 1, so the
        size of its change is taken, ``|before - after|``.
    target : array_like of int, shape (n,)
        The class that was explained; not looked at for a regression.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> confidence_drop([[0.0, 3.0]], [[0.0, 0.0]], [1]).round(3).tolist()
    [0.453]
    """
    sides = confidence(before, target), confidence(after, target)
    return drop(*sides, absolute=np.shape(before)[-1] == 1)


def flips(before: ArrayLike, after: ArrayLike, flip: float) -> Array:
    """1 where the prediction changes (a regression: by more than ``flip``), else 0; shape (n,).

    NaN where one of the two is no prediction (a NaN among its logits).

    Examples
    --------
    >>> flips([[0.0, 3.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]], flip=0.0).tolist()
    [1.0, 0.0]
    """
    return 1 - unchanged(before, after, flip)


def per_example(deletions: pd.DataFrame) -> dict[tuple[str, str, int], pd.Series]:
    """Every metric by example, random rankings averaged over their draws first.

    Parameters
    ----------
    deletions : DataFrame
        With ``example_id``, ``ranking``, ``k`` and one column per metric
        (``confidence_drop``, ``flip_rate``), one row per removal.

    Returns
    -------
    dict
        From (metric, ranking, k) to values indexed by example_id. ``METRIC_excess`` is
        the value minus that of random words in the same example.

    Examples
    --------
    >>> rows = [("7", "own", 1, 0.4), ("7", "random", 1, 0.1), ("7", "random", 1, 0.2)]
    >>> rows = pd.DataFrame(rows, columns=["example_id", "ranking", "k", "confidence_drop"])
    >>> per_example(rows)["confidence_drop_excess", "own", 1].round(3).to_dict()
    {'7': 0.25}
    """
    groups = deletions.groupby(["ranking", "k", "example_id"], sort=True)
    means = groups.mean(numeric_only=True, skipna=False)
    result = {}
    for ranking, k in means.index.droplevel("example_id").unique():
        values = means.loc[(ranking, k)]
        for metric in means.columns:
            result[metric, ranking, int(k)] = values[metric]
    for (metric, ranking, k), values in list(result.items()):
        if ranking != RANDOM and (metric, RANDOM, k) in result:
            paired = values - result[metric, RANDOM, k]
            result[f"{metric}_excess", ranking, k] = paired.dropna()
    return result
