"""Loads, shortens and saves text classifiers; chooses the device."""

import inspect
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

transformers_logging.disable_progress_bar()


class ModelError(ValueError):
    """A checkpoint cannot be used; the message names it and says why."""


def pick_device(wanted: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ModelError("device: cuda was asked for, but torch sees no GPU; use auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def load_tokenizer(folder: str | Path) -> Any:
    """Load the tokenizer of a checkpoint; it must be fast and have a mask token."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise ModelError(f"{folder}: its tokenizer gives no character offsets (no tokenizer.json)")
    if tokenizer.mask_token is None:
        raise ModelError(f"{folder}: its tokenizer has no mask token; words cannot be removed without one")
    return tokenizer


def load_classifier(folder: str | Path, **settings: Any) -> PreTrainedModel:
    """Load a classifier from safetensors; code from the folder is never run."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, **settings
    )


def new_classifier(folder: str | Path, task: dict[str, Any], layers: list[int] | None) -> PreTrainedModel:
    """Put a task's head on a pretrained encoder, and keep only some of its layers.

    Parameters
    ----------
    folder : str or Path
        The checkpoint.
    task : dict
        The task's block of the config; its labels become the outputs (regression: one).
    layers : list of int or None
        Numbers of the layers that are kept, in their order.
    """
    labels = dict(enumerate(task["labels"])) or {0: "score"}
    regression = task["type"] == "regression"
    model = load_classifier(
        folder,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
        problem_type="regression" if regression else "single_label_classification",
        # A checkpoint may carry the head of another task; this one gets its own.
        ignore_mismatched_sizes=True,
    )
    if layers is not None:
        keep_layers(model, layers, str(folder))
    return model


def keep_layers(model: PreTrainedModel, layers: list[int], name: str) -> None:
    """Drop all encoder layers but some, in place."""
    depth = model.config.num_hidden_layers
    if max(layers) >= depth:
        raise ModelError(f"{name}: layer {max(layers)} is asked for, but it has layers 0 to {depth - 1}")
    stacks = [
        (module, key, stack)
        for module in model.modules()
        for key, stack in module.named_children()
        if isinstance(stack, torch.nn.ModuleList) and len(stack) == depth
    ]
    if len(stacks) != 1:
        raise ModelError(
            f"{name}: layers can be dropped only where the encoder is one stack of {depth} layers"
        )
    module, key, stack = stacks[0]
    setattr(module, key, torch.nn.ModuleList(stack[number] for number in layers))
    model.config.num_hidden_layers = len(layers)


def accepted_inputs(model: PreTrainedModel) -> set[str]:
    """Names of the inputs that the model's forward takes."""
    return set(inspect.signature(model.forward).parameters)


def save(model: PreTrainedModel, tokenizer: Any, folder: str | Path, card: dict[str, Any]) -> None:
    """Save weights as safetensors and the tokenizer; ``training.json`` comes last."""
    folder = Path(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent) as whole:
        model.save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        folder.mkdir(exist_ok=True)
        for path in Path(whole).iterdir():
            os.replace(path, folder / path.name)
    text = json.dumps(card, indent=1, sort_keys=True) + "\n"
    (folder / "training.json").write_text(text, encoding="utf-8")
