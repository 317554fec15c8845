"""Attention rollout: how much of each word reaches the first position (Abnar and Zuidema 2020).

A control without signs that knows nothing of the output: every class gets the same
values. Each layer passes on half of its mean attention and half of its input
(equation 1, residual connections); the layers' matrices are multiplied and the row of
the first position is summed over each word's share of the pieces.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from distillens.attribution.gradients import in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.metrics.explained_output import explained
from distillens.models.engine import Engine
from distillens.models.tokenizer import Encoded

OPTIONS = {}
CONTROL = True
NEEDS = "attention"


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

    def explain_batch(batch: list[Example], encoded: list[Encoded]) -> list[Attribution]:
        model = engine.attentive.model
        with torch.inference_mode():
            answer = model(**engine.attentive.tensors(engine.encoder.pad(encoded)), output_attentions=True)
            flow = rollout(answer.attentions)[:, 0].double().cpu().numpy()
        wholes = explained(answer.logits.float().cpu().numpy(), output)
        attributions = []
        for example, own, whole in zip(batch, flow, wholes, strict=True):
            shares = engine.encoder.shares(example)
            values = np.bincount(shares.words, shares.weights * own[shares.pieces], len(example.words))
            repeated = np.repeat(values[:, None], len(whole), axis=1)
            attributions.append(Attribution(example, repeated, np.full(len(whole), np.nan), whole))
        return attributions

    yield from in_batches(examples, engine, explain_batch)


def rollout(attentions: Sequence[torch.Tensor]) -> torch.Tensor:
    """Product of the layers' attention with residual connections.

    Parameters
    ----------
    attentions : sequence of Tensor, shape (n, heads, pieces, pieces)
        Each row sums to one; padding gets nothing.

    Returns
    -------
    Tensor, shape (n, pieces, pieces)
        Row i: how much of each input position is in position i of the last layer.

    Examples
    --------
    >>> rollout([torch.tensor([[[[0.5, 0.5], [0.0, 1.0]]]])]).tolist()
    [[[0.75, 0.25], [0.0, 1.0]]]
    """
    flow = torch.eye(attentions[0].shape[-1], device=attentions[0].device)
    for attention in attentions:
        flow = (attention.float().mean(1) @ flow + flow) / 2
    return flow
