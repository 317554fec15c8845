"""What the host can feed a device that costs nothing: ``python -m bench.host``.

The backend's forward pass is replaced by a look-up in a table, everything else is as it is. Explainers that
ask with masks take turns with the stock libraries that ask the same engine with strings, in one process;
processor seconds are counted, so that other programs on the machine matter less, and the median counts.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from bench import ours, peers, plan, sentences
from distillens.data.text import Example
from distillens.models.engine import Engine

_ROOT = Path(__file__).parents[1]
_RUN = _ROOT / "results/quickstart"
# Explainer, the stock library's way, options.
_ROWS = (
    ("shap", "shap_words", {"max_evals": 20000}),
    ("lime", "lime", {"samples": 5000}),
    ("occlusion", "occlusion", {}),
)
MUST, AIM = 3, 6


class FreeBackend:
    """Answers at once: what a batch's first pieces say of a table of random numbers."""

    def __init__(self, backend: Any, outputs: int) -> None:
        self._backend, self._table = backend, np.random.default_rng(0).normal(size=(1 << 16, outputs))
        self._table = self._table.astype(np.float32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Numbers that depend on the text, in next to no time."""
        return self._table[
            (batch["input_ids"][:, :8] * np.arange(1, 9)[: batch["input_ids"].shape[1]]).sum(1) % 65536
        ]


class ByStrings(peers.Stock):
    """What the stock libraries take for a model: strings, answered by an engine."""

    def __init__(self, engine: Engine, outputs: int) -> None:
        self._engine, self.folder = engine, engine.folder
        self.model = SimpleNamespace(config=SimpleNamespace(num_labels=outputs))
        self.tokenizer = AutoTokenizer.from_pretrained(engine.folder, local_files_only=True)

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Logits by the engine, as many texts at a time as the library gives."""
        return self._engine.logits([(str(text),) for text in texts])


def measure(
    folder: Path, chosen: Sequence[Example], samples: int, repeats: int, outputs: int
) -> list[dict[str, Any]]:
    """A row for each explainer.

    Parameters
    ----------
    folder : Path
        A finished model's; its weights do not matter.
    chosen : sequence of Example
    samples : int
        LIME's.
    repeats : int
        Each side is run so often, in turn, after one sentence each to warm up.
    outputs : int
        Of the model.
    """
    engine = Engine(folder, "cpu", "auto")
    engine.backend = FreeBackend(engine.backend, outputs)
    stock, rows = ByStrings(engine, outputs), []
    for method, peer, given in _ROWS:
        options = {**plan.options_of(method), **given} | ({"samples": samples} if method == "lime" else {})
        sides = {
            "masks": lambda few, method=method, options=options: ours.run(
                engine, method, "word", few, options
            ),
            "strings": lambda few, peer=peer, options=options: getattr(peers, peer)(stock, few, options),
        }
        for run in sides.values():
            list(run(chosen[:1]))
        asked = _asked(engine, sides["masks"], chosen)
        taken: dict[str, list[float]] = {name: [] for name in sides}
        values = {}
        for _ in range(repeats):
            for name, run in sides.items():
                seconds, values[name] = _timed(engine, run, chosen)
                taken[name].append(seconds)
        rates = {name: asked / statistics.median(seconds) for name, seconds in taken.items()}
        rows.append(
            {"explainer": method, "sentences": len(chosen), "texts": asked, "texts a second": rates}
            | {"ratio": rates["masks"] / rates["strings"], "must": MUST, "aim": AIM}
            | {"largest difference": float(np.abs(values["masks"] - values["strings"]).max())}
        )
    return rows


def _asked(engine: Engine, run: Callable[..., Iterator[np.ndarray]], chosen: Sequence[Example]) -> int:
    """How many texts an explainer asks for."""
    masked, count = engine.masked, 0

    def counted(requests: Any) -> np.ndarray:
        nonlocal count
        count += sum(map(len, requests))
        return masked(requests)

    engine.masked = counted
    list(run(chosen))
    del engine.masked
    return count


def _timed(
    engine: Engine, run: Callable[..., Iterator[np.ndarray]], chosen: Sequence[Example]
) -> tuple[float, np.ndarray]:
    engine.forget()
    start = time.process_time()
    values = list(run(chosen))
    return time.process_time() - start, np.concatenate(values)


def main() -> None:
    """Measure, print, and write ``host.json`` beside this file."""
    parser = argparse.ArgumentParser(prog="python -m bench.host", description=__doc__)
    add = parser.add_argument
    add("--model", type=Path, default=_RUN / "models/snippets-5/minilm-6/1", help="a run's folder")
    add("--data", type=Path, default=_RUN / "data/snippets-5", help="a task's folder, or one file")
    add("--sentences", type=int, default=32)
    add("--samples", type=int, default=5000, help="LIME's")
    add("--repeats", type=int, default=3)
    add("--out", type=Path, default=Path(__file__).with_name("host.json"))
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    chosen = sentences.spread(sentences.load(given.data), given.sentences, (3, 50), lambda one: True)
    outputs = json.loads((given.model / "config.json").read_text("utf-8"))
    found = measure(given.model, chosen, given.samples, given.repeats, len(outputs["id2label"]))
    given.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
