"""Gradients of all outputs with respect to the word embeddings, for explainers that use them."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.models.engine import Engine
from distillens.models.tokenizer import Encoded


class Embedded:
    """A batch of examples as a function of its embeddings.

    Parameters
    ----------
    batch : sequence of Example
    engine : Engine
    output : str
        What is explained; see `distillens.metrics.explained_output.explained`.
    encoded : list
        The examples' encodings.

    Attributes
    ----------
    points : tuple of two Tensors, shape (n, pieces, width)
        The embeddings of the texts, and of the baseline: every piece of a word replaced by
        padding ([CLS], [SEP] and token types stay).
    rest : tuple of Tensors
        The other inputs of `outputs` and `all_outputs`.
    """

    def __init__(self, batch: Sequence[Example], engine: Engine, output: str, encoded: list[Encoded]) -> None:
        self.batch, self.output, self.backend = batch, output, engine.differentiable
        inputs = self.backend.tensors(engine.encoder.pad(encoded))
        ids = inputs.pop("input_ids")
        self.owners = np.full(ids.shape, -1)
        for row, example in enumerate(batch):
            owner = engine.encoder.owners(example)
            self.owners[row, : len(owner)] = owner
        self.names, self.rest = list(inputs), tuple(inputs.values())
        embed = self.backend.model.get_input_embeddings()
        of_words = torch.from_numpy(self.owners >= 0).to(ids.device)
        self.points = embed(ids), embed(ids.masked_fill(of_words, engine.encoder.pad_id))

    def logits(self, embedded: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n, outputs)."""
        inputs = dict(zip(self.names, rest, strict=True))
        logits = self.backend.model(inputs_embeds=embedded, **inputs).logits
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def outputs(self, embedded: torch.Tensor) -> np.ndarray:
        """What is explained, without gradients; shape (n, outputs)."""
        with torch.no_grad():
            logits = self.logits(embedded, *self.rest)
            return explained_tensor(logits, self.output).double().cpu().numpy()

    @property
    def all_outputs(self) -> Callable[..., torch.Tensor]:
        """For captum: see `_AllOutputs`."""
        return partial(_AllOutputs.apply, self.logits, self.output)

    def copies(self, point: torch.Tensor, outputs: int) -> torch.Tensor:
        """A copy of the embeddings for each output: what `all_outputs` takes."""
        return point.unsqueeze(1).expand(-1, outputs, -1, -1)

    def to_words(self, values: torch.Tensor) -> list[np.ndarray]:
        """Sum over the embedding and over the pieces of each word, so that sums are kept.

        Parameters
        ----------
        values : Tensor, shape (n, outputs, pieces, width)

        Returns
        -------
        list of ndarray, shape (n_words, outputs)
        """
        pieces = values.detach().double().sum(-1).cpu().numpy()
        words = [np.zeros((len(example.words), pieces.shape[1])) for example in self.batch]
        for owner, own, sums in zip(self.owners, pieces, words, strict=True):
            np.add.at(sums, owner[owner >= 0], own.T[owner >= 0])
        return words


class _AllOutputs(torch.autograd.Function):
    """Lets captum follow every output at once, with one forward for all.

    The input has a copy of the embeddings for each output, all the same; what captum
    sees is their outputs' sum, so that the gradient of a copy is that of its output.
    Outputs that do not change when all logits rise together (margin, probability) are
    functions of the logits' differences: one backward pass less.

    The input has the shape (n, outputs, pieces, width), what captum sees (n,).
    """

    @staticmethod
    def forward(
        ctx: Any,
        model: Callable[..., torch.Tensor],
        kind: str,
        copies: torch.Tensor,
        *rest: torch.Tensor,
    ) -> torch.Tensor:
        with torch.enable_grad():
            embedded = copies[:, 0].detach().requires_grad_()
            logits = model(embedded, *rest)
            shifts_matter = kind == "logit" or logits.shape[1] == 1
            each = (logits if shifts_matter else logits[:, 1:] - logits[:, :1]).unbind(-1)
        ctx.graph, ctx.others = (embedded, each), len(rest)
        ctx.jacobian = None if shifts_matter else _jacobian(logits.detach(), kind)[..., 1:]
        return explained_tensor(logits.detach(), kind).sum(-1)

    @staticmethod
    def backward(ctx: Any, weights: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        embedded, each = ctx.graph
        gradients = torch.stack(
            [
                torch.autograd.grad(one, embedded, weights, retain_graph=one is not each[-1])[0]
                for one in each
            ],
            dim=1,
        )
        if ctx.jacobian is not None:
            gradients = torch.einsum("noi,nipw->nopw", ctx.jacobian.to(gradients), gradients)
        return None, None, gradients, *[None] * ctx.others


def _jacobian(logits: torch.Tensor, kind: str) -> torch.Tensor:
    """Derivatives of the outputs by the logits, shape (n, outputs, outputs)."""
    with torch.enable_grad():
        free = logits.double().requires_grad_()
        outputs = explained_tensor(free, kind).sum(0)
        rows = [torch.autograd.grad(one, free, retain_graph=True)[0] for one in outputs]
    return torch.stack(rows, dim=1)


def explained_tensor(logits: torch.Tensor, kind: str) -> torch.Tensor:
    """The same as ``outputs.explained``, for gradients."""
    if logits.shape[-1] == 1 or kind == "logit":
        return logits
    if kind == "probability":
        return logits.softmax(-1)
    own = torch.eye(logits.shape[-1], dtype=torch.bool, device=logits.device)
    return logits - logits.unsqueeze(-2).masked_fill(own, -torch.inf).logsumexp(-1)


def in_batches(
    examples: Sequence[Example],
    engine: Engine,
    explain_batch: Callable[[list[Example], list[Encoded]], list[Attribution]],
) -> Iterator[Attribution]:
    """Explain neighbours in length together under the engine's budget.

    A batch that does not fit into the device's memory is explained in halves, under half
    the budget.

    Parameters
    ----------
    examples : sequence of Example
    engine : Engine
    explain_batch : callable
        Explains examples, given with their encodings, in their order.

    Yields
    ------
    Attribution
        In the order asked.

    Raises
    ------
    MemoryError
        Or what the device raises instead, if a single example does not fit.
    """
    encoded = engine.encoder.encode([example.texts for example in examples])
    lengths = [len(one["input_ids"]) for one in encoded]
    order = sorted(range(len(examples)), key=lambda number: lengths[number], reverse=True)
    results: dict[int, Attribution] = {}

    def run(chosen: list[int]) -> None:
        alone = len(chosen) == 1
        try:
            found = explain_batch(
                [examples[number] for number in chosen], [encoded[number] for number in chosen]
            )
        except engine.differentiable.out_of_memory:
            if alone and engine.tokens <= lengths[chosen[0]]:
                raise
        else:
            results.update(zip(chosen, found, strict=True))
            return
        # Not in the handler: its traceback holds on to what did not fit.
        engine.tokens = max(1, engine.tokens // 2)
        half = len(chosen) // 2
        for part in (chosen,) if alone else (chosen[:half], chosen[half:]):
            run(part)

    while order:
        # The first of a batch is its longest.
        room = max(1, engine.tokens // lengths[order[0]])
        chosen, order = order[:room], order[room:]
        run(chosen)
    yield from (results[number] for number in range(len(examples)))
