"""Students that are a smaller copy of their teacher, as it is or trained a little after it."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distillens import registry
from distillens.models import classifier
from distillens.models.tokenizer import Encoder
from distillens.provenance import code, digest, versions
from distillens.training import distillation, fine_tune
from distillens.training.callbacks import Clock
from distillens.training.job import TrainingJob, TrainingPlan


def compress(compression: dict[str, Any], job: TrainingJob, plan: TrainingPlan) -> None:
    """Compress a teacher, and let the student recover where its config has a training.

    Parameters
    ----------
    compression : dict
        ``method``, a file of ``distillens/training/compression``, and its options.
    job : TrainingJob
    plan : TrainingPlan
        The training after it, by gold labels or by a distillation from the teacher.

    Raises
    ------
    ModelError, HeadsError
        If the teacher is not built as the method needs it.
    """
    options = dict(compression)
    method = registry.load("compression", options.pop("method"))
    change = partial(method.compress, options=options)
    about = {"compression": compression, "compression_code": code(method.__name__)}
    if plan.settings is None:
        clock = Clock()
        _copy(job, change, about, plan.export_onnx)
        clock.stop()
        if job.cost:
            fine_tune.write_cost(job.cost, job.run, [clock], "cpu")
        return
    job = replace(job, checkpoint=job.teacher)
    if plan.settings["method"] == "fine_tune":
        fine_tune.train(fine_tune.FineTuning, replace(job, teacher=None), plan, change, about)
    else:
        fine_tune.train(distillation.trainer(plan.settings["method"]), job, plan, change, about)


def _copy(job: TrainingJob, change: Any, about: dict[str, Any], export_onnx: bool) -> None:
    model = classifier.load_classifier(job.teacher).eval()
    change(model)
    card = {
        **job.run.provenance(),
        **about,
        "teacher_sha256": digest(Path(job.teacher, "model.safetensors")),
        "versions": versions("torch", "transformers"),
    }
    with TemporaryDirectory() as tokenizer:
        classifier.save_tokenizer(job.teacher, tokenizer, model, Encoder(job.teacher).max_length)
        classifier.save(model, tokenizer, job.out, card, export_onnx)
