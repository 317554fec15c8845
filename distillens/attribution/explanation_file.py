"""A file of attributions that were computed elsewhere, read row by row."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from distillens.data.read import DataError, read_lines
from distillens.provenance import ExplanationId

NEEDED = ("example_id", "model", "explainer", "values")
KEYS = (*NEEDED, "task", "seed", "words", "tokens", "spans", "target", "logits")
MAPPING = "mapping"

Row = dict[str, Any]


def rows_about(path: Path, run: ExplanationId, name: str, needed: Sequence[str]) -> Iterator[tuple[int, Row]]:
    r"""Rows of a file that are about a task, model, seed and explainer, with their numbers.

    Parameters
    ----------
    path : Path
        JSON lines, or Parquet.
    run : ExplanationId
    name : str
        What the file calls the model.
    needed : sequence of str
        What rows must say besides: their ``task`` and ``seed``, where the study has several.

    Raises
    ------
    DataError
        If the file cannot be read, a row has an unknown key or lacks one, or no row is about the run.

    Examples
    --------
    >>> text = '{"example_id": 1, "model": "bert", "explainer": "lime", "values": {"dull": -0.8}}\n'
    >>> _ = Path("own.jsonl").write_text(text)
    >>> run = ExplanationId("films", "teacher", 0, "lime")
    >>> [(number, row["values"]) for number, row in rows_about(Path("own.jsonl"), run, "bert", needed=[])]
    [(1, {'dull': -0.8})]
    """
    wanted = {"task": run.task, "model": name, "seed": run.seed, "explainer": run.explainer}
    named: dict[str, set[str]] = {key: set() for key in wanted}
    any_of = False
    for number, row in enumerate(_read(path), start=1):
        # A null is a key that is not there, as in a table; but null values say that there are none.
        row = {key: value for key, value in row.items() if value is not None or key == "values"}
        unknown = next((key for key in row if key not in KEYS), None)
        lacking = [key for key in (*NEEDED, *needed) if key not in row]
        if unknown or lacking:
            what = f"unknown key {unknown!r}" if unknown else f"no {lacking[0]!r}"
            raise DataError(f"{path}, row {number}: {what}; a row has {', '.join(KEYS)}")
        for key, values in named.items():
            values.add(plain(row.get(key, wanted[key])))
        if all(plain(row.get(key, wanted[key])) == str(wanted[key]) for key in wanted):
            any_of = True
            yield number, row
    if not any_of:
        there = "; ".join(f"{key}: {', '.join(sorted(values)) or 'none'}" for key, values in named.items())
        raise DataError(
            f"{path}: no rows of model {name!r}, seed {run.seed}, by {run.explainer!r} "
            f"for task {run.task!r}; there are {there}; "
            f"set models.{run.model}.explanations.name, "
            "or call the study's explainers as the file does"
        )


def plain(name: Any) -> str:
    """A name or number as text; a whole number that a table holds as 1.0 is 1.

    Examples
    --------
    >>> plain(1.0), plain("1"), plain(1.5)
    ('1', '1', '1.5')
    """
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name)


def positions(row: Row) -> tuple[str, list[str], list[Any]]:
    """What a row's values are about: ``words``, ``tokens``, or the words of a ``mapping``.

    Returns
    -------
    form : str
    pieces : list of str
    values : list
        One for each piece.

    Raises
    ------
    DataError
        If the row has none of them, or several, or another number of values than positions.

    Examples
    --------
    >>> positions({"values": [["dull", -0.8], ["film", 0.1]]})
    ('mapping', ['dull', 'film'], [-0.8, 0.1])
    """
    columns = [key for key in ("words", "tokens") if key in row]
    values = row["values"]
    if isinstance(values, Mapping):
        values = list(values.items())
    if values is None:
        values = [None] * len(row[columns[0]]) if len(columns) == 1 else []
        if not columns:
            return MAPPING, [], []
    if not isinstance(values, list | tuple):
        raise DataError(f"values are {values!r}; give a list, or a word-to-value mapping")
    pairs = bool(values) and all(
        isinstance(one, list | tuple) and len(one) == 2 and isinstance(one[0], str) for one in values
    )
    if pairs:
        if columns or "spans" in row:
            raise DataError(f"a word-to-value mapping has no {(columns or ['spans'])[0]!r} beside it")
        words = [word for word, _ in values]
        if len(set(words)) != len(words):
            raise DataError("a word stands twice in the mapping")
        return MAPPING, words, [value for _, value in values]
    if len(columns) != 1:
        raise DataError("needs either words or tokens, or values that are a word-to-value mapping")
    pieces = row[columns[0]]
    if len(pieces) != len(values):
        raise DataError(f"{len(pieces)} {columns[0]}, but {len(values)} values; give one for each")
    return columns[0], list(pieces), list(values)


def _read(path: Path) -> list[Row]:
    if path.suffix in (".json", ".jsonl"):
        try:
            return read_lines(path)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from error
    try:
        return pq.read_table(path, partitioning=None).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet (or name it .jsonl): {error}") from error
