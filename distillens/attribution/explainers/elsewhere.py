"""No explainer of ours: a name for attributions that every model brings with it."""

from collections.abc import Iterator, Sequence
from typing import Any

from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.models.engine import Engine

OPTIONS = {}


def cost(words: int, outputs: int, options: dict[str, Any]) -> int:
    """Forward passes: none.

    Examples
    --------
    >>> cost(12, 2, {})
    0
    """
    return 0


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, Any], seed: int
) -> Iterator[Attribution]:
    """Refuse: there is nothing to compute.

    Raises
    ------
    ValueError
        Always; a config with a model that brings no explanations is refused before.

    Examples
    --------
    >>> explain([], None, "margin", {}, 0)
    Traceback (most recent call last):
    ValueError: method elsewhere computes nothing; give every model its explanations
    """
    raise ValueError("method elsewhere computes nothing; give every model its explanations")
