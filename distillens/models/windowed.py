"""A model that reads texts beyond its longest input, in windows: its output is their combination.

1. A text that fits is asked as ever, one that does not in windows (`distillens.models.windows`). Their logits
   are combined, one by one: the mean, the largest of each, or those of the first window alone.
2. Where words are removed by a mask or a neutral text, windows stay where they are in the whole text, and
   each is asked without those words that it has. So a copy costs only the windows that it changes: the
   others have been asked.
3. Where words are deleted, the rest moves up, and windows are chosen anew.

All this is behind the contract of models, texts to logits: explainers, deletions and predictions see a model
that reads any length.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distillens.data.text import Example
from distillens.joblog import Progress
from distillens.models import removal
from distillens.models.masks import Masks
from distillens.models.tokenizer import ENDLESS, Encoder, Segments
from distillens.models.windows import Window, Windows


class Windowed:
    """A model that reads texts of any length; whatever else is asked of it, the model itself answers.

    Parameters
    ----------
    model : Engine or BlackBox
        With a tokenizer that is known.
    settings : mapping
        The study's ``windows``: ``combine`` and ``overlap``.
    rule : str or mapping
        How a removed word looks; see `distillens.models.removal.without`.

    Attributes
    ----------
    encoder : Encoder
        The model's tokenizer without its limit.
    windows : Windows

    Raises
    ------
    ModelError
        If windows would have nothing but their overlap.
    """

    def __init__(self, model: Any, settings: Mapping[str, Any], rule: removal.Rule) -> None:
        self.model, self.settings, self._rule = model, dict(settings), rule
        self.windows = Windows(model.encoder, settings["overlap"], str(model.folder))
        self.encoder = self.windows.whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    @property
    def tokens(self) -> int:
        """Budget of a batch."""
        return self.model.tokens

    @tokens.setter
    def tokens(self, tokens: int) -> None:
        self.model.tokens = tokens

    def provenance(self) -> dict[str, Any]:
        """What an artefact says of the model that it came from."""
        return {**self.model.provenance(), "windows": self.settings}

    def seconds(self, texts: Sequence[Segments]) -> list[float]:
        """About how long each text takes."""
        parts = self.windows.parts(texts)
        each = iter(self.model.seconds([part for own in parts for part in own]))
        return [sum(next(each) for _ in own) for own in parts]

    def deviation(self, texts: Sequence[Segments]) -> dict[str, float]:
        """The largest difference of a window's logits from those in full precision."""
        return self.model.deviation([part for own in self.windows.parts(texts) for part in own][: len(texts)])

    def logits(self, texts: Sequence[Segments], progress: Progress | None = None) -> np.ndarray:
        """Logits of texts or pairs; see `distillens.models.engine.Engine.logits`."""
        parts = self.windows.parts(texts)
        asked = [part for own in parts for part in own]
        if len(asked) == len(texts):
            return self.model.logits(texts, progress)
        outputs = self.model.logits(asked, progress and _Scaled(progress, len(texts) / len(asked)))
        return self._of_texts(outputs, [len(own) for own in parts])

    def masked(self, asked: Sequence[Masks]) -> np.ndarray:
        """Logits of examples without some of their words; see `distillens.models.engine.Engine.masked`."""
        windows = [self.windows.of(one.example) for one in asked]
        if all(len(own) == 1 for own in windows):
            return self.model.masked(asked)
        deleted = self._rule == removal.DELETE
        kept = [number for number, own in enumerate(windows) if len(own) == 1 or not deleted]
        requests = [
            asked[number] if len(windows[number]) == 1 else one.of(asked[number].keep)
            for number in kept
            for one in windows[number]
        ]
        outputs, place = self.model.masked(requests), 0
        rows: dict[int, np.ndarray] = {}
        for number in kept:
            copies, own = len(asked[number]), len(windows[number])
            of_windows = outputs[place : place + own * copies].reshape(own, copies, outputs.shape[1])
            rows[number] = combined(of_windows, self.settings["combine"])
            place += own * copies
        for number in sorted(set(range(len(asked))) - set(kept)):
            one = asked[number]
            rows[number] = self.logits(removal.without(one.example, one.keep, self._rule, None))
        return np.concatenate([rows[number] for number in range(len(asked)) if len(asked[number])])

    def _of_texts(self, outputs: np.ndarray, counts: Sequence[int]) -> np.ndarray:
        ends = np.cumsum(counts)
        how = self.settings["combine"]
        of_each = zip(ends - counts, ends, strict=True)
        return np.array([combined(outputs[start:end], how) for start, end in of_each], dtype=np.float32)


