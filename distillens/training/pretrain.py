"""Training on a corpus without labels: masked-language modelling on ``transformers.Trainer``.

What a method of ``pretraining/`` adds is which parameters learn and what the losses are.
"""

import json
import logging
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForMaskedLM,
    DataCollatorForLanguageModeling,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    default_data_collator,
)
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import set_seed

from distillens import tables
from distillens.data.text import paragraphs, seed_of
from distillens.models import classifier
from distillens.models.checkpoint import check_tensors
from distillens.models.tokenizer_files import keep_file, load_tokenizer
from distillens.provenance import code, digest, versions
from distillens.training.callbacks import Epochs, Meter, Resumable
from distillens.training.fine_tune import TrainingError, arguments
from distillens.training.history import history_of
from distillens.training.run_folders import last_checkpoint, run_folders

_LOG = logging.getLogger("distillens")

Batch = dict[str, torch.Tensor]


class MaskedLanguage(Trainer, ABC):
    """Trains a model on masked text by a weighted sum of losses, each of them logged."""

    MAKES_HEAD = False
    """Whether a masked-language head that the start lacks is made."""

    # A loss is the mean of one batch: of accumulated ones, transformers has to take the mean.
    loss_is_scaled_for_ga = False

    def __init__(self, options: dict[str, Any], teacher: PreTrainedModel | None, **settings: Any) -> None:
        super().__init__(**settings)
        self.options, self.teacher = options, teacher
        if teacher is not None:
            teacher.to(self.args.device).eval().requires_grad_(False)
        self._sums: dict[str, torch.Tensor] = {}
        self._batches = 0

    @staticmethod
    def prepare(student: PreTrainedModel, teacher: PreTrainedModel | None, options: dict[str, Any]) -> None:
        """Change the models as the losses need it, in place; nothing here."""

    @abstractmethod
    def losses(self, model: PreTrainedModel, batch: Batch) -> dict[str, torch.Tensor]:
        """The losses of a batch, by the name that their weight has.

        Parameters
        ----------
        model : PreTrainedModel
            What learns.
        batch : dict of Tensor, shape (batch, length)
            ``input_ids`` with masks, and ``labels``: -100 where nothing is masked.
        """

    def weight(self, name: str) -> float:
        """How much a loss counts."""
        return self.options.get(f"weight_{name}", 1.0)

    def compute_loss(self, model: Any, inputs: Batch, return_outputs: bool = False, **_: Any) -> Any:
        """Add the losses up, and stop where the sum is no number."""
        losses = self.losses(model, inputs)
        loss = sum(self.weight(name) * value for name, value in losses.items())
        if not torch.isfinite(loss):
            parts = ", ".join(f"{name} {value.item():g}" for name, value in losses.items())
            raise TrainingError(
                f"step {self.state.global_step + 1}: the loss is {loss.item()} ({parts}); "
                "lower the learning rate or use precision: float32"
            )
        if model.training:
            self._batches += 1
            for name, value in losses.items():
                self._sums[name] = self._sums.get(name, 0.0) + value.detach()
        return (loss, {}) if return_outputs else loss

    def log(self, logs: dict[str, float], *rest: Any, **more: Any) -> None:
        """Log each loss beside their sum, as means since the last time."""
        if "loss" in logs and self._batches:
            logs |= {f"loss_{name}": float(total / self._batches) for name, total in self._sums.items()}
            self._sums, self._batches = {}, 0
        super().log(logs, *rest, **more)


def at_positions(
    model: PreTrainedModel, inputs: Batch, positions: torch.Tensor, **more: Any
) -> tuple[torch.Tensor, torch.Tensor, Any]:
    """Logits and last hidden states at some positions: the vocabulary is large, and few positions are masked.

    Parameters
    ----------
    model : PreTrainedModel
        With a masked-language head.
    inputs : dict of Tensor, shape (batch, length)
    positions : Tensor of bool, shape (batch, length)
    **more
        For the model's forward.

    Returns
    -------
    logits : Tensor, shape (chosen, vocabulary)
    hidden : Tensor, shape (chosen, width)
    outputs : ModelOutput

    Examples
    --------
    >>> from transformers import BertConfig, BertForMaskedLM
    >>> config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    >>> inputs = {"input_ids": torch.tensor([[1, 2, 3]])}
    >>> positions = torch.tensor([[False, True, False]])
    >>> logits, hidden, _ = at_positions(BertForMaskedLM(config), inputs, positions)
    >>> tuple(logits.shape), tuple(hidden.shape)
    ((1, 9), (1, 8))
    """
    kept = {}

    def narrow(_: torch.nn.Module, __: Any, output: Any) -> Any:
        kept["hidden"] = output[0][positions]
        output["last_hidden_state"] = kept["hidden"].unsqueeze(0)
        return output

    handle = model.base_model.register_forward_hook(narrow)
    try:
        outputs = model(**inputs, **more)
    finally:
        handle.remove()
    return outputs.logits[0], kept["hidden"], outputs


