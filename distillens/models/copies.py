"""What a model has answered to the masked copies of one example, each distinct one once."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from distillens.data.text import Example
from distillens.models.assembly import Assembly, assembled, checks, learn
from distillens.models.sequences import Sequences
from distillens.models.tokenizer import Encoder


class Copies:
    """The masked copies of an example, found again by the packed bits of their masks.

    Parameters
    ----------
    encoder : Encoder
    example : Example
    whole : ndarray, shape (outputs,), optional
        Logits of the whole text, where they are known.

    Raises
    ------
    ModelError
        If copies would be longer than what the model sees; see `Encoder.check_room`.

    Attributes
    ----------
    logits : ndarray of float32, shape (known copies, outputs)
    assembly : Assembly or None
        The example in pieces, once that pays; None before, and where its copies have to be tokenized.
    """

    def __init__(self, encoder: Encoder, example: Example, whole: np.ndarray | None = None) -> None:
        encoder.check_room(example, encoder.rule)
        self._encoder, self.example = encoder, example
        self._numbers: dict[bytes, int] = {}
        self._new: list[np.ndarray] = []
        self._tokenized = 0
        self.assembly: Assembly | None = None
        self._tried = False
        self.logits = np.empty((0, 0), dtype=np.float32)
        if whole is not None:
            self._numbers[_keys(np.ones((1, len(example.words)), dtype=bool))[0]] = 0
            self.logits = whole[None]

    def __len__(self) -> int:
        return len(self._numbers)

    def numbers_of(self, keep: np.ndarray) -> list[int]:
        """The number of each copy; those that were never asked for get the next ones.

        Parameters
        ----------
        keep : ndarray of bool, shape (copies, n_words)
        """
        numbers, known = self._numbers, len(self._numbers)
        copy_numbers = [numbers.setdefault(key, len(numbers)) for key in _keys(keep)]
        if len(numbers) > known:
            # Of copies that are alike, the last stands for all.
            rows = np.full(len(numbers) - known, -1)
            places = np.array(copy_numbers)
            new = np.flatnonzero(places >= known)
            rows[places[new] - known] = new
            self._new.append(keep[rows])
        return copy_numbers

    def new(self) -> np.ndarray:
        """Masks of the copies that have no logits yet, in the order of their numbers."""
        new, self._new = self._new, []
        return np.concatenate(new) if new else np.empty((0, len(self.example.words)), dtype=bool)

    def add(self, logits: np.ndarray) -> None:
        """Logits of the next ones."""
        self.logits = np.concatenate([self.logits, logits]) if len(self.logits) else logits

    def pays(self, copies: int) -> bool:
        """Whether it is time to take the example apart: with so many more copies, tokenizing takes longer."""
        if self._tried:
            return False
        self._tokenized += copies
        self._tried = self._tokenized > checks(self._encoder, len(self.example.words))
        return self._tried


def sequences(encoder: Encoder, asked: Sequence[tuple[Copies, np.ndarray]]) -> Sequences:
    """Inputs of copies of several examples: put together where that pays and gives the same, else tokenized.

    Parameters
    ----------
    encoder : Encoder
    asked : sequence of tuples
        Copies of an example, and which words stay in those that are wanted; shape (copies, n_words).
    """
    new = [own for own, keep in asked if own.pays(len(keep))]
    for own, assembly in zip(new, learn(encoder, [own.example for own in new]), strict=True):
        own.assembly = assembly
    fast = [(own.assembly, keep) for own, keep in asked if own.assembly]
    whole = assembled(fast) if fast else None
    if whole and len(fast) == len(asked) and whole.lengths.max() <= encoder.max_length:
        return whole
    parts = iter(whole.split([len(keep) for _, keep in fast]) if whole else ())
    own_parts = [next(parts) if own.assembly else None for own, _ in asked]
    texts = [
        [] if part and part.lengths.max() <= encoder.max_length else encoder.without(own.example, keep)
        for part, (own, keep) in zip(own_parts, asked, strict=True)
    ]
    tokenized = encoder.sequences(list(chain.from_iterable(texts))).split(list(map(len, texts)))
    return Sequences.joined(
        [one if own else part for part, own, one in zip(own_parts, texts, tokenized, strict=True)]
    )


def _keys(keep: np.ndarray) -> list[bytes]:
    packed = np.packbits(keep, axis=1)
    width = packed.shape[1]
    data = packed.tobytes()
    return (
        [data[start : start + width] for start in range(0, len(data), width)] if width else [b""] * len(keep)
    )
