"""The one rule by which a cell is a label, the same for every format.

1. *Name.* A text is compared with the task's labels: as it stands, then without blanks around it, then
   without regard to case. Where that fits several labels, only the exact one counts.
2. *Number.* A number (whole, decimal, or a text that is one) is the label whose name is the same number:
   ``3.0`` is ``"3"``, ``"+1"`` is 1.
3. *Truth value.* True and False of JSON or Parquet are the label that says so in any case, and nothing else.
4. *Position.* 0 to k - 1 count from the first label, but only where no label is itself a number or
   truth value, and the whole column is positions.
5. Everything else is refused.

Codes that a hub's data set names itself (``ClassLabel``) become these names first, where labels have them.
"""

import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd

from distillens.data.errors import DataError

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_TRUTH = {"true": True, "false": False}
_SPELLINGS, _SHOWN = 3, 60


@dataclass(frozen=True)
class Label:
    """A cell, read: its number, its name (none of a score), and the part of the rule that decided."""

    number: float
    name: str | None
    read_as: str


class LabelRule:
    """Reads the cells of one column of labels.

    Parameters
    ----------
    task : mapping
        The task's ``type``, ``labels`` and ``cut``.
    cells : sequence
        The whole column.
    codes : sequence of str, optional
        Names that the file gives to the numbers 0, 1, ... of the column.

    Raises
    ------
    DataError
        If only some of the file's own names are labels.

    Examples
    --------
    >>> task = {"type": "classification", "labels": ["1", "0"], "cut": None}
    >>> LabelRule(task, [0.0, 1.0]).read(0.0)
    Label(number=1.0, name='0', read_as='number')
    >>> LabelRule({**task, "labels": ["bad", "good"]}, ["Bad", 1]).read(1)
    Traceback (most recent call last):
        ...
    distillens.data.errors.DataError: label 1 is a position, but row 1 has the name 'Bad'; ...
    """

    def __init__(
        self, task: Mapping[str, Any], cells: Sequence[Any], codes: Sequence[str] | None = None
    ) -> None:
        self._type, self._cut = task["type"], task["cut"]
        self._names: list[str] = list(task["labels"])
        values = [(_number(name), _TRUTH.get(name.strip().casefold())) for name in self._names]
        self._numbered = any(pair != (None, None) for pair in values)
        self._values = values
        self._codes = self._own_names(codes)
        self._named_row: tuple[int, Any] | None = None
        if self._type == "classification" and not self._cut:
            self._named_row = next(
                ((row, cell) for row, cell in enumerate(cells, start=1) if self._is_name(cell)), None
            )

    def read(self, cell: Any) -> Label:
        """Decide what a cell of the column is; a `DataError` says why it is nothing."""
        if self._type == "regression" or self._cut is not None:
            return self._score(cell)
        label = self._decide(cell)
        if label.read_as == "position" and self._named_row is not None:
            row, name = self._named_row
            raise DataError(
                f"label {shown(cell)} is a position, but row {row} has the name {name!r}; "
                "write names in all rows"
            )
        return label

    def _own_names(self, codes: Sequence[str] | None) -> list[str] | None:
        """The file's own names of its codes; none where no label is called so."""
        if codes is None or self._type == "regression" or self._cut is not None:
            return None
        known = [self._by_name(code) for code in codes]
        if not any(known):
            return None
        if not all(known) or len(set(known)) != len(known):
            raise DataError(
                f"the file calls its labels {', '.join(codes)}, the task {', '.join(self._names)}; "
                "call the task's as the file does"
            )
        return [name for name in known if name is not None]

    def _is_name(self, cell: Any) -> bool:
        try:
            return isinstance(cell, str) and self._decide(cell).read_as == "name"
        except DataError:
            return False

    def _decide(self, cell: Any) -> Label:
        if isinstance(cell, str):
            name = self._by_name(cell)
            if name is not None:
                return self._label(name, "name")
        if isinstance(cell, bool | np.bool_):
            return self._by_value(cell, (None, bool(cell)), "truth value")
        number = _number(cell)
        if number is None:
            raise DataError(f"label {shown(cell)} is not a number nor one of {', '.join(self._names)}")
        if self._numbered and not self._codes:
            return self._by_value(cell, (number, None), "number")
        names = self._codes or self._names
        if not 0 <= number < len(names) or number != int(number):
            raise DataError(
                f"label {shown(cell)} is out of range; the task has the classes 0 to {len(names) - 1}"
            )
        return self._label(names[int(number)], "code" if self._codes else "position")

    def _by_name(self, cell: str) -> str | None:
        if cell in self._names:
            return cell
        for form in (str.strip, _folded):
            alike = [name for name in self._names if form(name) == form(cell)]
            if len(alike) > 1:
                raise DataError(
                    f"label {shown(cell)} may be any of {', '.join(map(repr, alike))}; write one of them"
                )
            if alike:
                return alike[0]
        return None

    def _by_value(self, cell: Any, value: tuple[Decimal | None, bool | None], what: str) -> Label:
        alike = [name for name, own in zip(self._names, self._values, strict=True) if own == value]
        if len(alike) != 1:
            known = f"may be any of {', '.join(alike)}" if alike else f"is none of {', '.join(self._names)}"
            raise DataError(f"label {shown(cell)} {known}; a {what} counts only as the name of one label")
        return self._label(alike[0], what)

    def _label(self, name: str, read_as: str) -> Label:
        return Label(float(self._names.index(name)), name, read_as)

    def _score(self, cell: Any) -> Label:
        number = _number(cell)
        value = float("nan") if number is None else float(number)
        if not np.isfinite(value):
            hint = " (cut takes numbers)" if self._cut else ""
            raise DataError(f"label {shown(cell)} is not a finite number{hint}")
        if self._cut is None:
            return Label(value, None, "score")
        return self._label(self._names[int(np.digitize(value, self._cut))], "cut")


