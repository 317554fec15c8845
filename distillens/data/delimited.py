"""Delimited text as rows of cells: exactly what stands there, or an error that names the line.

Python's ``csv`` reads quoted cells, strictly. What it cannot know is counted or compared here: that no
line end and no delimiter was lost, that all lines end alike, that every row has the header's
cells, and that a quotation mark encloses a cell and not, in truth, several rows.
"""

import csv
import io
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distillens.data.errors import DataError, listed

_LOG = logging.getLogger("distillens")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ENDS = {"\r\n": "CR LF", "\r": "CR", "\n": "LF"}
_ENCLOSED = re.compile(r'"[^"]*"')
# A column with at most half as many values as rows, of so many rows, is not free text.
_ROWS_THAT_TELL = 10
_QUOTES = "set read.quoted: true if quotation marks enclose cells, false if they are part of the text"

csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True)
class _Row:
    """A row, and the line in which it begins."""

    line: int
    cells: list[str]


def read_rows(
    path: Path, text: str, delimiter: str, quoted: bool | None, header: list[str] | None
) -> tuple[list[str], list[list[str]]]:
    r"""Split a text into column names and rows; of several columns, an empty line is no row.

    Parameters
    ----------
    path : Path
        Names the file in messages.
    text : str
        Its content.
    delimiter : str
        What stands between cells.
    quoted : bool or None
        Whether quotation marks enclose cells; None: yes, but no where a tab or several characters
        separate cells, and refused where a file can be read either way.
    header : list of str or None
        Names of the columns, where the first line does not have them.

    Raises
    ------
    DataError
        For a name that stands twice, rows of another length, unlike line ends, a quotation mark that is not
        closed or seems to swallow rows.

    Examples
    --------
    >>> read_rows(Path("films.csv"), 'text,label\n"Good, really",1\n', ",", quoted=None, header=None)
    (['text', 'label'], [['Good, really', '1']])
    """
    if delimiter == "\\t":
        raise DataError(f"{path}: read.delimiter: '\\t' is a backslash and a t; write it in double quotes")
    plain = delimiter == "\t" or len(delimiter) > 1
    if quoted and len(delimiter) > 1:
        raise DataError(f"{path}: read.delimiter: {delimiter!r}: quoted cells need one of one character")
    if quoted or (quoted is None and not plain):
        rows = _quoted(path, text, delimiter)
    else:
        rows = _plain(path, text, delimiter)
    names, rows = (header, rows) if header is not None else (rows[0].cells, rows[1:])
    _check_names(path, names)
    undecided = quoted is None and delimiter == "\t"
    _check_lengths(path, names, rows, undecided and '"' in text)
    if undecided and '"' in text:
        _refuse_either_way(path, text, names, rows, header is None)
    if quoted or (quoted is None and not plain):
        _refuse_swallowed(path, rows, delimiter)
    if not rows:
        raise DataError(f"{path}: has a header but no rows")
    if not text.endswith(("\n", "\r")):
        _LOG.warning("%s: its last line has no line end; if the file was cut off, fetch it again", path)
    return names, [row.cells for row in rows]


def _plain(path: Path, text: str, delimiter: str) -> list[_Row]:
    """Each line is a row, and every character stands for itself."""
    ends = [(match.group(), match.start()) for match in _LINE_END.finditer(text)]
    for number, (end, _) in enumerate(ends, start=1):
        _check_end(path, number, end, ends[0][0])
    lines = text.split(ends[0][0]) if ends else [text]
    if not lines[-1]:
        lines.pop()
    rows = [_Row(number, line.split(delimiter)) for number, line in enumerate(lines, start=1)]
    return _without_blank(path, rows, delimiter)


def _quoted(path: Path, text: str, delimiter: str) -> list[_Row]:
    """Quotation marks enclose cells; doubled ones stand for one."""
    last = [""]

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            last[0] = line
            yield line

    try:
        reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: read.delimiter: {delimiter!r} cannot separate columns: {error}") from error
    rows, begin, first_end = [], 1, None
    try:
        for cells in reader:
            end = _LINE_END.search(last[0][-2:])
            if end:
                first_end = first_end or end.group()
                _check_end(path, reader.line_num, end.group(), first_end)
            rows.append(_Row(begin, cells or [""]))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {begin}: a quotation mark opens a cell, and the next one does not close it "
            f"(line {reader.line_num}: {error}); double those inside a cell, or set read.quoted: false"
        ) from error
    _account(path, text, delimiter, rows)
    return _without_blank(path, rows, delimiter)


def _check_end(path: Path, line: int, end: str, first: str) -> None:
    if end != first:
        raise DataError(
            f"{path}, line {line}: ends with {_ENDS[end]}, the first line with {_ENDS[first]}; write one "
            "kind of line end, and put a text that holds another into quotation marks"
        )


