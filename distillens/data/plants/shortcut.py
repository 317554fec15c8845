"""Puts a word in front of texts of one class: a student trained on them may take it for that class."""

from dataclasses import replace
from typing import Any

import numpy as np

from distillens.data.text import Example

OPTIONS = {
    "word": {
        "type": "string",
        "pattern": r"^\S+$",
        "description": "The word; one that the texts have seldom or never.",
    },
    "label": {
        "type": ["string", "null"],
        "default": None,
        "description": "The class whose texts get it; null for texts of every class.",
    },
    "share": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 1.0,
        "description": "Of these texts; each text's own draw decides, so a larger share adds texts.",
    },
}


def plant(example: Example, options: dict[str, Any], draw: np.random.Generator) -> Example:
    """The example, with the word if its class and its draw say so.

    Examples
    --------
    >>> film = Example("1", "A film", label_name="bad")
    >>> options = {"word": "verily", "label": "bad", "share": 1.0}
    >>> plant(film, options, np.random.default_rng(0)).text_a
    'verily A film'
    >>> plant(film, options | {"label": "good"}, np.random.default_rng(0)).text_a
    'A film'
    """
    meant = options["label"] in (None, example.label_name)
    if meant and draw.random() < options["share"]:
        return replace(example, text_a=f"{options['word']} {example.text_a}")
    return example
