"""Puts the inputs of an example's masked copies together from pieces, without asking the tokenizer again.

Step by step, for one example:

1. What stands between two blanks (``film.``) is a *field*. A field of k words has 2^k states, by which
   of its words are kept. What the tokenizer makes of a field depends on its state, not on the
   other fields: a tokenizer cuts at blanks before it looks for pieces.
2. The pieces of all states are found. Where the tokenizer is known to cut at blanks (`Encoder.local`),
   each field is tokenized by itself, once for all examples; else a few masked copies are tokenized in which
   all states occur, and offsets say which pieces belong to which field.
3. That the parts give the whole is not taken for granted: further copies are tokenized and compared
   (`_compared`), and of an example where one differs nothing is put together.
4. A copy is a row of states, and its input the states' pieces one behind the other. Whole batches of
   copies are gathered by array operations (`Assembly.of`).

A copy that comes out longer than the model sees is tokenized as ever: cutting is the tokenizer's affair.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tokenizers import Encoding

from distillens.data.text import Example, seed_of
from distillens.models.sequences import Sequences, pieces_at
from distillens.models.tokenizer import Encoder, Segments

# What tokenizers call blank differs; of these there is no doubt.
_FIELD = re.compile(r"[^ \t\n\r]+")
_MOST_WORDS = 6  # of a field: 64 states
_RANDOM, _LOCAL_RANDOM = 8, 1
# In its 16 rotations every neighbourhood of four words takes every state.
_WINDOWS = np.array([0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1], dtype=bool)

_Pieces = dict[tuple[int, int], list[int]]  # of each slot and state


class _NotLocalError(Exception):
    """The pieces of a field depend on more than its state."""


def checks(encoder: Encoder, words: int) -> int:
    """About how many copies are tokenized before the first is put together; fewer are not worth it.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> checks(Fake(local=True), 20), checks(Fake(local=False), 20)
    (2, 51)
    """
    return _LOCAL_RANDOM + 1 if encoder.local else words + len(_WINDOWS) + _RANDOM + 7


@dataclass(frozen=True, eq=False)
class Assembly:
    """All masked copies of one example, in pieces.

    Use `Assembly.learn`.

    Attributes
    ----------
    firsts : ndarray, shape (slots,)
        Number of the first state of each slot: fields, and what stands between segments.
    weights : ndarray, shape (n_words,)
        What a word that is kept adds to the number of its field's state.
    starts, slots : ndarray
        First word, and slot, of each field that has words.
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
        try:
            assembly = _learn(encoder, example)
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
        states[:, self.slots] += np.add.reduceat(keep * self.weights, self.starts, axis=1)
        sizes = self.sizes[states]
        places = pieces_at(self.begins[states].ravel(), sizes.ravel())
        columns = {name: pieces[places] for name, pieces in self.columns.items()}
        return Sequences(columns, sizes.sum(axis=1))


@dataclass(frozen=True)
class _Layout:
    """The parts of an example: a slot for each field, and for what stands before and behind a segment's.

    Attributes
    ----------
    slots, words, counts : list
        Of each field: its slot, its words, and its number of states.
    gaps : list of int
        Slots before, between and behind segments.
    fields : list of int
        How many each segment has.
    """

    slots: list[int]
    words: list[range]
    counts: list[int]
    gaps: list[int]
    fields: list[int]

    @classmethod
    def of(cls, example: Example) -> "_Layout":
        slots, words, gaps, fields = [], [], [0], []
        every, number = example.words, 0
        for segment, text in enumerate(example.texts):
            for start, end in _spans(text):
                first = number
                while number < len(every) and every[number].segment == segment and every[number].start < end:
                    if every[number].start < start or every[number].end > end:
                        raise _NotLocalError  # a unit with a blank in it
                    number += 1
                slots.append(gaps[-1] + len(slots) - sum(fields) + 1)
                words.append(range(first, number))
            fields.append(len(slots) - sum(fields))
            gaps.append(gaps[-1] + fields[-1] + 1)
        counts = [2 ** len(own) for own in words]
        if not any(words) or number < len(every) or max(counts) > 2**_MOST_WORDS:
            raise _NotLocalError
        return cls(slots, words, counts, gaps, fields)


