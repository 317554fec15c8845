"""Reads a table of texts in any of the usual formats and gives its columns our names."""

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distillens.data.text import Example

_LISTED = 20
_TABS = (".tsv", ".tab")


class DataError(ValueError):
    """A data set is not what its task says; the message names file, row and reason."""


def read_frame(
    path: Path, delimiter: str | None, encoding: str, quoted: bool, header: list[str] | None
) -> pd.DataFrame:
    r"""Read Parquet, JSON lines, or delimited text; every cell of a text stays a string.

    Parameters
    ----------
    path : Path
        The suffix tells the format; what is neither .parquet nor .json[l] is delimited text.
    delimiter, encoding, quoted, header
        For delimited text: ``delimiter=None`` is a tab in .tsv and .tab files, else a
        comma, ``quoted=False`` takes quotation marks as they are, ``header`` names the
        columns of a file that does not.

    Raises
    ------
    DataError
        If the file cannot be read, or a row has more cells than there are columns.

    Examples
    --------
    >>> path = Path("films.csv")
    >>> _ = path.write_text("text,label\nA good film,1\n")
    >>> read_frame(path, delimiter=None, encoding="utf-8", quoted=True, header=None).to_dict("records")
    [{'text': 'A good film', 'label': '1'}]
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix in (".json", ".jsonl"):
            return pd.DataFrame(read_lines(path, encoding), dtype=object)
        with warnings.catch_warnings():
            # Else pandas would drop cells, or take the first column for an index.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                path,
                sep=delimiter or ("\t" if path.suffix in _TABS else ","),
                encoding=encoding,
                quoting=0 if quoted else 3,
                names=header,
                index_col=False,
                dtype=str,
                keep_default_na=False,
            )
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: rows have more cells than there are columns; put texts that contain the delimiter "
            "into quotation marks, or set read.delimiter or read.header"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: cannot be read: {error}; set read.encoding") from error
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def read_lines(path: Path, encoding: str = "utf-8") -> list[dict[str, Any]]:
    r"""Read JSON lines: an object on each line that is not empty.

    Raises
    ------
    DataError
        If a line is anything else; the message has its number.

    Examples
    --------
    >>> path = Path("films.jsonl")
    >>> _ = path.write_text('{"text": "A good film"}\n')
    >>> read_lines(path)
    [{'text': 'A good film'}]
    """
    rows = []
    with path.open(encoding=encoding) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{path}, line {number}: not JSON lines: {error}") from error
            if not isinstance(row, dict):
                raise DataError(
                    f"{path}, line {number}: not JSON lines: an object is wanted, with a key per column"
                )
            rows.append(row)
    return rows


def to_examples(frame: pd.DataFrame, task: Mapping[str, Any], where: str) -> list[Example]:
    """Rows as examples: checked, labelled by number.

    Parameters
    ----------
    frame : DataFrame
        One split of the source.
    task : mapping
        The task's block of the config: ``columns``, ``type``, ``labels``, ``cut``.
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
    columns = {name: column for name, column in task["columns"].items() if column is not None}
    for name, column in columns.items():
        if column not in frame.columns:
            hint = "; is read.delimiter right?" if len(frame.columns) == 1 else ""
            raise DataError(
                f"{where}: no column {column!r} for {name}; "
                f"there are: {', '.join(map(str, frame.columns))}{hint}"
            )
    by_id: dict[str, Example] = {}
    problems = []
    for row, record in enumerate(frame[list(columns.values())].to_dict("records"), start=1):
        try:
            example = _example({name: record[column] for name, column in columns.items()}, columns, task, row)
            if example.example_id in by_id:
                raise DataError(f"id {example.example_id!r} stands there twice")
            by_id[example.example_id] = example
        except DataError as error:
            problems.append(f"row {row}: {error}")
    if problems:
        raise DataError(listed(where, problems))
    return list(by_id.values())


def listed(where: str, problems: list[str]) -> str:
    """One message for all that is wrong with a file: the first few in full, the others counted.

    Examples
    --------
    >>> listed("films.csv", ["row 3: label is empty"])
    'films.csv, row 3: label is empty'
    """
    if len(problems) == 1:
        return f"{where}, {problems[0]}"
    more = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
    return "\n  ".join([f"{where}: {len(problems)} problems", *problems[:_LISTED], *more])


def _example(
    cells: Mapping[str, Any], columns: Mapping[str, str], task: Mapping[str, Any], row: int
) -> Example:
    example_id = cells.get("example_id", row)
    if example_id is None or example_id != example_id or not str(example_id).strip():
        raise DataError(f"{columns['example_id']} is empty; every row needs an id of its own")
    label, name = _label(cells["label"], task)
    return Example(
        example_id=str(example_id),
        text_a=_text(cells["text_a"], columns["text_a"]),
        text_b=_text(cells["text_b"], columns["text_b"]) if "text_b" in cells else None,
        label=label,
        label_name=name,
    )


def _text(cell: Any, column: str) -> str:
    if not isinstance(cell, str) or not cell.strip():
        raise DataError(f"{column} is empty; remove the row or mend it")
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{column} is not valid Unicode at character {error.start}") from error
    if "\x00" in cell:
        raise DataError(f"{column} has a null byte at character {cell.index(chr(0))}")
    return cell


def _label(cell: Any, task: Mapping[str, Any]) -> tuple[float, str | None]:
    labels: list[str] = task["labels"]
    if str(cell) in labels:  # a class that is named by a number, too
        return float(labels.index(str(cell))), str(cell)
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        hint = f" nor one of {', '.join(labels)}" if labels else ""
        raise DataError(f"label {cell!r} is not a number{hint}")
    if task["type"] == "regression":
        return value, None
    if task["cut"] is not None:
        value = float(np.digitize(value, task["cut"]))
    if value not in range(len(labels)):
        raise DataError(f"label {cell!r} is out of range; the task has the classes 0 to {len(labels) - 1}")
    return value, labels[int(value)]


def rows(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """Examples as rows of a table of kind ``examples``.

    Examples
    --------
    >>> rows([Example("7", "A film", label=1.0, label_name="positive")])[0]["label_name"]
    'positive'
    """
    return [
        {name: getattr(example, name) for name in ("example_id", "text_a", "text_b", "label", "label_name")}
        for example in examples
    ]
