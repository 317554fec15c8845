"""Computes the first layer's queries, keys and values once for each token at each place.

Copies of a text with some words masked are all alike before the first attention: the
embedding of a token depends on the token, its position and its segment only. In a batch
of such copies most rows repeat themselves, and a quarter of the first layer with them.

Step by step, in the ONNX graph:

1. Before the forward, each place of the batch gets a number made of token, segment and position
   (`_Rows.find`). Places with one number have one embedding. One of each kind is chosen.
2. Queries, keys and values are computed for the chosen rows only (`_OncePerRow`).
3. The results are copied to all places of the kind. From attention on, nothing is shared.

As for `distillens.models.last_layer`, a batch must get the same logits both ways.
"""

from collections.abc import Callable

import torch
from transformers import PreTrainedModel

from distillens.models.architecture import PROJECTIONS, answers_as_before, layers_of
from distillens.models.int8 import Int8Linear

_MOST_PIECES = 1 << 16


def share(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> bool:
    """Share the first layer's projections, in place; leave the model as it was if its answers would change.

    Meant for inference from token numbers: gradients by embeddings find nothing to share.

    Parameters
    ----------
    model : PreTrainedModel
        In evaluation mode, with position embeddings that depend on the position only.
    batch : dict of Tensor
        A padded batch of unlike texts, on which both ways are compared.

    Returns
    -------
    bool
        Whether it was done.

    Examples
    --------
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> config = BertConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2)
    >>> model = BertForSequenceClassification(config).eval()
    >>> share(model, {"input_ids": torch.tensor([[1, 2, 3], [1, 4, 3]])})
    True
    """
    stack = layers_of(model)
    projections = [
        (module, name)
        for module in (() if stack is None else stack[0].modules())
        for name in PROJECTIONS
        if isinstance(getattr(module, name, None), torch.nn.Linear | Int8Linear)
    ]
    if len(projections) != 3:
        return False

    def replace() -> Callable[[], None]:
        rows = _Rows(model.config.pad_token_id)
        hook = model.register_forward_pre_hook(rows.find, with_kwargs=True)
        plain = [getattr(module, name) for module, name in projections]
        for (module, name), projection in zip(projections, plain, strict=True):
            setattr(module, name, _OncePerRow(projection, rows))

        def back() -> None:
            hook.remove()
            for (module, name), projection in zip(projections, plain, strict=True):
                setattr(module, name, projection)

        return back

    return answers_as_before(model, batch, replace)


class _Rows:
    """Which rows of a batch are distinct.

    Attributes
    ----------
    one_of : Tensor, shape (distinct,)
        A row of each kind.
    kind : Tensor, shape (texts x pieces,)
        The kind of each row.
    """

    one_of: torch.Tensor
    kind: torch.Tensor

    def __init__(self, padding: int | None) -> None:
        self._padding = -1 if padding is None else padding

    def find(self, model: torch.nn.Module, _: tuple, inputs: dict[str, torch.Tensor]) -> None:
        ids = inputs["input_ids"]
        segment = inputs.get("token_type_ids", torch.zeros_like(ids))
        column = torch.arange(ids.shape[1], device=ids.device)
        # RoBERTa's positions count the pieces before that are no padding.
        padding = ids == self._padding
        position = column * _MOST_PIECES + padding.long().cumsum(1).masked_fill(padding, 0)
        token = (ids * 2 + segment) * _MOST_PIECES**2 + position
        distinct, self.kind = torch.unique(token.flatten(), return_inverse=True)
        rows = torch.arange(token.numel(), device=ids.device)
        self.one_of = torch.zeros_like(distinct).scatter(0, self.kind, rows)


class _OncePerRow(torch.nn.Module):
    """A projection that is computed for the distinct rows and copied to the others."""

    def __init__(self, projection: torch.nn.Linear, rows: _Rows) -> None:
        super().__init__()
        self.projection, self._rows = projection, rows

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        distinct = hidden.flatten(0, 1)[self._rows.one_of]
        return self.projection(distinct)[self._rows.kind].unflatten(0, hidden.shape[:2])
