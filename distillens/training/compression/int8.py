"""Dynamic quantisation to 8 bits: stored weights of all linear layers, and their inputs as they come.

See `distillens.models.int8` for the arithmetic. ONNX Runtime computes integer products; torch
computes the same values in floating point, which explainers that need gradients use.
"""

from typing import Any

from transformers import PreTrainedModel

from distillens.models import int8

OPTIONS = {
    "embeddings": {
        "type": "boolean",
        "default": True,
        "description": "Store the embeddings of words in 8 bits, too: half of a small encoder's weights.",
    },
}

RECOVERS = False

# Where its speed is its own: in torch the integers are simulated.
NATIVE = ["onnxruntime"]


def compress(model: PreTrainedModel, options: dict[str, Any]) -> None:
    """Quantise a classifier, in place.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> compress(model, {"embeddings": True})
    >>> model.config.compressed
    {'int8': {'embeddings': True}}
    """
    int8.quantise(model, options["embeddings"])
    model.config.compressed = {"int8": {"embeddings": options["embeddings"]}}
