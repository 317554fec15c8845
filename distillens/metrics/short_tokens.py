"""Whether explainers name scraps of words instead of words."""

from collections.abc import Sequence

import numpy as np

SHORT = 2


def short(words: Sequence[str], places: Sequence[tuple[int, int, int]]) -> list[bool]:
    """Which units are short: at most two characters, or a piece that continues a word.

    Parameters
    ----------
    words : sequence of str
        The units, as they stand in the text.
    places : sequence of (segment, start, end)
        Where they stand.

    Examples
    --------
    >>> short(["watch", "able", "!", "film"], [(0, 0, 5), (0, 5, 9), (0, 9, 10), (0, 11, 15)])
    [False, True, True, False]
    """
    flags = []
    for number, (word, (segment, start, _)) in enumerate(zip(words, places, strict=True)):
        previous = places[number - 1] if number else None
        continues = (
            previous is not None
            and (previous[0], previous[2]) == (segment, start)
            and words[number - 1][-1:].isalnum()
            and word[:1].isalnum()
        )
        flags.append(continues or len(word) <= SHORT)
    return flags


def short_share(flags: Sequence[bool], order: Sequence[int], k: int) -> float:
    """Share of short units among the first k of an order; NaN for a text of fewer than k.

    Examples
    --------
    >>> short_share([False, True, True], order=[1, 0, 2], k=2)
    0.5
    """
    if len(order) < k:
        return float("nan")
    return float(np.mean([flags[number] for number in order[:k]]))
