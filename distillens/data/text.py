"""Examples, and their words: the unit in which attributions of different tokenizers are compared."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from distillens import tables
from distillens.data.units import spans


@dataclass(frozen=True)
class Word:
    """A word and where it stands: segment 0 is ``text_a``, 1 is ``text_b``; end exclusive."""

    text: str
    segment: int
    start: int
    end: int

    def moved(self, by: int) -> "Word":
        """The same word where so many characters more stand before it.

        Examples
        --------
        >>> Word("bad", 0, 4, 7).moved(10)
        Word(text='bad', segment=0, start=14, end=17)
        """
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True)
class Example:
    """One text, or a pair of texts, with its label.

    ``group`` is what several texts share: a document, say.
    ``unit`` is what all models share the values of: words, or one of `distillens.data.units.UNITS`.
    ``units`` are what is explained instead of them, such as the pieces of one
    tokenizer: in order, without overlap.
    ``begins`` is, of a part of a text, where its segments begin in the whole.
    """

    example_id: str
    text_a: str
    text_b: str | None = None
    label: float | None = None
    label_name: str | None = None
    group: str | None = None
    unit: str = "word"
    units: tuple[Word, ...] | None = None
    begins: tuple[int, ...] = (0, 0)

    @property
    def texts(self) -> tuple[str, ...]:
        """The segments: one text, or two."""
        return segments(self.text_a, self.text_b)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The shared words of all segments (or sentences, say), in order; or the units in their place."""
        if self.units is not None:
            return self.units
        return tuple(
            Word(text[start:end], segment, start, end)
            for segment, text in enumerate(self.texts)
            for start, end in spans(text, self.unit)
        )

    @property
    def places(self) -> tuple[Word, ...]:
        """The words where they stand in the whole text, of which this may be a part.

        Examples
        --------
        >>> Example("a", "bad", begins=(4,)).places
        (Word(text='bad', segment=0, start=4, end=7),)
        """
        return tuple(word.moved(self.begins[word.segment]) for word in self.words)

    def masked(self, keep: Sequence[bool], mask: str) -> tuple[str, ...]:
        """The segments with each word that is not kept replaced by one ``mask``.

        Parameters
        ----------
        keep : sequence of bool, shape (n_words,)
            Which words stay.
        mask : str
            The tokenizer's mask token. What lies between words is never touched.
        """
        texts = self.texts
        pieces: list[list[str]] = [[] for _ in texts]
        position = [0] * len(pieces)
        for word, kept in zip(self.words, keep, strict=True):
            if not kept:
                text = texts[word.segment]
                pieces[word.segment] += [text[position[word.segment] : word.start], mask]
                position[word.segment] = word.end
        return tuple(
            "".join(part) + text[end:] for part, text, end in zip(pieces, texts, position, strict=True)
        )

    def deleted(self, keep: Sequence[bool]) -> tuple[str, ...]:
        """The segments without each word that is not kept; it goes with the blanks before it.

        Parameters
        ----------
        keep : sequence of bool, shape (n_words,)
            Which words stay.

        Examples
        --------
        >>> Example("a", "Not bad, at all").deleted([True, False, True, False, True])
        ('Not, all',)
        >>> Example("a", "Not bad").deleted([False, True])
        ('bad',)
        """
        texts = self.texts
        left, position = [""] * len(texts), [0] * len(texts)
        for word, kept in zip(self.words, keep, strict=True):
            if not kept:
                segment = word.segment
                before = left[segment] + texts[segment][position[segment] : word.start]
                left[segment], position[segment] = before.rstrip(), word.end
        parts = [before + text[end:] for before, text, end in zip(left, texts, position, strict=True)]
        # Where a segment's first word is gone, nothing stands before the blanks behind it.
        return tuple(
            part.lstrip() if end and not before else part
            for part, before, end in zip(parts, left, position, strict=True)
        )


def segments(text_a: str, text_b: str | None) -> tuple[str, ...]:
    """One text, or the two of a pair.

    Examples
    --------
    >>> segments("A film", None), segments("A film", "A movie")
    (('A film',), ('A film', 'A movie'))
    """
    return (text_a,) if text_b is None else (text_a, text_b)


def examples(table: pa.Table) -> list[Example]:
    """The examples of a table of kind ``examples``, in the units that its metadata say.

    Examples
    --------
    >>> examples(pa.Table.from_pylist([{"example_id": "7", "text_a": "A film"}]))[0].texts
    ('A film',)
    """
    unit = tables.told(table).get("unit", "word")
    return [Example(**row, unit=unit) for row in table.to_pylist()]


def unit_of(chosen: Sequence[Example]) -> dict[str, str]:
    """What a table's provenance says of the unit: nothing where it is the word.

    Examples
    --------
    >>> unit_of([Example("a", "Not bad.")]), unit_of([Example("a", "Not bad.", unit="sentence")])
    ({}, {'unit': 'sentence'})
    """
    return {"unit": chosen[0].unit} if chosen and chosen[0].unit != "word" else {}


def paragraphs(table: pa.Table, split: str) -> list[str]:
    """The texts of a split of a table of kind ``corpus``.

    Examples
    --------
    >>> rows = [{"split": "train", "text": "A film"}, {"split": "validation", "text": "A movie"}]
    >>> paragraphs(pa.Table.from_pylist(rows), "train")
    ['A film']
    """
    return [row["text"] for row in table.to_pylist() if row["split"] == split]


def seed_of(*parts: object) -> int:
    """A 32-bit seed that depends on nothing but its parts (a config seed, ids, names).

    Every random draw starts from such a seed, so that no result depends on the order
    in which things are computed.

    Examples
    --------
    >>> seed_of(1, "sst2")
    454215506
    """
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big")


def draw(ids: Iterable[str], seed: int) -> list[str]:
    """The ids in a seeded random order in which a longer draw begins with the shorter one.

    Examples
    --------
    >>> draw(["d", "c", "b", "a"], seed=1) == draw(["a", "b", "c", "d"], seed=1)
    True
    """
    return sorted(ids, key=lambda item: (hashlib.sha256(f"{seed}\x1f{item}".encode()).digest(), item))
