"""Which columns of a table of texts are the text and the label, where nobody said so.

Only what can be seen counts: what the cells are, never how many a guess would fit. A column of labels is one
whose cells all are labels by name, or one that is called so. One in which most are is refused for the others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from distillens.data import labels
from distillens.data.errors import DataError
from distillens.data.read import check_column
from distillens.data.segmentation import spans

LABEL_NAMES = ("label", "labels", "target", "class", "gold", "score", "stars", "rating", "sentiment")
"""What a column of labels may be called, in any case; in others positions and scores are no labels."""

_WORDS = 3  # of a text, on average; fewer are names, dates and keys
_CERTAIN = ("name", "number", "code")


@dataclass(frozen=True)
class Asked:
    """Columns that the user named; ``without_label`` says that there are no labels."""

    text_a: str | None = None
    text_b: str | None = None
    label: str | None = None
    without_label: bool = False


@dataclass(frozen=True)
class Columns:
    """Which column is what, and ``remarks`` on what was seen and not said."""

    text_a: str
    text_b: str | None
    label: str | None
    remarks: tuple[str, ...] = ()


def find(frame: pd.DataFrame, task: Mapping[str, Any], asked: Asked, where: str) -> Columns:
    """Find the columns that are not named.

    Parameters
    ----------
    frame : DataFrame
        As `distillens.data.read.read_frame` reads it.
    task : mapping
        ``type`` and ``labels``.
    asked : Asked
    where : str
        Names the file in messages.

    Raises
    ------
    DataError
        For a column that is not there; where no column, or more than one, can be the text or the label; where
        one that is called a label, or has labels in most rows, holds something else. The message says which
        option decides.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": ["1", "2"], "mood": ["good", "bad"], "said": ["I loved it", "A bore"]})
    >>> find(frame, {"type": "classification", "labels": ["bad", "good"]}, Asked(), "films.csv")
    Columns(text_a='said', text_b=None, label='mood', remarks=())
    """
    for column in filter(None, (asked.text_a, asked.text_b, asked.label)):
        check_column(frame, column, "of those that are named", where)
    if asked.label is not None and asked.without_label:
        raise DataError(f"{where}: a column of labels is named, and none is wanted; leave one out")
    taken = {asked.text_a, asked.text_b, asked.label}
    label, remarks = asked.label, ()
    if label is None and not asked.without_label:
        label, remarks = _label(frame, task, [name for name in frame.columns if name not in taken], where)
    text_a = asked.text_a or _text(
        frame, [name for name in frame.columns if name not in {*taken, label}], where
    )
    named = [name for name in (text_a, asked.text_b, label) if name is not None]
    if len(set(named)) < len(named):
        raise DataError(f"{where}: {', '.join(named)}: a column is one thing, text or label; name others")
    return Columns(text_a, asked.text_b, label, tuple(remarks))


def _text(frame: pd.DataFrame, names: Sequence[str], where: str) -> str:
    """The only column of texts; of columns of few words the only one with letters."""
    lengths = {name: _mean_words(frame[name]) for name in names}
    candidates = [name for name, words in lengths.items() if words >= _WORDS]
    candidates = candidates or [name for name, words in lengths.items() if words > 0]
    if not candidates:
        raise DataError(
            f"{where}: no column of texts; there are: {', '.join(map(str, frame.columns))}; "
            "name it with --text"
        )
    if len(candidates) > 1:
        raise DataError(
            f"{where}: {', '.join(candidates)} can all be the text; name it with --text "
            "(and the second of a pair with --text-b)"
        )
    return candidates[0]


def _mean_words(cells: pd.Series) -> float:
    """Words with letters of a cell, on average; 0 where a cell is something else than text."""
    known = [cell for cell in cells if not labels.is_missing(cell)]
    if not known or not all(isinstance(cell, str) for cell in known):
        return 0.0
    words = (sum(any(map(str.isalpha, cell[a:b])) for a, b in spans(cell)) for cell in known)
    return sum(words) / len(known)


def _label(
    frame: pd.DataFrame, task: Mapping[str, Any], names: Sequence[str], where: str
) -> tuple[str | None, list[str]]:
    """The column of labels, or None; and what to say of it."""
    certain, called, refused = [], [], {}
    for name in names:
        is_called = str(name).strip().casefold() in LABEL_NAMES
        read_as, wrong, most_by_name = _read_as(frame, task, name)
        if wrong:
            if is_called or most_by_name:
                refused[name] = wrong
            if most_by_name:
                certain.append(name)
        elif read_as <= set(_CERTAIN):
            certain.append(name)
        elif is_called:
            called.append(name)
    candidates = certain or called
    if len(candidates) > 1:
        raise DataError(
            f"{where}: {', '.join(candidates)} can all be the label; name it with --label, or --no-label"
        )
    if candidates and candidates[0] not in refused:
        by_position = (
            [] if candidates == certain or task["type"] == "regression" else [_positions(candidates[0], task)]
        )
        return candidates[0], by_position
    if refused:
        name = (candidates or list(refused))[0]
        raise DataError(
            f"{where}: the column {name!r} is one of labels, but {refused[name]}; mend such rows or "
            "leave them out, name another column with --label, or say --no-label"
        )
    return None, [f"{where}: no column of labels, so performance is not known and nothing is gated"]


def _positions(name: str, task: Mapping[str, Any]) -> str:
    pairs = ", ".join(f"{number} is {label}" for number, label in enumerate(task["labels"]))
    return f"labels are read from the column {name!r} by position: {pairs}"


def _read_as(frame: pd.DataFrame, task: Mapping[str, Any], name: str) -> tuple[set[str], str, bool]:
    """By which parts of the rule for labels a column's cells are read.

    Also which row is the first that is no label, and why; and whether most cells that are not empty are
    labels by name.
    """
    cells, read = list(frame[name]), Counter()
    empty = sum(labels.is_missing(cell) or not str(cell).strip() for cell in cells)
    try:
        rule = labels.LabelRule({**task, "cut": None}, cells, frame.attrs.get("codes", {}).get(name))
    except DataError as error:
        return set(), str(error), False
    wrong, refused = "", 0
    for row, cell in enumerate(cells, start=1):
        try:
            read[rule.read(cell).read_as] += 1
        except DataError as error:
            wrong, refused = wrong or f"row {row}: {error}", refused + 1
        if 2 * (refused - empty) > len(cells):  # texts, say
            break
    return set(read), wrong, 2 * read["name"] > len(cells) - empty
