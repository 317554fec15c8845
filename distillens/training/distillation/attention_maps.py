"""Soft logits, and the teacher's attention maps.

The loss adds ``attention_weight`` times the sum, over the student's layers, of the mean squared difference
between its attention scores, before the softmax, and those of the teacher's layer at the
same height, padding left out (TinyBERT, Jiao et al. 2020, equation 7, with its uniform
layer map). Where the numbers of heads differ, their means are compared.
"""

from typing import Any

import torch
from torch.nn import functional as F

from distillens.models.attention_scores import KEPT, hand_out_scores
from distillens.training.distillation import soft_logits
from distillens.training.fine_tune import Source
from distillens.training.teacher_forward import Alongside, layer_map

OPTIONS = {
    "attention_weight": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1.0,
        "description": "Weight of the attention maps.",
    },
}


class Distillation(Alongside, soft_logits.Distillation):
    """Soft logits whose loss adds the distance between the attention scores."""

    def __init__(self, source: Source, **settings: Any) -> None:
        super().__init__(source, **settings)
        for model in (self.model, self.teacher):
            hand_out_scores(model)

    def asked(self) -> dict[str, Any]:
        """The attention scores too."""
        return {**super().asked(), KEPT: []}

    def hints(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted term of the loss; see the module."""
        terms = super().hints(model, inputs, batch, answer)
        loss = distance(answer[KEPT], self.beside(inputs, batch)[KEPT], inputs["attention_mask"])
        return {**terms, "attention": self.options["attention_weight"] * loss}


def distance(
    student: list[torch.Tensor], teacher: list[torch.Tensor], attention_mask: torch.Tensor
) -> torch.Tensor:
    """Sum over layers of the mean squared difference of scores between pieces that are no padding.

    Parameters
    ----------
    student, teacher : list of Tensor, shape (batch, heads, length, length)
    attention_mask : Tensor, shape (batch, length)

    Examples
    --------
    >>> student, teacher = [torch.zeros(1, 2, 3, 3)], [torch.ones(1, 2, 3, 3)] * 2
    >>> distance(student, teacher, torch.tensor([[1, 1, 0]])).item()
    1.0
    """
    real = attention_mask.bool()
    both = real[:, :, None] & real[:, None, :]
    losses = []
    for own, height in zip(student, layer_map(len(student), len(teacher))[1:], strict=True):
        theirs = teacher[height - 1]
        if own.shape[1] != theirs.shape[1]:
            own, theirs = own.mean(1, keepdim=True), theirs.mean(1, keepdim=True)
        losses.append(F.mse_loss(own.transpose(0, 1)[:, both], theirs.transpose(0, 1)[:, both]))
    return torch.stack(losses).sum()
