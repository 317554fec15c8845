"""What the host can feed a device that costs nothing: ``python -m bench.host``, with one core a process.

The backend's forward pass is replaced by a look-up in a table, and takes batches of a GPU's size; everything
else is as it is. Explainers that ask with masks take turns with the stock libraries that ask the same engine
with strings, in one process. Processor seconds are counted, so that other programs on the machine matter
less, and the median counts. Each run begins with an engine that has met none of the words.

Then as many workers as there are cores take turns with one process (`bench.shared`). These are seconds on the
clock, so the machine has to be idle; beside them stands what processor seconds say.
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

from bench import measure, ours, peers, sentences, shared, table
from bench.free import EXPLAINERS, free_engine, options_of, texts_asked
from distillens.data.text import Example
from distillens.models.engine import Engine

_ROOT = Path(__file__).parents[1]
_RUN = _ROOT / "results/quickstart"
# The stock library's way; it is slow, so that it has some of the sentences only.
_PEERS = {"shap": ("shap_words", 16), "lime": ("lime", 4), "occlusion": ("occlusion", 8)}
BEFORE = {"shap": 7800, "lime": 13100, "occlusion": 16800}
"""Texts a second of the engine before masks, on an idle core of the machine of the first figures."""
GOALS = {"must": 3, "aim": 6}
BEGIN, END = "<!-- host: begin -->", "<!-- host: end -->"
_TASK = 16  # sentences

# A process is to have one core; libraries read this when they are imported.
_ONE_CORE = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

Run = Callable[[Sequence[Example]], Iterator[np.ndarray]]


class ByStrings(peers.Stock):
    """What the stock libraries take for a model: strings, answered by an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.folder = engine, engine.folder
        self.model = SimpleNamespace(config=SimpleNamespace(num_labels=engine.backend.outputs))
        self.tokenizer = AutoTokenizer.from_pretrained(engine.folder, local_files_only=True)

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Logits by the engine, as many texts at a time as the library gives."""
        return self._engine.logits([(str(text),) for text in texts])


def one_process(folder: Path, every: Sequence[Example], samples: int, repeats: int) -> list[dict[str, Any]]:
    """A row for each explainer, beside the stock library.

    Parameters
    ----------
    folder : Path
        A finished model's.
    every : sequence of Example
        Some are taken, fewer for explainers that ask for more.
    samples : int
        LIME's.
    repeats : int
        Each side is run so often, in turn.
    """
    return [
        _row(folder, method, peer, every[:: EXPLAINERS[method] * step], options_of(method, samples), repeats)
        for method, (peer, step) in _PEERS.items()
    ]


def _row(
    folder: Path, method: str, peer: str, chosen: Sequence[Example], options: dict[str, Any], repeats: int
) -> dict[str, Any]:
    def masks(engine: Engine) -> Run:
        return lambda few: ours.run(engine, method, "word", few, options)

    def strings(engine: Engine) -> Run:
        stock = ByStrings(engine)
        return lambda few: getattr(peers, peer)(stock, few, options)

    sides = {"masks": masks, "strings": strings}
    asked = texts_asked(folder, method, chosen, options)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    values = {}
    for _ in range(repeats):
        for name, side in sides.items():
            engine = free_engine(folder)
            run = side(engine)
            list(run(chosen[:1]))
            engine.forget()
            start = time.process_time()
            values[name] = np.concatenate(list(run(chosen)))
            taken[name].append(time.process_time() - start)
    rates = {name: asked / statistics.median(seconds) for name, seconds in taken.items()}
    return {
        "explainer": method,
        "sentences": len(chosen),
        "texts": asked,
        "texts a second": rates,
        "ratio": rates["masks"] / rates["strings"],
        "to the engine before": rates["masks"] / BEFORE[method],
        **GOALS,
        "largest difference": float(np.abs(values["masks"] - values["strings"]).max()),
    }


def markdown(results: dict[str, Any]) -> str:
    """The section of the page."""
    lines = [
        (
            row["explainer"],
            *(f"{round(row['texts a second'][side], -2):,.0f}" for side in ("masks", "strings")),
            f"{row['ratio']:.1f} x",
            f"{row['to the engine before']:.1f} x",
            f"{both['ratio']:.2f} x",
            f"{both['ratio by processor seconds']:.2f} x",
            f"{row['largest difference']:.0e}",
        )
        for row, both in zip(results["one process"], results["workers"], strict=True)
    ]
    many = results["workers"][0]
    head = (
        "explainer",
        "masks",
        "strings",
        "ratio",
        f"to the engine before (must {GOALS['must']}, aim {GOALS['aim']})",
        f"{many['workers']} workers to one process (must {many['must']:g}, aim {many['aim']:g})",
        "by processor seconds",
        "largest difference",
    )
    return table.table(head, lines)


def main() -> None:
    """Measure, print, and write ``host.json`` beside this file and the section of ``RESULTS.md``."""
    parser = argparse.ArgumentParser(prog="python -m bench.host", description=__doc__)
    add = parser.add_argument
    add("--model", type=Path, default=_RUN / "models/snippets-5/minilm-6/1", help="a run's folder")
    add("--data", type=Path, default=_RUN / "data/snippets-5", help="a task's folder, or one file")
    add("--sentences", type=int, default=2048)
    add("--words", type=int, nargs=2, default=(8, 50), help="fewest and most of a sentence")
    add("--samples", type=int, default=5000, help="LIME's")
    add("--repeats", type=int, default=3)
    add("--workers", type=int, default=measure.cores())
    add("--out", type=Path, default=Path(__file__).parent)
    given = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in _ONE_CORE.items()):
        parser.error(f"start it with {' '.join(f'{name}={value}' for name, value in _ONE_CORE.items())}")
    chosen = sentences.spread(sentences.load(given.data), given.sentences, given.words, lambda one: True)
    results = {
        "one process": one_process(given.model, chosen, given.samples, given.repeats),
        "workers": shared.measure(given.model, chosen, given.samples, given.repeats, given.workers),
    }
    (given.out / "host.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    table.insert(given.out / "RESULTS.md", markdown(results), BEGIN, END)
    print(markdown(results))


if __name__ == "__main__":
    main()
