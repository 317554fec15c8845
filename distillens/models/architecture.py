"""Finds the parts of an encoder by its build, and changes them if its answers stay the same."""

from collections.abc import Callable

import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    PreTrainedModel,
)
from transformers.pytorch_utils import Conv1D

from distillens.models.errors import ModelError

KEYS_AND_VALUES = ("key", "value", "k_lin", "v_lin")
PROJECTIONS = ("query", "q_lin", *KEYS_AND_VALUES)
"""To queries, keys and values, as encoders name them; of any one encoder in this order."""


def answers_as_before(
    model: PreTrainedModel, batch: dict[str, torch.Tensor], change: Callable[[], Callable[[], None]]
) -> bool:
    """Change a model, and take the change back unless the model's logits stay the same.

    Parameters
    ----------
    model, batch
        As for `trim`.
    change : callable
        Changes the model in place and returns what takes the change back.

    Returns
    -------
    bool
        Whether it was changed.

    Examples
    --------
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> config = BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2)
    >>> model = BertForSequenceClassification(config).eval()
    >>> answers_as_before(model, {"input_ids": torch.tensor([[1, 2, 3]])}, lambda: lambda: None)
    True
    """
    with torch.no_grad():
        expected = model(**batch).logits
        back = change()
        try:
            error = (model(**batch).logits - expected).abs().max()
            same = bool(error <= 1e-5 * expected.abs().max().clamp(min=1))
        except Exception:  # not built as was thought, whatever way that shows
            same = False
    if not same:
        back()
    return same


def is_decoder(model: PreTrainedModel) -> bool:
    """Whether a model reads a text's last piece, which padding must not be: one of a kind that writes texts.

    Its tokenizer does not say it: some decoders' have a mask token. Of a kind that can do both, as BERT can,
    the config says it.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> from transformers import BertConfig, LlamaConfig, T5Config
    >>> [is_decoder(Fake(config=kind())) for kind in (BertConfig, LlamaConfig, T5Config)]
    [False, True, True]
    >>> is_decoder(Fake(config=BertConfig(is_decoder=True)))
    True
    """
    config = model.config
    if config.is_encoder_decoder or getattr(config, "is_decoder", False):
        return True
    # Some decoders, as Mistral 4, are listed only where images may be part of the text.
    writes = (MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING)
    return any(type(config) in kinds for kinds in writes) and type(config) not in MODEL_FOR_MASKED_LM_MAPPING


def layers_of(model: PreTrainedModel) -> torch.nn.ModuleList | None:
    """The encoder's layers, if they are one stack.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> len(layers_of(BertModel(BertConfig(hidden_size=8, num_hidden_layers=3, num_attention_heads=2))))
    3
    """
    depth = getattr(model.config, "num_hidden_layers", None)
    stacks = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == depth]
    return stacks[0] if len(stacks) == 1 and depth else None


def encoder_linear(model: PreTrainedModel) -> list[tuple[str, torch.nn.Linear | Conv1D]]:
    """The linear layers of the encoder's stack, by name; of a model without one stack, all of its own.

    GPT-2's are ``Conv1D``: linear, with weights of shape (inputs, outputs).

    Raises
    ------
    ModelError
        If there are none, so that nothing could be damaged or compressed.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> [name for name, _ in encoder_linear(model)][-1]
    '0.output.dense'
    """
    stack = layers_of(model) or model
    layers = [(name, m) for name, m in stack.named_modules() if isinstance(m, torch.nn.Linear | Conv1D)]
    if not layers:
        kind = type(model).__name__
        raise ModelError(
            f"{kind} has no linear layers that are known, so its weights cannot be damaged or pruned"
        )
    return layers


def encoder_matrices(model: PreTrainedModel) -> list[tuple[str, torch.nn.Parameter]]:
    """The weights of these layers.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> {weight.dim() for _, weight in encoder_matrices(model)}
    {2}
    """
    return [(name, layer.weight) for name, layer in encoder_linear(model)]


def attention_of(layer: torch.nn.Module) -> torch.nn.Module | None:
    """The module of an encoder layer that projects queries, keys and values.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> type(attention_of(layers_of(model)[0])).__name__
    'BertSelfAttention'
    """
    modules = [
        module
        for module in layer.modules()
        if hasattr(module, "config") and sum(hasattr(module, name) for name in KEYS_AND_VALUES) == 2
    ]
    return modules[0] if len(modules) == 1 else None
