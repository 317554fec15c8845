"""Where the words of a text stand, in every script; the same for all models.

A *word* is a run of letters and digits (inner apostrophes included), a run of one punctuation mark,
or one emoji, however many characters that is made of. Scripts that put no spaces between words (Han,
Hiragana, Katakana, Thai, Lao, Khmer, Myanmar) are cut by ICU's dictionaries. Characters that nobody
sees are no words: one inside a word belongs to it, others to none.
"""

from collections.abc import Iterable, Iterator

import regex as re

# Marks (accents, vowel signs, emoji variants), joiners and tags belong to the character before them.
_CLINGING = r"\p{M}\u200c\u200d\U000E0020-\U000E007F"
_HIDDEN = rf"[[\p{{DI}}\p{{Cc}}\p{{Cf}}]--[\s\p{{PCM}}{_CLINGING}]]"
_SPACELESS = (
    r"[[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{lb=SA}]"
    r"&&[\w]--[\p{M}\p{Nd}\u02bc]]"
)
_KEYCAP = r"[0-9#*]\ufe0f?\u20e3"
_FLAG = r"\p{RI}{2}"
# Built of several: with a skin tone, joined, or with tags (the flag of Wales).
_BUILT = r"\p{ExtPict}\p{M}*(?:\p{Emoji_Modifier}|\u200d\p{ExtPict}|[\U000E0020-\U000E007F])"
_LETTER = rf"[[\w]--[\p{{DI}}{_SPACELESS}]]"
_LETTERS = rf"{_LETTER}(?:(?!{_KEYCAP})[[\w{_CLINGING}]--[{_SPACELESS}]])*"
_WORD = re.compile(
    rf"(?V1){_KEYCAP}|{_FLAG}|(?={_BUILT})\X"
    rf"|(?P<spaceless>{_SPACELESS}[{_SPACELESS}{_CLINGING}]*)"
    rf"|{_LETTERS}(?:['’]{_LETTERS})*"
    # U+2800 is Braille without a dot: as good as a space.
    rf"|([[^\w\s\p{{DI}}\u2800]--{_HIDDEN}])(?:(?!{_KEYCAP}|{_FLAG}|{_BUILT})\2)*[{_CLINGING}]*"
)
_UNSEEN = re.compile(rf"(?V1){_HIDDEN}")
# Where words have no spaces, this is how an author marks their ends.
_MARKED_END = re.compile(rf"(?V1)(?<={_SPACELESS}[{_CLINGING}]*)\u200b+(?={_SPACELESS})")
_CUT = re.compile(rf"(?V1){_SPACELESS}")
_SCRIPTS = {
    "Han": "Chinese or Japanese", "Hira": "Japanese", "Kana": "Japanese", "Thai": "Thai",
    "Laoo": "Lao", "Khmr": "Khmer", "Mymr": "Burmese",
}  # fmt: skip
_SCRIPT = {code: re.compile(rf"\p{{scx={code}}}") for code in _SCRIPTS}


class SegmentationError(ValueError):
    """A text cannot be cut into words; the message shows where it cannot, and says what to do."""


def spans(text: str) -> list[tuple[int, int]]:
    """Character spans ``(start, end)`` of the words of a text.

    Raises
    ------
    SegmentationError
        If the text has a script without spaces, and ICU is not installed or has no dictionary of it.

    Examples
    --------
    >>> spans("It's good!!")
    [(0, 4), (5, 9), (9, 11)]
    >>> spans("我喜欢电影")
    [(0, 1), (1, 3), (3, 5)]
    """
    if not _UNSEEN.search(text):
        return list(_visible(text))
    ends = {place for match in _MARKED_END.finditer(text) for place in range(*match.span())}
    kept = [place for place, sign in enumerate(text) if place in ends or not _UNSEEN.match(sign)]
    seen = "".join(text[place] for place in kept)
    return [(kept[start], kept[end - 1] + 1) for start, end in _visible(seen)]


def refuse_uncut(text: str) -> None:
    """Make sure, without cutting it, that a text has words and can be cut into them.

    Raises
    ------
    SegmentationError
        As of `spans`, or if the text has nothing to be seen.

    Examples
    --------
    >>> refuse_uncut("fine"), refuse_uncut("很好")
    (None, None)
    """
    if not _WORD.search(text):
        raise SegmentationError("no character can be seen; remove the row or mend it")
    for run in _CUT.finditer(text):
        _library(text, run.start())


def versions(texts: Iterable[str]) -> dict[str, str]:
    """The version of ICU, if one of the texts is cut by it: other versions may find other words.

    Examples
    --------
    >>> versions(["A film"]), list(versions(["A film", "很好"]))
    ({}, ['icu'])
    """
    for text in texts:
        if place := _CUT.search(text):
            _library(text, place.start())
            import icu4py

            return {"icu": icu4py.icu_version}
    return {}


def _visible(text: str) -> Iterator[tuple[int, int]]:
    for match in _WORD.finditer(text):
        if match["spaceless"] is None:
            yield match.span()
            continue
        breaker = _library(text, match.start())
        # Its places are those of UTF-16, so the pieces themselves are taken.
        start = match.start()
        for piece in breaker(match.group(), "root"):
            yield start, start + len(piece)
            start += len(piece)


def _library(text: str, place: int) -> type:
    """ICU's word breaker, for what stands at a place."""
    shown = text[place : place + 12]
    script = next((_SCRIPTS[code] for code, sign in _SCRIPT.items() if sign.match(shown)), None)
    if script is None:
        raise SegmentationError(
            f"{shown!r} is written without spaces, in a script of which ICU has no dictionary;"
            " put spaces between its words"
        )
    try:
        from icu4py.breakers import WordBreaker
    except ImportError as error:
        raise SegmentationError(
            f"{shown!r} is {script}, written without spaces: its words are found by ICU, which is not"
            " installed; pip install 'distillens[scripts]'"
        ) from error
    return WordBreaker
