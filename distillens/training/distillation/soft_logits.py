"""Distillation from the teacher's soft logits.

L = alpha CE(z_s, y) + beta T^2 KL(softmax(z_t / T) || softmax(z_s / T)) (Hinton, Vinyals
and Dean 2015, section 2); regression: alpha MSE(z_s, y) + beta MSE(z_s, z_t). Of several labels each is
two classes of its own, with the logits 0 and z; both terms are means over the labels. The teacher
is frozen, without dropout, and reads the same text through its own tokenizer, so its
logits are computed once.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from distillens.data.text import Example
from distillens.training.fine_tune import FineTuning, Source, task_loss

OPTIONS = {}


class Distillation(FineTuning):
    """Fine-tuning whose loss adds the divergence from the teacher's soft predictions."""

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """``teacher_logits``, shape (examples, outputs)."""
        logits = source.opened().logits([example.texts for example in texts])
        return {**super().features(texts, source), "teacher_logits": logits}

    def terms(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted terms of the loss; see the module."""
        options, logits = self.options, answer["logits"]
        soft = soft_loss(logits, batch["teacher_logits"], options["temperature"], self.several)
        return {
            "gold": options["alpha"] * task_loss(logits, batch["labels"]),
            "soft": options["beta"] * soft,
        }


def soft_loss(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float, several: bool = False
) -> torch.Tensor:
    """T^2 KL(teacher || student) at temperature T, mean over the batch; one output: MSE.

    Parameters
    ----------
    student, teacher : Tensor, shape (batch, outputs)
    temperature : float
    several : bool
        Whether each output is a label by itself: then the mean over labels, too, of yes against no.

    Examples
    --------
    >>> logits = torch.tensor([[2.0, -1.0]])
    >>> soft_loss(logits, logits, temperature=2.0).item(), soft_loss(-logits, logits, 2.0).item() > 1
    (0.0, True)
    """
    if several:
        student, teacher = (
            torch.stack([torch.zeros_like(z), z], -1).flatten(0, -2) for z in (student, teacher)
        )
    if student.shape[-1] == 1:
        return F.mse_loss(student, teacher)
    p_student = F.log_softmax(student / temperature, dim=-1)
    p_teacher = F.log_softmax(teacher / temperature, dim=-1)
    return temperature**2 * F.kl_div(p_student, p_teacher, reduction="batchmean", log_target=True)
