"""Where the windows are in which a text beyond a model's longest input is read.

Windows are chosen by the pieces of the text: as many whole words as fit, the next one beginning so that it
has at least ``overlap`` pieces in common with the last. They begin at the end at which the model's view would
begin. Each is a text of its own, with the special tokens of one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache

from distillens.data.text import Example, Word
from distillens.data.units import spans
from distillens.models.errors import ModelError
from distillens.models.masks import Masks
from distillens.models.tokenizer import ENDLESS, Encoder, Segments

_REMEMBERED = 50_000
_TRIES = 16
# Examples that an explainer advances together ask time and again.
_AT_ONCE = 256


class Window(NamedTuple):
    """A window as an example of its own, and which of the text's words (or units) stand in it."""

    example: Example
    words: np.ndarray

    def of(self, keep: np.ndarray) -> Masks:
        """The window in copies of the text, of which ``keep`` says which words stay."""
        return Masks(self.example, keep[:, self.words])


class Windows:
    """The windows of texts, by a model's tokenizer.

    Parameters
    ----------
    limited : Encoder
        The model's tokenizer.
    overlap : int
        Pieces that neighbours have in common, at least.
    where : str
        The model, for the message.

    Attributes
    ----------
    whole : Encoder
        The tokenizer without its limit.

    Raises
    ------
    ModelError
        If windows would have nothing but their overlap.
    """

    def __init__(self, limited: Encoder, overlap: int, where: str = "a model") -> None:
        self.limited, self.whole, self.overlap = limited, limited.shortened(ENDLESS), overlap
        self._places: LRUCache[str, list[tuple[int, int]]] = LRUCache(_REMEMBERED)
        self._windows: LRUCache[Any, list[Window]] = LRUCache(_AT_ONCE)
        around = len(self.whole.encode([("",)])[0]["input_ids"])
        if overlap >= limited.max_length - around:
            raise ModelError(
                f"windows.overlap: {overlap} pieces leave nothing new in windows of {limited.max_length} "
                f"({where}); set less"
            )

    def parts(self, texts: Sequence[Segments]) -> list[list[Segments]]:
        """The windows of each text, the first one first; a text that fits is its own only one."""
        new = [text[0] for text in dict.fromkeys(texts) if len(text) == 1 and text[0] not in self._places]
        # A tokenizer makes at most one piece of an ASCII character, and one or two in front of all.
        near = [text for text in new if not text.isascii() or len(text) + 8 > self.limited.max_length]
        windows = dict.fromkeys(new, None) | {
            text: places(self.limited, self.whole, text, self.overlap)
            for text, one in zip(near, self.whole.tokenized([(text,) for text in near]), strict=True)
            if len(one.ids) > self.limited.max_length
        }
        known = {text[0]: self._places[text[0]] for text in texts if text[0] in self._places}
        for text, own in windows.items():
            known[text] = self._places[text] = own or [(0, len(text))]
        return [
            [(text[0][start:end],) for start, end in known[text[0]]] if len(text) == 1 else [text]
            for text in texts
        ]

    def of(self, example: Example) -> list[Window]:
        """The windows of an example; it is its own only one where it fits."""
        key = (example.texts, example.unit, example.units)
        if key not in self._windows:
            (parts,) = self.parts([example.texts])
            own = [Window(example, np.arange(len(example.words)))]
            if len(parts) > 1:
                own = [_window(example, *place) for place in self._places[example.texts[0]]]
            self._windows[key] = own
        return self._windows[key]


def places(limited: Encoder, whole: Encoder, text: str, overlap: int) -> list[tuple[int, int]]:
    """Where the windows of a text begin and end, in characters.

    Windows begin and end at words, so that each reads like a text; a word that is longer than a window
    is cut between its pieces. What stands between words and in no window is nothing that can be seen.

    Parameters
    ----------
    limited, whole : Encoder
        The same tokenizer, with its limit and without.
    text : str
    overlap : int
        Pieces that neighbours have in common, at least.

    Examples
    --------
    >>> import re
    >>> from types import SimpleNamespace as Fake
    >>> def tokenized(texts):  # a piece for each word
    ...     word_spans = [[word.span() for word in re.finditer("[a-z]+", text)] for (text,) in texts]
    ...     return [Fake(ids=own, offsets=own, sequence_ids=[0] * len(own)) for own in word_spans]
    >>> text = "a film of no great joy"
    >>> windows = places(Fake(max_length=3, side="right"), Fake(tokenized=tokenized), text, overlap=1)
    >>> [text[start:end] for start, end in windows]
    ['a film of', 'of no great', 'great joy']
    """
    one = whole.tokenized([(text,)])[0]
    inside = [segment is not None for segment in one.sequence_ids]
    pieces = list(compress(one.offsets, inside))
    around = len(one.ids) - len(pieces)
    room, windows = limited.max_length - around, [(0, len(text))]
    for less in range(min(_TRIES, room)):
        atoms = _atoms(text, pieces, room - less)
        if not atoms:  # nothing that can be seen
            break
        counted = [(first, last) for _, _, first, last in atoms]
        if limited.side == "left":
            counted = [(-last, -first) for first, last in reversed(counted)]
        runs = _runs(counted, room - less, min(overlap, room - less - 1))
        if limited.side == "left":
            runs = [(len(atoms) - stop, len(atoms) - start) for start, stop in runs]
        windows = [(atoms[start][0], atoms[stop - 1][1]) for start, stop in runs]
        texts = [(text[start:end],) for start, end in windows]
        # A word may be other pieces where a text begins with it.
        if all(len(part.ids) <= room + around for part in whole.tokenized(texts)):
            break
    return windows


def _atoms(text: str, pieces: Sequence[tuple[int, int]], room: int) -> list[tuple[int, int, int, int]]:
    """What windows are made of: of each word its start, end, first piece, and the one behind its last."""
    starts, ends = [start for start, _ in pieces], [end for _, end in pieces]
    atoms = []
    for start, end in spans(text, "word"):
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        for place in range(first, max(last, first + 1), room):
            stop = min(place + room, last)
            inner = (start if place == first else starts[place]), (end if stop == last else ends[stop - 1])
            atoms.append((*inner, place, max(stop, place)))
    return atoms


def _runs(atoms: Sequence[tuple[int, int]], room: int, overlap: int) -> list[tuple[int, int]]:
    """Which atoms are in each window, by the first and the last piece of each."""
    runs, start = [], 0
    while True:
        stop = start + 1
        while stop < len(atoms) and atoms[stop][1] - atoms[start][0] <= room:
            stop += 1
        runs.append((start, stop))
        if stop == len(atoms):
            return runs
        following = stop
        while following > start + 1 and max(0, atoms[stop - 1][1] - atoms[following][0]) < overlap:
            following -= 1
        # The next one goes on where this one ends, whatever the overlap.
        while following < stop and atoms[stop][1] - atoms[following][0] > room:
            following += 1
        start = following


def _window(example: Example, start: int, end: int) -> Window:
    """The part of an example, with its words cut to it."""
    text = example.texts[0]
    inside = [number for number, word in enumerate(example.words) if word.start < end and word.end > start]
    words = []
    for number in inside:
        own = example.words[number]
        first, last = max(own.start, start), min(own.end, end)
        words.append(Word(text[first:last], 0, first - start, last - start))
    part = Example(example.example_id, text[start:end], units=tuple(words))
    return Window(part, np.array(inside, dtype=np.int64))
