"""Distillation from the teacher's soft logits.

L = alpha CE(z_s, y) + beta T^2 KL(softmax(z_t / T) || softmax(z_s / T)) (Hinton, Vinyals
and Dean 2015, section 2); regression: alpha MSE(z_s, y) + beta MSE(z_s, z_t). The teacher
is frozen, without dropout, and reads the same text through its own tokenizer, so its
logits are computed once.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from distillens.inference import Engine
from distillens.text import Example
from distillens.training import FineTuning, task_loss

OPTIONS = {
    "alpha": {"type": "number", "minimum": 0, "default": 0.5, "description": "Weight of the gold labels."},
    "beta": {
        "type": "number",
        "minimum": 0,
        "default": 0.5,
        "description": "Weight of the teacher's logits.",
    },
    "temperature": {"type": "number", "exclusiveMinimum": 0, "default": 2.0, "description": "Softens both."},
}


class Distillation(FineTuning):
    """Fine-tuning whose loss adds the divergence from the teacher's soft predictions."""

    @staticmethod
    def extra_features(
        texts: Sequence[Example], teacher: Path | None, engine: dict[str, str]
    ) -> dict[str, np.ndarray]:
        """The teacher's logits, shape (examples, outputs)."""
        return {"teacher_logits": Engine(teacher, **engine).logits([example.texts for example in texts])}

    def loss(self, logits: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Mean loss of a batch; see the module."""
        options = self.options
        gold = task_loss(logits, batch["labels"])
        soft = soft_loss(logits, batch["teacher_logits"], options["temperature"])
        return options["alpha"] * gold + options["beta"] * soft


def soft_loss(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """T^2 KL(teacher || student) at temperature T, mean over the batch; one output: MSE.

    Parameters
    ----------
    student, teacher : Tensor, shape (batch, outputs)
    """
    if student.shape[-1] == 1:
        return F.mse_loss(student, teacher)
    p_student = F.log_softmax(student / temperature, dim=-1)
    p_teacher = F.log_softmax(teacher / temperature, dim=-1)
    return temperature**2 * F.kl_div(p_student, p_teacher, reduction="batchmean", log_target=True)
