"""Students that are a smaller copy of their teacher, as it is or trained a little after it."""

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


def compress(
    teacher: str | Path,
    out: str | Path,
    identity: dict[str, Any],
    compression: dict[str, Any],
    settings: dict[str, Any] | None,
    task: dict[str, Any],
    splits: dict[str, str | Path],
    engine: dict[str, str],
    export_onnx: bool = False,
    corpus: str | Path | None = None,
    cost: str | Path | None = None,
) -> None:
    """Compress a teacher, and let the student recover where its config has a training.

    Parameters
    ----------
    teacher : str or Path
        Folder of the finished model.
    out : str or Path
        Folder of the student.
    identity : dict
        ``task``, ``model`` and ``seed``.
    compression : dict
        ``method``, a file of ``distillens/training/compression``, and its options.
    settings : dict or None
        The training after it, by gold labels or by a distillation from the teacher; None for none.
    task, splits, engine, export_onnx, corpus, cost
        As in `distillens.training.fine_tune.train`.

    Raises
    ------
    ModelError, HeadsError
        If the teacher is not built as the method needs it.
    """
    options = dict(compression)
    method = registry.load("compression", options.pop("method"))
    change = partial(method.compress, options=options)
    identity = {
        **identity,
        "compression": compression,
        "compression_code": code(method.__name__),
    }
    if settings is None:
        clock = Clock()
        _copy(Path(teacher), Path(out), change, identity, export_onnx)
        clock.stop()
        if cost:
            fine_tune.write_cost(cost, identity, [clock], "cpu")
        return
    distils = settings["method"] != "fine_tune"
    trainer = fine_tune.FineTuning
    if distils:
        trainer = distillation.trainer(settings["method"])
    fine_tune.train(
        trainer,
        splits=splits,
        checkpoint=teacher,
        out=out,
        identity=identity,
        task=task,
        layers=None,
        settings=settings,
        engine=engine,
        export_onnx=export_onnx,
        teacher=teacher if distils else None,
        change=change,
        corpus=corpus,
        cost=cost,
    )


def _copy(teacher: Path, out: Path, change: Any, identity: dict[str, Any], export_onnx: bool) -> None:
    model = classifier.load_classifier(teacher).eval()
    change(model)
    card = {
        **identity,
        "teacher_sha256": digest(teacher / "model.safetensors"),
        "versions": versions("torch", "transformers"),
    }
    with TemporaryDirectory() as tokenizer:
        classifier.save_tokenizer(teacher, tokenizer, model, Encoder(teacher).max_length)
        classifier.save(model, tokenizer, out, card, export_onnx)
