"""A masked-language head for an encoder that has none.

The encoder is frozen, the word embeddings (to which the head is tied) with it: what is
learnt is the head's own transformation and bias, by cross-entropy on masked tokens
(Devlin et al. 2019, section 3.1).
"""

from typing import Any

import torch
from torch.nn import functional as F
from transformers import PreTrainedModel

from distillens.training.pretrain import Batch, MaskedLanguage, at_positions, inputs_of

OPTIONS = {}


class Pretraining(MaskedLanguage):
    """Trains the head only."""

    MAKES_HEAD = True

    @staticmethod
    def prepare(student: PreTrainedModel, teacher: PreTrainedModel | None, options: dict[str, Any]) -> None:
        """Freeze the encoder."""
        student.tie_weights()
        student.base_model.requires_grad_(False)

    def losses(self, model: PreTrainedModel, batch: Batch) -> dict[str, torch.Tensor]:
        """Cross-entropy on the masked tokens."""
        masked = batch["labels"] != -100
        logits, _, _ = at_positions(model, inputs_of(model, batch), masked)
        return {"mlm": F.cross_entropy(logits, batch["labels"][masked])}
