"""Whether texts stand several times among examples: in one split, or in two of them."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from distillens import tables

Row = Mapping[str, Any]
_ORDER = ("test", "validation", "train")


def repeats(task: str, sets: Mapping[str, Sequence[Row]]) -> str:
    """Say how many examples share a text, and what to do; nothing where none do, or groups are named.

    Texts are the same but for case, for how a character is written (Unicode's form NFKC) and for the
    blanks between words. Of pairs the first texts are compared with each other, and the second ones.

    Parameters
    ----------
    task : str
        Its name.
    sets : mapping of str to sequence of mapping
        What is done with them, ``tested`` or ``explained``, and rows of a table of kind ``examples``.

    Examples
    --------
    >>> films = [{"text_a": text, "text_b": None, "group": None} for text in ("A film", "a  film", "A play")]
    >>> print(repeats("films", {"tested": films}))
    films: 2 of 3 tested texts are there more than once (1 different). Each counts as a draw of its own...
    >>> repeats("films", {"tested": films[1:]})
    ''
    """
    if any(row["group"] is not None for rows in sets.values() for row in rows):
        return ""
    said = [part for use, rows in sets.items() for part in _parts(use, rows)]
    if not said:
        return ""
    return (
        f"{task}: {'; '.join(said)}. Each counts as a draw of its own, so intervals may be too narrow: give "
        f"the data a column that says which belong together, and name it (tasks.{task}.columns.group)."
    )


def shared(task: str, splits: Mapping[str, Sequence[Row]]) -> str:
    """Say how many texts (or pairs), and groups, of a split are in another one, too; nothing where none are.

    Parameters
    ----------
    task : str
        Its name.
    splits : mapping of str to sequence of mapping
        Rows of tables of kind ``examples`` of ``test``, ``validation`` and ``train``, where they are there.

    Examples
    --------
    >>> film = {"example_id": "1", "text_a": "A film", "text_b": None, "group": None}
    >>> print(shared("films", {"test": [film], "train": [film | {"example_id": "7", "text_a": "a film"}]}))
    films: 1 of 1 texts of test are in train, too (the first is example '1', in train '7'). A model may...
    """
    said = [
        part
        for split, other in combinations([name for name in _ORDER if splits.get(name)], 2)
        for part in _common(split, splits[split], other, splits[other])
    ]
    if not said:
        return ""
    return (
        f"{task}: {'; '.join(said)}. A model may know by heart what it was trained on, so scores may be too "
        "good: leave these texts out of one of the two."
    )


def in_folder(task: str, folder: Path) -> list[str]:
    """Say both of a task's tables of examples, as far as they are there.

    Examples
    --------
    >>> row = {"text_a": "A film"}
    >>> tables.write("explained.parquet", "examples", [{"example_id": i, **row} for i in "12"], {})
    >>> [said.partition(".")[0] for said in in_folder("films", Path())]
    ['films: 2 of 2 explained texts are there more than once (1 different)']
    """
    paths = {name: Path(folder, f"{name}.parquet") for name in (*_ORDER, "explained")}
    rows = {name: tables.read(path, "examples").to_pylist() for name, path in paths.items() if path.is_file()}
    return said_of(task, rows)


def said_of(task: str, rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """Both, of the rows of ``test``, ``validation``, ``train`` and ``explained``, as far as they are there.

    Examples
    --------
    >>> said_of("films", {"test": [{"example_id": "1", "text_a": "A film", "text_b": None, "group": None}]})
    []
    """
    repeated = {use: rows.get(name, []) for use, name in (("tested", "test"), ("explained", "explained"))}
    return [said for said in (repeats(task, repeated), shared(task, rows)) if said]


def key(row: Row) -> tuple[str, ...]:
    """What the texts of examples have in common that count as the same.

    Examples
    --------
    >>> key({"text_a": " A  Film", "text_b": None})
    ('a film',)
    """
    return tuple(_plain(row[column]) for column in ("text_a", "text_b") if row[column] is not None)


def _common(split: str, rows: Sequence[Row], other: str, others: Sequence[Row]) -> Iterator[str]:
    there: dict[Any, Row] = {}
    for row in others:
        there.setdefault(key(row), row)
    both = [row for row in rows if key(row) in there]
    if both:
        what = "pairs" if both[0]["text_b"] is not None else "texts"
        same, own = (row["example_id"] for row in (there[key(both[0])], both[0]))
        first = f"the first is example {own!r}, in {other} {same!r}"
        yield f"{len(both)} of {len(rows)} {what} of {split} are in {other}, too ({first})"
    groups = {row["group"] for row in rows} - {None}
    if in_both := sorted(groups & {row["group"] for row in others}):
        yield f"{len(in_both)} of {len(groups)} groups of {split} are in {other}, too, such as {in_both[0]!r}"


def _parts(use: str, rows: Sequence[Row]) -> Iterator[str]:
    pairs = any(row["text_b"] is not None for row in rows)
    for column, name in (("text_a", "first"), ("text_b", "second")):
        counts = Counter(_plain(row[column]) for row in rows if row[column] is not None)
        several = [count for count in counts.values() if count > 1]
        if several:
            what = (
                f"pairs share their {name} text with another" if pairs else "texts are there more than once"
            )
            yield f"{sum(several)} of {len(rows)} {use} {what} ({len(several)} different)"


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
