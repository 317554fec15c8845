"""AlignedDistil: distillation on a corpus that aligns attention, not only outputs.

The student runs twice: as it is, and with its attention weights replaced by the means of
the teacher's layers that each of its layers stands for. On masked tokens

L = w_mlm CE(z_s, y) + w_ce T^2 KL(z_t || z_s) + w_cos (1 - cos(h_s, h_t)) + w_att T^2 KL(z_t || z_s'),

with z' the logits after the interchange, h last hidden states, and logits softened by T.
The objectives follow the AlignedDistil study (section 4.3) and Wu et al. (2022, "Causal
Distillation for Language Models"), from which it takes them: their smoothed
cross-entropies are softened ones, and the divergence, which has the same gradient, is
zero for a perfect copy. ``weight_att: 0`` is plain masked-language distillation.
"""

from typing import Any

import torch
from torch.nn import functional as F
from transformers import PreTrainedModel

from distillens.models.interchange import InterchangeError, allow_interchange, compressed
from distillens.training.pretrain import Batch, MaskedLanguage, at_positions, inputs_of

OPTIONS = {
    "teacher": {"type": "string", "description": "Checkpoint with a masked-language head."},
    "weight_mlm": {"type": "number", "minimum": 0, "default": 1.0, "description": "Of the masked tokens."},
    "weight_ce": {"type": "number", "minimum": 0, "default": 1.0, "description": "Of the teacher's logits."},
    "weight_cos": {
        "type": "number",
        "minimum": 0,
        "default": 1.0,
        "description": "Of the cosine of the last hidden states; 0 where widths differ.",
    },
    "weight_att": {
        "type": "number",
        "minimum": 0,
        "default": 1.0,
        "description": "Of the teacher's logits after the interchange; 0 is plain distillation.",
    },
    "temperature": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 2.0,
        "description": "Softens logits.",
    },
}


class Pretraining(MaskedLanguage):
    """Distils a masked-language model with the teacher's attention."""

    @staticmethod
    def prepare(student: PreTrainedModel, teacher: PreTrainedModel | None, options: dict[str, Any]) -> None:
        """Let the student take the teacher's attention; see that the two can be compared.

        Raises
        ------
        InterchangeError
            If the student's depth does not divide the teacher's, or a cosine is wanted and widths differ.
        """
        layers = allow_interchange(student)
        if teacher.config.num_hidden_layers % layers:
            raise InterchangeError(
                f"a student of {layers} layers cannot stand for {teacher.config.num_hidden_layers}: "
                "it must divide them"
            )
        widths = student.config.hidden_size, teacher.config.hidden_size
        if options["weight_cos"] and widths[0] != widths[1]:
            raise InterchangeError(
                f"hidden states of widths {widths[0]} and {widths[1]} have no cosine; set weight_cos: 0"
            )

    def losses(self, model: PreTrainedModel, batch: Batch) -> dict[str, torch.Tensor]:
        """The four losses; see the module."""
        masked = batch["labels"] != -100
        aligned = self.weight("att") > 0
        with torch.no_grad():
            inputs = inputs_of(self.teacher, batch)
            target, target_hidden, outputs = at_positions(
                self.teacher, inputs, masked, output_attentions=aligned
            )
        inputs = inputs_of(model, batch)
        logits, hidden, _ = at_positions(model, inputs, masked)
        losses = {
            "mlm": F.cross_entropy(logits.float(), batch["labels"][masked]),
            "ce": self._soft(logits, target),
        }
        if self.weight("cos"):
            alike = F.cosine_similarity(hidden.float(), target_hidden.float(), dim=-1)
            losses["cos"] = (1 - alike).mean()
        if aligned:
            weights = compressed(
                outputs.attentions, model.config.num_hidden_layers, model.config.num_attention_heads
            )
            swapped, _, _ = at_positions(model, inputs, masked, interchanged=weights)
            losses["att"] = self._soft(swapped, target)
        return losses

    def _soft(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """T^2 KL(teacher || student), mean over positions."""
        temperature = self.options["temperature"]
        p_student = F.log_softmax(student.float() / temperature, dim=-1)
        p_teacher = F.log_softmax(teacher.float() / temperature, dim=-1)
        return temperature**2 * F.kl_div(p_student, p_teacher, reduction="batchmean", log_target=True)
