"""The control that knows nothing: seeded Gaussian values."""

from collections.abc import Iterator, Sequence

import numpy as np

from distillens.attribution.types import Attribution
from distillens.data.text import Example, seed_of
from distillens.metrics.explained_output import explained
from distillens.models.engine import Engine

OPTIONS = {
    "draw": {"type": "integer", "minimum": 0, "default": 0, "description": "Another number, other values."},
}
CONTROL = True
DRAWS = True


def cost(words: int, outputs: int, options: dict[str, int]) -> int:
    """Forward passes.

    Examples
    --------
    >>> cost(12, 2, {})
    1
    """
    return 1


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, int], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order."""
    wholes = explained(engine.logits([example.texts for example in examples]), output)
    # What the model is enters the seed: two models must not agree by sharing a draw.
    for example, whole in zip(examples, wholes, strict=True):
        generator = np.random.default_rng(seed_of(seed, options["draw"], engine.identity, example.example_id))
        values = generator.standard_normal((len(example.words), len(whole)))
        yield Attribution(example, values, np.full(len(whole), np.nan), whole)
