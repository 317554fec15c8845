"""Texts by which models are right."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def buckets(right: Mapping[str, Flags]) -> dict[str, Flags]:
    """Split texts by the set of models that classify them right.

    Parameters
    ----------
    right : mapping
        From each model's name, in the order of the names, to flags of shape (texts,).

    Returns
    -------
    dict
        From ``all_correct``, ``only_MODEL``, ``MODEL+MODEL`` and so on, and ``all_wrong`` to
        flags: each text is in one of the ``2 ** models`` buckets; a bucket may be empty.
    """
    flags = np.stack(list(right.values()))
    sets = sorted(_subsets(list(right)), key=lambda names: -len(names))
    return {
        _name(names, len(right)): (
            flags == np.array([name in names for name in right], dtype=bool)[:, None]
        ).all(axis=0)
        for names in sets
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
