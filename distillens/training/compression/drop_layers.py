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
    """Drop the other layers, in place."""
    classifier.keep_layers(model, options["keep"], "compress.keep")
