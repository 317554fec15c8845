"""Changes the texts of a split on purpose, by one of `distillens.data.plants`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distillens import registry
from distillens.data.text import Example, seed_of


def planted(examples: Sequence[Example], options: Mapping[str, Any] | None, seed: int) -> list[Example]:
    """The examples as a ``plant`` of the config makes them; as they are without one.

    Parameters
    ----------
    examples : sequence of Example
    options : mapping or None
        ``method`` and its options.
    seed : int
        Each example draws from this seed and its id, whatever its place.

    Examples
    --------
    >>> few = [Example(str(number), "A film") for number in range(4)]
    >>> some = planted(few, {"method": "shortcut", "word": "verily", "label": None, "share": 0.5}, seed=1)
    >>> [one.text_a for one in some]
    ['verily A film', 'A film', 'verily A film', 'A film']
    >>> planted(few, None, seed=1) == few
    True
    """
    if options is None:
        return list(examples)
    own = dict(options)
    method = registry.load("plant", own.pop("method"))
    return [
        method.plant(example, own, np.random.default_rng(seed_of(seed, "plant", example.example_id)))
        for example in examples
    ]
