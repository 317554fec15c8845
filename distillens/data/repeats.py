"""Whether texts stand several times among examples of which nobody says which belong together."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from distillens import tables

Row = Mapping[str, Any]


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


def in_folder(task: str, folder: Path) -> str:
    """Say it of a task's ``test.parquet`` and ``explained.parquet``, as far as they are there.

    Examples
    --------
    >>> row = {"text_a": "A film"}
    >>> tables.write("explained.parquet", "examples", [{"example_id": i, **row} for i in "12"], {})
    >>> in_folder("films", Path()).partition(".")[0]
    'films: 2 of 2 explained texts are there more than once (1 different)'
    """
    sets = {}
    for use, name in (("tested", "test"), ("explained", "explained")):
        path = Path(folder, f"{name}.parquet")
        sets[use] = tables.read(path, "examples").to_pylist() if path.is_file() else []
    return repeats(task, sets)


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
