"""Whether attributions from elsewhere are about the texts that their ids say.

Words and tokens are looked for in the text. Where most of a row's are not there, or where the
rows of a file stand better in the texts of other examples, the ids belong to other texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from distillens.attribution.explanation_file import MAPPING
from distillens.attribution.token_alignment import occurrences, standing

_SHIFTS = (1, -1, 2, -2, 3, -3)
# A shift moves all rows: so many of them, evenly drawn, tell.
_TELL = 500

Texts = tuple[str, ...]


@dataclass(frozen=True)
class Pieces:
    """The words or tokens of a row, and which example it says it is about.

    ``spans`` are the texts of the spans that the row states, None where it states none.
    """

    number: int
    example_id: str
    form: str
    pieces: Sequence[str]
    spans: Sequence[str] | None = None

    def standing(self, texts: Texts) -> list[bool | None]:
        """Which of them stand in a text."""
        if self.form == MAPPING:  # has no order
            return [bool(occurrences(texts, piece)) or standing(texts, [piece])[0] for piece in self.pieces]
        return standing(texts, self.pieces)

    @cached_property
    def at_spans(self) -> list[bool | None]:
        """Which of them are what stands at their spans."""
        pairs = zip(self.pieces, self.spans or (), strict=True)
        return [standing([span], [piece])[0] if span else None for piece, span in pairs]


def misplaced(rows: Sequence[Pieces], texts: Mapping[str, Texts], numbered: bool) -> list[str]:
    """What is wrong with rows that are about other texts than they say, one line each; none where all fit.

    Parameters
    ----------
    rows : sequence of Pieces
        In the order of the file.
    texts : mapping
        The text (or pair) of each example of the test split, in its order.
    numbered : bool
        Whether the task's ids are numbers of rows, for the message.

    Examples
    --------
    >>> texts = {"1": ("A dull film",), "2": ("Fun and witty",), "3": ("Not bad",)}
    >>> rows = [Pieces(1, "1", "words", ["fun", "and", "witty"]), Pieces(2, "2", "words", ["not", "bad"])]
    >>> misplaced(rows, texts, numbered=True)[0]
    "row 1: 3 of 3 words do not stand in the text of example '1', such as 'fun'; the rows fit the texts ..."
    """
    own = {row.number: row.at_spans if row.spans else row.standing(texts[row.example_id]) for row in rows}
    wrong = [row for row in rows if own[row.number].count(False) > own[row.number].count(True)]
    if all(False not in stand for stand in own.values()):
        return []
    better = _better_shift(rows, texts, own)
    if better:
        wrong = [row for row in rows if False in own[row.number]]
    hint = better or ""
    if numbered:
        hint += "; without an id column, ids are the numbers of the data's rows, from 1"
    return [_said(row, own[row.number]) + (hint if row is wrong[0] else "") for row in wrong]


def _said(row: Pieces, stand: Sequence[bool | None]) -> str:
    nouns = "tokens" if row.form == "tokens" else "words"
    where = "at their spans in" if row.spans else "in"
    return (
        f"row {row.number}: {stand.count(False)} of {len(row.pieces)} {nouns} do not stand {where} the text "
        f"of example {row.example_id!r}, such as {row.pieces[stand.index(False)]!r}"
    )


def _better_shift(
    rows: Sequence[Pieces], texts: Mapping[str, Texts], own: Mapping[int, Sequence[bool | None]]
) -> str:
    """A shift by which more of the rows' words stand in the texts than as they are; nothing if none does."""
    orders: dict[str, list[Any]] = {
        "the data": list(texts),
        "the file": list(dict.fromkeys(row.example_id for row in rows)),
    }
    asked = rows[:: -(-len(rows) // _TELL)]
    best, said = sum(own[row.number].count(True) for row in asked), ""
    for what, order in orders.items():
        place = {name: number for number, name in enumerate(order)}
        for shift in _SHIFTS:
            # Rows of a file may have been rotated; the texts of the data have two ends.
            around = what == "the file"
            total = 0
            for row in asked:
                at = place[row.example_id] + shift
                if around or 0 <= at < len(order):
                    total += row.standing(texts[order[at % len(order)]]).count(True)
            if total > best:
                places = f"{abs(shift)} place{'s' if abs(shift) > 1 else ''}"
                far = f"{places} further {'on' if shift > 0 else 'back'} in the order of {what}"
                best, said = total, f"; the rows fit the texts {far}: are the ids shifted?"
    return said
