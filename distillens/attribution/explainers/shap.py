"""SHAP: Owen values on words or tokens by ``shap``'s Partition explainer.

Lundberg and Lee 2017; the hierarchy is shap's own clustering of the words of each
segment, so that every model shares one tree. In tokens, the special ones at both ends
are leaves of the tree, as in stock shap, but never masked. Enough evaluations give
exact values; where there are fewer, ``truncated`` says so.

Step by step:

1. shap gets the numbers of the words instead of a text, and a tree over them.
2. It walks down the tree. At each node it asks for masks, one bool per leaf: what does the output
   gain by one half of the node, with and without the other half, beside what is kept already?
3. A mask becomes a text here: words that are not kept are replaced by the mask token. All open
   nodes are asked for in one go, and `run_in_batches` joins the requests of many sentences.
4. The gains are shared out down to the leaves, whose values add up to whole minus base.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial

# shap compiles two small loops over words at first use: that takes nine seconds, they take none.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

import numpy as np
import shap
from shap.maskers._text import partition_tree

from distillens.attribution.batching import Ask, run_in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example, seed_of
from distillens.metrics.explained_output import explained
from distillens.models.engine import Engine

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

_GOES_ON = re.compile(r"\w[A-Za-z]")


def cost(words: int, outputs: int, options: dict[str, int]) -> int:
    """Forward passes that exact values of so many words take, or are limited to.

    Examples
    --------
    >>> cost(12, 2, {"max_evals": 20000})
    134
    """
    return min(words * max(words - 1, 1) + 2, options["max_evals"])


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, int], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> answer = lambda texts: np.array([[0.0, text.count("bad")] for (text,) in texts])
    >>> engine = Fake(mask="_", at_once=1, logits=answer)
    >>> (found,) = explain([Example("a", "so bad")], engine, "logit", {"max_evals": 20}, seed=0)
    >>> found.values.round(2).tolist(), found.diagnostics
    ([[0.0, 0.0], [0.0, 1.0]], {'evals': 4, 'truncated': False})
    """
    tasks = [
        partial(_explain_one, example, engine.mask, output, options["max_evals"]) for example in examples
    ]
    seeds = [seed_of(seed, example.example_id) for example in examples]
    yield from run_in_batches(tasks, engine.logits, seeds, engine.at_once)


def _explain_one(example: Example, mask: str, output: str, max_evals: int, ask: Ask) -> Attribution:
    ends = int(example.units is not None)
    words = len(example.words)
    leaves = words + 2 * ends

    def masked_output(keep: np.ndarray) -> np.ndarray:
        kept = keep[:, ends : ends + words]
        return explained(ask([example.masked(row, mask) for row in kept]), output)

    base, whole = masked_output(np.array([[False] * leaves, [True] * leaves]))
    if words == 1:  # nothing to share out; shap builds no tree of one leaf
        return Attribution(example, (whole - base)[None], base, whole, {"evals": 2, "truncated": False})
    explainer = shap.PartitionExplainer(masked_output, _Words(example))
    row = explainer.explain_row(
        np.arange(leaves),
        max_evals=max_evals,
        main_effects=False,
        error_bounds=False,
        outputs=None,
        silent=True,
        batch_size=_ALL_OPEN_NODES,
    )
    evals = explainer.last_eval_count + 2
    values = row["values"][ends : ends + words]
    return Attribution(example, values, base, whole, {"evals": evals, "truncated": evals >= max_evals})


class _Words(shap.maskers.Masker):
    """Hands the model the mask itself; clusters the words as shap's text masker does."""

    immutable_outputs = True

    def __init__(self, example: Example) -> None:
        self._tree = tree(example)
        self.shape = (1, len(self._tree) + 1)

    def __call__(self, keep: np.ndarray, *_: np.ndarray) -> tuple[np.ndarray]:
        return (keep[None],)

    def clustering(self, *_: np.ndarray) -> np.ndarray:
        return self._tree


def tree(example: Example) -> np.ndarray:
    """Shap's clustering of the words of each segment, the segments joined at the top.

    Returns
    -------
    ndarray, shape (leaves - 1, 4)
        As in ``scipy.cluster.hierarchy.linkage``; heights are relative sizes, as in
        shap's own text masker. Leaves are the words; in tokens also the two ends.

    Examples
    --------
    >>> tree(Example("a", "not bad at all"))[:, :2].astype(int).tolist()  # words are 0 to 3
    [[0, 1], [2, 3], [4, 5]]
    """
    segments = [_names(example, number) for number in (0, 1)]
    if example.units is not None:
        segments[0].insert(0, "")
        segments[len(example.texts) - 1].append("")
    first, second = (partition_tree(names, []) if names else None for names in segments)
    links = first if second is None else second if first is None else _joined(first, second)
    links[:, 2] = links[:, 3] / (len(links) + 1)
    return links


def _names(example: Example, segment: int) -> list[str]:
    """What shap's clustering knows the words of a segment by: ``##`` where a word goes on."""
    text = example.texts[segment] if segment < len(example.texts) else ""
    names, end = [], -1
    for word in (word for word in example.words if word.segment == segment):
        goes_on = word.start == end and _GOES_ON.match(text, end - 1)
        names.append(f"##{word.text}" if goes_on else word.text)
        end = word.end
    return names


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
