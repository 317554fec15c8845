"""Lets a classifier hand out its attention scores: what the softmax of each layer is taken of.

A forward with a list as ``kept_scores=`` appends to it one tensor per layer, of shape
(batch, heads, length, length), padding not yet masked; without it nothing changes.
"""

from typing import Any

import torch
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from distillens.models.architecture import attention_of, layers_of
from distillens.models.classifier import ModelError

KEPT = "kept_scores"

_NAME = "distillens_scores"


def hand_out_scores(model: PreTrainedModel) -> None:
    """Let a model's forward take ``kept_scores``, in place.

    Raises
    ------
    ModelError
        If its layers are not one stack of attention with queries, keys and values.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2))
    >>> hand_out_scores(model)
    >>> scores = []
    >>> _ = model(torch.tensor([[1, 2, 3]]), kept_scores=scores)
    >>> [tuple(of_layer.shape) for of_layer in scores]
    [(1, 2, 3, 3), (1, 2, 3, 3)]
    """
    stack = layers_of(model)
    if stack is None or any(attention_of(layer) is None for layer in stack):
        raise ModelError(
            f"{model.config.model_type}: attention scores cannot be read in this architecture; "
            "leave attention_maps out"
        )
    model.set_attn_implementation(_NAME)


# The parameters that transformers hands to an attention function, and the list for the scores.
def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    kept_scores: list[torch.Tensor] | None = None,
    **_: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = query @ key.transpose(-1, -2) * (scaling or query.shape[-1] ** -0.5)
    if kept_scores is not None:
        kept_scores.append(scores)
    weights = (scores if attention_mask is None else scores + attention_mask).softmax(-1)
    mixed = F.dropout(weights, dropout, module.training) @ value
    return mixed.transpose(1, 2).contiguous(), weights


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, eager_mask)
