"""Fewer bits for each weight: those of its fraction (23 in float32) are rounded away from the last on."""

import torch
from transformers import PreTrainedModel

from distillens.models.architecture import encoder_matrices

OPTIONS = {
    "doses": {
        "type": "array",
        "minItems": 2,
        "uniqueItems": True,
        "items": {"type": "integer", "minimum": 1, "maximum": 23},
        "default": [16, 19, 20, 21, 22, 23],
        "description": "Bits of the fraction that are lost, of 23; 16 leaves what bfloat16 has.",
    },
}

WORDS = "rounding away {} of the 23 bits of each weight"
NUMBER = "{:.0f}"

_FRACTION = 24
"""Bits of a fraction with its leading one."""


def damage(model: PreTrainedModel, dose: float, seed: int) -> None:
    """Round all matrices of the encoder, in place; computed in full precision, nothing is drawn.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> weight = model.encoder.layer[0].attention.self.query.weight
    >>> as_bfloat16 = weight.detach().bfloat16().float()
    >>> damage(model, 16, seed=0)
    >>> torch.equal(weight, as_bfloat16)
    True
    """
    for _, weight in encoder_matrices(model):
        fraction, exponent = torch.frexp(weight.data)
        kept = 2.0 ** (_FRACTION - int(dose))
        weight.data = torch.ldexp(torch.round(fraction * kept) / kept, exponent)
