"""SHAP: Owen values on words or tokens, those of ``shap``'s Partition explainer.

Lundberg and Lee 2017; the hierarchy is shap's own clustering of the words of each
segment, so that every model shares one tree (`distillens.attribution.word_tree`). In tokens, the
special ones at both ends are leaves of the tree, as in stock shap, but never masked. Enough evaluations give
exact values; where there are fewer, ``truncated`` says so.

The walk down the tree is shap's, all open nodes in one array (`distillens.attribution.owen`); tests
compare values and trees with the library's.
"""

from collections.abc import Iterator, Sequence

from distillens.attribution.batching import Task, asking, run_in_batches
from distillens.attribution.owen import owen_values
from distillens.attribution.types import Attribution
from distillens.attribution.word_tree import tree
from distillens.data.text import Example, seed_of
from distillens.models.engine import Engine
from distillens.models.masks import Masks

OPTIONS = {
    "max_evals": {
        "type": "integer",
        "minimum": 4,
        "default": 20000,
        "description": "Most model evaluations per text; about n(n-1) make n words exact, more where "
        "punctuation makes the tree uneven.",
    },
}
MASKS = True


def cost(words: int, outputs: int, options: dict[str, int]) -> int:
    """About how many forward passes exact values of so many words take, at most so many as are allowed.

    A tree that halves its words takes fewer, an uneven one more. None takes more than the limit, made
    even: two are asked at a time.

    Examples
    --------
    >>> cost(12, 2, {"max_evals": 20000})
    134
    """
    return min(words * max(words - 1, 1) + 2, options["max_evals"] + options["max_evals"] % 2)


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, int], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace as Fake
    >>> answer = lambda asked: np.array([[0.0, row[1]] for one in asked for row in one.keep])
    >>> engine = Fake(at_once=1, masked=answer)  # hangs on the second word
    >>> (attribution,) = explain([Example("a", "so bad")], engine, "logit", {"max_evals": 20}, seed=0)
    >>> attribution.values.round(2).tolist(), attribution.diagnostics
    ([[0.0, 0.0], [0.0, 1.0]], {'evals': 4, 'truncated': False})
    """
    tasks = [
        _explain_one(example, options["max_evals"], seed_of(seed, example.example_id)) for example in examples
    ]
    yield from run_in_batches(tasks, asking(engine, output), engine.at_once)


def _explain_one(example: Example, max_evals: int, seed: int) -> Task[Attribution]:
    ends = int(example.units is not None)
    words = len(example.words)
    base, whole = yield Masks.ends(example)
    if words == 1:  # nothing to share out
        return Attribution(example, (whole - base)[None], base, whole, {"evals": 2, "truncated": False})
    walk = owen_values(tree(example), base, whole, max_evals, seed)
    outputs = None
    while True:
        try:
            keep = walk.send(outputs)
        except StopIteration as end:
            values, evals, truncated = end.value
            break
        outputs = yield Masks(example, keep[:, ends : ends + words])
    diagnostics = {"evals": evals + 2, "truncated": truncated}
    return Attribution(example, values[ends : ends + words], base, whole, diagnostics)
