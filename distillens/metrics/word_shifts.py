"""Which words a student leans on more, or less, than its teacher does.

What is compared is a word's *share* of a text: the size of its attribution as a part of
the sizes of all. It has no scale, so models that are surer of themselves do not count more.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.run_pairs import RunPairs, design

Array = NDArray[np.float64]

LEAST_TEXTS = 5
"""Of fewer texts nothing is said but their number."""


def shares(values: ArrayLike) -> Array:
    """Share of each word: ``|a_i| / sum |a|``, shape (n_words,); NaN where all are zero or one is not finite.

    Examples
    --------
    >>> shares([3.0, -1.0]).tolist()
    [0.75, 0.25]
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    largest = size.max(initial=0.0)
    if not (np.isfinite(size).all() and largest > 0):
        return np.full(size.shape, np.nan)
    scaled = size / largest  # or sums of the largest numbers would overflow
    return scaled / scaled.sum()


def shift(
    students: ArrayLike,
    teachers: ArrayLike,
    confidence_level: float,
    groups: int = 1,
    learned_from: Sequence[int] | None = None,
    text_groups: ArrayLike | None = None,
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
    learned_from : sequence of int, optional
        The position of the teacher's run that each run of the student is compared with; else with all.
    text_groups : array_like of int, shape (n,), optional
        Texts with the same number count as one draw.

    Returns
    -------
    dict
        ``share_teacher``, ``share_student``: means over runs and texts; ``shift``: their
        difference, with ``shift_low`` and ``shift_high`` over texts, and over those runs that
        are enough to know their noise (`distillens.metrics.run_pairs`); ``n``: the texts.
        Of fewer than `LEAST_TEXTS` all but ``n`` are NaN.

    Examples
    --------
    >>> row = shift([[0.5, 0.75, 0.5, 0.75, 0.5]], [[0.25] * 5], confidence_level=0.95)
    >>> round(row["shift"], 3), row["n"]
    (0.35, 5)
    """
    students, teachers = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (students, teachers))
    defined = ~np.isnan(np.vstack([students, teachers])).any(axis=0)
    sides = [side[:, defined] for side in (students, teachers)]
    n = int(defined.sum())
    if n < LEAST_TEXTS:
        empty = ("share_teacher", "share_student", "shift", "shift_low", "shift_high")
        return dict.fromkeys(empty, math.nan) | {"n": n}
    own, theirs = (
        RunPairs.of(np.broadcast_to(side, (len(students), len(teachers), n)), learned_from)
        for side in (sides[0][:, None], sides[1][None])
    )
    difference = RunPairs(own.values - theirs.values, own.compared)
    text_groups = None if text_groups is None else np.asarray(text_groups)[defined]
    interval = design([difference], None, groups=text_groups).interval(
        [1], 1 - (1 - confidence_level) / groups
    )
    return {
        "share_teacher": float(theirs.mean().mean()),
        "share_student": float(own.mean().mean()),
        "shift": interval.value,
        "shift_low": interval.low,
        "shift_high": interval.high,
        "n": n,
    }


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
