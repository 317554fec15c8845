"""Attention heads: how large their weights are, and an encoder without some of them."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from distillens.models.architecture import PROJECTIONS, attention_of, layers_of

Heads = list[list[int]]
"""For each layer the numbers of its heads, from 0."""


class HeadsError(ValueError):
    """Heads of such an encoder cannot be told apart; the message says why."""


def magnitudes(model: PreTrainedModel) -> list[torch.Tensor]:
    """Mean absolute weight of each head: of its queries, keys, values and output.

    Returns
    -------
    list of Tensor, shape (heads,)
        One per layer.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=3, num_attention_heads=2))
    >>> [len(of_layer) for of_layer in magnitudes(model)]
    [2, 2, 2]
    """
    return [_magnitudes(layer) for layer in _layers(model)]


def keep_heads(model: PreTrainedModel, kept: Sequence[Sequence[int]]) -> None:
    """Take all but some heads out of an encoder, in place; a kept head does what it did.

    Parameters
    ----------
    model : PreTrainedModel
    kept : sequence, one per layer
        Numbers of the heads that stay, in order, at least one.

    Raises
    ------
    HeadsError
        If the encoder's attention is not built as BERT's or DistilBERT's, or a layer
        would be left without heads.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=4))
    >>> keep_heads(model, [[0, 2], [3]])
    >>> [layer.attention.self.query.out_features for layer in layers_of(model)]
    [4, 2]
    """
    for layer, numbers in zip(_layers(model), kept, strict=True):
        if not numbers:
            raise HeadsError("every layer must keep a head")
        projections, output = _parts(layer)
        size = layer_head_size(layer)
        rows = (torch.tensor(numbers).unsqueeze(1) * size + torch.arange(size)).flatten()
        for projection in projections:
            _narrow(projection, rows, 0)
        _narrow(output, rows, 1)


def layer_head_size(layer: torch.nn.Module) -> int:
    """Width of a head.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=4))
    >>> layer_head_size(layers_of(model)[0])
    2
    """
    return attention_of(layer).attention_head_size


def _magnitudes(layer: torch.nn.Module) -> torch.Tensor:
    projections, output = _parts(layer)
    parts = [projection.weight for projection in projections] + [output.weight.T]
    by_head = [part.detach().unflatten(0, (-1, layer_head_size(layer))) for part in parts]
    return torch.stack([part.abs().mean((1, 2)) for part in by_head]).mean(0)


def _layers(model: PreTrainedModel) -> torch.nn.ModuleList:
    stack = layers_of(model)
    if stack is None:
        raise HeadsError("the encoder is not one stack of layers; prune weights instead of heads")
    return stack


def _parts(layer: torch.nn.Module) -> tuple[list[torch.nn.Linear], torch.nn.Linear]:
    """The projections to queries, keys and values, and that of the heads' output."""
    attention = attention_of(layer)
    projections = [getattr(attention, name) for name in PROJECTIONS if hasattr(attention, name)]
    # The first linear layer behind them, as modules are defined.
    linear = [module for module in layer.modules() if isinstance(module, torch.nn.Linear)]
    others = [module for module in linear if not any(module is projection for projection in projections)]
    heads = getattr(attention, "attention_head_size", None)
    if len(projections) != 3 or heads is None or others[0].in_features != projections[2].out_features:
        raise HeadsError(
            "heads can be taken out where attention is built as BERT's or DistilBERT's; prune weights instead"
        )
    return projections, others[0]


def _narrow(linear: torch.nn.Linear, kept: torch.Tensor, dimension: int) -> None:
    weight = linear.weight.detach().index_select(dimension, kept).clone()
    linear.weight = torch.nn.Parameter(weight)
    if dimension == 0 and linear.bias is not None:
        linear.bias = torch.nn.Parameter(linear.bias.detach()[kept].clone())
    linear.out_features, linear.in_features = weight.shape
