"""What one GPU makes of it: ``python -m bench.gpu``, in at most eight minutes.

Models have random weights in the sizes of BERT-base and MiniLM, texts are made up: neither changes what is
computed. The stock side runs on the same device. ``--tiny`` runs all of it in moments, on a CPU too.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from bench import aligned, ours, peers, plan, shared, table
from bench.models import Cost
from distillens.data.text import Example
from distillens.models.engine import Engine
from distillens.models.workers import share_out
from distillens.provenance import versions
from distillens.training.distillation.soft_logits import soft_loss

NOT_MEASURED = "not measured"
BEGIN, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"
_OUTPUTS, _PIECES, _LIMIT_S = 5, 128, 8 * 60
_METHODS = {
    "shap": ("shap_pipeline", "token", {"max_evals": 20000}),
    "lime": ("lime", "word", {"samples": 5000}),
    "integrated_gradients": ("captum", "word", {"steps": 50, "max_steps": 50}),
    "occlusion": ("occlusion", "word", {}),
}


@dataclass(frozen=True)
class Size:
    """How much is done: a model's shape, and numbers of texts.

    Attributes
    ----------
    shape : dict
        Of a `BertConfig`.
    sentences, stock : int
        How many ours and the stock side explain.
    many : int
        Times as many sentences for several workers.
    batch : int
        Texts of a step of training, of 128 pieces.
    """

    shape: dict[str, int]
    vocabulary: int = 30522
    sentences: int = 32
    many: int = 2
    stock: int = 2
    batch: int = 32
    steps: int = 12
    product: int = 8192


def _shape(layers: int, width: int, heads: int) -> dict[str, int]:
    names = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")
    return dict(zip(names, (layers, width, heads, 4 * width), strict=True))


FULL = {"bert-base": Size(_shape(12, 768, 12)), "minilm-6": Size(_shape(6, 384, 12))}
TINY = {"tiny": Size(_shape(2, 16, 2), 300, sentences=2, stock=1, many=3, batch=2, steps=2, product=64)}


def build(size: Size, folder: Path) -> list[Example]:
    """Write a model with its tokenizer, and make up texts of 8 to 50 of its words."""
    draw = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = {"".join(draw.choice(letters, draw.integers(2, 9))) for _ in range(size.vocabulary)}
    tokenizer = BertTokenizerFast(
        vocab={
            piece: n for n, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(words)])
        }
    )
    tokenizer.model_max_length = 512
    torch.manual_seed(0)
    config = BertConfig(vocab_size=size.vocabulary + 5, num_labels=_OUTPUTS, **size.shape)
    BertForSequenceClassification(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    count = size.sentences * size.many
    every, lengths = sorted(words), np.linspace(8, 50 if size.vocabulary > 1000 else 9, count)
    return [Example(str(n), " ".join(draw.choice(every, int(length)))) for n, length in enumerate(lengths)]


def product_tflops(device: str, size: int, kind: torch.dtype) -> float:
    """TFLOP/s of the best of several products of two square matrices."""
    a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    return 2 * size**3 / min(_seconds(lambda: a @ b, device) for _ in range(5)) / 1e12


def forward(folder: Path, device: str, precision: str, size: int) -> dict[str, float]:
    """Pieces a second of full batches, and the share of the matrix product that they reach."""
    product = product_tflops(device, size, getattr(torch, precision))
    engine, cost = Engine(folder, device, "torch", precision), Cost(folder)
    rows = max(1, engine.tokens // 32)
    batch = {
        name: np.ones((rows, 32), np.int64) * (5 if name == "input_ids" else name == "attention_mask")
        for name in engine.encoder.inputs
    }
    seconds = median(_seconds(lambda: engine.backend.forward(batch), device) for _ in range(5))
    tflops = cost.flop(rows, 32, engine.backend.trimmed) / seconds / 1e12
    return {
        "pieces a second": rows * 32 / seconds,
        "TFLOP/s": tflops,
        "TFLOP/s of a matrix product": product,
        "share of that": tflops / product,
    }


def explain(
    method: str, folder: Path, device: str, size: Size, texts: list[Example], samples: int | None
) -> dict[str, float]:
    """Seconds a sentence of the stock library and of ours, in both precisions."""
    peer, unit, given = _METHODS[method]
    options = {**plan.options_of(method), **given} | (
        {"samples": samples} if method == "lime" and samples else {}
    )
    stock, durations, values = peers.Stock(folder, device), {}, {}
    # Spread over the lengths, as the texts are.
    few = texts[:: -(-len(texts) // size.stock)]
    sides: dict[str, tuple[Callable[[list[Example]], Iterator[np.ndarray]], list[Example]]] = {
        "stock": (lambda some: getattr(peers, peer)(stock, some, options), few)
    }
    for precision in ("float32", "bfloat16"):
        engine = Engine(folder, device, "torch", precision)
        run = partial(_anew, engine, method, unit, options)
        sides[precision] = (run, texts)
        if precision == "float32":
            sides["the same few"] = (run, few)
    for name, (run, some) in sides.items():
        list(run(some[:1]))
        start = time.perf_counter()
        values[name] = np.concatenate(list(run(some)))
        durations[name] = (time.perf_counter() - start) / len(some)
    difference = float(np.abs(values["stock"] - values["the same few"]).max())
    ratio = durations["stock"] / durations["the same few"]
    seconds = {f"seconds a sentence, {name}": value for name, value in durations.items()}
    return {**seconds, "ratio of the same few": ratio, "largest difference": difference}


def _anew(
    engine: Engine, method: str, unit: str, options: dict[str, Any], texts: list[Example]
) -> Iterator[np.ndarray]:
    engine.forget()
    return ours.run(engine, method, unit, texts, options)


def spread(
    method: str, folder: Path, device: str, texts: list[Example], samples: int | None
) -> dict[str, float]:
    """Sentences a second in bfloat16: one process, and as many workers as a job has."""
    _, _, given = _METHODS[method]
    options = {**plan.options_of(method), **given} | (
        {"samples": samples} if method == "lime" and samples else {}
    )
    recipe = partial(shared.tasks, method, options, texts)
    engine, alone, together = Engine(folder, device, "torch", "bfloat16"), shared.Clock(), shared.Clock()
    for task in recipe(engine, alone):
        task()
    workers = min(max(2, engine.workers), len(alone.done) // 2)
    share_out(engine, recipe, range(len(alone.done)), together, workers)
    rates = alone.rate(1), together.rate(workers)
    return {
        "sentences a second of one process": rates[0],
        f"of {workers} workers": rates[1],
        "ratio": rates[1] / rates[0],
    }


def train(folder: Path, device: str, size: Size, soft: bool) -> dict[str, float]:
    """Steps a second, and memory, of fine-tuning or of distilling soft logits."""
    model = BertForSequenceClassification.from_pretrained(folder, local_files_only=True).train().to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.randint(5, size.vocabulary, (size.batch, _PIECES), device=device)
    labels = torch.randint(_OUTPUTS, (size.batch,), device=device)
    teacher = torch.randn(size.batch, _OUTPUTS, device=device)

    def step() -> None:
        answer = model(input_ids=ids, labels=labels)
        loss = answer.loss + soft_loss(answer.logits, teacher, 2.0) if soft else answer.loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()

    _forget_peak(device)
    seconds = median([_seconds(step, device) for _ in range(size.steps)][1:])
    return {"steps a second": 1 / seconds, "peak MB": _peak_mb(device)}


def align(folder: Path, device: str, size: Size) -> dict[str, float]:
    """Steps a second of AlignedDistil and of plain masked-language distillation, and memory."""
    _forget_peak(device)
    layers = list(range(0, size.shape["num_hidden_layers"], 2))
    record = aligned.measure(folder, layers, size.batch, _PIECES, size.steps, device)
    rates = {f"steps a second, {name}": 1 / seconds for name, seconds in record["seconds a step"].items()}
    return {**rates, "ratio": record["ratio"], "peak MB": _peak_mb(device)}


def equality(folder: Path, device: str, texts: list[Example]) -> dict[str, float]:
    """Largest difference of logits between the CPU and the device, in full precision."""
    few = [one.texts for one in texts]
    one, other = (Engine(folder, where, "torch").logits(few) for where in ("cpu", device))
    return {"largest difference": float(np.abs(one - other).max()), "must": 1e-4}


def measure(
    sizes: dict[str, Size], device: str, samples: int | None, limit_s: float, keep: Callable[[Any], None]
) -> None:
    """Everything, part by part; what there is no time for is not measured.

    Parameters
    ----------
    sizes : dict
    device : str
        ``cpu`` or ``cuda``.
    samples : int, optional
        LIME's, if not its own.
    limit_s : float
        No part begins later than this.
    keep : callable
        Given all that was measured, after each part: who is cut off keeps what there is.
    """
    end, results = time.monotonic() + limit_s, {name: {} for name in sizes}
    with tempfile.TemporaryDirectory() as scratch:
        parts = [
            (name, what, run)
            for name, size in sizes.items()
            for what, run in _parts(Path(scratch, name), device, size, samples)
        ]
        with tqdm(parts, unit="part") as bar:
            for name, what, run in bar:
                bar.set_description(f"{name} {what}")
                results[name][what] = run() if time.monotonic() < end else NOT_MEASURED
                keep(results)


def _parts(
    folder: Path, device: str, size: Size, samples: int | None
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is measured of a model, by name."""
    texts = build(size, folder)
    yield "equality", partial(equality, folder, device, texts)
    for precision in ("float32", "bfloat16"):
        yield f"forward {precision}", partial(forward, folder, device, precision, size.product)
    for method in _METHODS:
        yield method, partial(explain, method, folder, device, size, texts[:: size.many], samples)
    for method in ("shap", "lime", "occlusion"):
        yield f"{method} by workers", partial(spread, method, folder, device, texts, samples)
    yield "fine-tuning", partial(train, folder, device, size, soft=False)
    yield "soft logits", partial(train, folder, device, size, soft=True)
    yield "AlignedDistil", partial(align, folder, device, size)


