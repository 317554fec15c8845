"""Integrated Gradients on the word embeddings by ``captum`` (Sundararajan, Taly and Yan 2017).

The baseline is the same input with every piece of a word replaced by padding ([CLS],
[SEP] and token types stay). Values are summed over the embedding and over the pieces
of a word, so that they keep adding up to the change of the output.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients

from distillens.attribution import Attribution
from distillens.encoding import Encoded
from distillens.inference import Engine
from distillens.text import Example

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


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, float], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order."""
    encoded = engine.encoder.encode([example.texts for example in examples])
    # Neighbours in length share a batch, its longest first; results come in the order asked.
    order = sorted(range(len(examples)), key=lambda number: len(encoded[number]["input_ids"]), reverse=True)
    results: dict[int, Attribution] = {}
    while order:
        room = engine.tokens // len(encoded[order[0]]["input_ids"])
        chosen, order = order[: max(1, room)], order[max(1, room) :]
        batch = [examples[number] for number in chosen]
        found = _explain_batch(batch, [encoded[number] for number in chosen], engine, output, options)
        results.update(zip(chosen, found, strict=True))
    yield from (results[number] for number in range(len(examples)))


def _explain_batch(
    batch: list[Example],
    encoded: list[Encoded],
    engine: Engine,
    output: str,
    options: dict[str, float],
) -> list[Attribution]:
    """Explain examples together; those that have not converged again with twice the steps."""
    steps = int(options["steps"])
    try:
        results = _integrate(batch, encoded, engine, output, steps)
    except engine.differentiable.out_of_memory:
        half = len(batch) // 2
        if not half:
            raise
        return [
            *_explain_batch(batch[:half], encoded[:half], engine, output, options),
            *_explain_batch(batch[half:], encoded[half:], engine, output, options),
        ]
    while steps * 2 <= options["max_steps"]:
        open_ = [
            i for i, one in enumerate(results) if max(one.diagnostics["ig_delta"]) > options["tolerance"]
        ]
        if not open_:
            break
        steps *= 2
        again = _integrate([batch[i] for i in open_], [encoded[i] for i in open_], engine, output, steps)
        for i, one in zip(open_, again, strict=True):
            results[i] = one
    return results


def _integrate(
    batch: list[Example], encoded: list[Encoded], engine: Engine, output: str, steps: int
) -> list[Attribution]:
    backend = engine.differentiable
    inputs = backend.tensors(engine.encoder.pad(encoded))
    ids = inputs.pop("input_ids")
    owners = _owners(batch, engine, ids.shape)
    padding = torch.full_like(ids, engine.encoder.pad_id)
    embed = backend.model.get_input_embeddings()
    points = embed(ids), embed(torch.where(owners.to(ids.device) >= 0, padding, ids))

    def forward(embedded: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        logits = backend.model(inputs_embeds=embedded, **dict(zip(inputs, rest, strict=True))).logits
        return explained_tensor(logits, output)

    with torch.no_grad():
        ends = [forward(point, *inputs.values()).double().cpu().numpy() for point in points]
    copies = [point.unsqueeze(1).expand(-1, ends[0].shape[1], -1, -1) for point in points]
    values = IntegratedGradients(partial(_AllOutputs.apply, forward)).attribute(
        copies[0],
        baselines=copies[1],
        additional_forward_args=tuple(inputs.values()),
        n_steps=steps,
        internal_batch_size=max(len(batch), engine.tokens // ids.shape[1]),
    )
    pieces = values.detach().double().sum(-1).cpu().numpy()
    return [
        _to_words(example, pieces[row], owners[row].numpy(), ends[1][row], ends[0][row], steps)
        for row, example in enumerate(batch)
    ]


def _owners(batch: list[Example], engine: Engine, shape: torch.Size) -> torch.Tensor:
    """The word that each piece belongs to, -1 for none."""
    owners = torch.full(shape, -1)
    for row, example in enumerate(batch):
        owner = engine.encoder.owners(example)
        owners[row, : len(owner)] = torch.tensor(owner)
    return owners


class _AllOutputs(torch.autograd.Function):
    """Lets captum follow every output at once, with one forward for all.

    The input has a copy of the embeddings for each output, all the same; what captum
    sees is their outputs' sum, so that the gradient of a copy is that of its output.
    """

    @staticmethod
    def forward(
        ctx: Any, model: Callable[..., torch.Tensor], copies: torch.Tensor, *rest: torch.Tensor
    ) -> torch.Tensor:
        with torch.enable_grad():
            embedded = copies[:, 0].detach().requires_grad_()
            outputs = model(embedded, *rest).unbind(-1)
        ctx.graph, ctx.others = (embedded, outputs), len(rest)
        return torch.stack(outputs, -1).detach().sum(-1)

    @staticmethod
    def backward(ctx: Any, weights: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        embedded, outputs = ctx.graph
        gradients = [
            torch.autograd.grad(output, embedded, weights, retain_graph=output is not outputs[-1])[0]
            for output in outputs
        ]
        return None, torch.stack(gradients, dim=1), *[None] * ctx.others


def _to_words(
    example: Example, pieces: np.ndarray, owner: np.ndarray, base: np.ndarray, whole: np.ndarray, steps: int
) -> Attribution:
    values = np.zeros((len(example.words), len(whole)))
    np.add.at(values, owner[owner >= 0], pieces.T[owner >= 0])
    gap = np.abs(values.sum(0) - (whole - base))
    mass = np.abs(values).sum(0)
    delta = np.divide(gap, mass, out=np.zeros_like(gap), where=mass > 0)
    return Attribution(example, values, base, whole, {"ig_delta": delta.tolist(), "ig_steps": steps})


def explained_tensor(logits: torch.Tensor, kind: str) -> torch.Tensor:
    """The same as ``outputs.explained``, for gradients."""
    if logits.shape[-1] == 1 or kind == "logit":
        return logits
    if kind == "probability":
        return logits.softmax(-1)
    own = torch.eye(logits.shape[-1], dtype=torch.bool, device=logits.device)
    return logits - logits.unsqueeze(-2).masked_fill(own, -torch.inf).logsumexp(-1)
