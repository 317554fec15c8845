"""Soft logits, and the teacher's hidden states.

The loss adds ``hidden_weight`` times the sum, over the embeddings and the student's layers, of the mean
squared difference between its states and those of the teacher's layer at the same height,
padding left out (TinyBERT, Jiao et al. 2020, equations 8 and 9, with its uniform layer map).
A student of another width is first projected to the teacher's by a matrix that is
trained with it and left out of the finished model.
"""

from typing import Any

import torch
from torch.nn import functional as F

from distillens.training.distillation import soft_logits
from distillens.training.fine_tune import Source
from distillens.training.teacher_forward import Alongside, layer_map

OPTIONS = {
    "hidden_weight": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1.0,
        "description": "Weight of the hidden states.",
    },
}

_PROJECTION = "distillens_projection"


class Distillation(Alongside, soft_logits.Distillation):
    """Soft logits whose loss adds the distance between the hidden states."""

    def __init__(self, source: Source, **settings: Any) -> None:
        super().__init__(source, **settings)
        own, theirs = (model.config.hidden_size for model in (self.model, self.teacher))
        if own != theirs:
            # A part of the model, so that it is trained, and saved with a run that is cut off.
            projection = torch.nn.Linear(own, theirs, bias=False).to(self.args.device)
            self.model.add_module(_PROJECTION, projection)

    def asked(self) -> dict[str, Any]:
        """The hidden states too."""
        return {**super().asked(), "output_hidden_states": True}

    def hints(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted term of the loss; see the module."""
        terms = super().hints(model, inputs, batch, answer)
        projection = getattr(self.model, _PROJECTION, torch.nn.Identity())
        own = [projection(states) for states in answer["hidden_states"]]
        loss = distance(own, self.beside(inputs, batch)["hidden_states"], inputs["attention_mask"])
        return {**terms, "hidden": self.options["hidden_weight"] * loss}

    def train(self, *arguments: Any, **settings: Any) -> Any:
        """Train, and leave the projection out of what is finished."""
        done = super().train(*arguments, **settings)
        if hasattr(self.model, _PROJECTION):
            delattr(self.model, _PROJECTION)
        return done


def distance(
    student: list[torch.Tensor], teacher: list[torch.Tensor], attention_mask: torch.Tensor
) -> torch.Tensor:
    """Sum over layers of the mean squared difference of states, padding left out.

    Parameters
    ----------
    student, teacher : list of Tensor, shape (batch, length, width)
        Embeddings first, then the states behind each layer.
    attention_mask : Tensor, shape (batch, length)

    Examples
    --------
    >>> student, teacher = [torch.zeros(1, 3, 4)] * 2, [torch.ones(1, 3, 4)] * 3
    >>> distance(student, teacher, torch.tensor([[1, 1, 0]])).item()
    2.0
    """
    real = attention_mask.bool()
    heights = layer_map(len(student) - 1, len(teacher) - 1)
    pairs = zip(student, (teacher[height] for height in heights), strict=True)
    return torch.stack([F.mse_loss(own[real], theirs[real]) for own, theirs in pairs]).sum()
