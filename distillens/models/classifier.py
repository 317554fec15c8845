"""Loads, shortens and saves text classifiers; chooses the device."""

import copy
import inspect
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)
from transformers.utils import logging as transformers_logging

from distillens.models import architecture, first_layer, heads, int8, last_layer
from distillens.models.checkpoint import check_files, check_tensors
from distillens.models.errors import ModelError as ModelError
from distillens.models.tokenizer import Encoder
from distillens.models.tokenizer_files import keep_file, load_tokenizer

transformers_logging.disable_progress_bar()


SAFE = {
    "local_files_only": True,
    "use_safetensors": True,
    "trust_remote_code": False,
    "dtype": torch.float32,  # whatever precision the weights were stored in
}
"""How every model is loaded."""
_PROBLEMS = {
    "classification": "single_label_classification",
    "regression": "regression",
    "multi_label": "multi_label_classification",
}


def pick_device(wanted: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    ModelError
        If a GPU is asked for and torch sees none.

    Examples
    --------
    >>> pick_device("cpu")
    device(type='cpu')
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ModelError("device: cuda was asked for, but torch sees no GPU; use auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def load_classifier(folder: str | Path, **settings: Any) -> PreTrainedModel:
    """Load a classifier from safetensors; code from the folder is never run."""
    config = json.loads((Path(folder) / "config.json").read_text("utf-8"))
    if config.get("compressed"):
        return _load_compressed(Path(folder), config["compressed"], **settings)
    return AutoModelForSequenceClassification.from_pretrained(folder, **SAFE, **settings)


def _load_compressed(folder: Path, build: dict[str, Any], **settings: Any) -> PreTrainedModel:
    """Build what a method of ``distillens/training/compression`` has left of a model, and fill it."""
    safe = {key: SAFE[key] for key in ("local_files_only", "trust_remote_code")}
    config = AutoConfig.from_pretrained(folder, **safe)
    model = AutoModelForSequenceClassification.from_config(config, dtype=SAFE["dtype"], **settings)
    if "heads" in build:
        heads.keep_heads(model, build["heads"])
    if "int8" in build:
        int8.quantise(model, **build["int8"])
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model


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

    Raises
    ------
    ModelError
        If the encoder's weights are not all there, are more than its config has places for, or
        are no numbers.
    """
    labels = dict(enumerate(task["labels"])) or {0: "score"}
    check_files(folder, str(folder))
    model, info = load_classifier(
        folder,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
        problem_type=_PROBLEMS[task["type"]],
        # A checkpoint may carry the head of another task; this one gets its own.
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    check_tensors(model, info, str(folder), finished=False)
    if layers is not None:
        keep_layers(model, layers, str(folder))
    return model


def keep_layers(model: PreTrainedModel, layers: list[int], name: str) -> None:
    """Drop all encoder layers but some, in place.

    Raises
    ------
    ModelError
        If there is no such layer, or the encoder is not one stack of layers.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=4, num_attention_heads=2))
    >>> keep_layers(model, [0, 3], "tiny")
    >>> model.config.num_hidden_layers
    2
    """
    depth = model.config.num_hidden_layers
    if max(layers) >= depth:
        raise ModelError(f"{name}: layer {max(layers)} is asked for, but it has layers 0 to {depth - 1}")
    stack = architecture.layers_of(model)
    if stack is None:
        raise ModelError(
            f"{name}: layers can be dropped only where the encoder is one stack of {depth} layers"
        )
    kept = [stack[number] for number in layers]
    del stack[:]
    stack.extend(kept)
    if getattr(model.config, "layer_types", None):
        model.config.layer_types = [model.config.layer_types[number] for number in layers]
    model.config.num_hidden_layers = len(layers)


def accepted_inputs(model: PreTrainedModel) -> set[str]:
    """Names of the inputs that the model's forward takes.

    Examples
    --------
    >>> from transformers import DistilBertModel
    >>> "token_type_ids" in accepted_inputs(DistilBertModel)
    False
    """
    return set(inspect.signature(model.forward).parameters)


def save_tokenizer(
    checkpoint: str | Path, folder: str | Path, model: PreTrainedModel, max_length: int | None
) -> None:
    """Save a checkpoint's tokenizer with what `distillens.models.tokenizer` needs to know of the model.

    Parameters
    ----------
    checkpoint : str or Path
        Where the tokenizer comes from.
    folder : str or Path
        Where it goes.
    model : PreTrainedModel
        Inputs that it does not take are left out.
    max_length : int or None
        Longest input in pieces, unless the model ends before; None for the tokenizer's own.
    """
    tokenizer = load_tokenizer(checkpoint)
    if max_length is None:
        max_length = tokenizer.model_max_length
    accepted = accepted_inputs(model)
    padding = getattr(model.config, "pad_token_id", None)
    # A decoder looks for the last piece that is not padding: it has to be its own.
    if padding is not None and (tokenizer.pad_token is None or architecture.is_decoder(model)):
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(padding)
    tokenizer.init_kwargs["model_input_names"] = [n for n in tokenizer.model_input_names if n in accepted]
    tokenizer.model_max_length = min(max_length, _positions(model))
    tokenizer.save_pretrained(folder)
    keep_file(checkpoint, folder)


def _positions(model: PreTrainedModel) -> int:
    """How many positions a model has for words; those of RoBERTa and its kin begin behind that of padding."""
    positions = getattr(model.config, "max_position_embeddings", None) or 1 << 30
    tables = [m for name, m in model.named_modules() if name.endswith("position_embeddings")]
    padding = [padded for table in tables if (padded := getattr(table, "padding_idx", None)) is not None]
    return positions - (padding[0] + 1 if padding else 0)


def save(
    model: PreTrainedModel, tokenizer: str | Path, folder: str | Path, card: dict[str, Any], onnx: bool
) -> None:
    """Save safetensors, tokenizer and, if wanted, an ONNX graph; ``training.json`` comes last."""
    folder = Path(folder)
    with whole_folder(folder) as whole:
        model.save_pretrained(whole)
        shutil.copytree(tokenizer, whole, dirs_exist_ok=True)
        if onnx:
            export_onnx(model, whole)
    text = json.dumps(card, indent=1, sort_keys=True) + "\n"
    (folder / "training.json").write_text(text, encoding="utf-8")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, whose files are moved into ``folder`` once all are there.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with whole_folder(Path(place, "model")) as folder:
    ...         _ = (folder / "config.json").write_text("{}")
    ...     [path.name for path in Path(place, "model").iterdir()]
    ['config.json']
    """
    name = f".{folder.name}.whole-"
    for left in folder.parent.glob(f"{name}*"):  # by a run that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=name) as whole:
        yield Path(whole)
        folder.mkdir(exist_ok=True)
        for path in Path(whole).iterdir():
            os.replace(path, folder / path.name)


