"""Perturbed copies of a split, and how many of them are distinct texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench import sentences
from distillens import registry
from distillens.data.text import Example
from distillens.perturbations.perturb import perturb_examples

SST2 = Path("nyu-mll/glue/sst2/validation.parquet")


def load(path: str | Path) -> list[Example]:
    """The texts of SST-2's validation split, as the hub has it."""
    rows = pq.read_table(path, columns=["idx", "sentence"]).to_pylist()
    return [Example(str(row["idx"]), row["sentence"]) for row in rows]


def copies(
    path: str, out: str, limit: int | None, copies: int, predicted: int, tell: Callable[[int, int], None]
) -> dict[str, Any]:
    """Perturb every text by every perturbation, count distinct texts, keep some for timing.

    Parameters
    ----------
    path, out : str
        SST-2's validation split; where the texts to predict go.
    limit : int or None
        How many texts; all by default.
    copies : int
        Copies by each perturbation.
    predicted : int
        How many texts, at most, are kept: all copies of some, so that they repeat
        themselves as much as all do.
    tell : callable
        Told how many of how many steps are done.

    Returns
    -------
    dict
    """
    chosen = sentences.first(load(path), limit or 1 << 30, lambda _: True)
    texts = {one.example_id: [one.text_a] for one in chosen}
    every = registry.options("perturbation")
    for done, (method, schemas) in enumerate(every.items()):
        options = {name: schema["default"] for name, schema in schemas.items()}
        for row in perturb_examples(chosen, method, method, copies, 7, options):
            texts[row["example_id"]].append(row["text_a"])
        tell(done + 1, len(every))
    total = sum(map(len, texts.values()))
    distinct = len({text for own in texts.values() for text in own})
    kept = list(texts.items())[: max(1, predicted * len(texts) // total)]
    sentences.write(
        Path(out),
        [Example(f"{name}/{number}", text) for name, own in kept for number, text in enumerate(own)],
    )
    return {
        "texts": len(texts),
        "perturbations": len(every),
        "copies": total,
        "distinct": distinct,
        "forwards_share": distinct / total,
    }
