"""Magnitude pruning: the smallest weights become zero, or the heads with the smallest weights go.

Single weights (Han et al. 2015) are ranked over all linear layers of the encoder together;
the model is stored as large as before, but packs better. Heads are ranked over all layers by
the mean size of their weights, each layer keeps at least one; they are taken out, which
makes the model smaller and faster.
"""

from typing import Any

import torch
from transformers import PreTrainedModel

from distillens.models import heads
from distillens.models.architecture import encoder_linear
from distillens.models.damage.prune import zero_smallest

OPTIONS = {
    "what": {
        "enum": ["weights", "heads"],
        "default": "weights",
        "description": "Single weights, wherever they are, or whole attention heads.",
    },
    "amount": {
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.5,
        "description": "Share of them that goes.",
    },
}

RECOVERS = True


def compress(model: PreTrainedModel, options: dict[str, Any]) -> None:
    """Prune a classifier, in place; a weight that is zero stays so when the model is trained.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2))
    >>> compress(model, {"what": "heads", "amount": 0.5})
    >>> [len(heads) for heads in model.config.compressed["heads"]]
    [1, 1]
    """
    if options["what"] == "heads":
        kept = strongest(heads.magnitudes(model), options["amount"])
        heads.keep_heads(model, kept)
        model.config.compressed = {"heads": kept}
        return
    linear = [layer for _, layer in encoder_linear(model)]
    zero_smallest(linear, options["amount"])
    for module in linear:
        # A buffer goes to the device that the model goes to.
        module.register_buffer("kept", module.weight.detach() != 0, persistent=False)
        # Without a gradient neither the optimiser's steps nor its weight decay move a zero.
        module.weight.register_hook(lambda gradient, module=module: gradient * module.kept)


def strongest(magnitudes: list[torch.Tensor], amount: float) -> heads.Heads:
    """The heads that stay when a share of all goes, the weakest first; the last of a layer stays.

    Parameters
    ----------
    magnitudes : list of Tensor, shape (heads,)
        One per layer.
    amount : float
        Share of all heads, rounded to the nearest number of them.

    Examples
    --------
    >>> strongest([torch.tensor([0.3, 0.1]), torch.tensor([0.2, 0.4])], 0.5)
    [[0], [1]]
    """
    kept = [list(range(len(layer))) for layer in magnitudes]
    ranked = sorted(
        (float(value), layer, head) for layer, own in enumerate(magnitudes) for head, value in enumerate(own)
    )
    left = round(amount * len(ranked))
    for _, layer, head in ranked:
        if left and len(kept[layer]) > 1:
            kept[layer].remove(head)
            left -= 1
    return kept
