"""Which kind of model a block of the config is, where it is only asked."""

from collections.abc import Mapping
from typing import Any

from distillens import registry


def kind_of(model: Mapping[str, Any]) -> str | None:
    """The kind of a model that is only asked; None for any other.

    Examples
    --------
    >>> kind_of({"function": {"name": "mine:predict"}}), kind_of({"checkpoint": "bert"})
    ('function', None)
    """
    return next((kind for kind in registry.options("backend") if model.get(kind) is not None), None)


def is_noisy(model: Mapping[str, Any]) -> bool:
    """Whether the config says that a model gives other answers each time.

    Examples
    --------
    >>> is_noisy({"function": {"name": "mine:predict", "noisy": True}}), is_noisy({"checkpoint": "bert"})
    (True, False)
    """
    kind = kind_of(model)
    return kind is not None and bool(model[kind].get("noisy"))
