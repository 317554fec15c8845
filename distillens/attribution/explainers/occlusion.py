"""Occlusion: what the output loses when one word becomes the mask token (Li et al. 2016).

The control that is easiest to check by hand: one forward a word.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from distillens.attribution.batching import Ask, run_in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example, seed_of
from distillens.metrics.explained_output import explained
from distillens.models.engine import Engine

OPTIONS = {}


def cost(words: int, outputs: int, options: dict[str, int]) -> int:
    """Forward passes.

    Examples
    --------
    >>> cost(12, 2, {})
    14
    """
    return words + 2


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, int], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> answer = lambda texts: np.array([[0.0, text.count("bad")] for (text,) in texts])
    >>> engine = Fake(mask="_", at_once=1, logits=answer)
    >>> (found,) = explain([Example("a", "so bad")], engine, "logit", {}, seed=0)
    >>> found.values.tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    tasks = [partial(_explain_one, example, engine.mask, output) for example in examples]
    seeds = [seed_of(seed, example.example_id) for example in examples]
    yield from run_in_batches(tasks, engine.logits, seeds, engine.at_once)


def _explain_one(example: Example, mask: str, output: str, ask: Ask) -> Attribution:
    words = len(example.words)
    keep = np.vstack([np.ones(words, bool), np.zeros(words, bool), ~np.eye(words, dtype=bool)])
    outputs = explained(ask([example.masked(row, mask) for row in keep]), output)
    return Attribution(example, outputs[0] - outputs[2:], outputs[1], outputs[0], {"evals": words + 2})
