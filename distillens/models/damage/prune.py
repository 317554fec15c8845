"""Magnitude pruning: the smallest single weights of the encoder become zero (Han et al. 2015)."""

import torch
from torch.nn.utils import prune
from transformers import PreTrainedModel

from distillens.models.architecture import encoder_linear

OPTIONS = {
    "doses": {
        "type": "array",
        "minItems": 2,
        "uniqueItems": True,
        "items": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "default": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
        "description": "Share of the weights that become zero.",
    },
}

WORDS = "zeroing the smallest {} of the weights"
NUMBER = "{:.0%}"


def damage(model: PreTrainedModel, dose: float, seed: int) -> None:
    """Prune, in place; nothing is drawn.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> damage(model, 0.5, seed=0)
    >>> weights = torch.cat([layer.weight.flatten() for _, layer in encoder_linear(model)])
    >>> round(float((weights == 0).float().mean()), 3)
    0.5
    """
    zero_smallest([layer for _, layer in encoder_linear(model)], dose)


def zero_smallest(layers: list[torch.nn.Module], amount: float) -> None:
    """Set the smallest weights of some layers, ranked all together, to zero, in place.

    Parameters
    ----------
    layers : list of Module
        Each with a ``weight``.
    amount : float
        Share of all their weights.

    Examples
    --------
    >>> layer = torch.nn.Linear(2, 1)
    >>> layer.weight.data = torch.tensor([[0.1, -0.9]])
    >>> zero_smallest([layer], 0.5)
    >>> layer.weight[0, 0].item()
    0.0
    """
    named = [(layer, "weight") for layer in layers]
    prune.global_unstructured(named, prune.L1Unstructured, amount=amount)
    for layer, name in named:
        prune.remove(layer, name)
