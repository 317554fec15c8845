"""Fine-tuning on ``transformers.Trainer``; a distillation is a small difference from it."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import EarlyStoppingCallback, PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import set_seed

from distillens import registry, tables
from distillens.data.label_sets import flags_of
from distillens.data.plant import planted
from distillens.data.text import Example, examples, paragraphs
from distillens.models import classifier
from distillens.models.asking import Asking
from distillens.models.black_box import BlackBox
from distillens.models.engine import Engine, EngineOptions
from distillens.models.half_precision import warn_if_slow
from distillens.models.tokenizer import Encoder
from distillens.provenance import RunId, code, digest, versions
from distillens.training.batches import collate
from distillens.training.callbacks import Clock, Meter, Resumable
from distillens.training.history import history_of
from distillens.training.job import TrainingJob, TrainingPlan
from distillens.training.run_folders import last_checkpoint, run_folders
from distillens.training.soft_labels import SoftLabels


class TrainingError(RuntimeError):
    """Training went wrong; the message names the step and the batch."""


@dataclass(frozen=True)
class Source:
    """What a distillation learns from.

    Attributes
    ----------
    encoder : Encoder
        The student's.
    teacher : Path or None
        Folder of the teacher.
    engine : EngineOptions
        How to ask the teacher.
    options : dict
        The training's block of the config.
    seed : int
        Of the run.
    training : bool
        Whether the texts are those that are trained on, and not those that are only scored.
    corpus : Path, optional
        A table of kind ``corpus``.
    asking : Asking, optional
        How to ask a teacher that is only asked.
    labels : sequence of str
        The task's.
    several : bool
        Whether a text may have several of them.
    """

    encoder: Encoder
    teacher: Path | None
    engine: EngineOptions
    options: dict[str, Any]
    seed: int
    training: bool
    corpus: Path | None = None
    asking: Asking | None = None
    labels: Sequence[str] = ()
    several: bool = False

    def opened(self) -> Engine | BlackBox | SoftLabels:
        """The teacher, ready to be asked, or a file of what it has answered."""
        if self.options.get("soft_labels"):
            return SoftLabels(self.options["soft_labels"], self.labels, self.several)
        return self.engine.load(self.teacher, asking=self.asking)

    def unlabelled(self) -> list[Example]:
        """The texts of the corpus that may be trained on; none without a corpus."""
        if self.corpus is None:
            return []
        texts = paragraphs(tables.read(self.corpus, "corpus"), "train")
        return [Example(f"{self.corpus.stem}:{number}", text) for number, text in enumerate(texts)]


class FineTuning(Trainer):
    """Fine-tunes a classifier on gold labels."""

    loss_is_scaled_for_ga = False

    def __init__(self, source: Source, **settings: Any) -> None:
        super().__init__(data_collator=partial(collate, source.encoder), **settings)
        self.options, self.encoder, self.several = source.options, source.encoder, source.several
        self._seen: dict[str, list[float]] = {}

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """What the loss needs beside the labels, one value per example; nothing here.

        Values are arrays, which are padded with zeros where their lengths differ, or encoded texts.
        """
        return {}

    def asked(self) -> dict[str, Any]:
        """What else a forward is asked for while the student learns; nothing here."""
        return {}

    def terms(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted terms of a batch's mean loss, by name.

        Parameters
        ----------
        model : Module
            The student.
        inputs : dict of Tensor
            What it was asked.
        batch : dict of Tensor
            ``labels`` and the features.
        answer : dict
            What it answered: ``logits``, shape (batch, outputs), and what it was `asked` for.
        """
        return {"gold": task_loss(answer["logits"], batch["labels"])}

    def hints(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """Further terms, with the parameters of `terms`, that only learning has; none here.

        The validation loss, by which the best epoch is chosen, is without them.
        """
        return {}

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Forward, the sum of `terms`, and a stop where the loss is no number."""
        batch = {name: inputs.pop(name) for name in inputs.keys() - set(self.encoder.inputs)}
        extras = self.asked() if model.training else {}
        outputs = model(**inputs, **extras)
        answer = {**extras, **outputs}
        terms = self.terms(model, inputs, batch, answer)
        if model.training:
            terms |= self.hints(model, inputs, batch, answer)
        loss = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(loss):
            step = self.state.global_step
            when, split = (
                (f"step {step + 1}", "training") if model.training else (f"after step {step}", "validation")
            )
            rows = ", ".join(str(row + 1) for row in batch["row"].tolist())
            raise TrainingError(
                f"{when}: the loss is {loss.item()} on {split} rows {rows} (counted from 1); "
                "lower the learning rate or use precision: float32"
            )
        if model.training and len(terms) > 1:
            for name, term in terms.items():
                self._seen.setdefault(f"loss_{name}", []).append(term.item())
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], *arguments: Any, **more: Any) -> None:
        """Add the mean of each term since the last entry."""
        if "loss" in logs:
            logs |= {name: float(np.mean(values)) for name, values in self._seen.items()}
            self._seen.clear()
        super().log(logs, *arguments, **more)


def task_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy on class numbers; for one output, squared error on the score.

    Of several labels, a row of 0 and 1 for each text, the mean over all labels of the binary cross-entropy.

    Examples
    --------
    >>> round(task_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).item(), 3)
    0.693
    """
    if labels.ndim == 2:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
    if logits.shape[-1] == 1:
        return torch.nn.functional.mse_loss(logits.squeeze(-1), labels.float())
    return torch.nn.functional.cross_entropy(logits, labels.long())


def train(
    trainer: type[FineTuning],
    job: TrainingJob,
    plan: TrainingPlan,
    change: Callable[[PreTrainedModel], None] | None = None,
    about_change: Mapping[str, Any] | None = None,
) -> None:
    """Train a classifier and save the best epoch (by validation loss).

    Checkpoints of the run are kept beside the finished model's folder: a run that was killed goes
    on from the last, if nothing that it depends on has changed.

    Parameters
    ----------
    trainer : type
        `FineTuning`, or a distillation's.
    job : TrainingJob
    plan : TrainingPlan
    change : callable, optional
        Changes the model in place before it is trained; ``about_change`` is how, for the model's card.

    Raises
    ------
    TrainingError
        If the loss is not finite.
    """
    settings, seed, preparing = plan.settings, job.stream, Clock()
    soft = settings.get("soft_labels")
    set_seed(seed)
    model = classifier.new_classifier(job.checkpoint, plan.task, plan.layers)
    if change:
        change(model)
    inputs = {
        **job.run.provenance(),
        **(about_change or {}),
        "settings": settings,
        "layers": plan.layers,
        "checkpoint_sha256": digest(job.checkpoint),
        "teacher_sha256": digest(job.teacher) if job.teacher else None,
        "train_sha256": digest(job.splits["train"]),
        "validation_sha256": digest(job.splits["validation"]),
        "corpus_sha256": digest(job.corpus) if job.corpus else None,
        "soft_labels_sha256": digest(soft["file"]) if soft else None,
        "code": [code(name) for name in [*_modules(trainer), *registry.plant_modules(settings)]],
        "versions": versions("torch", "transformers"),
    }
    scratch, run = run_folders(Path(job.out), inputs)
    # Training reads the very files that the finished model will be read with.
    classifier.save_tokenizer(job.checkpoint, scratch / "tokenizer", model, settings["max_length"])
    encoder = Encoder(scratch / "tokenizer", classifier.accepted_inputs(model), job.engine.rule)
    encoder.require_mask(job.checkpoint)
    common = Source(
        encoder,
        job.teacher and Path(job.teacher),
        job.engine,
        settings,
        seed,
        True,
        job.corpus and Path(job.corpus),
        job.asking,
        plan.task["labels"],
        plan.task["type"] == "multi_label",
    )
    sources = {split: replace(common, training=split == "train") for split in job.splits}
    data = {split: _features(trainer, path, sources[split]) for split, path in job.splits.items()}
    trained = trainer(
        sources["train"],
        model=model,
        args=arguments(run, settings, seed, classifier.pick_device(job.engine.device)),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        callbacks=[EarlyStoppingCallback(settings["early_stopping_patience"]), Meter(), Resumable(), Clock()],
    )
    trained.remove_callback(PrinterCallback)
    preparing.stop()
    trained.train(resume_from_checkpoint=last_checkpoint(run))
    if job.cost:
        # A run that goes on has another clock than it was given.
        clock = next(one for one in trained.callback_handler.callbacks if isinstance(one, Clock))
        state, device = trained.state, trained.args.device.type
        write_cost(job.cost, job.run, [preparing, clock], device, state.global_step, state.epoch)
    history = history_of(trained.state.log_history)
    card = {**inputs, "best_validation_loss": trained.state.best_metric, "history": history}
    # Half precision is a wrapper around the forward, not a part of the finished model.
    plain = trained.accelerator.unwrap_model(trained.model, keep_fp32_wrapper=False)
    classifier.save(plain, scratch / "tokenizer", job.out, card, plan.export_onnx)
    shutil.rmtree(scratch)


def write_cost(
    path: str | Path,
    run: RunId,
    clocks: Sequence[Clock],
    device: str,
    steps: int = 0,
    epochs: float = 0.0,
) -> None:
    """Write the table of kind ``trainings``: what it took to make a model, by some clocks together."""
    spent = {name: sum(getattr(clock, name) for clock in clocks) for name in ("wall", "cpu")}
    row = {**run.provenance(), "steps": steps, "epochs": epochs, "device": device}
    row |= {f"{name}_seconds": seconds for name, seconds in spent.items()}
    tables.write(path, "trainings", [row], run.provenance())


def arguments(
    run: Path, settings: dict[str, Any], seed: int, device: torch.device, **different: Any
) -> TrainingArguments:
    """Settings of the config as ``transformers`` has them.

    Parameters
    ----------
    run : Path
        Folder of the run's checkpoints.
    settings : dict
        A training's block of the config.
    seed, device, **different
        Of the run; what else, or differs.
    """
    if half := settings["precision"] == "bfloat16":
        warn_if_slow(device)
    usual = {
        "output_dir": str(run),
        "num_train_epochs": settings["epochs"],
        "learning_rate": settings["learning_rate"],
        "per_device_train_batch_size": settings["batch_size"],
        "per_device_eval_batch_size": 2 * settings["batch_size"],  # nothing is kept for gradients
        "gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "lr_scheduler_type": "linear",
        "warmup_steps": settings["warmup_ratio"],
        "weight_decay": settings["weight_decay"],
        "max_grad_norm": settings["max_grad_norm"],
        "bf16": half,
        "use_cpu": device.type == "cpu",
        "seed": seed,
        "data_seed": seed,
        "train_sampling_strategy": "group_by_length",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        "restore_callback_states_from_checkpoint": True,
        "metric_for_best_model": "eval_loss",
        "prediction_loss_only": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": device.type == "cuda",
        "logging_steps": 10,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": [],
    }
    whole = TrainingArguments(**{**usual, **different})
    # Of several GPUs transformers would take all, each with a batch of its own: another training.
    whole._n_gpu = min(whole.n_gpu, 1)
    return whole


def _modules(trainer: type[FineTuning]) -> list[str]:
    """The modules of a trainer and of all that it is made of, but this one."""
    names = {parent.__module__ for parent in trainer.__mro__}
    methods = [name for name in names if name.startswith("distillens.training.distillation.")]
    return sorted(methods) or [FineTuning.__module__]


def _features(trainer: type[FineTuning], path: str | Path, source: Source) -> list[dict[str, Any]]:
    """Encoded examples with label, row number and whatever else the loss needs."""
    texts, encoder = examples(tables.read(path, "examples")), source.encoder
    if source.training:
        texts = planted(texts, source.options.get("plant"), source.seed)
    extra = trainer.features(texts, source)
    labels: Sequence[Any] = [example.label for example in texts]
    if source.several:
        labels = flags_of(labels, len(source.labels)).astype(np.float32)
    return [
        encoded | {"labels": label, "row": row} | {name: values[row] for name, values in extra.items()}
        for row, (encoded, label) in enumerate(
            zip(encoder.encode([example.texts for example in texts]), labels, strict=True)
        )
    ]