def inputs_of(model: PreTrainedModel, batch: Batch) -> Batch:
    """What a model takes of a batch, its labels left out.

    Examples
    --------
    >>> from transformers import DistilBertForMaskedLM
    >>> batch = dict.fromkeys(("input_ids", "token_type_ids", "labels"), torch.zeros(1, 3))
    >>> list(inputs_of(DistilBertForMaskedLM, batch))
    ['input_ids']
    """
    accepted = classifier.accepted_inputs(model)
    return {name: value for name, value in batch.items() if name in accepted and name != "labels"}


@dataclass(frozen=True)
class PretrainingPlan:
    """What the config says of a checkpoint that is made here.

    Attributes
    ----------
    name : str
        Its name.
    layers : list of int or None
        Numbers of the layers of its start that are kept.
    settings : dict
        The training's block.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    seed : int
    """

    name: str
    layers: list[int] | None
    settings: dict[str, Any]
    device: str
    seed: int


def pretrain(
    trainer: type[MaskedLanguage],
    plan: PretrainingPlan,
    *,
    corpus: str | Path,
    start: str | Path,
    teacher: str | Path | None,
    folder: str | Path,
    card: str | Path,
) -> None:
    """Train a checkpoint on a corpus.

    Parameters
    ----------
    trainer : type
        The method's.
    plan : PretrainingPlan
    corpus : str or Path
        Table of kind ``corpus``.
    start : str or Path
        The checkpoint whose weights it starts from.
    teacher : str or Path or None
        A checkpoint with a masked-language head.
    folder, card : str or Path
        The new checkpoint, and the small file with its digest and history, written last.

    Raises
    ------
    ModelError
        If a head is needed and missing, or teacher and student read with different vocabularies.
    TrainingError
        If the loss is not finite.
    """
    settings, seed = plan.settings, plan.seed
    set_seed(seed)
    inputs = {
        "checkpoint": plan.name,
        "settings": settings,
        "layers": plan.layers,
        "seed": seed,
        "start_sha256": digest(start),
        "teacher_sha256": digest(teacher) if teacher else None,
        "corpus_sha256": digest(corpus),
        "code": code(trainer.__module__),
        "versions": versions("torch", "transformers"),
    }
    scratch, run = run_folders(Path(folder), inputs)
    student = load_masked(start, headless=trainer.MAKES_HEAD)
    if plan.layers is not None:
        classifier.keep_layers(student, plan.layers, str(start))
    tokenizer = load_tokenizer(start)
    master = None
    if teacher is not None:
        master = load_masked(teacher, attn_implementation="eager")
        if load_tokenizer(teacher).get_vocab() != tokenizer.get_vocab():
            raise classifier.ModelError(f"{start}: reads with another vocabulary than its teacher {teacher}")
    trainer.prepare(student, master, settings)
    table = tables.read(corpus, "corpus")
    blocks = {}
    for split in ("train", "validation"):
        cut = packed(paragraphs(table, split), tokenizer, settings["block_size"])
        blocks[split] = Masked(cut, tokenizer, settings["mlm_probability"], seed_of(seed, split))
    trained = trainer(
        settings,
        master,
        model=student,
        args=arguments(
            run,
            settings,
            seed,
            classifier.pick_device(plan.device),
            train_sampling_strategy="random",  # all blocks are of one length
            save_strategy="steps",
            save_steps=settings["save_steps"],
            load_best_model_at_end=False,
            gradient_checkpointing=settings["gradient_checkpointing"],
        ),
        data_collator=default_data_collator,
        train_dataset=blocks["train"],
        eval_dataset=blocks["validation"],
        callbacks=[Meter(), Resumable(), Epochs()],
    )
    trained.remove_callback(PrinterCallback)
    trained.train(resume_from_checkpoint=last_checkpoint(run))
    student.set_attn_implementation("sdpa")
    with classifier.whole_folder(Path(folder)) as whole:
        student.save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        keep_file(start, whole)
    about = {**inputs, "sha256": digest(folder), "history": history_of(trained.state.log_history)}
    Path(card).write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    shutil.rmtree(scratch)