def trim(model: PreTrainedModel, folder: str | Path) -> bool:
    """Trim a classifier by `distillens.models.last_layer.trim`, in place, with its own tokenizer."""
    batch = unlike_lengths(Encoder(folder, accepted_inputs(model)), model)
    with int8.unrounded():
        return last_layer.trim(model, batch)


def unlike_lengths(encoder: Encoder, model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """A batch with padding, a pair and a mask, so that what is made from it heeds the attention mask."""
    texts = [("a b c d",), ("a",), ("a b", "c a"), (f"a {encoder.mask or 'b'} c",)]
    if model.config.is_encoder_decoder:  # some take only texts with equally many ends in a batch
        texts = [text for text in texts if len(text) == 1]
    batch = encoder.pad(encoder.encode(texts))
    return {name: torch.from_numpy(values) for name, values in batch.items()}


def export_onnx(model: PreTrainedModel, folder: Path) -> None:
    """Write ``model.onnx`` beside a model's tokenizer; batch and length stay open.

    The last layer is trimmed (`distillens.models.last_layer`) and the first one's projections are
    shared (`distillens.models.first_layer`) where the model allows it; its metadata say so.

    Raises
    ------
    ModelError
        If the model cannot be exported: it is of more than 2 GiB, or does what a graph cannot.
    """
    model = copy.deepcopy(model).cpu().eval()
    batch = unlike_lengths(Encoder(folder, accepted_inputs(model)), model)
    with int8.unrounded():
        spared = {"trimmed": last_layer.trim(model, batch), "shared": first_layer.share(model, batch)}
    graph = folder / "model.onnx"
    try:
        torch.onnx.export(
            _Logits(model, list(batch)),
            tuple(batch.values()),
            str(graph),
            input_names=list(batch),
            output_names=["logits"],
            dynamic_axes={name: {0: "texts", 1: "pieces"} for name in batch} | {"logits": {0: "texts"}},
            dynamo=False,  # the newer exporter needs one more package
        )
        exported = onnx.load(graph)
        for key, value in spared.items():
            exported.metadata_props.add(key=key, value=str(value))
        onnx.save(exported, graph)
    except Exception as error:
        raise ModelError(
            f"{folder}: cannot be written as an ONNX graph ({error}); set backend: torch"
        ) from error


class _Logits(torch.nn.Module):
    """A classifier with its inputs by position."""

    def __init__(self, model: PreTrainedModel, inputs: list[str]) -> None:
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        return self.model(**dict(zip(self.inputs, values, strict=True))).logits
