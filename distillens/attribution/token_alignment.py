"""Where words and tokens that come without spans stand in a text."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from tokenizers import decoders, pre_tokenizers

from distillens.data.text import Word

_SPECIAL = re.compile(r"\[(CLS|SEP|PAD|BOS|EOS)\]|</?s>|<(pad|bos|eos|cls|sep)>|<\|.*\|>", re.IGNORECASE)
_SEPARATOR = re.compile(r"\[SEP\]|</s>|<sep>", re.IGNORECASE)
_UNKNOWN = re.compile(r"\[(UNK|MASK)\]|<(unk|mask)>|<0x[0-9a-f]{2}>|�", re.IGNORECASE)
# What WordPiece, byte-level BPE and SentencePiece put before or behind a piece.
_MARKS = re.compile(r"^(##(?=.)|[ĠĊ▁])+|</w>$")

_BYTES = frozenset(pre_tokenizers.ByteLevel.alphabet())
# Characters that may lie between two pieces, times one more than the pieces that are lost between them.
_LEAP = 12


class NotFoundError(ValueError):
    """A piece does not stand where it should; the message says which."""


def locate(texts: Sequence[str], pieces: Sequence[str]) -> list[Word]:
    """Find words or tokens in the text (or pair) that they come from, from left to right.

    Case and accents do not matter, nor do the marks that tokenizers put on their pieces.

    Parameters
    ----------
    texts : sequence of str
        One or two segments.
    pieces : sequence of str
        Words or tokens in their order, special tokens included or not. An unknown token
        stands for all text between its neighbours.

    Returns
    -------
    list of Word
        One for each piece; special tokens, and pieces of nothing but blanks, are empty
        (``start == end``).

    Raises
    ------
    NotFoundError
        For the first piece that is not there.

    Examples
    --------
    >>> [(word.text, word.start) for word in locate(["Not bad"], ["[CLS]", "not", "ba", "##d", "[SEP]"])]
    [('', 0), ('Not', 0), ('ba', 4), ('d', 6), ('', 7)]
    """
    if any("Ġ" in piece for piece in pieces):
        pieces = [piece if _SPECIAL.fullmatch(piece) else _from_bytes(piece) for piece in pieces]
    walk = _Walk(texts)
    for piece in pieces:
        walk.step(piece)
    walk.end_unknown()
    return walk.words


def occurrences(texts: Sequence[str], word: str) -> list[Word]:
    """All places of a word in a text or pair: as it is written, else in any case.

    Examples
    --------
    >>> [word.start for word in occurrences(["Bad, not badly bad."], "bad")]
    [15]
    """
    # Letters are not a word within a longer one; punctuation may touch anything.
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.search(r"\w$", word) else ""
    for flags in (re.NOFLAG, re.IGNORECASE):
        pattern = re.compile(before + re.escape(word) + after, flags)
        if places := [
            Word(match.group(), segment, *match.span())
            for segment, text in enumerate(texts)
            for match in pattern.finditer(text)
            if word
        ]:
            return places
    return []


def standing(texts: Sequence[str], pieces: Sequence[str]) -> list[bool | None]:
    """Which words or tokens stand in a text (or pair), in their order; looser than `locate`.

    A piece may follow a few characters behind the one before it, so that one that a tokenizer
    has changed leaves the others where they are.

    Returns
    -------
    list of bool or None
        One for each piece; None where it says nothing: special and unknown tokens, blanks.

    Examples
    --------
    >>> standing(["Not bad at all"], ["[CLS]", "not", "good", "at", "all", "[SEP]"])
    [None, True, False, True, True, None]
    """
    readings = [list(pieces)]
    decoded = [piece if _SPECIAL.fullmatch(piece) else _from_bytes(piece) for piece in pieces]
    if decoded != readings[0]:
        readings.append(decoded)
    every = (_standing(texts, reading) for reading in readings)
    return min(every, key=lambda stand: (stand.count(False), -stand.count(True)))


def _standing(texts: Sequence[str], pieces: Sequence[str]) -> list[bool | None]:
    text = " ".join(map(_plain, texts))
    stand: list[bool | None] = []
    at = lost = 0
    for piece in pieces:
        core = _plain(_MARKS.sub("", piece)).strip()
        if not core or _SPECIAL.fullmatch(piece) or _UNKNOWN.search(piece):
            lost += bool(core)  # what it stands for is somewhere
            stand.append(None)
            continue
        start = text.find(core, at, at + len(core) + _LEAP * (1 + lost))
        stand.append(start >= 0)
        if start < 0:
            lost += 1
        else:
            at, lost = start + len(core), 0
    return stand


def _from_bytes(piece: str) -> str:
    """A byte-level piece as text; half a character is unknown."""
    if not set(piece) <= _BYTES:
        return piece
    blank = "Ġ" if piece.startswith("Ġ") else ""
    return blank + decoders.ByteLevel().decode([piece]).strip()


@lru_cache(maxsize=1 << 16)
def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


class _Walk:
    """A place in a text that moves on with every piece that is found."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.words: list[Word] = []
        self._texts = texts
        self._plain, self._origin = [], []
        for text in texts:
            parts = [_plain(character) for character in text]
            self._plain.append("".join(parts))
            self._origin.append([number for number, part in enumerate(parts) for _ in part])
        self._segment = self._at = 0
        self._unknown: list[int] = []

    def step(self, piece: str) -> None:
        """Find the next piece."""
        if _SPECIAL.fullmatch(piece):
            self.end_unknown()
            self._empty()
            if _SEPARATOR.fullmatch(piece) and self._at and self._segment + 1 < len(self._texts):
                self._next_segment()
            return
        core = _plain(_MARKS.sub("", piece)).strip()
        if not core:
            self._empty()
        elif _UNKNOWN.search(piece):
            self._unknown.append(len(self.words))
            self._empty()
        else:
            self._find(piece, core)

    def end_unknown(self, stop: int | None = None) -> None:
        """Give the text up to here to the unknown token before it."""
        if self._unknown:
            text = self._plain[self._segment][self._at : stop]
            start = self._at + len(text) - len(text.lstrip())
            self.words[self._unknown[0]] = self._word(start, start + len(text.strip()))
            self._at += len(text)
            self._unknown = []

    def _find(self, piece: str, core: str) -> None:
        start = self._place(core)
        if start is None and self._segment + 1 < len(self._texts) and not self._rest():
            self._next_segment()
            start = self._place(core)
        if start is None:
            raise NotFoundError(
                f"{piece!r} does not stand behind {self._texts[self._segment][: self._origin_of(self._at)]!r}"
            )
        self.end_unknown(start)
        self.words.append(self._word(start, start + len(core)))
        self._at = start + len(core)

    def _place(self, core: str) -> int | None:
        text = self._plain[self._segment]
        if self._unknown:
            start = text.find(core, self._at + 1)
            return None if start < 0 else start
        start = self._at + len(text[self._at :]) - len(text[self._at :].lstrip())
        return start if text.startswith(core, start) else None

    def _rest(self) -> str:
        return self._plain[self._segment][self._at :].strip()

    def _next_segment(self) -> None:
        self._segment, self._at = self._segment + 1, 0

    def _empty(self) -> None:
        place = self._origin_of(self._at)
        self.words.append(Word("", self._segment, place, place))

    def _word(self, start: int, end: int) -> Word:
        if start == end:
            place = self._origin_of(start)
            return Word("", self._segment, place, place)
        first, last = self._origin[self._segment][start], self._origin[self._segment][end - 1] + 1
        return Word(self._texts[self._segment][first:last], self._segment, first, last)

    def _origin_of(self, place: int) -> int:
        origin = self._origin[self._segment]
        return origin[place] if place < len(origin) else len(self._texts[self._segment])
