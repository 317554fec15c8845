"""How a word that is removed looks to a model: the one place that says it, for all models of a study."""

from collections.abc import Mapping

import numpy as np

from distillens.data.text import Example
from distillens.models.errors import ModelError

Rule = str | Mapping[str, str]
"""``mask``, ``delete`` or ``{"neutral": TEXT}``, as the config has it."""

MASK, DELETE = "mask", "delete"


def without(
    example: Example, keep: np.ndarray, rule: Rule, mask: str | None, where: str = "a model"
) -> list[tuple[str, ...]]:
    """Copies of an example as a model reads them.

    Parameters
    ----------
    example : Example
    keep : ndarray of bool, shape (copies, n_words)
        Which words stay. Each other one becomes the mask token or the neutral text, or goes with the
        blanks before it.
    rule : str or mapping
        The study's ``removal``.
    mask : str or None
        The model's mask token.
    where : str
        The model, for the message.

    Raises
    ------
    ModelError
        If words are to be masked, and there is no mask token.

    Examples
    --------
    >>> example, keep = Example("a", "Not bad at all."), np.array([[True, False, True, True, True]])
    >>> without(example, keep, "mask", "[MASK]"), without(example, keep, {"neutral": "..."}, None)
    ([('Not [MASK] at all.',)], [('Not ... at all.',)])
    >>> without(example, keep, "delete", None)
    [('Not at all.',)]
    >>> without(example, keep, "mask", None)
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: removal: mask, but ...
    """
    if rule == DELETE:
        return [example.deleted(row) for row in keep.tolist()]
    text = stand_in(rule, mask)
    if text is None:
        raise ModelError(
            f"removal: mask, but {where} has no mask token; set removal: delete, or a neutral text "
            '({neutral: "..."}), for all models of the study'
        )
    return [example.masked(row, text) for row in keep.tolist()]


def stand_in(rule: Rule, mask: str | None) -> str | None:
    """What stands where a word was; None where it is deleted, or a mask token is wanted and there is none.

    Examples
    --------
    >>> stand_in("mask", "[MASK]"), stand_in({"neutral": "..."}, None), stand_in("delete", "[MASK]")
    ('[MASK]', '...', None)
    """
    if isinstance(rule, str):
        return mask if rule == MASK else None
    return rule["neutral"]