def _account(path: Path, text: str, delimiter: str, rows: list[_Row]) -> None:
    """Every line end and delimiter of the text is between rows and cells, or inside a cell."""
    cells = [cell for row in rows for cell in row.cells]
    ends = len(_LINE_END.findall(text)) + (not text.endswith(("\n", "\r")))
    given = sum(len(_LINE_END.findall(cell)) for cell in cells) + len(rows)
    delimiters = sum(cell.count(delimiter) for cell in cells) + len(cells) - len(rows)
    if (ends, text.count(delimiter)) != (given, delimiters):
        raise DataError(
            f"{path}: {ends} lines and {text.count(delimiter)} delimiters went in, {given} and {delimiters} "
            "came out; save it as JSON lines or Parquet"
        )


def _without_blank(path: Path, rows: list[_Row], delimiter: str) -> list[_Row]:
    """Rows without lines that hold nothing, if there are several columns; of one column they are cells."""
    if all(len(row.cells) == 1 for row in rows):
        return rows
    kept = [row for row in rows if row.cells != [""]]
    if len(kept) < len(rows):
        _LOG.info("%s: %d empty lines left out", path, len(rows) - len(kept))
    return kept


def _check_names(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: column names that stand there twice: {', '.join(map(repr, twice))}; rename them"
        )


def _check_lengths(path: Path, names: list[str], rows: list[_Row], quotes: bool) -> None:
    problems = []
    for row in rows:
        if len(row.cells) == len(names):
            continue
        if quotes:
            why = _QUOTES
        elif len(row.cells) > len(names):
            why = (
                "put texts that contain the delimiter into quotation marks, or set read.delimiter, "
                "read.quoted or read.header"
            )
        else:
            why = "a line end inside a text needs quotation marks; or is the file cut off?"
        problems.append(
            f"line {row.line}: {_count(row.cells)}, but there are {_count(names, 'column')}; {why}"
        )
    if problems:
        raise DataError(listed(str(path), problems))


def _count(items: list[str], noun: str = "cell") -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _refuse_either_way(path: Path, text: str, names: list[str], rows: list[_Row], with_header: bool) -> None:
    """Refuse tab-separated text that can also be read as quoted, with another outcome.

    What a writer of quoted cells would have left without quotes (no tab, line end or quote in it) is text.
    """
    try:
        other = _quoted(path, text, "\t")
    except DataError:
        return
    if any(len(row.cells) != len(names) for row in other):
        return
    plain = [_Row(1, names), *rows] if with_header else rows
    for one, two in zip(plain, other, strict=False):
        for cell, inside in zip(one.cells, two.cells, strict=True):
            if cell != inside and (not _ENCLOSED.fullmatch(cell) or one.cells is names):
                raise DataError(f"{path}, line {one.line}: {cell!r}: {_QUOTES}")
    for name, column in zip(names, zip(*(row.cells for row in rows), strict=True), strict=False):
        if all(map(_ENCLOSED.fullmatch, column)):
            raise DataError(f"{path}: all cells of {name!r} stand in quotation marks; {_QUOTES}")


def _refuse_swallowed(path: Path, rows: list[_Row], delimiter: str) -> None:
    """Refuse a quoted cell over several lines, each of which would be a row if the quotes were text."""
    whole = [row.cells for row in rows if not any(map(_LINE_END.search, row.cells))]
    columns = [list(column) for column in zip(*whole, strict=True)]
    for row in rows:
        for place, cell in enumerate(row.cells):
            parts = _LINE_END.split(cell)
            if len(parts) == 1 or len(row.cells) == 1:
                continue
            before, after = row.cells[:place], row.cells[place + 1 :]
            middle = [part.split(delimiter) for part in parts[1:-1] if part]
            others = [[*before, *parts[0].split(delimiter)], *middle, [*parts[-1].split(delimiter), *after]]
            if all(len(other) == len(row.cells) for other in others) and all(
                _fits(piece, columns[number] if columns else [])
                for other in others
                for number, piece in enumerate(other)
                if number != place
            ):
                raise DataError(
                    f"{path}, line {row.line}: a quotation mark opens a cell of {len(parts)} lines, each of "
                    "which is a row by itself; remove it, or set read.quoted: false; a text that looks like "
                    "rows needs JSON lines or Parquet"
                )


def _fits(piece: str, column: list[str]) -> bool:
    """Whether a cell may stand in a column, by what else stands there."""
    if piece != piece.strip() and all(cell == cell.strip() for cell in column):
        return False
    if not piece.strip() and all(cell.strip() for cell in column):
        return False
    if column and all(map(_is_number, column)):
        return _is_number(piece)
    values = set(column)
    return len(column) < _ROWS_THAT_TELL or 2 * len(values) > len(column) or piece in values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
