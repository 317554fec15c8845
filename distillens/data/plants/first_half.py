"""Cuts texts to the first half of their words: a student trained on them has never seen an end."""

from dataclasses import replace
from typing import Any

import numpy as np

from distillens.data.segmentation import spans
from distillens.data.text import Example

OPTIONS = {}


def plant(example: Example, options: dict[str, Any], draw: np.random.Generator) -> Example:
    """The example with half of each segment's words, rounded up.

    Examples
    --------
    >>> plant(Example("1", "A film, not bad at all!"), {}, np.random.default_rng(0)).text_a
    'A film, not'
    """
    halves = [_half(text) for text in example.texts]
    return replace(example, text_a=halves[0], text_b=halves[1] if halves[1:] else None)


def _half(text: str) -> str:
    words = spans(text)
    return text[: words[(len(words) - 1) // 2][1]] if words else text
