"""Spares the last layer what no classifier reads: every position but the first.

BERT's relatives classify from the first position of the last layer. There the other
positions are needed as keys and values only; their queries, output projections and
feed-forwards, 10 of the layer's 12 units of work, change nothing and are left out.

Step by step, in the last layer:

1. The layer is given the first position only, so its query, the residual connection, the output
   projection and the feed-forward are those of this position.
2. Its projections of keys and values are given all positions behind its back (`_OfAll`).
3. Attention has one query and all keys and values (`_attend`); padding is masked as before.
4. The classifier takes position 0 of the result, which is all there is.

Whether a model is built like this is not guessed: its logits of a batch with padding, a pair and a
mask must be the same both ways, else nothing is changed (`answers_as_before`).
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from transformers import AttentionInterface, PreTrainedModel

from distillens.models.architecture import KEYS_AND_VALUES, answers_as_before, attention_of, layers_of

_NAME = "distillens_first_position"


def trim(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> bool:
    """Trim a classifier's last layer, in place; leave it as it was if its answers would change.

    Parameters
    ----------
    model : PreTrainedModel
        In evaluation mode.
    batch : dict of Tensor
        A padded batch of texts of unlike lengths, on which both ways are compared.

    Returns
    -------
    bool
        Whether it was trimmed. Models of other build (another pooling, other names of the
        projections, attention that is not a function of queries, keys and values) are not.

    Examples
    --------
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> config = BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2)
    >>> model = BertForSequenceClassification(config).eval()
    >>> trim(model, {"input_ids": torch.tensor([[1, 2, 3], [1, 3, 0]])})
    True
    """
    stack = layers_of(model)
    if stack is None or attention_of(stack[-1]) is None:
        return False
    layer, trimmed = stack[-1], _FirstPosition(stack[-1])

    def replace() -> Callable[[], None]:
        stack[-1] = trimmed
        return lambda: stack.__setitem__(-1, layer)

    return answers_as_before(model, batch, replace)


class _FirstPosition(torch.nn.Module):
    """A layer whose queries are those of the first position, its keys and values of all."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = copy.deepcopy(layer)
        attention = attention_of(self.layer)
        attention.config = copy.copy(attention.config)
        attention.config._attn_implementation = _NAME
        self._projections = []
        for name in KEYS_AND_VALUES:
            if hasattr(attention, name):
                setattr(attention, name, _OfAll(getattr(attention, name)))
                self._projections.append(getattr(attention, name))

    def forward(self, hidden_states: torch.Tensor, *rest: Any, **settings: Any) -> Any:
        for projection in self._projections:
            projection.all = hidden_states
        try:
            return self.layer(hidden_states[:, :1].contiguous(), *rest, **settings)
        finally:
            for projection in self._projections:
                projection.all = None


class _OfAll(torch.nn.Module):
    """A projection of all positions, whatever it is asked to project."""

    def __init__(self, projection: torch.nn.Module) -> None:
        super().__init__()
        self.projection = projection
        self.all: torch.Tensor | None = None

    def forward(self, first: torch.Tensor) -> torch.Tensor:
        # As if all positions were one: `_attend` takes them apart again.
        return self.projection(self.all).flatten(1).unsqueeze(1)


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of the first position; keys and values come with their positions among the heads."""
    heads = query.shape[1]
    key, value = (part.transpose(1, 2).unflatten(2, (-1, heads)).squeeze(1) for part in (key, value))
    # Plain products: with a single query they are faster than fused attention, gradients included.
    scores = torch.einsum("bhqd,blhd->bhql", query, key) * (scaling or query.shape[-1] ** -0.5)
    if attention_mask is not None:
        mask = attention_mask[..., :1, :]
        if mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        else:
            scores = scores + mask
    return torch.einsum("bhql,blhd->bqhd", scores.softmax(-1), value), None


AttentionInterface.register(_NAME, _attend)
