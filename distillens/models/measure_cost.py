"""How large and how fast a finished model is.

Sizes are facts of its files. Latency is that of one text alone, all its windows, on one thread; it is
measured, so it differs from run to run and from machine to machine. On a CPU it is the processor's time,
which does not count what other programs took meanwhile; with a GPU it is the clock's.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from safetensors import safe_open

from distillens import tables
from distillens.data.text import examples
from distillens.joblog import tracked
from distillens.models.engine import Engine
from distillens.models.job import ModelJob
from distillens.models.windowed import cutting, parts_of
from distillens.provenance import digest

_TEXTS, _ROUNDS = 100, 5


def write_cost(job: ModelJob, test: str | Path, out: str | Path, native: list[str] | None) -> None:
    """Write the table of kind ``costs``: one row.

    Parameters
    ----------
    job : ModelJob
    test : str or Path
        The test split; its first texts are timed.
    out : str or Path
        Target file.
    native : list of str or None
        The backends on which the model's speed is its own; on others (an int8 model that
        torch simulates) there is no latency. None for all.
    """
    folder, run, engine = Path(job.folder), job.run.provenance(), job.engine.load(job.folder)
    ran_on = engine.provenance()
    row = {
        **run,
        **sizes(folder / "model.safetensors"),
        "graph_bytes": (folder / "model.onnx").stat().st_size if ran_on["backend"] == "onnxruntime" else None,
        "backend": ran_on["backend"],
        "device": ran_on["device"],
        "precision": ran_on["precision"],
    }
    if ran_on["backend"] == "torch":
        import torch

        torch.set_num_threads(1)  # ONNX Runtime has one for each batch anyway
    if native is None or ran_on["backend"] in native:
        texts = [example.texts for example in examples(tables.read(test, "examples"))[:_TEXTS]]
        best = latencies(engine, texts)
        quartiles = np.percentile(best, (50, 25, 75)) * 1000
        row |= dict(zip(("latency_ms", "latency_low", "latency_high"), quartiles.tolist(), strict=True))
        row["texts"] = len(texts)
    tables.write(out, "costs", [row], {**run, "test_sha256": digest(test), **ran_on})


def sizes(weights: Path) -> dict[str, int]:
    """Size of a model's weights.

    Returns
    -------
    dict
        ``parameters``, ``nonzero`` of them, ``file_bytes``, and ``packed_bytes``: the file
        compressed by zstd, level 3, which is what zeros save where a model is kept or sent.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from safetensors.torch import save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"weight": torch.tensor([0.5, 0.0, 0.0])}, f"{folder}/weights")
    ...     size = sizes(Path(folder, "weights"))
    >>> size["parameters"], size["nonzero"]
    (3, 1)
    """
    parameters = nonzero = 0
    with safe_open(weights, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118
            values = file.get_tensor(name)
            # 128 stands for zero where weights are stored without sign (`distillens.models.int8`).
            zero = 128 if name.endswith(".uint8") else 0
            parameters += values.numel()
            nonzero += int((values != zero).sum())
    content = weights.read_bytes()
    packed = pa.Codec("zstd", compression_level=3).compress(content)
    return {
        "parameters": parameters,
        "nonzero": nonzero,
        "file_bytes": len(content),
        "packed_bytes": packed.size,
    }


def latencies(engine: Engine, texts: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Seconds from text to logits, of each text alone: the best of some rounds.

    The best round is the one that other work on the machine has disturbed least.
    """
    on_cpu = engine.provenance()["device"] == "cpu"
    clock = time.process_time if on_cpu else time.perf_counter
    times = np.empty((_ROUNDS, len(texts)))
    for text in texts:
        _answer(engine, text)  # the first call of each length prepares something
    for number in tracked(range(_ROUNDS), "time", "round"):
        for column, text in enumerate(texts):
            start = clock()
            _answer(engine, text)
            times[number, column] = clock() - start
    return times.min(0)


def _answer(engine: Engine, text: tuple[str, ...]) -> np.ndarray:
    encoder = cutting(engine)
    return engine.backend.forward(encoder.pad(encoder.encode(parts_of(engine, text))))
