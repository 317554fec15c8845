"""Where students stand among damaged copies of their teacher: a table, and a sentence for each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from distillens import registry
from distillens.metrics.calibration import HEADLINE
from distillens.report import score_rows
from distillens.report.formatting import (
    NOTHING,
    Cell,
    Head,
    Table,
    damage_in_words,
    interval,
    number,
    percent,
)
from distillens.report.study_data import Outline, frame_of
from distillens.report.tables import VERDICTS

Row = Mapping[str, Any]


class Ladders(NamedTuple):
    """The study's tables of kind ``placements`` and ``ladders``."""

    placements: pd.DataFrame
    rungs: pd.DataFrame

    @classmethod
    def read(cls, placements: Iterable[str | Path], ladders: Iterable[str | Path]) -> "Ladders":
        """Read the files."""
        return cls(frame_of(placements, "placements"), frame_of(ladders, "ladders"))


def tables_of(study: Outline, task: str, ladders: Ladders, drift: pd.DataFrame) -> list[Table]:
    """Per explainer, a row for each student, and for the teacher's own runs where there are several."""
    rows = headline(ladders.placements, task)
    by_seeds = {
        (row["student"], row["explainer"]): row["verdict"]
        for row in score_rows.of(drift, task)
        if row["metric"] == HEADLINE and not row["teacher_runs_missing"]
    }
    result = []
    for explainer in score_rows.explainers(study, rows):
        own = [row for row in rows if row["explainer"] == explainer]
        kinds = list(dict.fromkeys(row["kind"] for row in own if row["kind"]))
        places = {(row["student"], row["kind"]): row for row in own}
        lines = []
        for row in (row for row in own if not row["kind"]):
            name = row["student"]
            doses = [_dose_cell(places.get((name, kind)), kind) for kind in kinds]
            lines.append([
                Cell(name, note="its own runs" if name == row["teacher"] else ""),
                _cell(row, "equal_answers", percent),
                _cell(row, "agreement", number),
                *doses,
                _cell(row, "excess", lambda value: number(value, signed=True)),
                _verdict_cell(row["verdict"]),
                _verdict_cell(by_seeds.get((name, explainer))),
            ])  # fmt: skip
        if lines:
            head = [
                Head("student", numeric=False),
                Head("same answer", "share of the explained texts with the teacher’s answer"),
                Head("S", "agreement with the teacher’s attributions (Spearman), mean over texts"),
                *(Head(f"{kind}, dose", _meaning(kind)) for kind in kinds),
                Head("excess", "what a damaged copy with as many equal answers agrees more than the student"),
                Head("by the ladder", f"agrees at least as much as {_reference(own)}?", numeric=False),
                Head("by seeds", "as much as another run of the teacher? (the verdict above)", numeric=False),
            ]
            caption = f"Places on the ladder of damaged copies, by {explainer}"
            result.append(Table(f"ladder-{task}-{explainer}", caption, head, lines, 1, "placements"))
    return result


def lines(study: Outline, ladders: Ladders) -> list[tuple[str, Cell, str]]:
    """For each student, explainer and task: who, the verdict by the ladder, and where it stands in words."""
    result = []
    for task in study.tasks:
        rows = headline(ladders.placements, task)
        for row in (row for row in rows if not row["kind"]):
            same = ("student", "explainer", "teacher")
            places = [one for one in rows if one["kind"] and all(one[key] == row[key] for key in same)]
            who = row["student"] if len(study.tasks) == 1 else f"{row['student']} on {task}"
            word = _verdict_cell(row["verdict"]) if row["verdict"] else Cell("")
            result.append((who, word, sentence(row, places)))
    return result


def sentence(row: Row, places: Sequence[Row]) -> str:
    """Say in plain words where a student stands.

    Parameters
    ----------
    row : mapping
        Its row over all kinds of damage.
    places : sequence of mappings
        Its rows by kind.

    Examples
    --------
    >>> nan = dict.fromkeys(["excess", "excess_low", "excess_high"], math.nan)
    >>> row = {"student": "kd", "teacher": "bert", "explainer": "lime", "agreement": 0.5, **nan}
    >>> place = {"kind": "prune", "beyond": False, "dose": 0.55, "dose_low": 0.48, "dose_high": 0.61}
    >>> print(sentence(row | {"equal_answers": 0.78}, [place]).split(".")[0])
    By lime, its reasons are as far from the teacher’s as zeroing the smallest 55% [48%, 61%] of the ...
    """
    if not places:
        return f"By {row['explainer']}, it has no place on the ladder: too few texts are defined."
    its_own = row["student"] == row["teacher"]
    far = (
        "the reasons of its runs are {} from each other"
        if its_own
        else "its reasons are {} from the teacher’s"
    )
    at = [damage_in_words(place) for place in places if not place["beyond"]]
    if at:
        where = f"{far.format('as far')} as {' or '.join(at)} would put them"
    else:
        past = " or ".join(map(_past, places))
        where = f"{far.format('further')} than {past} puts them, where the ladder ends"
    return f"By {row['explainer']}, {where}. {_beside_answers(row)}"


def _past(place: Row) -> str:
    form = registry.literal("damage", place["kind"], "NUMBER")
    return registry.literal("damage", place["kind"], "WORDS").format(form.format(place["dose_low"]))


def _beside_answers(row: Row) -> str:
    if math.isnan(row["equal_answers"]):
        return "Its answers are not known, so reasons cannot be held against them."
    share = percent(row["equal_answers"])
    if math.isnan(row["excess"]):
        return f"Of its answers {share} are the teacher’s; the ladder does not reach so few."
    copy = number(row["agreement"] + row["excess"])
    hidden = f"{number(row['excess'], signed=True)} {interval(row['excess_low'], row['excess_high'])}".strip()
    return (
        f"At as many equal answers ({share}) a damaged copy agrees {copy} with the teacher, "
        f"this one {number(row['agreement'])}: the difference, {hidden}, is what answers do not show."
    )


def headline(frame: pd.DataFrame, task: str) -> list[Row]:
    """A task's rows by the headline metric.

    Examples
    --------
    >>> headline(pd.DataFrame({"task": ["a", "b"], "metric": [HEADLINE] * 2}), "b")
    [{'task': 'b', 'metric': 'spearman'}]
    """
    return [row for row in score_rows.of(frame, task) if row["metric"] == HEADLINE]


def _cell(row: Row, name: str, form: Any) -> Cell:
    value = row[name]
    if math.isnan(value):
        return NOTHING
    return Cell(form(value), value, interval(row[f"{name}_low"], row[f"{name}_high"]))


def _dose_cell(row: Row | None, kind: str) -> Cell:
    if row is None:
        return NOTHING
    form = registry.literal("damage", kind, "NUMBER").format
    if row["beyond"]:
        return Cell(f"> {form(row['dose_low'])}", row["dose_low"], hint="beyond the last rung")
    high = "beyond" if math.isnan(row["dose_high"]) else form(row["dose_high"])
    return Cell(form(row["dose"]), row["dose"], f"[{form(row['dose_low'])}, {high}]")


def _verdict_cell(word: str | None) -> Cell:
    return Cell(word, style=f"verdict {VERDICTS[word]}") if word else NOTHING


def _meaning(kind: str) -> str:
    words = registry.literal("damage", kind, "WORDS").format("so much")
    return f"as far from the teacher as {words} puts a copy"


def _reference(rows: Sequence[Row]) -> str:
    return next((row["reference"] for row in rows if row["reference"]), "what is accepted")
