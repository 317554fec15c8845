"""A model that costs nothing, so that what is measured is the host."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import ours, plan
from distillens.data.text import Example
from distillens.models.engine import Engine

EXPLAINERS = {"shap": 4, "lime": 16, "occlusion": 1}
"""Every how many sentences are taken: others ask for little of each."""


class FreeBackend:
    """Answers at once: what a batch's first pieces say of a table of random numbers."""

    tokens, at_once, lanes = 65536, 128, 2  # a GPU's

    def __init__(self, backend: Any, outputs: int) -> None:
        self._backend, self.outputs = backend, outputs
        self._table = np.random.default_rng(0).normal(size=(1 << 16, outputs)).astype(np.float32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Numbers that depend on the text, in next to no time."""
        return self._table[
            (batch["input_ids"][:, :8] * np.arange(1, 9)[: batch["input_ids"].shape[1]]).sum(1) % 65536
        ]


def free_engine(folder: Path) -> Engine:
    """An engine whose model costs nothing; the weights of the folder do not matter."""
    outputs = len(json.loads((folder / "config.json").read_text("utf-8"))["id2label"])
    return Engine(folder, "cpu", FreeBackend(Engine(folder, "cpu", "auto").backend, outputs))


def options_of(method: str, samples: int) -> dict[str, Any]:
    """An explainer's options in all rows; LIME has so many samples."""
    return plan.options_of(method) | ({"samples": samples} if method == "lime" else {})


def texts_asked(folder: Path, method: str, chosen: Sequence[Example], options: dict[str, Any]) -> int:
    """How many texts an explainer asks for."""
    engine, counts = free_engine(folder), []
    masked = engine.masked
    engine.masked = lambda requests: counts.append(sum(map(len, requests))) or masked(requests)
    list(ours.run(engine, method, "word", chosen, options))
    return sum(counts)