def shown(cell: Any) -> str:
    """A cell as an error shows it: its beginning, where it is long.

    Examples
    --------
    >>> shown("positive"), len(shown("no" * 500))
    ("'positive'", 61)
    """
    said = repr(cell)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


def _folded(name: str) -> str:
    return name.strip().casefold()


def _number(cell: Any) -> Decimal | None:
    """The exact number that a cell is or spells; None for truth values, and for what is not finite."""
    if isinstance(cell, str):
        text = cell.strip()
        if not _NUMBER.fullmatch(text):
            return None
    elif isinstance(cell, numbers.Real | Decimal) and not isinstance(cell, bool | np.bool_):
        text = str(cell)
    else:
        return None
    try:
        number = Decimal(text)
    except (InvalidOperation, ValueError):  # an exponent beyond all bounds
        return None
    return number if number.is_finite() else None


def unseen() -> dict[str, Any]:
    """What `report` says of a label that no row has.

    Examples
    --------
    >>> unseen()
    {'rows': 0, 'first_row': None, 'read_as': [], 'cells': []}
    """
    return {"rows": 0, "first_row": None, "read_as": [], "cells": []}


def see(about: dict[str, Any], row: int, read_as: str, cell: str | None) -> None:
    """Note in what `report` says of a label that a row has it, and as what its cell was read.

    Examples
    --------
    >>> about = unseen()
    >>> see(about, 7, "name", "Good")
    >>> about
    {'rows': 1, 'first_row': 7, 'read_as': ['name'], 'cells': ['Good']}
    """
    about["rows"] += 1
    about["first_row"] = about["first_row"] or row
    if read_as not in about["read_as"]:
        about["read_as"].append(read_as)
    if cell is not None and cell not in about["cells"] and len(about["cells"]) < _SPELLINGS:
        about["cells"].append(cell)


def report(
    cells: Sequence[Any], task: Mapping[str, Any], codes: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """What a column of labels was read as.

    Raises
    ------
    DataError
        If a cell is none; the message names its row.

    Returns
    -------
    dict
        For each label (a regression has one, ``score``): its ``rows``, the ``first_row`` (from 1), which
        part of the rule decided (``read_as``), and the ``cells``: the first few spellings, or of
        numbers that are cut, or scores, the smallest and the largest.

    Examples
    --------
    >>> task = {"type": "classification", "labels": ["bad", "good"], "cut": None}
    >>> report([1, 1], task)
    {'bad': {'rows': 0, 'first_row': None, 'read_as': [], 'cells': []},
     'good': {'rows': 2, 'first_row': 1, 'read_as': ['position'], 'cells': ['1']}}
    """
    rule = LabelRule(task, cells, codes)
    by_label = {name: unseen() for name in task["labels"] or ["score"]}
    ranges: dict[str, list[tuple[float, str]]] = {}
    for row, cell in enumerate(cells, start=1):
        try:
            label = rule.read(cell)
        except DataError as error:
            raise DataError(f"row {row}: {error}") from None
        name, said, ranged = label.name or "score", str(cell), label.read_as in ("cut", "score")
        see(by_label[name], row, label.read_as, None if ranged else said)
        if ranged:
            ranges.setdefault(name, []).append((float(cell), said))
    for name, seen in ranges.items():
        by_label[name]["cells"] = list(dict.fromkeys([min(seen)[1], max(seen)[1]]))
    return by_label


def in_words(about: Mapping[str, Any]) -> str:
    """How the cells of one label were read, in few words.

    Examples
    --------
    >>> in_words({"rows": 2, "first_row": 1, "read_as": ["position"], "cells": ["1"]})
    '1 by position'
    """
    ranged = {"cut", "score"} & set(about["read_as"])
    cells = (" to " if ranged else ", ").join(about["cells"])
    return f"{cells} by {' and '.join(about['read_as'])}" if about["rows"] else ""


def is_missing(cell: Any) -> bool:
    """Whether a cell is nothing: null, not a number, not a time.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    return (
        cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, numbers.Real) and cell != cell)
    )
