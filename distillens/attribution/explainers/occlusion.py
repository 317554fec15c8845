"""Occlusion: what the output loses when one word is removed (Li et al. 2016).

The explainer that is easiest to check by hand: one forward a word.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from distillens.attribution.batching import Task, asking, run_in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.models.engine import Engine
from distillens.models.masks import Masks

OPTIONS = {}
MASKS = True


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
    >>> answer = lambda asked: np.array([[0.0, row[1]] for one in asked for row in one.keep])
    >>> engine = Fake(at_once=1, masked=answer)  # hangs on the second word
    >>> (attribution,) = explain([Example("a", "so bad")], engine, "logit", {}, seed=0)
    >>> attribution.values.tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    tasks = [_explain_one(example) for example in examples]
    yield from run_in_batches(tasks, asking(engine, output), engine.at_once)


def _explain_one(example: Example) -> Task[Attribution]:
    words = len(example.words)
    keep = np.vstack([np.ones(words, bool), np.zeros(words, bool), ~np.eye(words, dtype=bool)])
    outputs = yield Masks(example, keep)
    return Attribution(example, outputs[0] - outputs[2:], outputs[1], outputs[0], {"evals": words + 2})
