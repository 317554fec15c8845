"""Takes in a classifier that is already fine-tuned: its outputs in the task's order, its files as a run's."""

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

from distillens.models import adapter as adapters
from distillens.models import classifier
from distillens.models.checkpoint import check_files, check_tensors
from distillens.models.errors import ModelError
from distillens.models.outputs import Labels, check_kind, check_names, order_of, single_output
from distillens.models.single_logit import widen
from distillens.models.tokenizer import Encoder, EncodingError
from distillens.models.tokenizer_files import check_pieces
from distillens.provenance import RunId, digest, versions

log = logging.getLogger("distillens")
_TOLERANCE = 1e-3
# transformers makes an empty tokenizer where there is none of these.
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.tiktoken")


def import_model(
    *,
    checkpoint: str | Path,
    out: str | Path,
    run: RunId,
    task: dict[str, Any],
    labels: Labels | None,
    max_length: int | None,
    adapter: str | Path | None = None,
    export_onnx: bool = False,
) -> None:
    """Write the folder of a finished model as training would, its weights unchanged.

    Parameters
    ----------
    checkpoint : str or Path
        The classifier's folder: safetensors, config and tokenizer.
    out : str or Path
        Folder of the run.
    run : RunId
    task : dict
        The task's ``type`` and ``labels``.
    labels : list or dict of str, or None
        The task's labels in the order of the classifier's outputs, or by the checkpoint's names for
        them; None takes these names. See `distillens.models.outputs.order_of`.
    max_length : int or None
        Longest input in pieces; None takes the tokenizer's, or the model's where that is less.
    adapter : str or Path, optional
        Folder of an adapter that is merged into it (`distillens.models.adapter`).
    export_onnx : bool
        Whether to leave a ``model.onnx`` for what comes after.

    Raises
    ------
    ModelError
        If it is no text classifier, its weights are not all there or no numbers, its outputs are
        not the task's labels or contradict them, its answers depend on padding, or its tokenizer
        cannot be used or does not give the pieces that it gave before.
    """
    where = f"models.{run.model}"
    stored = check_files(checkpoint, where)
    model = _load(Path(checkpoint), where, adapter)
    if stored != ["float32"]:
        log.info("%s: stored in %s, computed in float32", where, ", ".join(stored))
    check_names(model.config, where)
    check_kind(model.config, task, where)
    names = [str(model.config.id2label[number]) for number in range(model.config.num_labels)]
    several = task["type"] == "multi_label"
    single = len(names) == 1 and len(task["labels"]) == 2 and not several
    if single:
        which = single_output(names[0], task["labels"], labels, where)
        order = [1, 0] if which == 0 else [0, 1]
    else:
        order = order_of(names, task, labels, where)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = Path(folder, "tokenizer")
        encoder = _take_tokenizer(checkpoint, tokenizer, model, max_length, where)
        batch = classifier.unlike_lengths(encoder, model)
        if single:
            widen(model, batch, where)
        _check_answers(model, batch, where)
        if order is not None:
            _reorder(model, order, batch, where)
            model.config.id2label = dict(enumerate(task["labels"]))
            model.config.label2id = {name: number for number, name in enumerate(task["labels"])}
        if several:
            model.config.problem_type = "multi_label_classification"
        card = {
            **run.provenance(),
            "settings": {"method": "none", "labels": labels, "max_length": max_length},
            "checkpoint_sha256": digest(checkpoint),
            "outputs": names,
            "stored": stored,
            "order": order,
            "adapter_sha256": None if adapter is None else digest(adapter),
            "versions": versions("torch", "transformers"),
        }
        classifier.save(model, tokenizer, out, card, export_onnx)


