"""Holds a checkpoint's folder against its config: no tensor over or lacking, every number finite."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedModel

from distillens.data.adapter import adapter_of
from distillens.models.errors import ModelError

# What a classifier may leave where it lies: buffers that older versions stored, the pooler of
# a family that does not use it, and heads of pretraining, by the names of the families that have them.
_BENIGN = re.compile(
    r"(^|\.)(position_ids|token_type_ids)$|(^|\.)pooler\.|"
    r"^(cls\.(predictions|seq_relationship)|lm_head|lm_predictions|mask_predictions|predictions|"
    r"sop_classifier|vocab_(transform|layer_norm|projector)|generator_(predictions|lm_head)|"
    r"discriminator_predictions)\.|^decoder\.(bias|weight)$"
)
_PRECISIONS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_NAMED = 3


def check_files(folder: str | Path, where: str) -> list[str]:
    """Refuse a folder whose weights are not plainly those of one model.

    Parameters
    ----------
    folder : str or Path
    where : str
        For messages.

    Returns
    -------
    list of str
        The precisions in which the weights are stored.

    Raises
    ------
    ModelError
        If an adapter lies there, two sets of weights, or weights in a quantised form.

    Examples
    --------
    >>> from safetensors.torch import save_file
    >>> Path("bert").mkdir()
    >>> save_file({"classifier.bias": torch.zeros(2, dtype=torch.float16)}, "bert/model.safetensors")
    >>> check_files("bert", "models.bert")
    ['float16']
    """
    folder = Path(folder)
    adapter = adapter_of(folder)
    if adapter:
        raise ModelError(f"{where}: {adapter}")
    files = sorted(folder.glob("*.safetensors"))
    if len(files) > 1 and (folder / "model.safetensors").is_file():
        others = ", ".join(path.name for path in files if path.name != "model.safetensors")
        raise ModelError(
            f"{where}: {folder} has two sets of weights, model.safetensors and {others}; keep one"
        )
    stored = {}
    for path in files:
        with safe_open(path, framework="numpy") as weights:
            for name in weights.keys():  # noqa: SIM118
                stored.setdefault(weights.get_slice(name).get_dtype(), name)
    for kind, name in stored.items():
        if kind not in _PRECISIONS and not _BENIGN.search(name):
            raise ModelError(
                f"{where}: {folder} stores {name} as {kind}, which is quantised or no weight; save the "
                "model in float32, float16 or bfloat16"
            )
    return sorted(_PRECISIONS[kind] for kind in stored if kind in _PRECISIONS)


def check_tensors(model: PreTrainedModel, info: Mapping[str, Any], where: str, *, finished: bool) -> None:
    """Refuse weights that are not all those that the config asks for, or that are no numbers.

    Parameters
    ----------
    model : PreTrainedModel
        What was made of them.
    info : mapping
        What ``from_pretrained`` reports with ``output_loading_info``.
    where : str
        For messages.
    finished : bool
        Whether the head must be there too. Where it is still to be trained, a checkpoint's other
        heads do not matter, nor does the pooler.

    Raises
    ------
    ModelError
        The message names the tensors.

    Examples
    --------
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    >>> model = BertForSequenceClassification(BertConfig(**size))
    >>> info = {"missing_keys": set(), "unexpected_keys": {"bert.encoder.layer.1.output.dense.bias"}}
    >>> check_tensors(model, info, "models.bert", finished=True)
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.bert: its weights have ...layer.1.output.dense.bias...
    """
    missing, unexpected = set(info["missing_keys"]), set(info["unexpected_keys"])
    resized = {one if isinstance(one, str) else one[0] for one in info.get("mismatched_keys", ())}
    of_encoder = {name for name in missing | resized if _belongs(name, model)}
    of_encoder |= resized if finished else set()
    unexpected = {name for name in unexpected if not _BENIGN.search(name)}
    if not finished:
        of_encoder = {name for name in of_encoder if not _BENIGN.search(name)}
        unexpected = {name for name in unexpected if _belongs(name, model)}
    if finished and any(not _belongs(name, model) for name in missing):
        raise ModelError(
            f"{where}: its checkpoint lacks {named(missing)}: it is not fine-tuned for classification; "
            "train it (training: {method: fine_tune}) or name one that is"
        )
    if of_encoder:
        raise ModelError(
            f"{where}: its checkpoint lacks {named(of_encoder)}, or has them in another size, though "
            "its config.json asks for them; give the config.json that belongs to the weights"
        )
    if unexpected:
        raise ModelError(
            f"{where}: its weights have {named(unexpected)}, for which its config.json has no place "
            "(fewer layers, or another model); give the config.json that belongs to the weights"
        )
    check_finite(model.state_dict(), where)


def check_finite(weights: Mapping[str, torch.Tensor], where: str) -> None:
    """Refuse weights that are infinite or no numbers.

    Raises
    ------
    ModelError
        The message names the first tensor, and how many of its numbers are none.

    Examples
    --------
    >>> check_finite({"classifier.bias": torch.tensor([0.0, torch.nan])}, "models.bert")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.bert: 1 of 2 numbers of classifier.bias are not finite...
    """
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            count = int((~tensor.isfinite()).sum())
            raise ModelError(
                f"{where}: {count} of {tensor.numel()} numbers of {name} are not finite (nan, or too "
                "large for the precision in which they were stored); its weights are broken: save it again"
            )


def named(names: Collection[str]) -> str:
    """The first few of some tensors, and how many there are.

    Examples
    --------
    >>> named({"d", "a", "c", "b"})
    'a, b, c and 1 more'
    """
    first = sorted(names)[:_NAMED]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(first) + more


def _belongs(name: str, model: PreTrainedModel) -> bool:
    """Whether a tensor is the encoder's, with the model's prefix before its name or without."""
    prefix = model.base_model_prefix
    parts: Iterable[str] = (part for part, _ in model.base_model.named_children())
    return name.startswith(f"{prefix}.") or name.partition(".")[0] in set(parts) - {prefix}
