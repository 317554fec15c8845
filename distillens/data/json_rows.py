"""Reads JSON lines, or in a .json file also one array, as a list of objects."""

import json
from pathlib import Path
from typing import Any

from distillens.data.decode import read_text
from distillens.data.errors import DataError

SUFFIXES = (".json", ".jsonl", ".ndjson")


def read_lines(path: Path, encoding: str = "utf-8") -> list[dict[str, Any]]:
    r"""Read JSON lines: an object on each line that is not empty; or, in .json, an array of objects.

    Raises
    ------
    DataError
        If a line or item is anything else, or has a key twice; the message has its number.

    Examples
    --------
    >>> path = Path("films.jsonl")
    >>> _ = path.write_text('{"text": "A good film"}\n')
    >>> read_lines(path)
    [{'text': 'A good film'}]
    """
    text = read_text(path, encoding)
    if path.suffix.lower() == ".json" and text.lstrip().startswith("["):
        items = [(f"item {number}", item) for number, item in enumerate(_parsed(text, str(path)), start=1)]
    else:
        # Only these end a line; others, such as U+2028, may stand in a text.
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        items = [
            (f"line {number}", _parsed(line, f"{path}, line {number}"))
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]
    for where, item in items:
        if not isinstance(item, dict):
            raise DataError(f"{path}, {where}: not JSON lines: an object is wanted, with a key per column")
    return [item for _, item in items]


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, where))
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON lines: {error}") from error


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DataError(f"{where}: the key {twice!r} stands there twice; remove one")
    return row
