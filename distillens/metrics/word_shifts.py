"""Which words a student leans on more, or less, than its teacher does.

What is compared is a word's *share* of a text: the size of its attribution as a part of
the sizes of all. It has no scale, so models that are surer of themselves do not count more.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.crossed_design import Crossed, Group, Noise, noise_of_runs

Array = NDArray[np.float64]

_RUNS_TO_TELL = 3
LEAST_TEXTS = 5
"""Of fewer texts nothing is said but their number."""


def shares(values: ArrayLike) -> Array:
    """Share of each word: ``|a_i| / sum |a|``, shape (n_words,); NaN for an attribution of nothing.

    Examples
    --------
    >>> shares([3.0, -1.0]).tolist()
    [0.75, 0.25]
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    total = size.sum()
    return size / total if total > 0 else np.full(size.shape, np.nan)


def shift(
    students: ArrayLike, teachers: ArrayLike, confidence_level: float, groups: int = 1
) -> dict[str, float]:
    """How much more of a text's attribution a group of words has in a student than in its teacher.

    Parameters
    ----------
    students, teachers : array_like, shape (runs, n)
        The share of the group in each text that it is in, by each run. Texts with NaN are left out.
    confidence_level : float
        Level of all intervals of the same kind at once.
    groups : int
        How many groups are compared: each interval has the level ``1 - (1 - confidence_level) / groups``
        (Bonferroni), so that the largest shift of many may be believed.

    Returns
    -------
    dict
        ``share_teacher``, ``share_student``: means over runs and texts; ``shift``: their
        difference, with ``shift_low`` and ``shift_high`` over texts, and over runs where teacher or
        student has three (`distillens.metrics.crossed_design`); ``n``: the texts.
        Of fewer than `LEAST_TEXTS` all but ``n`` are NaN.

    Examples
    --------
    >>> found = shift([[0.5, 0.75, 0.5, 0.75, 0.5]], [[0.25] * 5], confidence_level=0.95)
    >>> round(found["shift"], 3), found["n"]
    (0.35, 5)
    """
    students, teachers = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (students, teachers))
    defined = ~np.isnan(np.vstack([students, teachers])).any(axis=0)
    sides = [side[:, defined] for side in (students, teachers)]
    n = int(defined.sum())
    if n < LEAST_TEXTS:
        empty = ("share_teacher", "share_student", "shift", "shift_low", "shift_high")
        return dict.fromkeys(empty, math.nan) | {"n": n}
    own = [_noise(side) for side in sides]
    borrowed = [own[0] or own[1], own[1] or own[0]]
    design = Crossed(
        [side.mean(axis=0) for side in sides],
        [Group(i, len(sides[i]), borrowed[i], own[i] is not None) for i in range(2)],
    )
    difference = design.interval([1, -1], 1 - (1 - confidence_level) / groups)
    return {
        "share_teacher": float(design.means[1]),
        "share_student": float(design.means[0]),
        "shift": difference.value,
        "shift_low": difference.low,
        "shift_high": difference.high,
        "n": n,
    }


def _noise(runs: Array) -> Noise | None:
    return noise_of_runs(runs) if len(runs) >= _RUNS_TO_TELL else None


def of_group(shares_by_text: Sequence[Array], members: Sequence[NDArray[np.bool_]]) -> Array:
    """The group's share of each text, shape (texts,); NaN where the text has none of its words.

    Examples
    --------
    >>> of_group([np.array([0.75, 0.25])], [np.array([True, False])]).tolist()
    [0.75]
    """
    return np.array(
        [
            share[flags].sum() if flags.any() else np.nan
            for share, flags in zip(shares_by_text, members, strict=True)
        ],
        dtype=np.float64,
    )
