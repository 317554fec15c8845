"""How stable an explanation is when the text is perturbed, on the words that are still there.

A perturbation is meant to leave the meaning alone, so a stable model names the same words
(Alvarez-Melis and Jaakkola 2018, "On the robustness of interpretability methods").
"""

import difflib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics import agreement

METRICS = ("spearman", "cosine")


def aligned(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Which word of the perturbed text stands for which of the original.

    Equal words in the same order; and between them, where as many words were replaced
    as there were, one for one. A word that moved, came or went has no partner.

    Returns
    -------
    list of (int, int)
        Numbers of words, before and after.

    Examples
    --------
    >>> aligned(["a", "good", "film"], ["a", "gold", "film", "!"])
    [(0, 0), (1, 1), (2, 2)]
    """
    pairs: list[tuple[int, int]] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and last - first == end - start):
            pairs += zip(range(first, last), range(start, end), strict=True)
    return pairs


def stability(before: ArrayLike, after: ArrayLike, pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Agreement of a model's attributions before and after, by each of `METRICS`.

    Parameters
    ----------
    before, after : array_like, shapes (n,) and (m,)
        Attributions towards the class that the model predicts for the original.
    pairs : sequence of (int, int)
        As `aligned` gives them.

    Returns
    -------
    array, shape (metrics,)
        NaN where fewer than two words are left or an attribution is constant.

    Examples
    --------
    >>> stability([0.1, 0.5, 0.2], [0.2, 1.0, 0.4], [(0, 0), (1, 1), (2, 2)]).round(3).tolist()
    [1.0, 1.0]
    """
    if len(pairs) < 2:
        return np.full(len(METRICS), np.nan)
    left, right = zip(*pairs, strict=True)
    a, b = np.asarray(before, dtype=np.float64)[list(left)], np.asarray(after, dtype=np.float64)[list(right)]
    return np.array([float(agreement.METRICS[metric].function(a, b)) for metric in METRICS])
