"""What a model has answered to the masked copies of one example, each distinct one once."""

import numpy as np

from distillens.data.text import Example
from distillens.models.assembly import Assembly, checks
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

    Attributes
    ----------
    logits : ndarray of float32, shape (known copies, outputs)
    """

    def __init__(self, encoder: Encoder, example: Example, whole: np.ndarray | None = None) -> None:
        self._encoder, self._example = encoder, example
        self._numbers: dict[bytes, int] = {}
        self._new: list[np.ndarray] = []
        self._tokenized = 0
        self._assembly: Assembly | None = None
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
        found = [numbers.setdefault(key, len(numbers)) for key in _keys(keep)]
        if len(numbers) > known:
            # Of copies that are alike, the last stands for all.
            rows = np.full(len(numbers) - known, -1)
            places = np.array(found)
            new = np.flatnonzero(places >= known)
            rows[places[new] - known] = new
            self._new.append(keep[rows])
        return found

    def new(self) -> np.ndarray:
        """Masks of the copies that have no logits yet, in the order of their numbers."""
        new, self._new = self._new, []
        return np.concatenate(new) if new else np.empty((0, len(self._example.words)), dtype=bool)

    def add(self, logits: np.ndarray) -> None:
        """Logits of the next ones."""
        self.logits = np.concatenate([self.logits, logits]) if len(self.logits) else logits

    def sequences(self, keep: np.ndarray) -> Sequences:
        """Inputs of copies: tokenized while they are few, else put together where that gives the same.

        Parameters
        ----------
        keep : ndarray of bool, shape (copies, n_words)
        """
        if not self._tried and self._tokenized + len(keep) > checks(self._encoder, keep.shape[1]):
            self._assembly, self._tried = Assembly.learn(self._encoder, self._example), True
        if self._assembly is None:
            self._tokenized += len(keep)
            return self._encoder.sequences(self._encoder.without(self._example, keep))
        inputs = self._assembly.of(keep)
        if (inputs.lengths <= self._encoder.max_length).all():
            return inputs
        return self._encoder.sequences(self._encoder.without(self._example, keep))


def _keys(keep: np.ndarray) -> list[bytes]:
    packed = np.packbits(keep, axis=1)
    width = packed.shape[1]
    data = packed.tobytes()
    return (
        [data[start : start + width] for start in range(0, len(data), width)] if width else [b""] * len(keep)
    )
