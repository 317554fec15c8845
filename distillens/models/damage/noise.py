"""Gaussian noise on the encoder's matrices, in units of each matrix' own spread."""

import torch
from transformers import PreTrainedModel

from distillens.data.text import seed_of
from distillens.models.architecture import encoder_matrices

OPTIONS = {
    "doses": {
        "type": "array",
        "minItems": 2,
        "uniqueItems": True,
        "items": {"type": "number", "exclusiveMinimum": 0},
        "default": [0.02, 0.05, 0.1, 0.2, 0.3, 0.5],
        "description": "Standard deviation of the noise, as a share of that of each matrix.",
    },
    "draws": {
        "type": "integer",
        "minimum": 1,
        "default": 3,
        "description": "Copies of each dose, with other noise.",
    },
}

WORDS = "adding noise of {} of the weights’ spread"
NUMBER = "{:.0%}"


def damage(model: PreTrainedModel, dose: float, seed: int) -> None:
    """Add noise, in place; each matrix has a stream of its own, by its name.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=64, num_hidden_layers=1, num_attention_heads=2))
    >>> weight = model.encoder.layer[0].attention.self.query.weight.detach()
    >>> before = weight.clone()
    >>> damage(model, 0.5, seed=1)
    >>> round(float((weight - before).std() / before.std()), 1)
    0.5
    """
    for name, weight in encoder_matrices(model):
        # Drawn on the CPU: another device would draw other numbers.
        generator = torch.Generator().manual_seed(seed_of(seed, name))
        noise = torch.randn(weight.shape, generator=generator)
        weight.data += (dose * weight.data.std() * noise.to(weight.device)).to(weight.dtype)