def load_masked(folder: str | Path, headless: bool = False, **settings: Any) -> PreTrainedModel:
    """Load a checkpoint with its masked-language head.

    Parameters
    ----------
    folder : str or Path
    headless : bool
        A head that is missing is made, tied to the word embeddings; otherwise it is an error.

    Raises
    ------
    ModelError
        If the head is missing, or the encoder's weights do not fit its config.
    """
    model, info = AutoModelForMaskedLM.from_pretrained(
        folder, output_loading_info=True, **classifier.SAFE, **settings
    )
    check_tensors(model, info, str(folder), finished=False)
    if info["missing_keys"] and not headless:
        raise classifier.ModelError(
            f"{folder}: has no masked-language head ({sorted(info['missing_keys'])[0]} is missing); "
            "make one with a checkpoint `pretrain: {method: masked_head, start: ...}`"
        )
    return model


class Masked(torch.utils.data.Dataset):
    """Blocks whose masks depend on the seed, the epoch and the block, and on nothing before them.

    A run that was killed so goes on with the masks that it would have had. In each block at least one piece
    is masked, because a batch without any has no loss; blocks of special tokens only are left out.

    Parameters
    ----------
    blocks : sequence of list of int
        As `packed` gives them.
    tokenizer : PreTrainedTokenizerBase
    share : float
        Of the pieces that are masked: 80 % of them by the mask, 10 % by another piece, as in BERT.
    seed : int

    Raises
    ------
    ModelError
        If no block has a piece that can be masked.
    """

    def __init__(
        self, blocks: Sequence[list[int]], tokenizer: PreTrainedTokenizerBase, share: float, seed: int
    ) -> None:
        self._special = torch.tensor(tokenizer.all_special_ids)
        self._blocks = [block for block in blocks if len(self._maskable(torch.tensor(block)))]
        if len(self._blocks) < len(blocks):
            _LOG.warning("%d of %d blocks of the corpus are left out: the vocabulary has no piece of them",
                         len(blocks) - len(self._blocks), len(blocks))  # fmt: skip
        if not self._blocks:
            raise classifier.ModelError("no block of the corpus has a piece of the vocabulary to mask")
        self._seed, self._epoch = seed, 0
        self._masking = DataCollatorForLanguageModeling(tokenizer, mlm_probability=share)

    def set_epoch(self, epoch: int) -> None:
        """Mask other pieces from now on; a set whose epoch is never set keeps its masks."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, number: int) -> Batch:
        self._masking.generator = torch.Generator().manual_seed(seed_of(self._seed, self._epoch, number))
        block = torch.tensor([self._blocks[number]])
        (inputs,), (labels,) = self._masking.torch_mask_tokens(block.clone())
        if (labels == -100).all():
            places = self._maskable(block[0])
            place = places[torch.randint(len(places), (), generator=self._masking.generator)]
            inputs[place], labels[place] = self._masking.tokenizer.mask_token_id, block[0, place]
        return {"input_ids": inputs, "labels": labels}

    def _maskable(self, block: torch.Tensor) -> torch.Tensor:
        """Where a block has no special token."""
        return (~torch.isin(block, self._special)).nonzero().flatten()


def packed(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, length: int) -> list[list[int]]:
    """Paragraphs joined and cut into blocks of one length.

    A block stands between the classifier's token and the separator; so do paragraphs end.
    What is left at the end and fills no block is dropped.

    Raises
    ------
    ModelError
        If the text does not fill one block.

    Examples
    --------
    >>> from transformers import BertTokenizerFast
    >>> pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "not", "bad"]
    >>> tokenizer = BertTokenizerFast(vocab={piece: number for number, piece in enumerate(pieces)})
    >>> packed(["not bad", "bad"], tokenizer, length=4)
    [[2, 5, 6, 3], [2, 3, 6, 3]]
    """
    pieces = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    flat = list(chain.from_iterable([*part, tokenizer.sep_token_id] for part in pieces))
    inner = length - 2
    blocks = [flat[start : start + inner] for start in range(0, len(flat) - inner + 1, inner)]
    if not blocks:
        raise classifier.ModelError(f"the corpus has {len(flat)} tokens, which fill no block of {length}")
    return [[tokenizer.cls_token_id, *block, tokenizer.sep_token_id] for block in blocks]
