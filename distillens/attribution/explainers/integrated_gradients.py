"""Integrated Gradients on the word embeddings by ``captum`` (Sundararajan, Taly and Yan 2017).

The baseline is the same input with every piece of a word replaced by padding ([CLS],
[SEP] and token types stay). Values are summed over the embedding and over the pieces
of a word, so that they keep adding up to the change of the output.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from captum.attr import IntegratedGradients

from distillens.attribution.gradients import Embedded, in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.models.engine import Engine
from distillens.models.tokenizer import Encoded

_ROUNDING = np.finfo(np.float32).eps

NEEDS = "gradients"
OPTIONS = {
    "steps": {
        "type": "integer",
        "minimum": 2,
        "default": 50,
        "description": "Points of the integral, to begin with.",
    },
    "max_steps": {
        "type": "integer",
        "minimum": 2,
        "default": 400,
        "description": "Where doubling them ends.",
    },
    "tolerance": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 0.05,
        "description": "Steps are doubled while the gap is a larger share of the attribution mass.",
    },
}


def cost(words: int, outputs: int, options: dict[str, float]) -> int:
    """Most passes, forward and backward, of a text of so many words.

    Each step is a forward pass and, for each output, a backward one; all doublings of
    the steps together are nearly twice the last one.

    Examples
    --------
    >>> cost(12, 2, {"steps": 50, "max_steps": 400})
    2250
    """
    return int(max(2 * options["max_steps"] - options["steps"], options["steps"])) * (1 + outputs)


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, float], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order."""

    def explain_batch(batch: list[Example], encoded: list[list[Encoded]]) -> list[Attribution]:
        """Explain examples together; those that have not converged again with twice the steps."""
        steps = int(options["steps"])
        results = _integrate(batch, encoded, engine, output, steps)
        while steps * 2 <= options["max_steps"]:
            open_ = [row for row, one in enumerate(results) if not _has_converged(one, options["tolerance"])]
            if not open_:
                break
            steps *= 2
            again = _integrate(
                [batch[row] for row in open_], [encoded[row] for row in open_], engine, output, steps
            )
            for row, one in zip(open_, again, strict=True):
                results[row] = one
        return results

    yield from in_batches(examples, engine, explain_batch)


def _integrate(
    batch: list[Example], encoded: list[list[Encoded]], engine: Engine, output: str, steps: int
) -> list[Attribution]:
    embedded = Embedded(batch, engine, output, encoded)
    whole, base = (embedded.outputs(point) for point in embedded.points)
    text, baseline = (embedded.copies(point, whole.shape[1]) for point in embedded.points)
    values = IntegratedGradients(embedded.all_outputs).attribute(
        text,
        baselines=baseline,
        additional_forward_args=embedded.rest,
        n_steps=steps,
        internal_batch_size=max(len(batch), engine.tokens // text.shape[2]),
    )
    return [
        _converged(example, own, base[row], whole[row], steps)
        for row, (example, own) in enumerate(zip(batch, embedded.to_words(values), strict=True))
    ]


def _converged(
    example: Example, values: np.ndarray, base: np.ndarray, whole: np.ndarray, steps: int
) -> Attribution:
    gap = np.abs(values.sum(0) - (whole - base))
    mass = np.abs(values).sum(0)
    # Without any mass: infinite where the output changes all the same, unknown where it does not.
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = gap / mass
    return Attribution(example, values, base, whole, {"ig_delta": delta.tolist(), "ig_steps": steps})


def _has_converged(one: Attribution, tolerance: float) -> bool:
    """Whether values add up, and are more than the rounding of an output that stays at its limit."""
    mass = np.abs(one.values).sum(0)
    moves = mass > _ROUNDING * np.maximum(np.abs(one.base), np.abs(one.output))
    return bool((moves & (np.array(one.diagnostics["ig_delta"]) <= tolerance)).all())
