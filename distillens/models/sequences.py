"""Inputs of a model in flat arrays, one behind the other; padded only in the batch that is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Sequences:
    """Encoded texts of unlike lengths.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (pieces of all texts,)
        ``input_ids`` and, where the model takes them, ``token_type_ids``.
    lengths : ndarray of int, shape (texts,)
        Pieces of each text.

    Examples
    --------
    >>> two = Sequences({"input_ids": np.array([5, 6, 7])}, np.array([1, 2]))
    >>> two.batch(np.array([1, 0]), ["input_ids", "attention_mask"], pad_id=0, length=2)["input_ids"].tolist()
    [[6, 7], [5, 0]]
    """

    columns: Mapping[str, np.ndarray]
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each text begins."""
        return np.cumsum(self.lengths) - self.lengths

    @classmethod
    def joined(cls, parts: Sequence["Sequences"]) -> "Sequences":
        """Several, one behind the other.

        Examples
        --------
        >>> one = Sequences({"input_ids": np.array([5])}, np.array([1]))
        >>> Sequences.joined([one, one]).lengths.tolist()
        [1, 1]
        """
        if len(parts) == 1:
            return parts[0]
        columns = {name: np.concatenate([one.columns[name] for one in parts]) for name in parts[0].columns}
        return cls(columns, np.concatenate([one.lengths for one in parts]))

    def split(self, counts: Sequence[int]) -> list["Sequences"]:
        """Runs of so many texts each, in order; what `joined` joins.

        Examples
        --------
        >>> both = Sequences({"input_ids": np.array([5, 6, 7])}, np.array([1, 2]))
        >>> [part.columns["input_ids"].tolist() for part in both.split([1, 1])]
        [[5], [6, 7]]
        """
        ends = np.cumsum(counts)[:-1]
        lengths = np.split(self.lengths, ends)
        places = np.cumsum([own.sum() for own in lengths])[:-1]
        columns = {name: np.split(pieces, places) for name, pieces in self.columns.items()}
        return [
            Sequences({name: parts[number] for name, parts in columns.items()}, own)
            for number, own in enumerate(lengths)
        ]

    def batch(
        self, rows: np.ndarray, names: Sequence[str], pad_id: int, length: int
    ) -> dict[str, np.ndarray]:
        """Some of the texts, padded on the right; each input has the shape (texts, length).

        Parameters
        ----------
        rows : ndarray of int
        names : sequence of str
            The model's inputs, in its order.
        pad_id : int
        length : int
            Of the batch; no text is longer.
        """
        lengths = self.lengths[rows]
        there = np.arange(length) < lengths[:, None]
        places = pieces_at(self.starts[rows], lengths)
        batch = {}
        for name in names:
            if name == "attention_mask":
                batch[name] = there.astype(np.int64)
                continue
            batch[name] = np.full(there.shape, pad_id if name == "input_ids" else 0, dtype=np.int64)
            batch[name][there] = self.columns[name][places]
        return batch


def pieces_at(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Places of runs, one behind the other: ``lengths`` places from each of ``starts`` on.

    Examples
    --------
    >>> pieces_at(np.array([7, 2]), np.array([2, 1])).tolist()
    [7, 8, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
