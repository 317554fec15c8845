"""Gradients of all outputs with respect to the word embeddings, for explainers that use them."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from distillens.attribution.types import Attribution
from distillens.data.text import Example
from distillens.models.architecture import is_decoder
from distillens.models.engine import Engine
from distillens.models.tokenizer import Encoded, Encoder, Shares
from distillens.models.windowed import combine_of, cutting, windows_of
from distillens.models.windows import Window


class Embedded:
    """A batch of examples as a function of its embeddings.

    Parameters
    ----------
    batch : sequence of Example
    engine : Engine
    output : str
        What is explained; see `distillens.metrics.explained_output.explained`.
    encoded : list
        The encodings of the examples' windows; as many of each.

    Attributes
    ----------
    points : tuple of two Tensors, shape (n, pieces, width)
        The embeddings of the texts (of all windows, one behind the other), and of the baseline: every
        piece of a word replaced by padding ([CLS], [SEP] and token types stay).
    rest : tuple of Tensors
        The other inputs of `outputs` and `all_outputs`.
    """

    def __init__(
        self, batch: Sequence[Example], engine: Engine, output: str, encoded: list[list[Encoded]]
    ) -> None:
        self.batch, self.output, self.backend = batch, output, engine.differentiable
        encoder, self._combine = cutting(engine), combine_of(engine)
        batches = [self.backend.tensors(encoder.pad(of_window)) for of_window in zip(*encoded, strict=True)]
        self.widths = [inputs["input_ids"].shape[1] for inputs in batches]
        inputs = {name: torch.cat([one[name] for one in batches], dim=1) for name in batches[0]}
        ids = inputs.pop("input_ids")
        is_word = np.zeros(ids.shape, dtype=bool)
        self.shares = [self._shares(encoder, windows_of(engine, example)) for example in batch]
        self.names, self.rest = list(inputs), tuple(inputs.values())
        embed = self.backend.model.get_input_embeddings()
        for row, shares in enumerate(self.shares):
            is_word[row, shares.pieces] = True
        of_words = torch.from_numpy(is_word).to(ids.device)
        self.points = embed(ids), embed(ids.masked_fill(of_words, encoder.pad_id))

    def _shares(self, encoder: Encoder, windows: Sequence[Window]) -> Shares:
        """How the pieces of all windows are shared out among the words of the text."""
        shares, begin = [], 0
        for window, width in zip(windows, self.widths, strict=True):
            own = encoder.shares(window.example)
            shares.append((own.pieces + begin, window.words[own.words], own.weights))
            begin += width
        return Shares(*map(np.concatenate, zip(*shares, strict=True)))

    def logits(self, embedded: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n, outputs); of a text in windows, the combination of theirs."""
        points = embedded.split(self.widths, dim=1)
        others = zip(*(one.split(self.widths, dim=1) for one in rest), strict=True)
        outputs = []
        for point, own in zip(points, others if rest else [()] * len(points), strict=True):
            inputs = dict(zip(self.names, own, strict=True))
            logits = self.backend.model(inputs_embeds=point, **inputs).logits
            outputs.append(logits.to(torch.promote_types(logits.dtype, torch.float32)))
        return combined_tensor(outputs, self._combine)

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
        """Sum over the embedding and over each word's share of the pieces, so that sums are kept.

        Parameters
        ----------
        values : Tensor, shape (n, outputs, pieces, width)

        Returns
        -------
        list of ndarray, shape (n_words, outputs)
        """
        pieces = values.detach().double().sum(-1).cpu().numpy()
        words = [np.zeros((len(example.words), pieces.shape[1])) for example in self.batch]
        for shares, own, sums in zip(self.shares, pieces, words, strict=True):
            np.add.at(sums, shares.words, shares.weights[:, None] * own.T[shares.pieces])
        return words


