"""Leaves out encoder layers of a finished model (Sajjad et al. 2023, "On the effect of dropping layers")."""

from typing import Any

from transformers import PreTrainedModel

from distillens.models import classifier

OPTIONS = {
    "keep": {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "integer", "minimum": 0},
        "description": "Numbers of the layers that stay, from 0.",
    },
}

RECOVERS = True


def compress(model: PreTrainedModel, options: dict[str, Any]) -> None:
    """Drop the other layers, in place.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=4, num_attention_heads=2))
    >>> compress(model, {"keep": [0, 3]})
    >>> model.config.num_hidden_layers
    2
    """
    classifier.keep_layers(model, options["keep"], "compress.keep")
