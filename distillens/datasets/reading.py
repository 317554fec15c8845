"""Reads a table of texts in any of the usual formats and gives its columns our names."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distillens.text import Example


class DataError(ValueError):
    """A data set is not what its task says; the message names file, row and reason."""


def read_frame(
    path: Path, delimiter: str, encoding: str, quoted: bool, header: list[str] | None
) -> pd.DataFrame:
    """Read Parquet, JSON lines, or delimited text; every cell of a text stays a string.

    Parameters
    ----------
    path : Path
        The suffix tells the format; what is neither .parquet nor .json[l] is delimited text.
    delimiter, encoding, quoted, header
        For delimited text: ``quoted=False`` takes quotation marks as they are, ``header``
        names the columns of a file that does not.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix in (".json", ".jsonl"):
            return _json_lines(path, encoding)
        return pd.read_csv(
            path,
            sep=delimiter,
            encoding=encoding,
            quoting=0 if quoted else 3,
            names=header,
            dtype=str,
            keep_default_na=False,
        )
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _json_lines(path: Path, encoding: str) -> pd.DataFrame:
    """Read JSON lines; pandas would drop what is not valid Unicode without a word."""
    records = []
    with path.open(encoding=encoding) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line) if line.strip() else {}
            except ValueError as error:
                raise DataError(f"{path}, line {number}: not JSON: {error}") from error
            if not isinstance(record, dict):
                raise DataError(f"{path}, line {number}: not a JSON object with columns")
            records += [record] if line.strip() else []  # an empty object is a row
    return pd.DataFrame(records, dtype=object)


def to_examples(frame: pd.DataFrame, task: Mapping[str, Any], where: str) -> Iterator[Example]:
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
        For a column that is not there, an empty or broken text, a duplicate id, or a
        label that is missing, not a number, or not one of the task's.
    """
    columns = {name: column for name, column in task["columns"].items() if column is not None}
    for name, column in columns.items():
        if column not in frame.columns:
            raise DataError(
                f"{where}: no column {column!r} for {name}; there are: {', '.join(map(str, frame.columns))}"
            )
    seen: set[str] = set()
    for row, record in enumerate(frame[list(columns.values())].to_dict("records"), start=1):
        cells = {name: record[column] for name, column in columns.items()}
        at = f"{where}, row {row}"
        example_id = str(cells.get("example_id", row))
        if example_id in seen:
            raise DataError(f"{at}: id {example_id!r} stands there twice")
        seen.add(example_id)
        label, name = _label(cells["label"], task, at)
        yield Example(
            example_id=example_id,
            text_a=_text(cells["text_a"], columns["text_a"], at),
            text_b=_text(cells["text_b"], columns["text_b"], at) if "text_b" in cells else None,
            label=label,
            label_name=name,
        )


def _text(cell: Any, column: str, at: str) -> str:
    if not isinstance(cell, str) or not cell.strip():
        raise DataError(f"{at}: {column} is empty; remove the row or mend it")
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{at}: {column} is not valid Unicode at character {error.start}") from error
    if "\x00" in cell:
        raise DataError(f"{at}: {column} has a null byte at character {cell.index(chr(0))}")
    return cell


def _label(cell: Any, task: Mapping[str, Any], at: str) -> tuple[float, str | None]:
    labels: list[str] = task["labels"]
    if str(cell) in labels:  # a class that is named by a number, too
        return float(labels.index(str(cell))), str(cell)
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        known = f" nor one of {', '.join(labels)}" if labels else ""
        raise DataError(f"{at}: label {cell!r} is not a number{known}")
    if task["type"] == "regression":
        return value, None
    if task["cut"] is not None:
        value = float(np.digitize(value, task["cut"]))
    if value not in range(len(labels)):
        raise DataError(
            f"{at}: label {cell!r} is out of range; the task has the classes 0 to {len(labels) - 1}"
        )
    return value, labels[int(value)]


def rows(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """Examples as rows of a table of kind ``examples``."""
    return [
        {name: getattr(example, name) for name in ("example_id", "text_a", "text_b", "label", "label_name")}
        for example in examples
    ]