def _load(folder: Path, where: str, adapter: str | Path | None) -> PreTrainedModel:
    """Load a classifier that has all its weights."""
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    kind = settings.get("model_type", "unknown")
    if kind not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        raise ModelError(
            f"{where}: its checkpoint (model_type {kind!r}) is no classifier that transformers has, and its "
            "own code is never run; name one of its kinds, such as BERT, DeBERTa, Llama or T5"
        )
    head = adapters.head_size(adapter, where) if adapter is not None else {}
    if head.get("num_labels") == len(settings.get("id2label") or "12"):
        head = {}  # the base has as many names for them
    try:
        model, info = classifier.load_classifier(
            folder,
            **head,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, by name
        )
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        raise ModelError(
            f"{where}: its checkpoint (model_type {kind!r}) cannot be loaded by "
            f"AutoModelForSequenceClassification: {said}; save it again, or name another"
        ) from error
    check_tensors(model, info, where, finished=adapter is None)
    if adapter is not None:
        model = adapters.merged(model, info, adapter, where)
    return model.eval()


def _take_tokenizer(
    checkpoint: str | Path, folder: Path, model: PreTrainedModel, max_length: int | None, where: str
) -> Encoder:
    """Save the checkpoint's tokenizer as training would, and read it as everything after it does."""
    if not any(path for pattern in _VOCABULARIES for path in Path(checkpoint).glob(pattern)):
        raise ModelError(
            f"{where}: {checkpoint} has no tokenizer ({', '.join(_VOCABULARIES)}); save it with the "
            "model, as AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER) does"
        )
    try:
        classifier.save_tokenizer(checkpoint, folder, model, max_length)
        encoder = Encoder(folder, classifier.accepted_inputs(model))
        if getattr(model.config, "pad_token_id", None) is None:
            log.info("%s: its config.json has no pad_token_id: taken from its tokenizer", where)
            model.config.pad_token_id = encoder.pad_id
        check_pieces(checkpoint, encoder, where)
    except EncodingError as error:
        raise ModelError(f"{where}: {str(error).replace(str(folder), str(checkpoint))}") from error
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        raise ModelError(
            f"{where}: {checkpoint}: its tokenizer cannot be loaded ({said}); save it as tokenizer.json"
        ) from error
    rows = model.get_input_embeddings().num_embeddings
    if encoder.pieces > rows:
        raise ModelError(
            f"{where}: {checkpoint}: its tokenizer has {encoder.pieces} pieces, its model {rows}; "
            "give it the tokenizer that it was trained with"
        )
    return encoder


def _check_answers(model: PreTrainedModel, batch: dict[str, torch.Tensor], where: str) -> None:
    """Refuse a model whose answers are no numbers, or change when longer texts stand in the batch."""
    with torch.no_grad():
        together = model(**batch).logits
        if not together.isfinite().all():
            raise ModelError(
                f"{where}: its answers are not finite numbers; its weights are broken: save it again"
            )
        for row, length in enumerate(batch["attention_mask"].sum(-1).tolist()):
            alone = model(**{name: values[row : row + 1, :length] for name, values in batch.items()}).logits
            error = (alone - together[row]).abs().max()
            if not error <= _TOLERANCE * together.abs().max().clamp(min=1):
                raise ModelError(
                    f"{where}: its answer for a text depends on the padding in a batch (by {error:.2g}), as "
                    "decoders' do without the right pad_token_id in config.json; name one with the tokenizer "
                    "that it was trained with"
                )


def _reorder(model: PreTrainedModel, order: list[int], batch: dict[str, torch.Tensor], where: str) -> None:
    """Put the rows of the last layer into another order, in place."""
    if order == sorted(order):
        return
    heads = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == len(order)]
    with torch.no_grad():
        expected = model(**batch).logits[:, order]
        for head in reversed(heads):
            parameters = [parameter for parameter in (head.weight, head.bias) if parameter is not None]
            for parameter in parameters:
                parameter.copy_(parameter[order])
            if torch.allclose(model(**batch).logits, expected, atol=1e-5):
                return
            for parameter in parameters:
                parameter.copy_(parameter[torch.tensor(order).argsort()])
    raise ModelError(f"{where}: its last layer is not found, so its outputs cannot be put into another order")
