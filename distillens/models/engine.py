"""The one way to a finished model's outputs: each distinct input once, in full batches.

Requests are sorted by length and packed under a budget of tokens (padding included),
so that little is spent on padding and the device is busy whatever the caller's rhythm.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache
from safetensors import safe_open

from distillens.joblog import Progress
from distillens.models.backends import Backend, OnnxBackend, TorchBackend, choose
from distillens.models.tokenizer import Encoded, Encoder, Segments
from distillens.provenance import digest

_ENCODED_AT_ONCE = 8192


class Engine:
    """A finished classifier behind a cache of what it has already been asked.

    Parameters
    ----------
    folder : str or Path
        A model's folder, as training wrote it.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    backend : str
        ``torch``, ``onnxruntime`` (CPU only, the folder must have a ``model.onnx``), or
        ``auto``; see `distillens.models.backends.choose`.
    precision : str
        ``float32``, or ``bfloat16`` (torch only).
    remembered : int
        How many distinct inputs the cache holds; the least recently used go first.
    change : callable, optional
        Changes the loaded model in place, such as a damage; it then runs on torch, whatever ``backend`` says.

    Attributes
    ----------
    at_once : int
        How many sentences an explainer should advance together.
    tokens : int
        Budget of a batch, padding included.
    """

    def __init__(
        self,
        folder: str | Path,
        device: str = "auto",
        backend: str = "torch",
        precision: str = "float32",
        remembered: int = 50_000,
        change: Callable[[Any], None] | None = None,
    ) -> None:
        self.folder, self._device, self._precision = Path(folder), device, precision
        self._change = change
        # A graph is of the model as it was.
        chosen = choose(device, backend, precision) if change is None else "torch"
        self.backend: Backend = OnnxBackend(self.folder) if chosen == "onnxruntime" else self.differentiable
        self.encoder = Encoder(folder, self.backend.inputs)
        self.tokens, self.at_once = self.backend.tokens, self.backend.at_once
        self._lanes = ThreadPoolExecutor(self.backend.lanes)
        self._cache: LRUCache[Segments, np.ndarray] = LRUCache(remembered)

    @cached_property
    def differentiable(self) -> TorchBackend:
        """The model with its gradients, whatever computes its outputs."""
        return TorchBackend(self.folder, self._device, self._precision, change=self._change)

    @cached_property
    def attentive(self) -> TorchBackend:
        """The whole model with attention weights that can be read."""
        return TorchBackend(self.folder, self._device, self._precision, whole=True, change=self._change)

    @cached_property
    def flop_per_token(self) -> int:
        """Multiplications and additions by the encoder's matrices, for one token of one text."""
        with safe_open(self.folder / "model.safetensors", framework="numpy") as weights:
            shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
        matrices = [np.prod(s) for name, s in shapes.items() if len(s) == 2 and "embedding" not in name]
        return 2 * int(sum(matrices))

    @property
    def mask(self) -> str:
        """The token that replaces a removed word."""
        return self.encoder.mask

    def provenance(self) -> dict[str, Any]:
        """What an artefact says of the model that it came from."""
        return {
            "model_sha256": digest(self.folder / "model.safetensors"),
            "tokenizer_sha256": digest(self.folder / "tokenizer.json"),
            **self.backend.provenance(),
        }

    def logits(self, texts: Sequence[Segments], progress: Progress | None = None) -> np.ndarray:
        """Logits of texts or pairs.

        Parameters
        ----------
        texts : sequence of tuples
            One or two segments each; repetitions cost nothing.
        progress : Progress, optional
            Advanced by every input as it is answered.

        Returns
        -------
        ndarray of float32, shape (len(texts), outputs)
        """
        answers = {text: self._cache.get(text) for text in texts}
        new = sorted(text for text, answer in answers.items() if answer is None)
        if progress:
            progress.advance(len(texts) - len(new))
        # Encodings are larger than their texts: only so many exist at a time.
        for start in range(0, len(new), _ENCODED_AT_ONCE):
            batches = list(self._batches(new[start : start + _ENCODED_AT_ONCE]))
            outputs = self._lanes.map(self._forward, [encoded for _, encoded in batches])
            for (batch, _), rows in zip(batches, outputs, strict=True):
                for text, row in zip(batch, rows, strict=True):
                    answers[text] = row
                    self._cache[text] = row.copy()
                if progress:
                    progress.advance(len(batch))
        return np.array([answers[text] for text in texts], dtype=np.float32)

    def forget(self) -> None:
        """Empty the cache, so that what follows does not depend on what was asked before."""
        self._cache.clear()

    def _batches(self, texts: list[Segments]) -> Iterator[tuple[list[Segments], list[Encoded]]]:
        encoded = self.encoder.encode(texts)
        order = sorted(range(len(texts)), key=lambda number: len(encoded[number]["input_ids"]), reverse=True)
        lengths = [len(encoded[number]["input_ids"]) for number in order]
        # No lane stands idle while another has all the work.
        budget = min(self.tokens, -(-len(texts) * max(lengths, default=0) // self.backend.lanes))
        start = 0
        while start < len(order):
            # The first of a batch is its longest.
            stop = start + max(1, budget // lengths[start])
            chosen, start = order[start:stop], stop
            yield [texts[number] for number in chosen], [encoded[number] for number in chosen]

    def _forward(self, encoded: list[Encoded]) -> np.ndarray:
        batch = self.encoder.pad(encoded)
        try:
            return self.backend.forward(batch)
        except self.backend.out_of_memory:
            if len(encoded) == 1:
                raise
        self.tokens = min(self.tokens, max(1, batch["input_ids"].size // 2))
        half = len(encoded) // 2
        return np.concatenate([self._forward(encoded[:half]), self._forward(encoded[half:])])


@dataclass(frozen=True)
class EngineOptions:
    """Where a model runs, and on what; see `Engine`."""

    device: str = "auto"
    backend: str = "torch"
    precision: str = "float32"

    def load(self, folder: str | Path, change: Callable[[Any], None] | None = None) -> Engine:
        """The finished model of a folder, changed if it shall be."""
        return Engine(folder, **asdict(self), change=change)
