"""Lets a student run with another model's attention weights instead of its own.

The weights go through the model as a keyword argument, not as state of its modules: so
that gradient checkpointing, which runs layers twice, sees them both times.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from distillens.models.architecture import attention_of, layers_of

_NAME = "distillens_interchange"
_PLACE = "distillens_place"


class InterchangeError(ValueError):
    """Two models' layers cannot be put beside each other; the message says why."""


def allow_interchange(model: PreTrainedModel) -> int:
    """Let a model take ``interchanged=`` attention weights in its forward; without them it is as before.

    Parameters
    ----------
    model : PreTrainedModel
        Changed in place.

    Returns
    -------
    int
        Its number of layers.

    Raises
    ------
    InterchangeError
        If its layers are not one stack of attention with queries, keys and values.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2))
    >>> allow_interchange(model)
    2
    >>> weights = [torch.full((1, 2, 3, 3), 1 / 3)] * 2
    >>> model(torch.tensor([[1, 2, 3]]), interchanged=weights).last_hidden_state.shape
    torch.Size([1, 3, 8])
    """
    stack = layers_of(model)
    attentions = [attention_of(layer) for layer in stack or ()]
    if not attentions or None in attentions:
        raise InterchangeError(
            f"{model.config.model_type}: attention weights cannot be replaced in this architecture"
        )
    for place, attention in enumerate(attentions):
        setattr(attention, _PLACE, place)
    model.set_attn_implementation(_NAME)
    return len(attentions)


def compressed(attentions: Sequence[torch.Tensor], layers: int, heads: int) -> list[torch.Tensor]:
    """Attention weights of a deep model for a shallower one: means of the layers that each stands for.

    Parameters
    ----------
    attentions : sequence (teacher layers) of Tensor, shape (batch, heads, length, length)
    layers, heads : int
        Of the student. Layer i stands for the teacher's layers ``i r`` to ``(i + 1) r - 1``;
        where the numbers of heads differ, each head gets the mean over the teacher's.

    Returns
    -------
    list (student layers) of Tensor, shape (batch, heads, length, length)

    Raises
    ------
    InterchangeError
        If the student's depth does not divide the teacher's.

    Examples
    --------
    >>> of_teacher = [torch.full((1, 2, 3, 3), float(layer)) for layer in range(4)]
    >>> [of_layer.mean().item() for of_layer in compressed(of_teacher, layers=2, heads=2)]
    [0.5, 2.5]
    """
    if len(attentions) % layers:
        raise InterchangeError(
            f"a student of {layers} layers cannot stand for {len(attentions)}: it must divide them"
        )
    ratio = len(attentions) // layers
    means = [torch.stack(tuple(attentions[i * ratio : (i + 1) * ratio])).mean(0) for i in range(layers)]
    if means[0].shape[1] != heads:
        means = [mean.mean(1, keepdim=True).expand(-1, heads, -1, -1) for mean in means]
    return means


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    interchanged: Sequence[torch.Tensor] | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    if interchanged is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout=dropout, **rest)
    weights = interchanged[getattr(module, _PLACE)].to(value.dtype)
    mixed = F.dropout(weights, dropout, module.training) @ value
    return mixed.transpose(1, 2).contiguous(), weights


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, sdpa_mask)
