"""Texts by which models are right, and by whether two models say the same."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

MOST_MODELS = 5
"""Of more models there are too many sets to look at, and too few texts in each."""


def buckets(right: Mapping[str, Flags]) -> dict[str, Flags]:
    """Split texts by the set of models that classify them right, or by their number.

    Parameters
    ----------
    right : mapping
        From each model's name, in the order of the names, to flags of shape (texts,).

    Returns
    -------
    dict
        From ``all_correct``, ``only_MODEL``, ``MODEL+MODEL`` and so on, and ``all_wrong`` to
        flags: each text is in one of the ``2 ** models`` buckets; a bucket may be empty.
        With more than `MOST_MODELS` there are ``all_correct``, ``6_of_7_correct`` and so on instead.

    Examples
    --------
    >>> right = {"bert": np.array([True, True]), "kd": np.array([True, False])}
    >>> [name for name, flags in buckets(right).items() if flags[1]]  # of the second text
    ['only_bert']
    """
    flags = np.stack(list(right.values()))
    if len(right) > MOST_MODELS:
        counts, models = flags.sum(axis=0), len(right)
        names = ["all_wrong", *(f"{n}_of_{models}_correct" for n in range(1, models)), "all_correct"]
        return {names[n]: counts == n for n in range(models, -1, -1)}
    sets = sorted(_subsets(list(right)), key=lambda names: -len(names))
    return {
        _name(names, len(right)): (
            flags == np.array([name in names for name in right], dtype=bool)[:, None]
        ).all(axis=0)
        for names in sets
    }


def pairwise(right: Flags, teacher_right: Flags, same: Flags) -> dict[str, Flags]:
    """Split texts by how a student's answer stands to its teacher's.

    Where they answer differently, the teacher's class is one that the student does not
    choose: unlike attributions are then another question than where both say the same.

    Parameters
    ----------
    right, teacher_right, same : arrays of bool, shape (texts,)
        Whether the student is right, its teacher is, and both say the same.

    Returns
    -------
    dict
        Flags by ``both_right``, ``only_teacher_right``, ``only_student_right``, ``both_wrong``; and by
        ``same_prediction``, ``other_prediction``.

    Examples
    --------
    >>> flags = pairwise(*np.array([[True, False], [True, True], [True, False]]))
    >>> [name for name, of in flags.items() if of[1]]  # of the second text
    ['only_teacher_right', 'other_prediction']
    """
    return {
        "both_right": right & teacher_right,
        "only_teacher_right": teacher_right & ~right,
        "only_student_right": right & ~teacher_right,
        "both_wrong": ~right & ~teacher_right,
        "same_prediction": same,
        "other_prediction": ~same,
    }


def _subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    if not names:
        return [()]
    rest = _subsets(names[1:])
    return [(names[0], *others) for others in rest] + rest


def _name(names: Sequence[str], models: int) -> str:
    if len(names) == models:
        return "all_correct"
    if not names:
        return "all_wrong"
    return f"only_{names[0]}" if len(names) == 1 else "+".join(names)
