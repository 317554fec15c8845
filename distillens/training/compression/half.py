"""Half precision: weights stored in bfloat16, and everything computed in it."""

from typing import Any

import torch
from transformers import PreTrainedModel

OPTIONS = {}

RECOVERS = False

# ONNX Runtime has no bfloat16 on the CPU.
ENGINE = {"backend": "torch", "precision": "bfloat16"}


def compress(model: PreTrainedModel, options: dict[str, Any]) -> None:
    """Round a classifier's weights, in place."""
    model.to(torch.bfloat16)
