"""Merges an adapter (LoRA and its like) into its base by ``peft``: then it is a classifier as any other."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from transformers import PreTrainedModel

from distillens.models.checkpoint import check_finite, named
from distillens.models.errors import ModelError

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."


def head_size(folder: str | Path, where: str) -> dict[str, int]:
    """How many outputs the head has that an adapter brings; nothing where it brings none.

    Parameters
    ----------
    folder : str or Path
        With ``adapter_config.json`` and ``adapter_model.safetensors``.
    where : str
        The model's key in the config, for messages.

    Returns
    -------
    dict
        ``num_labels``, for the base to be loaded with, or nothing.

    Raises
    ------
    ModelError
        If it is no adapter of a text classifier, or its weights are a pickle.

    Examples
    --------
    >>> head_size("nowhere", "models.tuned")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.tuned.adapter: nowhere has no adapter_config.json; ...
    """
    heads = _settings(folder, where).get("modules_to_save") or ()
    sizes = [
        tensor.shape[0]
        for name, tensor in _stored(folder, where).items()
        if {*name.split(".")} & {*heads} and name.endswith(".weight") and tensor.dim() == 2
    ]
    # Of a head of several layers the last has least.
    return {"num_labels": min(sizes)} if sizes else {}


def merged(
    model: PreTrainedModel, info: Mapping[str, Any], folder: str | Path, where: str
) -> PreTrainedModel:
    """The base with the adapter in its weights.

    Parameters
    ----------
    model : PreTrainedModel
        The base, which may lack the head that the adapter brings.
    info : mapping
        What ``from_pretrained`` reports of it.
    folder : str or Path
        The adapter's.
    where : str
        For messages.

    Raises
    ------
    ModelError
        If ``peft`` is not installed, the adapter belongs to another base, or both together lack a head.
    """
    if importlib.util.find_spec("peft") is None:
        raise ModelError(f"{where}.adapter: needs peft; install it with: pip install 'distillens[adapters]'")
    import peft

    stored = _stored(folder, where)
    check_finite(stored, f"{where}.adapter")
    try:
        together = peft.PeftModel.from_pretrained(model, str(folder), local_files_only=True)
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        raise ModelError(
            f"{where}.adapter: {folder} does not fit its base: {said}; name the base that it was trained on"
        ) from error
    expected = peft.get_peft_model_state_dict(together)
    strange = {*stored} ^ {*expected}
    if strange:
        raise ModelError(
            f"{where}.adapter: {folder} and its base do not belong together: {named(strange)} is in one of "
            "them only; name the base that it was trained on"
        )
    brought = {name.removeprefix(_PREFIX) for name in stored}
    lacking = {name for name in info["missing_keys"] if name not in brought and not _in_base(name, model)}
    if lacking:
        raise ModelError(
            f"{where}.adapter: neither {folder} nor its base has {named(lacking)}, so no classifier; "
            "save the adapter with its head (task_type SEQ_CLS)"
        )
    return together.merge_and_unload()


def _in_base(name: str, model: PreTrainedModel) -> bool:
    """Whether a tensor is of the encoder, which `distillens.models.checkpoint.check_tensors` looks after."""
    return name.startswith(f"{model.base_model_prefix}.")


def _settings(folder: str | Path, where: str) -> dict[str, Any]:
    path = Path(folder, _CONFIG)
    if not path.is_file():
        raise ModelError(f"{where}.adapter: {folder} has no {_CONFIG}; name a folder that peft has written")
    settings = json.loads(path.read_text("utf-8"))
    if settings.get("task_type") not in ("SEQ_CLS", None):
        raise ModelError(
            f"{where}.adapter: {folder} is for {settings['task_type']}, not for text classification (SEQ_CLS)"
        )
    return settings


def _stored(folder: str | Path, where: str) -> dict[str, Any]:
    path = Path(folder, _WEIGHTS)
    if not path.is_file():
        raise ModelError(
            f"{where}.adapter: {folder} has no {_WEIGHTS}; save it again with save_pretrained "
            "(a pickle is not read)"
        )
    return load_file(path)
