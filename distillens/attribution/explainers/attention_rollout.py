"""Attention rollout: how much of each word reaches the first position (Abnar and Zuidema 2020).

A control without signs that knows nothing of the output: every class gets the same
values. Each layer passes on half of its mean attention and half of its input
(equation 1, residual connections); the layers' matrices are multiplied and the row of
the first position is summed over each word's share of the pieces. Of a text in windows it is the mean over
those that are read.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from distillens.attribution.gradients import in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.metrics.explained_output import explained
from distillens.models.architecture import is_decoder
from distillens.models.engine import Engine
from distillens.models.errors import ModelError
from distillens.models.tokenizer import Encoded
from distillens.models.windowed import combine_of, combined, cutting, windows_of

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
    """Yield the attribution of each example, in order.

    Raises
    ------
    ModelError
        If the model is a decoder: its first position sees no other.
    """
    if is_decoder(engine.attentive.model):
        raise ModelError(
            f"{engine.folder}: attention_rollout says what reaches the first position, which in a decoder "
            "sees no other; take it out of explainers, or this model out of models"
        )

    def explain_batch(batch: list[Example], encoded: list[list[Encoded]]) -> list[Attribution]:
        model, encoder, how = engine.attentive.model, cutting(engine), combine_of(engine)
        flows, logits = [], []
        for of_window in zip(*encoded, strict=True):
            with torch.inference_mode():
                answer = model(**engine.attentive.tensors(encoder.pad(of_window)), output_attentions=True)
                flows.append(rollout(answer.attentions)[:, 0].double().cpu().numpy())
            logits.append(answer.logits.float().cpu().numpy())
        wholes = explained(combined(np.stack(logits), how), output)
        read = 1 if how == "first" else len(flows)
        attributions = []
        for row, (example, whole) in enumerate(zip(batch, wholes, strict=True)):
            values = np.zeros(len(example.words))
            for window, flow in zip(windows_of(engine, example)[:read], flows, strict=False):
                shares = encoder.shares(window.example)
                parts = shares.weights * flow[row][shares.pieces] / read
                values += np.bincount(window.words[shares.words], parts, len(values))
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
