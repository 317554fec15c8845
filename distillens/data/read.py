"""Reads a table of texts in any of the usual formats and gives its columns our names."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from distillens.data import label_sets, labels
from distillens.data.decode import read_text
from distillens.data.delimited import read_rows
from distillens.data.errors import DataError, listed
from distillens.data.json_rows import SUFFIXES, read_lines
from distillens.data.segmentation import SegmentationError, refuse_uncut
from distillens.data.text import Example

__all__ = ["DataError", "label_report", "listed", "read_frame", "read_lines", "rows", "to_examples"]

_TABS = (".tsv", ".tab")
_READ = ("example_id", "text_a", "text_b", "group")
_SEVERAL = "multi_label"
_KINDS = {bytes: "bytes", list: "a list", dict: "an object", bool: "a truth value"}


def read_frame(
    path: Path, delimiter: str | None, encoding: str, quoted: bool | None, header: list[str] | None
) -> pd.DataFrame:
    r"""Read Parquet, JSON lines, or delimited text; every cell of a text stays a string.

    Parameters
    ----------
    path : Path
        The suffix, in any case, tells the format; what is neither .parquet nor .json, .jsonl or .ndjson is
        delimited text.
    delimiter, encoding, quoted, header
        For delimited text: ``delimiter=None`` is a tab in .tsv and .tab files, else a
        comma, ``quoted=False`` takes quotation marks as they are, None does so where a tab
        separates columns, ``header`` names the columns of a file that does not.

    Returns
    -------
    DataFrame
        Cells as they are, of type object. Where a data set of the hub names the codes of a column,
        ``attrs["codes"]`` has these names by column.

    Raises
    ------
    DataError
        If the file cannot be read exactly, has no rows, or a column's name twice.

    Examples
    --------
    >>> path = Path("films.csv")
    >>> _ = path.write_text("text,label\nA good film,1\n")
    >>> read_frame(path, delimiter=None, encoding="utf-8", quoted=True, header=None).to_dict("records")
    [{'text': 'A good film', 'label': '1'}]
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        frame = _read_parquet(path)
    elif suffix in SUFFIXES:
        frame = pd.DataFrame(read_lines(path, encoding), dtype=object)
    else:
        delimiter = delimiter or ("\t" if suffix in _TABS else ",")
        names, cells = read_rows(path, read_text(path, encoding), delimiter, quoted, header)
        frame = pd.DataFrame(cells, columns=names, dtype=object)
    if frame.empty:
        raise DataError(f"{path}: has no rows")
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        # Not by the name of its folder, which others would take for a column (label=1/a.parquet).
        with pq.ParquetFile(path) as file:
            table = file.read()
        columns = {number: table.column(number).to_pylist() for number in range(table.num_columns)}
        codes = _codes(table.schema)
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from error
    names = table.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: column names that stand there twice: {', '.join(twice)}; rename them")
    frame = pd.DataFrame({name: pd.Series(columns[n], dtype=object) for n, name in enumerate(names)})
    frame.attrs["codes"] = codes
    return frame


def _codes(schema: pa.Schema) -> dict[str, list[str]]:
    """What ``datasets`` notes in a file: names of the codes of a column of classes."""
    noted = (schema.metadata or {}).get(b"huggingface")
    features = json.loads(noted)["info"]["features"] if noted else {}
    return {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature
    }


def to_examples(frame: pd.DataFrame, task: Mapping[str, Any], where: str) -> list[Example]:
    """Rows as examples: checked, labelled by number (`distillens.data.labels` has the rule).

    Parameters
    ----------
    frame : DataFrame
        One split of the source.
    task : mapping
        The task's block of the config: ``columns``, ``type``, ``labels``, ``cut``. Without a column of
        labels no example has one.
    where : str
        Names the file in messages.

    Raises
    ------
    DataError
        For a column that is not there; else for every row with an empty or broken text, an
        empty or repeated id, or a label that is missing, not a number, or not one of the
        task's: each with its number and the reason.

    Examples
    --------
    >>> task = {"type": "classification", "labels": ["negative", "positive"], "cut": None}
    >>> task |= {"columns": {"text_a": "text", "label": "label"}}
    >>> frame = pd.DataFrame({"text": ["A good film"], "label": [1]})
    >>> to_examples(frame, task, "films.csv")[0].label_name
    'positive'
    """
    columns = {name: task["columns"].get(name) for name in _READ if task["columns"].get(name) is not None}
    of_labels = [] if task["columns"]["label"] is None else label_sets.columns_of(task)
    for name, column in [*columns.items(), *(("label", column) for column in of_labels)]:
        check_column(frame, column, f"for {name}", where)
    try:
        rule = _rule(frame, task) if of_labels else None
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    by_id: dict[str, Example] = {}
    problems = []
    every = list(dict.fromkeys([*columns.values(), *of_labels]))
    for row, record in enumerate(frame[every].to_dict("records"), start=1):
        try:
            cells = {name: record[column] for name, column in columns.items()}
            label = rule([record[column] for column in of_labels]) if rule else None
            example = _example(cells, columns, label, row)
            if example.example_id in by_id:
                raise DataError(f"id {example.example_id!r} stands there twice")
            by_id[example.example_id] = example
        except DataError as error:
            problems.append(f"row {row}: {error}")
    if problems:
        raise DataError(listed(where, problems))
    return list(by_id.values())


