"""Puts the inputs of an example's masked copies together from pieces, without asking the tokenizer again.

Step by step, for one example:

1. Words that touch each other (``film`` and ``.``) are a *chunk*. A chunk of k words has 2^k states,
   by which of its words are kept. What the tokenizer makes of it depends on its state, not on
   the other chunks: a tokenizer cuts at blanks before it looks for pieces.
2. A few masked copies, in which all states of all chunks occur, are tokenized (`_Table.learn`). Offsets
   say which pieces belong to which chunk.
3. That the parts give the whole is not taken for granted: other copies are tokenized and compared
   (`_compared`), and of an example where one differs nothing is put together.
4. A copy is a row of states, and its input the states' pieces one behind the other. Whole batches of
   copies are gathered by array operations (`Assembly.of`).

A copy that comes out longer than the model sees is tokenized as ever: cutting is the tokenizer's affair.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from tokenizers import Encoding

from distillens.data.text import Example, seed_of
from distillens.models.sequences import Sequences, pieces_at
from distillens.models.tokenizer import Encoder

# What tokenizers call blank differs; of these there is no doubt.
_BLANKS = set(" \t\n\r")
_MOST_WORDS = 6  # of a chunk: 64 states
_RANDOM, _LOCAL_RANDOM = 8, 4
# In its 16 rotations every neighbourhood of four words takes every state.
_WINDOWS = np.array([0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1], dtype=bool)


class _NotLocalError(Exception):
    """The pieces of a chunk depend on more than its state."""


def checks(encoder: Encoder, example: Example) -> int:
    """How many copies are tokenized before the first is put together; fewer are not worth it.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> [checks(Fake(local=local), Example("a", "Not bad.")) for local in (True, False)]
    [8, 31]
    """
    most = max((len(chunk) for chunk in _chunks(example)), default=0)
    return 2 ** min(most, _MOST_WORDS) + len(_compared(encoder, example))


@dataclass(frozen=True, eq=False)
class Assembly:
    """All masked copies of one example, in pieces.

    Use `Assembly.learn`.

    Attributes
    ----------
    firsts : ndarray, shape (slots,)
        Number of the first state of each slot: chunks, and what stands between them.
    weights : ndarray, shape (n_words,)
        What a word that is kept adds to the number of its chunk's state.
    starts : ndarray
        First word of each chunk.
    slots : ndarray
        Slot of each chunk.
    begins, sizes : ndarray, shape (states,)
        Where the pieces of each state stand, and how many there are.
    columns : dict of ndarray
        The pieces of all states.
    """

    firsts: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    slots: np.ndarray
    begins: np.ndarray
    sizes: np.ndarray
    columns: dict[str, np.ndarray]

    @classmethod
    def learn(cls, encoder: Encoder, example: Example) -> "Assembly | None":
        """Take an example apart; None where its copies have to be tokenized.

        Parameters
        ----------
        encoder : Encoder
        example : Example
        """
        chunks = _chunks(example)
        if not chunks or max(map(len, chunks)) > _MOST_WORDS:
            return None
        try:
            assembly = _Table(encoder, example, chunks).learn()
        except _NotLocalError:
            return None
        keep = _compared(encoder, example)
        expected = encoder.sequences(encoder.without(example, keep))
        return assembly if _same(assembly.of(keep), expected) else None

    def of(self, keep: np.ndarray) -> Sequences:
        """The inputs of copies.

        Parameters
        ----------
        keep : ndarray of bool, shape (copies, n_words)
        """
        states = np.broadcast_to(self.firsts, (len(keep), len(self.firsts))).copy()
        states[:, self.slots] += np.add.reduceat(keep * self.weights, self.starts, axis=1, dtype=states.dtype)
        sizes = self.sizes[states]
        places = pieces_at(self.begins[states].ravel(), sizes.ravel())
        columns = {name: pieces[places] for name, pieces in self.columns.items()}
        return Sequences(columns, sizes.sum(axis=1))


@dataclass
class _Table:
    """What is found of an example while it is taken apart.

    Slots: what stands before the first chunk of a segment (special tokens), its chunks, and so on;
    the last is what stands behind all.
    """

    encoder: Encoder
    example: Example
    chunks: list[range]
    slot_of: list[int] = field(init=False)
    pieces: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = self.example.words
        self.slot_of = [number + words[chunk[0]].segment + 1 for number, chunk in enumerate(self.chunks)]
        self.last = len(self.chunks) + len(self.example.texts)

    def learn(self) -> Assembly:
        """Tokenize copies in which every state of every chunk occurs."""
        counts = [2 ** len(chunk) for chunk in self.chunks]
        rows = np.arange(max(counts))
        states = np.stack([rows % count for count in counts], axis=1)
        keep = np.concatenate(
            [(rows[:, None] % 2 ** len(chunk) >> np.arange(len(chunk))) & 1 == 1 for chunk in self.chunks],
            axis=1,
        )
        encoded = self.encoder.tokenized(self.encoder.without(self.example, keep))
        for row, own, one in zip(keep, states.tolist(), encoded, strict=True):
            if one.overflowing:
                raise _NotLocalError
            self._add(own, self._slots(row, one), list(zip(one.ids, one.type_ids, strict=True)))
        return self._assembly(counts)

    def _slots(self, row: np.ndarray, one: Encoding) -> Iterator[int]:
        """The slot of each piece: of the chunk that it overlaps, else of the next one in its segment."""
        ends, begins, after = self._places(row)
        slot, chunk, now = 0, 0, None
        for segment, (start, end) in zip(one.sequence_ids, one.offsets, strict=True):
            if segment is None:
                slot = max(slot, 0 if now is None else after[now])
            else:
                if segment != now:
                    now, chunk = segment, 0
                while chunk < len(ends[now]) and ends[now][chunk] <= start:
                    chunk += 1
                if chunk + 1 < len(begins[now]) and begins[now][chunk + 1] < end:
                    raise _NotLocalError  # of two chunks
                own = after[now] - len(ends[now]) + chunk
                if own < slot:
                    raise _NotLocalError
                slot = own
            yield slot

    def _places(self, row: np.ndarray) -> tuple[list[list[int]], list[list[int]], list[int]]:
        """Where the chunks of each segment begin and end in a masked copy; the slot behind them."""
        words, removed = self.example.words, len(self.encoder.mask)
        ends: list[list[int]] = [[] for _ in self.example.texts]
        begins: list[list[int]] = [[] for _ in self.example.texts]
        shift = [0] * len(ends)
        after = [0] * len(ends)
        kept = row.tolist()
        for number, chunk in enumerate(self.chunks):
            segment = words[chunk[0]].segment
            begins[segment].append(words[chunk[0]].start + shift[segment])
            for word in chunk:
                if not kept[word]:
                    shift[segment] += removed - (words[word].end - words[word].start)
            ends[segment].append(words[chunk[-1]].end + shift[segment])
            after[segment] = self.slot_of[number] + 1
        for segment in range(len(after)):
            if not ends[segment]:
                after[segment] = after[segment - 1] + 1 if segment else 1
        return ends, begins, after

    def _add(self, states: list[int], slots: Iterator[int], pieces: list[tuple[int, int]]) -> None:
        own: list[list[tuple[int, int]]] = [[] for _ in range(self.last + 1)]
        for slot, piece in zip(slots, pieces, strict=True):
            own[slot].append(piece)
        state_of = dict(zip(self.slot_of, states, strict=True))
        for slot, found in enumerate(own):
            if self.pieces.setdefault((slot, state_of.get(slot, 0)), found) != found:
                raise _NotLocalError

    def _assembly(self, counts: list[int]) -> Assembly:
        slots = self.last + 1
        count_of = dict(zip(self.slot_of, counts, strict=True))
        every = [self.pieces[slot, state] for slot in range(slots) for state in range(count_of.get(slot, 1))]
        sizes = np.array([len(found) for found in every])
        flat = np.array([piece for found in every for piece in found], dtype=np.int64).reshape(-1, 2)
        columns = {"input_ids": flat[:, 0].copy()}
        if "token_type_ids" in self.encoder.inputs:
            columns["token_type_ids"] = flat[:, 1].copy()
        states = np.array([count_of.get(slot, 1) for slot in range(slots)])
        return Assembly(
            firsts=np.cumsum(states) - states,
            weights=np.concatenate([2 ** np.arange(len(chunk)) for chunk in self.chunks]),
            starts=np.array([chunk[0] for chunk in self.chunks]),
            slots=np.array(self.slot_of),
            begins=np.cumsum(sizes) - sizes,
            sizes=sizes,
            columns=columns,
        )


def _chunks(example: Example) -> list[range]:
    """Runs of words with no blank between them."""
    words, starts = example.words, []
    for number, word in enumerate(words):
        before = words[number - 1] if number else None
        between = example.texts[word.segment][before.end : word.start] if before else ""
        if before is None or before.segment != word.segment or not _BLANKS.isdisjoint(between):
            starts.append(number)
    return [range(start, stop) for start, stop in zip(starts, [*starts[1:], len(words)], strict=True)]


def _compared(encoder: Encoder, example: Example) -> np.ndarray:
    """The copies by which it is found out whether an example can be put together.

    Random ones; where the tokenizer is not known to cut at blanks, also every word removed alone and
    every neighbourhood of four words in every state.
    """
    words = len(example.words)
    rng = np.random.default_rng(seed_of("assembly", *example.texts))
    shares = rng.random((_LOCAL_RANDOM if encoder.local else _RANDOM, 1))
    drawn = rng.random((len(shares), words)) < shares
    if encoder.local:
        return drawn
    places = (np.arange(words) + np.arange(len(_WINDOWS))[:, None]) % len(_WINDOWS)
    return np.concatenate([drawn, ~np.eye(words, dtype=bool), _WINDOWS[places]])


def _same(one: Sequences, other: Sequences) -> bool:
    return np.array_equal(one.lengths, other.lengths) and all(
        np.array_equal(one.columns[name], other.columns[name]) for name in one.columns
    )
