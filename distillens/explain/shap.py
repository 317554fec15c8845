"""SHAP: Owen values on words by ``shap``'s Partition explainer.

Lundberg and Lee 2017; the hierarchy is shap's own clustering of the words of each
segment, so that every model shares one tree. Enough evaluations give exact values;
where there are fewer, ``truncated`` says so.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial

# shap compiles two small loops over words at first use: that takes nine seconds, they take none.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

import numpy as np
import shap
from shap.maskers._text import partition_tree

from distillens.attribution import Attribution
from distillens.inference import Engine
from distillens.outputs import explained
from distillens.text import Example, seed_of
from distillens.together import Ask, advance_together

OPTIONS = {
    "max_evals": {
        "type": "integer",
        "minimum": 4,
        "default": 20000,
        "description": "Most model evaluations per text; about n(n-1) make n words exact.",
    },
}

# Every open node of the tree is asked for in one go.
_ALL_OPEN_NODES = 1 << 30


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, int], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order."""
    tasks = [
        partial(_explain_one, example, engine.mask, output, options["max_evals"]) for example in examples
    ]
    seeds = [seed_of(seed, example.example_id) for example in examples]
    yield from advance_together(tasks, engine.logits, seeds, engine.at_once)


def _explain_one(example: Example, mask: str, output: str, max_evals: int, ask: Ask) -> Attribution:
    def masked_output(keep: np.ndarray) -> np.ndarray:
        return explained(ask([example.masked(row, mask) for row in keep]), output)

    words = len(example.words)
    base, whole = masked_output(np.array([[False] * words, [True] * words]))
    if words == 1:  # nothing to share out; shap builds no tree of one leaf
        return Attribution(example, (whole - base)[None], base, whole, {"evals": 2, "truncated": False})
    explainer = shap.PartitionExplainer(masked_output, _Words(example))
    row = explainer.explain_row(
        np.arange(words),
        max_evals=max_evals,
        main_effects=False,
        error_bounds=False,
        outputs=None,
        silent=True,
        batch_size=_ALL_OPEN_NODES,
    )
    evals = explainer.last_eval_count + 2
    return Attribution(example, row["values"], base, whole, {"evals": evals, "truncated": evals >= max_evals})


class _Words(shap.maskers.Masker):
    """Hands the model the mask itself; clusters the words as shap's text masker does."""

    immutable_outputs = True

    def __init__(self, example: Example) -> None:
        self.shape = (1, len(example.words))
        self._tree = tree(example)

    def __call__(self, keep: np.ndarray, *_: np.ndarray) -> tuple[np.ndarray]:
        return (keep[None],)

    def clustering(self, *_: np.ndarray) -> np.ndarray:
        return self._tree


def tree(example: Example) -> np.ndarray:
    """Shap's clustering of the words of each segment, the segments joined at the top.

    Returns
    -------
    ndarray, shape (n_words - 1, 4)
        As in ``scipy.cluster.hierarchy.linkage``; heights are relative sizes, as in
        shap's own text masker.
    """
    segments = [[word.text for word in example.words if word.segment == number] for number in (0, 1)]
    first, second = (partition_tree(words, []) if words else None for words in segments)
    links = first if second is None else second if first is None else _joined(first, second)
    links[:, 2] = links[:, 3] / len(example.words)
    return links


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two trees under one root; leaves are numbered first, then inner nodes in order."""
    sizes = (len(first) + 1, len(second) + 1)
    leaves = sum(sizes)
    parts, roots = [], []
    for part, size, leaf, node in (
        (first, sizes[0], 0, leaves),
        (second, sizes[1], sizes[0], leaves + len(first)),
    ):
        part = part.copy()
        part[:, :2] = np.where(part[:, :2] < size, part[:, :2] + leaf, part[:, :2] - size + node)
        parts.append(part)
        roots.append(node + size - 2 if size > 1 else leaf)
    return np.vstack([*parts, [*roots, 0, leaves]])