def label_report(frame: pd.DataFrame, task: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the labels of a frame, none of which is refused, were read as: see `labels.report`; {} without.

    Examples
    --------
    >>> task = {"type": "classification", "labels": ["no", "yes"], "cut": None, "columns": {"label": "y"}}
    >>> label_report(pd.DataFrame({"y": ["Yes", "no"]}), task)["yes"]
    {'rows': 1, 'first_row': 1, 'read_as': ['name'], 'cells': ['Yes']}
    """
    if task["columns"]["label"] is None:
        return {}
    if task["type"] == _SEVERAL:
        return label_sets.report(frame, task)
    cells, codes = _labels(frame, task)
    return labels.report(cells, task, codes)


def _rule(frame: pd.DataFrame, task: Mapping[str, Any]) -> Callable[[list[Any]], labels.Label]:
    """What reads the cells of a row's columns of labels."""
    if task["type"] == _SEVERAL:
        return label_sets.LabelSets(task, frame).read
    rule = labels.LabelRule(task, *_labels(frame, task))
    return lambda cells: rule.read(cells[0])


def _labels(frame: pd.DataFrame, task: Mapping[str, Any]) -> tuple[list[Any], list[str] | None]:
    """The column of labels, and the names that its file gives to codes."""
    column = task["columns"]["label"]
    return list(frame[column]), frame.attrs.get("codes", {}).get(column)


def check_column(frame: pd.DataFrame, column: str, what: str, where: str) -> None:
    """Raise a `DataError` that says which columns there are, if one is not.

    Examples
    --------
    >>> check_column(pd.DataFrame({"id": [], " text": []}), "text", "for text_a", "films.csv")
    Traceback (most recent call last):
        ...
    distillens.data.errors.DataError: films.csv: no column 'text' for text_a; there are: id, ' text'
    """
    if column in frame.columns:
        return
    hint = "; is read.delimiter right?" if len(frame.columns) == 1 else ""
    if f'"{column}"' in frame.columns:
        hint = "; set read.quoted: true"
    there = [name if name == name.strip() and name.isprintable() else repr(name) for name in frame.columns]
    raise DataError(f"{where}: no column {column!r} {what}; there are: {', '.join(there)}{hint}")


def _example(
    cells: Mapping[str, Any], columns: Mapping[str, str], label: labels.Label | None, row: int
) -> Example:
    example_id = _id(cells["example_id"], columns["example_id"]) if "example_id" in cells else str(row)
    group = _id(cells["group"], columns["group"], "a group", "") if "group" in cells else None
    return Example(
        example_id=example_id,
        text_a=_text(cells["text_a"], columns["text_a"]),
        text_b=_text(cells["text_b"], columns["text_b"]) if "text_b" in cells else None,
        label=None if label is None else label.number,
        label_name=None if label is None else label.name,
        group=group,
    )


def _id(cell: Any, column: str, what: str = "an id", note: str = " of its own") -> str:
    if labels.is_missing(cell) or not str(cell).strip():
        raise DataError(f"{column} is empty; every row needs {what}{note}")
    if type(cell) in _KINDS:
        raise DataError(f"{column} is {_KINDS[type(cell)]}; {what} is a text or a number")
    # A whole number that a table holds as 1.0 is 1.
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    _check_characters(text, column)
    return text


def _text(cell: Any, column: str) -> str:
    if labels.is_missing(cell) or (isinstance(cell, str) and not cell.strip()):
        raise DataError(f"{column} is empty; remove the row or mend it")
    if not isinstance(cell, str):
        raise DataError(f"{column} is {_KINDS.get(type(cell), f'{cell!r}, not a text')}; write a text there")
    _check_characters(cell, column)
    try:
        refuse_uncut(cell)
    except SegmentationError as error:
        raise DataError(f"{column}: {error}") from error
    return cell


def _check_characters(text: str, column: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{column} is not valid Unicode at character {error.start}") from error
    if "\x00" in text:
        raise DataError(f"{column} has a null byte at character {text.index(chr(0))}")


_COLUMNS = ("example_id", "text_a", "text_b", "label", "label_name", "group")


def rows(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """Examples as rows of a table of kind ``examples``.

    Examples
    --------
    >>> rows([Example("7", "A film", label=1.0, label_name="positive")])[0]["label_name"]
    'positive'
    """
    return [{name: getattr(example, name) for name in _COLUMNS} for example in examples]


def texts(frame: pd.DataFrame, column: str, where: str) -> list[str]:
    """The texts of a column without labels; empty cells are left out.

    Raises
    ------
    DataError
        For a column that is not there, and for every cell that is no text, or a broken one.

    Examples
    --------
    >>> texts(pd.DataFrame({"text": ["A film ", "", None]}), "text", "corpus.csv")
    ['A film']
    """
    check_column(frame, column, "of texts", where)
    corpus, problems = [], []
    for row, cell in enumerate(frame[column], start=1):
        if labels.is_missing(cell) or (isinstance(cell, str) and not cell.strip()):
            continue
        try:
            corpus.append(_text(cell, column).strip())
        except DataError as error:
            problems.append(f"row {row}: {error}")
    if problems:
        raise DataError(listed(where, problems))
    return corpus