class _Scaled:
    """Progress that counts texts while their windows are answered."""

    def __init__(self, progress: Progress, share: float) -> None:
        self._progress, self._share, self._done = progress, share, 0

    def advance(self, count: int = 1) -> None:
        before, self._done = self._done, self._done + count
        self._progress.advance(round(self._done * self._share) - round(before * self._share))


def read_in_windows(model: Any, settings: Mapping[str, Any] | None, rule: removal.Rule) -> Any:
    """The model, reading long texts in windows if the study says so; one without a known limit as it is.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> endpoint = Fake(encoder=None)  # what it cuts off, only it knows
    >>> read_in_windows(endpoint, {"combine": "mean", "overlap": 32}, "delete") is endpoint
    True
    """
    limited = isinstance(model.encoder, Encoder) and model.encoder.max_length < ENDLESS
    return Windowed(model, settings, rule) if settings and limited else model


def settings_of(model: Any) -> dict[str, Any] | None:
    """What the study says of windows to a model that has any.

    Examples
    --------
    >>> settings_of("a model that cuts texts off") is None
    True
    """
    return model.settings if isinstance(model, Windowed) else None


def windows_of(model: Any, example: Example) -> list[Window]:
    """The windows in which any model reads an example; one where it cuts texts off.

    Examples
    --------
    >>> [one.words.tolist() for one in windows_of("a model that cuts texts off", Example("a", "Not bad"))]
    [[0, 1]]
    """
    if isinstance(model, Windowed):
        return model.windows.of(example)
    return [Window(example, np.arange(len(example.words)))]


def parts_of(model: Any, text: Segments) -> list[Segments]:
    """What of a text any model is asked at once: its windows, or the text where it is cut off.

    Examples
    --------
    >>> parts_of("a model that cuts texts off", ("Not bad",))
    [('Not bad',)]
    """
    return model.windows.parts([text])[0] if isinstance(model, Windowed) else [text]


def cutting(model: Any) -> Encoder:
    """The tokenizer of a model's windows, or of its texts where it cuts them off.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> cutting(Fake(encoder="its tokenizer"))
    'its tokenizer'
    """
    return model.windows.limited if isinstance(model, Windowed) else model.encoder


def combine_of(model: Any) -> str:
    """How a model combines its windows; there is but a first one where it cuts texts off.

    Examples
    --------
    >>> combine_of("a model that cuts texts off")
    'first'
    """
    return (settings_of(model) or {"combine": "first"})["combine"]


def combined(outputs: np.ndarray, how: str) -> np.ndarray:
    """Combine the logits of windows.

    Parameters
    ----------
    outputs : ndarray of float32, shape (windows, ...)
    how : str
        ``mean``, ``max`` or ``first``.

    Returns
    -------
    ndarray of float32, shape (...)

    Examples
    --------
    >>> both = np.array([[0.0, 3.0], [2.0, 1.0]], dtype=np.float32)
    >>> [combined(both, how).tolist() for how in ("mean", "max", "first")]
    [[1.0, 2.0], [2.0, 3.0], [0.0, 3.0]]
    """
    if how == "first" or len(outputs) == 1:
        return outputs[0]
    return outputs.max(axis=0) if how == "max" else outputs.mean(axis=0, dtype=np.float64).astype(np.float32)
