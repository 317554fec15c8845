"""What drives a drift: the words and kinds of words that students lean on more, or less."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from distillens.report.formatting import MISSING, Cell, Head, Table, interval, number, percent
from distillens.report.study_data import Outline, frame_of, ordered

_GROUPS = {"sense": ("sentiment word", "neutral word", "negator"), "part": ()}
_WORDS = 10


def read(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read tables of kind ``word_shifts``."""
    return frame_of(paths, "word_shifts")


def kinds(study: Outline, task: str, shifts: pd.DataFrame) -> Table | None:
    """How much more of a text's attribution lies on each kind of words than in the teacher."""
    rows = [row for row in _rows_of(study, task, shifts) if row["kind"] in _GROUPS]
    if not rows:
        return None
    by_kind = {(row["student"], row["explainer"], row["kind"], row["name"]): row for row in rows}
    columns = [
        (group, name)
        for group, order in _GROUPS.items()
        for name in ordered((row["name"] for row in rows if row["kind"] == group), order)
    ]
    lines = [
        [Cell(student), Cell(explainer)]
        + [_shift(by_kind.get((student, explainer, group, name))) for group, name in columns]
        for student, explainer in _places(study, rows)
    ]
    head = [Head("student", numeric=False), Head("explainer", numeric=False)]
    head += [Head(name, _meaning(group, name, rows)) for group, name in columns]
    caption = f"What students lean on more or less than the teacher on {task}, by kind of word"
    return Table(f"kinds-{task}", caption, head, lines, 2, "word_shifts", folded=False)


def words(study: Outline, task: str, shifts: pd.DataFrame) -> Table | None:
    """The words that moved most, of those that stand in enough texts."""
    rows = [
        row for row in _rows_of(study, task, shifts) if row["kind"] == "word" and not pd.isna(row["shift"])
    ]
    if not rows or not study.settings.get("show_texts", True):
        return None
    lines = []
    for student, explainer in _places(study, rows):
        own = [row for row in rows if (row["student"], row["explainer"]) == (student, explainer)]
        own.sort(key=lambda row: (-abs(row["shift"]), row["name"]))
        lines += [
            [
                Cell(student),
                Cell(explainer),
                Cell(row["name"]),
                _shift(row),
                Cell(percent(row["share_teacher"]), row["share_teacher"]),
                Cell(percent(row["share_student"]), row["share_student"]),
                Cell(str(row["n"]), row["n"]),
            ]
            for row in own[:_WORDS]
        ]
    head = [Head(name, numeric=False) for name in ("student", "explainer", "word")]
    head += [
        Head("shift", "student's share minus teacher's, in points of the text's attribution"),
        Head("teacher", "the word's share of a text that it is in"),
        Head("student"),
        Head("texts"),
    ]
    caption = f"The words whose attribution moved most on {task}"
    return Table(f"words-{task}", caption, head, lines, 3, "word_shifts", folded=True)


def _rows_of(study: Outline, task: str, shifts: pd.DataFrame) -> list[dict[str, Any]]:
    rows = shifts[shifts["task"] == task].to_dict("records")
    return [row for row in rows if row["explainer"] not in study.controls]


def _places(study: Outline, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    students = ordered((row["student"] for row in rows), study.models)
    explainers = ordered((row["explainer"] for row in rows), list(study.settings["explainers"]))
    places = {(row["student"], row["explainer"]) for row in rows}
    return [place for student in students for place in ((student, e) for e in explainers) if place in places]


def _meaning(group: str, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    row = next(row for row in rows if (row["kind"], row["name"]) == (group, name))
    return (
        f"{row['words']} words in {row['n']} texts; points of the text's attribution, student minus teacher"
    )


def _shift(row: Mapping[str, Any] | None) -> Cell:
    """A shift in points; one whose interval leaves out zero stands out."""
    if row is None or pd.isna(row["shift"]):
        return Cell(MISSING, style="missing")
    low, high = (None if pd.isna(row[end]) else 100 * row[end] for end in ("shift_low", "shift_high"))
    clear = low is not None and high is not None and (low > 0 or high < 0)
    return Cell(
        number(100 * row["shift"], 1, signed=True),
        row["shift"],
        interval(low, high, 1),
        "told" if clear else "",
    )