def markdown(results: dict[str, Any]) -> str:
    """The section of the page."""
    if "models" not in results:
        return f"{NOT_MEASURED}: {results['why']}."
    lines = [
        (model, work, str(what), f"{value:.3g}" if isinstance(value, float) else str(value))
        for model, works in results["models"].items()
        for work, values in works.items()
        for what, value in (values.items() if isinstance(values, dict) else [("", values)])
    ]
    head = f"{results['device']}; " + ", ".join(f"{k} {v}" for k, v in results["versions"].items())
    return f"{head}\n\n" + table.table(("model", "work", "what", "value"), lines)


def main() -> None:
    """Measure where there is a GPU, write ``gpu.json`` and the page's section."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument(
        "--tiny", action="store_true", help="tiny models, a CPU will do: says only that it runs"
    )
    parser.add_argument("--out", type=Path, help="where gpu.json and RESULTS.md go")
    given = parser.parse_args()
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    results: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "versions": versions("torch", "transformers", "shap", "lime", "captum"),
    }
    here = Path(__file__).parent
    out = given.out or (here.parent / "results/bench" if given.tiny else here)
    out.mkdir(parents=True, exist_ok=True)

    def keep(models: dict[str, Any] | None = None) -> None:
        record = {**results, "models": models} if models else {**results, "why": "torch sees no GPU"}
        (out / "gpu.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        table.insert(out / "RESULTS.md", markdown(record), BEGIN, END)

    if given.tiny:
        measure(TINY, device, 20, _LIMIT_S, keep)
    elif gpu:
        measure(FULL, device, None, _LIMIT_S, keep)
    else:
        keep()
    print(markdown(json.loads((out / "gpu.json").read_text("utf-8"))))


def _seconds(run: Callable[[], Any], device: str) -> float:
    _wait(device)
    start = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _forget_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_mb(device: str) -> float | str:
    """Peak of the device's memory; a CPU has none of its own."""
    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else NOT_MEASURED


if __name__ == "__main__":
    main()
