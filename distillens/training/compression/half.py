"""Half precision: weights stored in bfloat16, and everything computed in it."""

from typing import Any

import torch
from transformers import PreTrainedModel

OPTIONS = {}

RECOVERS = False

# ONNX Runtime has no bfloat16 on the CPU.
ENGINE = {"backend": "torch", "precision": "bfloat16"}


def compress(model: PreTrainedModel, options: dict[str, Any]) -> None:
    """Round a classifier's weights, in place.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> compress(model, {})
    >>> model.dtype
    torch.bfloat16
    """
    model.to(torch.bfloat16)
