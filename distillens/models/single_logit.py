"""A classifier of two classes with one output z: its two logits are 0 and z."""

import torch
from transformers import PreTrainedModel

from distillens.models.errors import ModelError


def widen(model: PreTrainedModel, batch: dict[str, torch.Tensor], where: str) -> None:
    """Give a model of one output z the outputs 0 and z, in place.

    Parameters
    ----------
    model : PreTrainedModel
    batch : dict of Tensor
        Inputs by which it is checked.
    where : str
        The model's key in the config, for the message.

    Raises
    ------
    ModelError
        If its last layer is not found.

    Examples
    --------
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "num_labels": 1}
    >>> model = BertForSequenceClassification(BertConfig(**size)).eval()
    >>> widen(model, {"input_ids": torch.tensor([[1, 2]])}, "models.one")
    >>> model(torch.tensor([[1, 2]])).logits.shape, model.config.num_labels
    (torch.Size([1, 2]), 2)
    """
    heads = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == 1
    ]
    with torch.no_grad():
        single = model(**batch).logits
        model.config.num_labels = model.num_labels = 2
        for name, head in reversed(heads):
            parent = model.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], _of_two(head))
            logits = model(**batch).logits
            expected = torch.hstack([torch.zeros_like(single), single])
            if logits.shape == expected.shape and torch.allclose(logits, expected, atol=1e-5):
                return
            setattr(parent, name.rpartition(".")[2], head)
    raise ModelError(
        f"{where}: its last layer is not found, so its one output cannot be taken as two classes"
    )


def _of_two(head: torch.nn.Linear) -> torch.nn.Linear:
    wide = torch.nn.Linear(head.in_features, 2, bias=head.bias is not None, dtype=head.weight.dtype)
    wide.weight.copy_(torch.vstack([torch.zeros_like(head.weight), head.weight]))
    if head.bias is not None:
        wide.bias.copy_(torch.hstack([torch.zeros_like(head.bias), head.bias]))
    return wide
