"""The fields of an example, and the pieces that the tokenizer makes of each.

What stands between two blanks (``film.``) is a *field*. A field of k words has 2^k states, by which of
its words are kept: bit n of a state's number says whether its n-th word is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from tokenizers import Encoding

from distillens.data.text import Example, Word
from distillens.models.tokenizer import Encoder, Segments

Field = tuple[str, tuple[tuple[int, int], ...]]
"""A field's text, and where its words stand in it."""
Pieces = list[list[int]]
"""Pieces of all states of all slots, in their order."""

# What tokenizers call blank differs; of these there is no doubt.
_FIELD = re.compile(r"[^ \t\n\r]+")
_MOST_WORDS = 6  # of a field: 64 states
_REMEMBERED = 100_000


class NotLocalError(Exception):
    """The pieces of a field depend on more than its state."""


@dataclass(frozen=True)
class Layout:
    """The parts of an example: a slot for each field, and for what stands before and behind a segment's.

    Attributes
    ----------
    slots, words, fields : list
        Of each field: its slot, the numbers of its words, and what it is.
    gaps : list of int
        Slots before, between and behind segments.
    """

    slots: list[int]
    words: list[range]
    fields: list[Field]
    gaps: list[int]

    @classmethod
    def of(cls, example: Example) -> "Layout":
        """Cut an example at its blanks.

        Raises
        ------
        NotLocalError
            If a unit has a blank in it, there is none, or a field has very many.

        Examples
        --------
        >>> layout = Layout.of(Example("a", "Not bad."))
        >>> layout.slots, layout.words, layout.gaps
        ([1, 2], [range(0, 1), range(1, 3)], [0, 3])
        """
        slots, words, fields, gaps = [], [], [], [0]
        every, number = [(word.segment, word.start, word.end) for word in example.words], 0
        for segment, text in enumerate(example.texts):
            spans = _spans(text)
            for start, end in spans:
                first = number
                while number < len(every) and every[number][0] == segment and every[number][1] < end:
                    if every[number][1] < start or every[number][2] > end:
                        raise NotLocalError
                    number += 1
                own = tuple((begin - start, stop - start) for _, begin, stop in every[first:number])
                fields.append((text[start:end], own))
                words.append(range(first, number))
            slots += range(gaps[-1] + 1, gaps[-1] + 1 + len(spans))
            gaps.append(gaps[-1] + 1 + len(spans))
        if not any(words) or number < len(every) or max(map(len, words)) > _MOST_WORDS:
            raise NotLocalError
        return cls(slots, words, fields, gaps)

    @property
    def counts(self) -> np.ndarray:
        """How many states each slot has."""
        counts = np.ones(self.gaps[-1] + 1, dtype=np.int64)
        counts[self.slots] = [1 << len(own) for own in self.words]
        return counts


def remember(encoder: Encoder, fields: Sequence[Field]) -> None:
    """Tokenize fields by themselves in all their states, the new ones of many examples in one go.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> without = lambda example, keep: [example.masked(row, "[MASK]") for row in keep.tolist()]
    >>> encoder = Fake(fields={}, without=without, alone=lambda parts: [[len(part)] for part in parts])
    >>> remember(encoder, [("bad.", ((0, 3),))])
    >>> encoder.fields
    {('bad.', ((0, 3),)): [[7], [4]]}
    """
    known = encoder.fields
    if len(known) > _REMEMBERED:
        known.clear()
    new = [field for field in dict.fromkeys(fields) if field not in known]
    states = {field: own for words in range(_MOST_WORDS + 1) for field, own in _states(encoder, new, words)}
    distinct = list(dict.fromkeys(chain.from_iterable(states.values())))  # a word alone is always one mask
    pieces = dict(zip(distinct, encoder.alone(distinct), strict=True))
    known.update((field, [pieces[state] for state in own]) for field, own in states.items())


