"""What is explained instead of words: sentences, lines or paragraphs; the same for all models.

Sentences end where Unicode's rules say (UAX #29, Sentence Boundaries, rules SB3 to SB11, by the properties
of the `regex` library), but for these:

- After a title, an initial or a reference (*Dr. Lee*, *J. Lee*, *No. 5*) none ends, nor after the number
  that begins an item of a list.
- A line that ends within a sentence, so that the next goes on in lower case, ends none; nor does a
  quotation (*"Why?" he asked*).
- ``<br>`` is the end of a line: texts from web pages have no other.

Why not a library: docs/decisions.md.
"""

from collections.abc import Callable, Iterator

import regex as re

from distillens.data.segmentation import spans as words

UNITS = ("word", "sentence", "line", "paragraph")
"""What gets a value; `distillens.data.segmentation` says what a word is."""

_BREAK = r"(?>\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]|(?i:<br\s*/?>))"
_LINE_END = re.compile(_BREAK)
# Blanks after the last break belong to the next paragraph's first line.
_AND_ANOTHER = rf"[[\s]--[\n\r\x0b\x0c\x85\u2028\u2029]]*+{_BREAK}"
_PARAGRAPH_END = re.compile(rf"(?V1){_BREAK}(?:{_AND_ANOTHER})++|\u2029")
_EMPTY_LINE = re.compile(rf"(?V1){_BREAK}{_AND_ANOTHER}|\u2029")
_CLINGING = r"[\p{SB=Extend}\p{SB=Format}]"
_STOP = re.compile(
    rf"(?P<stop>[\p{{SB=ATerm}}\p{{SB=STerm}}]){_CLINGING}*"
    rf"(?P<close>(?:\p{{SB=Close}}{_CLINGING}*)*)(?P<blank>(?:\p{{SB=Sp}}{_CLINGING}*)*)(?P<end>{_BREAK}?)"
    rf"|(?P<end>{_BREAK})"
)
_ABBREVIATING = re.compile(r"\p{SB=ATerm}")
_NUMBER, _CAPITAL = re.compile(r"\p{SB=Numeric}"), re.compile(r"\p{SB=Upper}")
_CASED = re.compile(rf"[\p{{SB=Upper}}\p{{SB=Lower}}]{_CLINGING}*$")
_GOES_ON = re.compile(
    r"[^\p{SB=OLetter}\p{SB=Upper}\p{SB=Lower}\p{SB=Sep}\p{SB=CR}\p{SB=LF}\p{SB=ATerm}\p{SB=STerm}]*\p{SB=Lower}"
)
_CONTINUES = re.compile(r"[\p{SB=SContinue}\p{SB=ATerm}\p{SB=STerm}]")
_LOWER = re.compile(r"\p{SB=Lower}")
_NEXT_LINE_GOES_ON = re.compile(r"\p{SB=Sp}*\p{SB=Lower}")
# What stands before a name, hardly ever at the end of a sentence; and what does before a number.
_SHORT = re.compile(
    r"(?<![\p{L}\p{N}])(?:(?i:mr|mrs|ms|mx|messrs|dr|drs|prof|st|mt|gen|col|capt|lt|sgt|maj|rev|hon|gov|sen|rep"
    r"|pres|mme|mlle|vs|cf|eds?|approx|ca|viz|bzw|hrn?|fr)"
    r"|(?!I\b)[\p{SB=Upper}\p{SB=Lower}])$"
)
_BEFORE_A_NUMBER = re.compile(
    r"(?<![\p{L}\p{N}])(?i:nos?|nr|figs?|vols?|pp?|ch|sec|eqs?|art|par|tab|bd|abs|kap)$"
)
# As far as one of them, with what stands before it, can reach.
_REACH = 24
_LIST_NUMBER = re.compile(r"(?:^|[\n\r])\s*\p{N}{1,3}$")


def spans(text: str, unit: str) -> list[tuple[int, int]]:
    r"""Character spans ``(start, end)`` of the units of a text; blanks around them belong to none.

    What has nothing to be seen in it, such as an empty line, is no unit.

    Parameters
    ----------
    text : str
    unit : str
        One of `UNITS`.

    Raises
    ------
    SegmentationError
        Of words; see `distillens.data.segmentation.spans`.

    Examples
    --------
    >>> text = 'Dr. Lee said: "Never again!" He meant it.'
    >>> [text[start:end] for start, end in spans(text, "sentence")]
    ['Dr. Lee said: "Never again!"', 'He meant it.']
    >>> spans("one\n\ntwo", "paragraph"), spans("one\n\ntwo\nthree", "line")
    ([(0, 3), (5, 8)], [(0, 3), (5, 8), (9, 14)])
    """
    return words(text) if unit == "word" else list(_trimmed(text, _ENDS[unit](text)))


def noun(unit: str, many: bool = True) -> str:
    """What a unit is called.

    Examples
    --------
    >>> noun("sentence"), noun("line", many=False)
    ('sentences', 'line')
    """
    return f"{unit}s" if many else unit


def _trimmed(text: str, ends: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start = 0
    for end, following in (*ends, (len(text), len(text))):
        piece = text[start:end]
        seen = piece.strip()
        if seen and _SEEN.search(seen):
            first = start + len(piece) - len(piece.lstrip())
            yield first, first + len(seen)
        start = following


def _line_ends(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _LINE_END.finditer(text))


def _paragraph_ends(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _PARAGRAPH_END.finditer(text))


def _sentence_ends(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence ends, and the next one may begin."""
    for match in _STOP.finditer(text):
        broken = match["end"] or ""
        if broken and not _EMPTY_LINE.match(text, match.end() - len(broken)):
            if not _NEXT_LINE_GOES_ON.match(text, match.end()):
                yield match.end() - len(broken), match.end()
        elif broken:
            yield match.end() - len(broken), match.end()
        elif _ends(text, match):
            yield match.end(), match.end()


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether a sentence ends at a full stop, or the like, within a line."""
    after, start = match.end(), match.start()
    if _CONTINUES.match(text, after):  # SB8a
        return False
    if match["close"] and _LOWER.match(text, after):
        return False
    if not _ABBREVIATING.match(match["stop"]):
        return True
    if _GOES_ON.match(text, after):  # SB8
        return False
    if not match["close"] and not match["blank"]:
        if _NUMBER.match(text, after):  # SB6
            return False
        if _CAPITAL.match(text, after) and _CASED.search(text, max(0, start - _REACH), start):  # SB7
            return False
    before = text[max(0, start - _REACH) : start]
    counted = _NUMBER.match(text, after) and _BEFORE_A_NUMBER.search(before)
    return bool(match["close"]) or not (counted or _SHORT.search(before) or _LIST_NUMBER.search(before))


_SEEN = re.compile(r"(?V1)[[^\s\p{Cc}\p{Cf}\u2800]--[\p{DI}]]")
_ENDS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "sentence": _sentence_ends,
    "line": _line_ends,
    "paragraph": _paragraph_ends,
}
