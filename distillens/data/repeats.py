"""Whether texts stand several times among examples, or were trained on and are tested, too."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def trained_on(task: str, trained: Sequence[Row], tested: Sequence[Row]) -> str:
    """Say how many tested texts, or groups of texts, were trained on too; nothing where none were.

    Texts are the same as in `repeats`; of pairs both texts are.

    Examples
    --------
    >>> films = [{"example_id": n, "text_a": t, "text_b": None, "group": None} for n, t in enumerate("abA")]
    >>> print(trained_on("films", films[:1], films[1:]))
    films: 1 of 2 tested texts were trained on, too, the first of them 2, so performance may be too good...
    """
    seen, groups = {_both(row) for row in trained}, {row["group"] for row in trained} - {None}
    again = [row["example_id"] for row in tested if _both(row) in seen]
    related = [row["example_id"] for row in tested if row["group"] in groups]
    said = []
    if again:
        said.append(
            f"{len(again)} of {len(tested)} tested texts were trained on, too, the first of them {again[0]}"
        )
    if related:
        said.append(
            f"{len(related)} of {len(tested)} are of a group that was trained on, the first {related[0]}"
        )
    if not said:
        return ""
    return f"{task}: {'; '.join(said)}, so performance may be too good: keep them in one split."


def told(paths: Iterable[str | Path]) -> list[str]:
    """What tables of kind ``examples`` say, by their provenance, of texts that were trained on, too.

    Examples
    --------
    >>> tables.write("test.parquet", "examples", [], {"trained_on": "films: 1 of 2 tested texts ..."})
    >>> told(["test.parquet"])
    ['films: 1 of 2 tested texts ...']
    """
    return [said for path in paths if (said := tables.provenance(path).get("trained_on"))]


def in_folder(task: str, folder: Path) -> str:
    """Say both of a task's ``test.parquet`` and ``explained.parquet``, as far as they are there.

    Examples
    --------
    >>> row = {"text_a": "A film"}
    >>> tables.write("explained.parquet", "examples", [{"example_id": i, **row} for i in "12"], {})
    >>> in_folder("films", Path()).partition(".")[0]
    'films: 2 of 2 explained texts are there more than once (1 different)'
    """
    paths = {
        use: Path(folder, f"{name}.parquet") for use, name in (("tested", "test"), ("explained", "explained"))
    }
    there = {use: path for use, path in paths.items() if path.is_file()}
    sets = {use: tables.read(path, "examples").to_pylist() for use, path in there.items()}
    return " ".join(filter(None, [repeats(task, sets), *told(there.values())]))


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


def _both(row: Row) -> tuple[str, str]:
    return _plain(row["text_a"]), _plain(row["text_b"] or "")


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