def _states(encoder: Encoder, fields: Sequence[Field], words: int) -> Iterator[tuple[Field, list[str]]]:
    """Those of the fields that have so many words, each with what stands there in all its states."""
    of_size = [field for field in fields if len(field[1]) == words]
    if not of_size:
        return iter(())  # a line without fields would be cut into one that is empty
    units, start = [], 0
    for text, own in of_size:
        units += [Word(text[first:end], 0, start + first, start + end) for first, end in own]
        start += len(text) + 1
    line = Example("", " ".join(text for text, _ in of_size), units=tuple(units))
    copies = encoder.without(line, _in_every_state([words] * len(of_size)))
    return zip(of_size, zip(*(copy.split(" ") for (copy,) in copies), strict=True), strict=True)


def _in_every_state(sizes: Sequence[int]) -> np.ndarray:
    """Masks of fields of so many words: in copy r each is in state r; those of fewer states begin anew."""
    places = np.array([place for size in sizes for place in range(size)], dtype=np.int64)
    counts = np.array([1 << size for size in sizes for _ in range(size)], dtype=np.int64)
    return np.arange(1 << max(sizes, default=0))[:, None] % counts >> places & 1 == 1


def pieces_alone(encoder: Encoder, example: Example, layout: Layout) -> tuple[Pieces, list[int]]:
    """Pieces of slots and states, and token types of slots; each field by itself, as `remember` found it.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> frame = [([101], 0), ([102], 0)], [0]  # what stands before and behind a segment; its token type
    >>> encoder = Fake(frame=lambda segments: frame, fields={("bad", ((0, 3),)): [[103], [7, 8]]})
    >>> pieces_alone(encoder, example := Example("a", "bad"), Layout.of(example))
    ([[101], [103], [7, 8], [102]], [0, 0, 0])
    """
    frame, types = encoder.frame(len(example.texts))
    pieces, kinds, own = [frame[0][0]], [frame[0][1]], iter(layout.fields)
    for (before, behind), kind, (ends, of_ends) in zip(_pairwise(layout.gaps), types, frame[1:], strict=True):
        for _ in range(behind - before - 1):
            pieces += encoder.fields[next(own)]
        pieces.append(ends)
        kinds += [kind] * (behind - before - 1) + [of_ends]
    return pieces, kinds


def _pairwise(gaps: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(gaps, gaps[1:], strict=False)


def pieces_in_place(encoder: Encoder, example: Example, layout: Layout) -> tuple[Pieces, list[int]]:
    """The same, cut out of whole copies in which all states occur.

    Raises
    ------
    NotLocalError
        If copies contradict each other, or a piece belongs to two fields.
    """
    counts, kinds = layout.counts.tolist(), [0] * (layout.gaps[-1] + 1)
    by_slot: list[dict[int, list[int]]] = [{} for _ in counts]
    copies = encoder.without(example, _in_every_state([len(own) for own in layout.words]))
    for number, (copy, one) in enumerate(zip(copies, encoder.tokenized(copies), strict=True)):
        if one.overflowing:
            raise NotLocalError
        pieces: Pieces = [[] for _ in counts]
        for slot, piece, kind in zip(_slots(copy, one, layout), one.ids, one.type_ids, strict=True):
            pieces[slot].append(piece)
            kinds[slot] = kind
        for states, count, own in zip(by_slot, counts, pieces, strict=True):
            if states.setdefault(number % count, own) != own:
                raise NotLocalError
    return [states[number] for states in by_slot for number in range(len(states))], kinds


def _slots(copy: Segments, one: Encoding, layout: Layout) -> Iterator[int]:
    """The slot of each piece: of the field that it overlaps, else of the next one in its segment."""
    spans = [_spans(text) for text in copy]
    if [len(own) for own in spans] != [behind - before - 1 for before, behind in _pairwise(layout.gaps)]:
        raise NotLocalError
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
                raise NotLocalError  # of two fields
            if layout.gaps[now] + 1 + field < slot:
                raise NotLocalError
            slot = layout.gaps[now] + 1 + field
        yield slot


def _spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _FIELD.finditer(text)]
