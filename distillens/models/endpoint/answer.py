"""Reads the numbers of each text out of an endpoint's JSON."""

from collections.abc import Sequence
from typing import Any

import dpath
import numpy as np

from distillens.models.errors import ModelError

_SHOWN = 200


def rows(answer: Any, path: str, texts: int, many: bool, names: Sequence[str]) -> np.ndarray:
    """The outputs for each text.

    Parameters
    ----------
    answer : JSON
    path : str
        Where they stand: keys and places, from 0, with ``/`` between them, and ``*`` for each item of
        a list, such as ``predictions/*/scores``. Empty for the whole answer.
    texts : int
        How many were asked about.
    many : bool
        Whether the request takes several texts; else the path leads to the outputs of the only one.
    names : sequence of str
        Of the outputs, in their order. An output without a name is taken by its place.

    Returns
    -------
    ndarray of float64, shape (texts, outputs)
        Or (texts, 1), where two outputs are given as one number.

    Raises
    ------
    ModelError
        If nothing stands there, or anything but a number for each name and text.

    Examples
    --------
    >>> rows({"scores": [[0.25, 0.75]]}, "scores", 1, True, ["no", "yes"]).tolist()
    [[0.25, 0.75]]
    >>> named = [[{"label": "yes", "score": 0.75}, {"label": "no", "score": 0.25}]]
    >>> rows(named, "", 1, True, ["no", "yes"]).tolist()
    [[0.25, 0.75]]
    """
    there = at(answer, path)
    each = there if many else [there]
    if not isinstance(each, list):
        raise ModelError(
            f"answer: {path!r} leads to {_shown(each)}, which is no list of answers, one for each text"
        )
    if len(each) != texts:
        raise ModelError(f"answer: {len(each)} answers at {path!r} to {texts} texts")
    outputs = [_row(one, names) for one in each]
    if len({len(row) for row in outputs}) > 1:
        raise ModelError(
            f"answer: {min(map(len, outputs))} numbers to one text and {max(map(len, outputs))} to another"
        )
    return np.array(outputs, dtype=np.float64)


def at(answer: Any, path: str) -> Any:
    """What stands at a place of an answer; a list, where the path has a ``*``.

    Raises
    ------
    ModelError
        If nothing does.

    Examples
    --------
    >>> at({"choices": [{"text": "yes"}]}, "choices/0/text")
    'yes'
    """
    if not path:
        return answer
    try:
        values = dpath.values(answer, path)
    except (dpath.exceptions.InvalidKeyName, dpath.exceptions.InvalidGlob, TypeError):
        values = []
    if not values:
        raise ModelError(f"answer: nothing at {path!r} in {_shown(answer)}; mend the path, or the endpoint")
    return values if "*" in path else values[0]


def _row(one: Any, names: Sequence[str]) -> list[float]:
    by_name = _by_name(one)
    if by_name is not None:
        if sorted(by_name) != sorted(names):
            raise ModelError(
                f"answer: names the outputs {', '.join(map(repr, sorted(by_name)))}, "
                f"but the model's are {', '.join(map(repr, names))}; say outputs: in its config"
            )
        one = [by_name[name] for name in names]
    if _is_number(one):
        one = [one]
    if not isinstance(one, list) or not all(_is_number(value) for value in one):
        raise ModelError(f"answer: {_shown(one)} is no list of numbers, one for each output")
    if len(one) != len(names) and (len(one), len(names)) != (1, 2):
        raise ModelError(
            f"answer: {len(one)} numbers to a text, but {len(names)} outputs ({', '.join(names)})"
        )
    return one


def _by_name(one: Any) -> dict[str, Any] | None:
    """Numbers by the names that the answer gives them; None where it gives none."""
    if isinstance(one, dict):
        return one
    if isinstance(one, list) and one and all(isinstance(item, dict) for item in one):
        if not all({"label", "score"} <= item.keys() for item in one):
            raise ModelError(f"answer: {_shown(one)} has items without a label or a score")
        scores = {str(item["label"]): item["score"] for item in one}
        if len(scores) < len(one):
            raise ModelError(f"answer: {_shown(one)} names an output twice")
        return scores
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
