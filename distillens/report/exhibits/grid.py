"""Rows and columns: each cell is the one score that both select together, beside the paper's value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distillens.report.exhibits.source import Source
from distillens.report.formatting import MISSING, Cell, capitalised, interval, number
from distillens.report.score_rows import Row

_NUMBERS = ("value", "low", "high", "spread", "chance", "n", "n_undefined")
COLUMNS = (
    *("row", "paper_row", "column", *_NUMBERS),
    *("control", "control_value", "paper_value", "paper_spread", "missing"),
)
"""Columns of the CSV file: a line per cell."""


@dataclass(frozen=True)
class Line:
    """A row of the exhibit: what it selects, our name of it, and the paper's."""

    select: Mapping[str, Any]
    title: str
    paper: str


@dataclass(frozen=True)
class GridCell:
    """A cell: our score or why there is none, the control beside it, the paper's value and spread."""

    line: Line
    column: Mapping[str, Any]
    row: Row | None
    why: str
    control: Row | None
    paper: float | None
    paper_spread: float | None


def fill(settings: Mapping[str, Any], source: Source) -> list[list[GridCell]]:
    """Find the score of each cell, row by row.

    A column's ``control`` is the same selection with something changed, such as random
    words. The published values stand in the order of rows and columns; null where the paper has none.
    """
    published = settings["published"] or []
    cells = []
    for place, entry in enumerate(settings["rows"]):
        line = line_of(entry, source)
        values = published[place] if place < len(published) else []
        cells.append(
            [
                _cell(line, column, settings["select"], values[at] if at < len(values) else None, source)
                for at, column in enumerate(settings["columns"])
            ]
        )
    return cells


def line_of(entry: Any, source: Source) -> Line:
    """A row of the exhibit: a role, a pair of roles, or a title with what it selects.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> source = Fake(title={"student": "tiny"}.get, names={"student": "DistilBERT"})
    >>> line_of("student", source)
    Line(select={'model': 'student'}, title='tiny', paper='DistilBERT')
    """
    if isinstance(entry, str):
        return Line({"model": entry}, source.title(entry), source.names.get(entry, entry))
    if isinstance(entry, Mapping):
        return Line(entry["select"], entry["title"], "")
    one, other = entry
    paper = " – ".join(source.names.get(role, role) for role in entry)
    return Line({"model": one, "against": other}, f"{source.title(one)} and {source.title(other)}", paper)


def ours(cell: GridCell) -> Cell:
    """Our value, with its interval, chance and control below; in words where there is none.

    Examples
    --------
    >>> ours(GridCell(Line({}, "tiny", ""), {"title": "F1"}, None, "no such model", None, 0.9, None)).text
    'not measured'
    """
    row, digits = cell.row, cell.column.get("digits", 3)
    if row is None:
        return Cell("not measured", style="missing", hint=capitalised(cell.why))
    if math.isnan(row["value"]):
        return Cell("undefined", style="missing", hint=capitalised(undefined(row)))
    text = number(row["value"], digits)
    if cell.column.get("show") == "spread" and not math.isnan(row["spread"]):
        text += f" ± {number(row['spread'], digits)}"
    notes = [interval(row["low"], row["high"], digits)]
    if not math.isnan(row["chance"]):
        notes.append(f"chance {number(row['chance'], digits)}")
    if "control" in cell.column:
        value = MISSING if cell.control is None else number(cell.control["value"], digits)
        notes.append(f"{cell.column['control']['title']} {value}")
    hint = capitalised(undefined(row)) if row["n_undefined"] else ""
    return Cell(text + ("†" if hint else ""), row["value"], "\n".join(filter(None, notes)), hint=hint)


def papers(cell: GridCell) -> Cell:
    """The paper's value.

    Examples
    --------
    >>> papers(GridCell(Line({}, "tiny", ""), {"title": "accuracy"}, None, "", None, 0.91, 0.02)).text
    '0.910 ± 0.020'
    """
    if cell.paper is None:
        return Cell(MISSING, style="missing")
    digits = cell.column.get("digits", 3)
    spread = "" if cell.paper_spread is None else f" ± {number(cell.paper_spread, digits)}"
    return Cell(number(cell.paper, digits) + spread, cell.paper, style="paper")


def records(cells: Sequence[Sequence[GridCell]]) -> list[list[Any]]:
    """Lines of the CSV file.

    Examples
    --------
    >>> cell = GridCell(Line({}, "tiny", ""), {"title": "accuracy"}, None, "no such model", None, 0.9, None)
    >>> dict(zip(COLUMNS, records([[cell]])[0], strict=True))["missing"]
    'no such model'
    """
    return [
        [
            *(cell.line.title, cell.line.paper, cell.column["title"]),
            *(None if cell.row is None else cell.row[name] for name in _NUMBERS),
            cell.column.get("control", {}).get("title"),
            None if cell.control is None else cell.control["value"],
            *(cell.paper, cell.paper_spread, cell.why),
        ]
        for line in cells
        for cell in line
    ]


def notes(cells: Sequence[Sequence[GridCell]]) -> list[str]:
    """Say once each why cells are empty.

    Examples
    --------
    >>> notes([[GridCell(Line({}, "tiny", ""), {"title": "F1"}, None, "no such model", None, None, None)]])
    ['No such model.']
    """
    reasons: dict[str, list[str]] = {}
    for cell in (cell for line in cells for cell in line):
        if cell.why:
            reasons.setdefault(cell.why, []).append(f"{cell.line.title}, {cell.column['title']}")
    every = sum(len(line) for line in cells)
    return [
        f"{capitalised(why)}." if len(places) == every else f"{capitalised(why)} ({'; '.join(places)})."
        for why, places in reasons.items()
    ]


def undefined(row: Row) -> str:
    """Say how often a score is undefined.

    Examples
    --------
    >>> undefined({"n": 8, "n_undefined": 2})
    'undefined for 2 of 10'
    """
    return f"undefined for {row['n_undefined']} of {row['n_undefined'] + (row['n'] or 0)}"


def _cell(
    line: Line, column: Mapping[str, Any], common: Mapping[str, Any], paper: Any, source: Source
) -> GridCell:
    select = {**common, **line.select, **column["select"]}
    row, why = source.find(select)
    control = None
    if "control" in column:
        control, _ = source.find({**select, **column["control"]["select"]})
    value, spread = paper if isinstance(paper, list) else (paper, None)
    return GridCell(line, column, row, why, control, value, spread)