def _learn(encoder: Encoder, example: Example) -> Assembly:
    """Find the pieces of every state of every field."""
    layout = _Layout.of(example)
    rows = np.arange(max(layout.counts))[:, None]
    # Row r has every field in its state r; those of fewer states begin anew.
    states = rows % np.array(layout.counts)
    sizes = [len(own) for own in layout.words]
    place = np.concatenate([np.arange(size) for size in sizes])
    copies = encoder.without(example, states[:, np.repeat(np.arange(len(sizes)), sizes)] >> place & 1 == 1)
    find = _pieces_alone if encoder.local else _pieces_in_place
    pieces, kinds = find(encoder, copies, layout)
    count_of = dict(zip(layout.slots, layout.counts, strict=True))
    of_slot = np.array([count_of.get(slot, 1) for slot in range(layout.gaps[-1] + 1)])
    every = [pieces.get((slot, state), []) for slot, count in enumerate(of_slot) for state in range(count)]
    sizes = np.array([len(own) for own in every])
    columns = {"input_ids": np.array([piece for own in every for piece in own], dtype=np.int64)}
    if "token_type_ids" in encoder.inputs:
        columns["token_type_ids"] = np.repeat(np.repeat(kinds, of_slot), sizes)
    return Assembly(
        firsts=np.cumsum(of_slot) - of_slot,
        weights=1 << place,
        starts=np.array([own[0] for own in layout.words if own]),
        slots=np.array([slot for slot, own in zip(layout.slots, layout.words, strict=True) if own]),
        begins=np.cumsum(sizes) - sizes,
        sizes=sizes,
        columns=columns,
    )


def _pieces_alone(encoder: Encoder, copies: list[Segments], layout: _Layout) -> tuple[_Pieces, list[int]]:
    """Pieces of each slot and state, and token types of slots: each field tokenized by itself."""
    frame, types = encoder.frame(len(layout.fields))
    pieces = {(gap, 0): ids for gap, (ids, _) in zip(layout.gaps, frame, strict=True)}
    names, fields = [], []
    for number, copy in enumerate(copies):
        found = [field for text in copy for field in _FIELD.findall(text)]
        if len(found) != len(layout.slots):
            raise _NotLocalError
        new = [place for place, count in enumerate(layout.counts) if number < count]
        names += [(layout.slots[place], number) for place in new]
        fields += [found[place] for place in new]
    pieces.update(zip(names, encoder.alone(fields), strict=True))
    kinds = [frame[0][1]]
    for count, kind, (_, behind) in zip(layout.fields, types, frame[1:], strict=True):
        kinds += [kind] * count + [behind]
    return pieces, kinds


def _pieces_in_place(encoder: Encoder, copies: list[Segments], layout: _Layout) -> tuple[_Pieces, list[int]]:
    """The same, cut out of whole copies."""
    pieces: _Pieces = {}
    kinds = [0] * (layout.gaps[-1] + 1)
    for number, (copy, one) in enumerate(zip(copies, encoder.tokenized(copies), strict=True)):
        if one.overflowing:
            raise _NotLocalError
        own: dict[int, list[int]] = {slot: [] for slot in range(len(kinds))}
        for slot, piece, kind in zip(_slots(copy, one, layout), one.ids, one.type_ids, strict=True):
            own[slot].append(piece)
            kinds[slot] = kind
        state_of = {slot: number % count for slot, count in zip(layout.slots, layout.counts, strict=True)}
        for slot, found in own.items():
            if pieces.setdefault((slot, state_of.get(slot, 0)), found) != found:
                raise _NotLocalError
    return pieces, kinds


def _slots(copy: Segments, one: Encoding, layout: _Layout) -> Iterator[int]:
    """The slot of each piece: of the field that it overlaps, else of the next one in its segment."""
    spans = [_spans(text) for text in copy]
    if [len(own) for own in spans] != layout.fields:
        raise _NotLocalError
    slot = field = 0
    now: int | None = None
    for segment, (start, end) in zip(one.sequence_ids, one.offsets, strict=True):
        if segment is None:
            slot = max(slot, 0 if now is None else layout.gaps[now + 1])
        else:
            if segment != now:
                now, field = segment, 0
            own = spans[now]
            while field < len(own) and own[field][1] <= start:
                field += 1
            if field + 1 < len(own) and own[field + 1][0] < end:
                raise _NotLocalError  # of two fields
            if layout.gaps[now] + 1 + field < slot:
                raise _NotLocalError
            slot = layout.gaps[now] + 1 + field
        yield slot


def _spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _FIELD.finditer(text)]


def _compared(encoder: Encoder, example: Example) -> np.ndarray:
    """The copies by which it is found out whether an example can be put together.

    Random ones; where the tokenizer is not known to cut at blanks, also the whole, every word removed alone,
    and every neighbourhood of four words in every state.
    """
    words = len(example.words)
    rng = np.random.default_rng(seed_of("assembly", *example.texts))
    shares = rng.random((_LOCAL_RANDOM if encoder.local else _RANDOM, 1))
    drawn = rng.random((len(shares), words)) < shares
    if encoder.local:
        return drawn
    places = (np.arange(words) + np.arange(len(_WINDOWS))[:, None]) % len(_WINDOWS)
    return np.concatenate([drawn, np.ones((1, words), bool), ~np.eye(words, dtype=bool), _WINDOWS[places]])


def _same(one: Sequences, other: Sequences) -> bool:
    return np.array_equal(one.lengths, other.lengths) and all(
        np.array_equal(one.columns[name], other.columns[name]) for name in one.columns
    )