class _AllOutputs(torch.autograd.Function):
    """Lets captum follow every output at once, with one forward for all.

    captum follows one number per text. So the input, of shape (n, outputs, pieces, width), has a
    copy of the embeddings for each output, and captum sees the sum of the outputs, shape (n,):
    the gradient by copy c is to be that of output c.

    Forward: all copies are alike, so one of them goes through the model.
    Backward, for c classes: the margin and the probability stay as they are when all logits rise
    together, so they are functions of the c - 1 differences z_i - z_0. Each difference takes one
    backward pass, and the chain rule with the outputs' derivatives by the logits (the Jacobian; that
    by z_0 is not needed) makes the gradients of all outputs of them. A logit, or the one output of a
    regression, is no such function and takes a pass of its own.
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
            embedded = copies[:, 0].detach().requires_grad_()  # any of them
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
    """The same as `distillens.metrics.explained_output.explained`, for gradients.

    Examples
    --------
    >>> explained_tensor(torch.tensor([[2.0, 0.0]]), "margin").tolist()
    [[2.0, -2.0]]
    """
    if logits.shape[-1] == 1 or kind == "logit":
        return logits
    if kind == "probability":
        return logits.softmax(-1)
    own = torch.eye(logits.shape[-1], dtype=torch.bool, device=logits.device)
    return logits - logits.unsqueeze(-2).masked_fill(own, -torch.inf).logsumexp(-1)


def combined_tensor(logits: Sequence[torch.Tensor], how: str) -> torch.Tensor:
    """The same as `distillens.models.windowed.combined`, for gradients.

    Examples
    --------
    >>> combined_tensor([torch.tensor([[0.0, 3.0]]), torch.tensor([[2.0, 1.0]])], "mean").tolist()
    [[1.0, 2.0]]
    """
    if len(logits) == 1 or how == "first":
        return logits[0]
    stacked = torch.stack(list(logits))
    return stacked.amax(0) if how == "max" else stacked.mean(0)


def in_batches(
    examples: Sequence[Example],
    engine: Engine,
    explain_batch: Callable[[list[Example], list[list[Encoded]]], list[Attribution]],
) -> Iterator[Attribution]:
    """Explain neighbours in length together under the engine's budget.

    A batch that does not fit into the device's memory is explained in halves, under half
    the budget.

    Parameters
    ----------
    examples : sequence of Example
    engine : Engine
    explain_batch : callable
        Explains examples, given with the encodings of their windows, in their order; as many windows of each.

    Yields
    ------
    Attribution
        In the order asked.

    Raises
    ------
    MemoryError
        Or what the device raises instead, if a single example does not fit.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> from transformers import BertConfig
    >>> encoder = Fake(encode=lambda texts: [{"input_ids": text[0].split()} for text in texts])
    >>> backend = Fake(model=Fake(config=BertConfig()), out_of_memory=MemoryError)
    >>> engine = Fake(encoder=encoder, tokens=2, differentiable=backend)
    >>> texts = [Example("a", "bad"), Example("b", "not bad"), Example("c", "fine")]
    >>> list(in_batches(texts, engine, lambda batch, encoded: [len(batch)] * len(batch)))
    [2, 1, 2]
    """
    encoder, decoder = cutting(engine), is_decoder(engine.differentiable.model)
    windows = [[one.example.texts for one in windows_of(engine, example)] for example in examples]
    every = iter(encoder.encode([text for own in windows for text in own]))
    encoded = [[next(every) for _ in own] for own in windows]
    shapes = [[len(one["input_ids"]) for one in own] for own in encoded]
    lengths = list(map(sum, shapes))
    # Texts of as many windows each are explained together.
    sizes = [(len(shape), length) for shape, length in zip(shapes, lengths, strict=True)]
    order = sorted(range(len(examples)), key=lambda number: sizes[number], reverse=True)
    results: dict[int, Attribution] = {}

    def run(chosen: list[int]) -> None:
        alone = len(chosen) == 1
        try:
            attributions = explain_batch(
                [examples[number] for number in chosen], [encoded[number] for number in chosen]
            )
        except engine.differentiable.out_of_memory:
            if alone and engine.tokens <= lengths[chosen[0]]:
                raise
        else:
            results.update(zip(chosen, attributions, strict=True))
            return
        # Not in the handler: its traceback holds on to what did not fit.
        engine.tokens = max(1, engine.tokens // 2)
        half = len(chosen) // 2
        for part in (chosen,) if alone else (chosen[:half], chosen[half:]):
            run(part)

    while order:
        # The first of a batch is its longest.
        room = max(1, engine.tokens // lengths[order[0]])
        room = min(room, sum(len(shapes[number]) == len(shapes[order[0]]) for number in order))
        if decoder:
            # A decoder that is given embeddings takes the last place for the last piece: no padding.
            alike = [shapes[number] == shapes[order[0]] for number in order]
            room = min(room, (*alike, False).index(False))
        chosen, order = order[:room], order[room:]
        run(chosen)
    yield from (results[number] for number in range(len(examples)))
