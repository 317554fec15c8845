"""The one way to a finished model's outputs: each distinct input once, in full batches.

Requests are sorted by length and packed under a budget of tokens (padding included),
so that little is spent on padding and the device is busy whatever the caller's rhythm.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache
from safetensors import safe_open

from distillens.data.text import Example
from distillens.joblog import Progress
from distillens.models.asking import Asking
from distillens.models.black_box import CARD, BlackBox
from distillens.models.copies import Copies, sequences
from distillens.models.forward_pass import Backend, OnnxBackend, TorchBackend, choose
from distillens.models.masks import Masks
from distillens.models.removal import MASK, Rule
from distillens.models.sequences import Sequences
from distillens.models.tokenizer import Encoder, Segments
from distillens.models.windowed import Windowed, read_in_windows
from distillens.provenance import digest

_ENCODED_AT_ONCE = 8192
# Tokens of the batch by which is found out how many fit, and its length: longer texts take more memory.
_TRIAL, _LONG = 4096, 512
_SHARE = 0.8  # of the memory that is free


class Engine:
    """A finished classifier behind a cache of what it has already been asked.

    Parameters
    ----------
    folder : str or Path
        A model's folder, as training wrote it.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    backend : str or Backend
        ``torch``, ``onnxruntime`` (CPU only, the folder must have a ``model.onnx``), or
        ``auto``; see `distillens.models.forward_pass.choose`. Or one that is there already.
    precision : str
        ``float32``; ``tf32`` (matrix products of a GPU's tensor cores, weights in float32) or
        ``bfloat16``, which only torch has.
    remembered : int
        How many distinct inputs the cache holds; the least recently used go first.
    change : callable, optional
        Changes the loaded model in place, such as a damage; it then runs on torch, whatever ``backend`` says.
    rule : str or mapping
        How a removed word looks; see `distillens.models.removal.without`.

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
        backend: str | Backend = "torch",
        precision: str = "float32",
        remembered: int = 50_000,
        change: Callable[[Any], None] | None = None,
        rule: Rule = MASK,
    ) -> None:
        self.folder, self._device, self._precision = Path(folder), device, precision
        self._change = change
        if isinstance(backend, str):
            # A graph is of the model as it was.
            chosen = choose(device, backend, precision) if change is None else "torch"
            backend = OnnxBackend(self.folder) if chosen == "onnxruntime" else self.differentiable
        self.backend: Backend = backend
        self.encoder = Encoder(folder, self.backend.inputs, rule)
        self.at_once, self.tokens = self.backend.at_once, self._fitting()
        self._lanes = ThreadPoolExecutor(self.backend.lanes)
        self._cache: LRUCache[Segments, np.ndarray] = LRUCache(remembered)
        self._copies: OrderedDict[Any, Copies] = OrderedDict()
        self._remembered = remembered

    def _fitting(self) -> int:
        """The budget of a batch: the backend's, or less where its memory holds less."""
        length = min(self.encoder.max_length, _LONG)
        trial = np.ones((max(1, _TRIAL // length), length), dtype=np.int64)
        room = self.backend.room(dict.fromkeys(self.encoder.inputs, trial))
        return tokens_that_fit(trial.size, room, self.backend.lanes, self.backend.tokens)

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

    @cached_property
    def identity(self) -> str:
        """Digest of the weights."""
        return digest(self.folder / "model.safetensors")

    def seconds(self, texts: Sequence[Segments]) -> list[float]:
        """About how long a forward pass of each text takes; only the order of magnitude matters."""
        each = self.flop_per_token / self.backend.speed
        return [len(encoded["input_ids"]) * each for encoded in self.encoder.encode(texts)]

    def provenance(self) -> dict[str, Any]:
        """What an artefact says of the model that it came from."""
        return {
            "model_sha256": self.identity,
            "tokenizer_sha256": digest(self.folder / "tokenizer.json"),
            **self.backend.provenance(),
        }

    @property
    def workers(self) -> int:
        """How many processes prepare what it computes (`distillens.models.workers`)."""
        return self.backend.workers

    @property
    def batching(self) -> dict[str, int]:
        """What decides which inputs share a batch, and so the last digits of logits."""
        return {"lanes": self.backend.lanes, "tokens": self.tokens}

    def deviation(self, texts: Sequence[Segments]) -> dict[str, float]:
        """The largest difference of logits from those in full precision, for a table's metadata.

        Parameters
        ----------
        texts : sequence of tuples

        Returns
        -------
        dict
            ``precision_difference``; empty in full precision.
        """
        if self._precision == "float32" or not texts:
            return {}
        full = Engine(self.folder, self._device, "torch", change=self._change)
        return {"precision_difference": float(np.abs(self.logits(texts) - full.logits(texts)).max())}

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
            some = new[start : start + _ENCODED_AT_ONCE]
            for text, row in zip(some, self._computed(self.encoder.sequences(some), progress), strict=True):
                answers[text] = row
                self._cache[text] = row.copy()
        return np.array([answers[text] for text in texts], dtype=np.float32)

    def masked(self, asked: Sequence[Masks]) -> np.ndarray:
        """Logits of examples without some of their words.

        Copies of an example that are alike are computed once, and remembered.

        Parameters
        ----------
        asked : sequence of Masks

        Returns
        -------
        ndarray of float32, shape (copies of all, outputs)
        """
        copies = [self._copies_of(one.example) for one in asked]
        numbers = [own.numbers_of(one.keep) for own, one in zip(copies, asked, strict=True)]
        try:
            self._answer_new(list(dict.fromkeys(copies)))
        except BaseException:
            self._copies.clear()  # some have numbers, but no logits
            raise
        rows = [own.logits[own_numbers] for own, own_numbers in zip(copies, numbers, strict=True)]
        self._forget_oldest()
        return np.concatenate(rows) if rows else np.empty((0, 0), dtype=np.float32)

    def forget(self) -> None:
        """Empty the cache, so that what follows does not depend on what was asked before."""
        self._cache.clear()
        self._copies.clear()

    def _copies_of(self, example: Example) -> Copies:
        key = (example.texts, example.unit, example.units)
        if key in self._copies:
            self._copies.move_to_end(key)
        else:
            self._copies[key] = Copies(self.encoder, example, self._cache.get(example.texts))
        return self._copies[key]

    def _answer_new(self, copies: Sequence[Copies]) -> None:
        waiting: list[tuple[Copies, np.ndarray]] = []
        room = _ENCODED_AT_ONCE
        for own in copies:
            new = own.new()
            while len(new):
                some, new = new[:room], new[room:]
                waiting.append((own, some))
                room -= len(some)
                if not room:
                    self._answer(waiting)
                    waiting, room = [], _ENCODED_AT_ONCE
        self._answer(waiting)

    def _answer(self, waiting: Sequence[tuple[Copies, np.ndarray]]) -> None:
        if not waiting:
            return
        outputs = self._computed(sequences(self.encoder, waiting))
        start = 0
        for own, keep in waiting:
            own.add(outputs[start : start + len(keep)])
            start += len(keep)

    def _forget_oldest(self) -> None:
        held = sum(map(len, self._copies.values()))
        while held > self._remembered and self._copies:
            held -= len(self._copies.popitem(last=False)[1])

    def _computed(self, inputs: Sequences, progress: Progress | None = None) -> np.ndarray:
        """The logits of every input, computed in batches of like lengths."""
        # While the lanes compute, further batches are filled.
        batches = list(self._batches(inputs.lengths))
        answers: np.ndarray | None = None
        outputs = self._lanes.map(partial(self._forward, inputs), batches)
        for rows, logits in zip(batches, outputs, strict=True):
            if answers is None:
                answers = np.empty((len(inputs), logits.shape[1]), dtype=np.float32)
            answers[rows] = logits
            if progress:
                progress.advance(len(rows))
        return answers

    def _batches(self, lengths: np.ndarray) -> Iterator[np.ndarray]:
        order = np.argsort(-lengths, kind="stable")
        longest = lengths[order].tolist()
        # No lane stands idle while another has all the work.
        budget = min(self.tokens, -(-len(order) * longest[0] // self.backend.lanes))
        start = 0
        while start < len(order):
            # The first of a batch is its longest.
            stop = start + max(1, budget // longest[start])
            yield order[start:stop]
            start = stop

    def _length(self, inputs: Sequences, rows: np.ndarray) -> int:
        """Of a batch: its longest input's, filled up to one of few lengths as far as the model goes."""
        longest, multiple = int(inputs.lengths[rows].max()), self.backend.multiple
        return max(longest, min(-(-longest // multiple) * multiple, self.encoder.max_length))

    def _forward(self, inputs: Sequences, rows: np.ndarray) -> np.ndarray:
        batch = inputs.batch(rows, self.encoder.inputs, self.encoder.pad_id, self._length(inputs, rows))
        try:
            return self.backend.forward(batch)
        except self.backend.out_of_memory:
            if len(rows) == 1:
                raise
        self.tokens = min(self.tokens, max(1, batch["input_ids"].size // 2))
        half = len(rows) // 2
        return np.concatenate([self._forward(inputs, rows[:half]), self._forward(inputs, rows[half:])])


def tokens_that_fit(tokens: int, room: float, lanes: int, most: int) -> int:
    """A budget for batches that the device's memory holds with some to spare.

    A power of two below what fits, so that what is free at the moment seldom decides on how batches are
    shared out.

    Parameters
    ----------
    tokens : int
        Of a batch that was tried.
    room : float
        How many times that batch the memory holds.
    lanes : int
        Batches that are in memory together.
    most : int

    Examples
    --------
    >>> tokens_that_fit(4096, 30.0, lanes=2, most=65536)
    32768
    """
    fitting = _SHARE * tokens * room / lanes
    return most if fitting >= most else 1 << max(0, int(fitting).bit_length() - 1)


@dataclass(frozen=True)
class EngineOptions:
    """Where a model runs, and on what; see `Engine`."""

    device: str = "auto"
    backend: str = "torch"
    precision: str = "float32"
    rule: Rule = MASK
    windows: Mapping[str, Any] | None = None

    def load(
        self,
        folder: str | Path,
        change: Callable[[Any], None] | None = None,
        asking: Asking | None = None,
    ) -> Engine | BlackBox | Windowed:
        """The finished model of a folder, changed if it shall be; its card says if it is only asked."""
        card = Path(folder, CARD)
        if card.is_file() and "asked" in json.loads(card.read_text("utf-8")):
            model = BlackBox.load(folder, self.rule, asking)
        else:
            model = Engine(folder, self.device, self.backend, self.precision, change=change, rule=self.rule)
        return read_in_windows(model, self.windows, self.rule)
