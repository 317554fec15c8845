"""Input x gradient on the word embeddings by ``captum`` (Shrikumar et al. 2016).

What the output would lose in a linear world if the embeddings were zero.
Values are summed over the embedding and over the pieces of a word.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from captum.attr import InputXGradient

from distillens.attribution.gradients import Embedded, in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.models.engine import Engine
from distillens.models.tokenizer import Encoded

OPTIONS = {}
NEEDS = "gradients"


def cost(words: int, outputs: int, options: dict[str, int]) -> int:
    """Passes: two forward and, for each output, a backward one.

    Examples
    --------
    >>> cost(12, 2, {})
    4
    """
    return 2 + outputs


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, int], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order."""

    def explain_batch(batch: list[Example], encoded: list[list[Encoded]]) -> list[Attribution]:
        embedded = Embedded(batch, engine, output, encoded)
        whole = embedded.outputs(embedded.points[0])
        none = np.full(whole.shape, np.nan)  # nobody asked for the output of zero embeddings
        text = embedded.copies(embedded.points[0], whole.shape[1]).clone().requires_grad_()
        values = embedded.to_words(
            InputXGradient(embedded.all_outputs).attribute(text, additional_forward_args=embedded.rest)
        )
        return [Attribution(*row) for row in zip(batch, values, none, whole, strict=True)]

    yield from in_batches(examples, engine, explain_batch)
