"""Layers with 8-bit weights: what dynamic quantisation computes, in torch and as an ONNX graph.

Weights have one scale per output channel, inputs of a layer one per token, found as they
come; both are symmetric ("token-wise", Yao et al. 2022, ZeroQuant). The usual single scale
for a whole batch would let a text's answer depend on the texts beside it and on padding.

In torch the products of integers are computed in floating point: the same values, and
gradients that go through rounding as if it were not there (straight-through estimator,
Bengio et al. 2013). In an exported graph they are integer products (``MatMulInteger``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from onnx import TensorProto
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

_LARGEST = 127
_ZERO = 128
"""Weights are stored without sign, 128 stands for 0.

Where one factor of an integer product has a sign and the other none, processors without
VNNI cut off its sums at 16 bits; with both alike, every machine computes the same.
"""
_TINY = 1e-12
_FLOAT = TensorProto.FLOAT


class Int8Linear(torch.nn.Module):
    """A linear layer whose weights are stored in 8 bits, and whose inputs are rounded to 8 bits.

    Attributes
    ----------
    uint8 : Tensor of uint8, shape (outputs, inputs)
        128 stands for 0.
    scale : Tensor, shape (outputs,)
    bias : Parameter, shape (outputs,), or None
    rounds : bool
        Whether inputs are rounded; see `unrounded`.
    """

    rounds = True

    def __init__(self, linear: torch.nn.Linear | Conv1D) -> None:
        super().__init__()
        weight = linear.weight.detach()
        uint8, scale = _quantise(weight.T if isinstance(linear, Conv1D) else weight)
        self.register_buffer("uint8", uint8)
        self.register_buffer("scale", scale)
        self.bias = linear.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's outputs, shape (..., outputs)."""
        step = x.detach().abs().amax(-1, keepdim=True).clamp(min=_TINY) / _LARGEST
        if self.rounds:
            product = _Product.apply(x / step, self.uint8)
        else:
            product = torch.nn.functional.linear(x / step, _signed(self.uint8, x.dtype))
        outputs = product * step * self.scale
        return outputs if self.bias is None else outputs + self.bias


class Int8Embedding(torch.nn.Module):
    """Embeddings that are stored in 8 bits, with one scale per row.

    Attributes
    ----------
    uint8 : Tensor of uint8, shape (rows, width)
        128 stands for 0.
    scale : Tensor, shape (rows,)
    """

    def __init__(self, embedding: torch.nn.Embedding) -> None:
        super().__init__()
        uint8, scale = _quantise(embedding.weight.detach())
        self.register_buffer("uint8", uint8)
        self.register_buffer("scale", scale)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """The rows of these numbers, shape (..., width)."""
        rows = _signed(self.uint8[numbers], self.scale.dtype)
        return rows * self.scale[numbers].unsqueeze(-1)


def quantise(model: PreTrainedModel, embeddings: bool) -> None:
    """Replace all linear layers, and the embeddings of words if wanted, in place.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> quantise(model, embeddings=False)
    >>> model.encoder.layer[0].attention.self.query.uint8.dtype
    torch.uint8
    """
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, torch.nn.Linear | Conv1D):
                setattr(module, name, Int8Linear(child))
    if embeddings:
        model.set_input_embeddings(Int8Embedding(model.get_input_embeddings()))


@contextmanager
def unrounded() -> Iterator[None]:
    """Within it, inputs are not rounded.

    Rounding makes steps out of the last digit: only without it can it be seen whether two
    ways to compute a model are the same.

    Examples
    --------
    >>> layer = Int8Linear(torch.nn.Linear(2, 1))
    >>> with unrounded():
    ...     layer.rounds
    False
    >>> layer.rounds
    True
    """
    Int8Linear.rounds = False
    try:
        yield
    finally:
        Int8Linear.rounds = True


def _quantise(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scale = weight.abs().amax(1).clamp(min=_TINY) / _LARGEST
    return ((weight / scale.unsqueeze(1)).round() + _ZERO).to(torch.uint8), scale


def _signed(stored: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return stored.to(dtype) - _ZERO


class _Product(torch.autograd.Function):
    """Product of inputs, rounded to whole numbers, with stored weights."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, stored: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(stored)
        return torch.nn.functional.linear(x.round(), _signed(stored, x.dtype))

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (stored,) = ctx.saved_tensors
        return gradient @ _signed(stored, gradient.dtype), None

    @staticmethod
    def symbolic(g: Any, x: Any, stored: Any) -> Any:
        """The same as nodes of an ONNX graph."""
        one = g.op("Constant", value_t=torch.tensor(1.0))
        zero = g.op("Constant", value_t=torch.tensor(_ZERO, dtype=torch.uint8))
        rounded = g.op("QuantizeLinear", x, one, zero)
        weights = g.op("Transpose", stored, perm_i=[1, 0])
        return g.op("Cast", g.op("MatMulInteger", rounded, weights, zero, zero), to_i=_FLOAT)
