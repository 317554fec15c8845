"""The answer: a verdict per student and task, and the paragraph that sums them up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from distillens.metrics.calibration import DRIFTS, GATED, HEADLINE, KEEPS, UNKNOWN, overall
from distillens.report.cells import (
    MISSING,
    Cell,
    Head,
    Table,
    capitalised,
    interval,
    metric_name,
    number,
    percent,
)
from distillens.report.read import Run, Study, ordered
from distillens.report.tables import VERDICTS
from distillens.report.tables import verdict as in_words

_NAMED = 3


@dataclass(frozen=True)
class Verdict:
    """What is said about one student run on one task, and the numbers that it stands on."""

    task: str
    run: Run
    lead: str
    student: Mapping[str, Any] | None
    teacher: Mapping[str, Any] | None
    majority: Mapping[str, Any] | None
    drift: Mapping[str, Mapping[str, Any]]
    overall: str

    @property
    def hidden(self) -> bool:
        """Whether the student drifts while its performance cannot be told from its teacher's."""
        if self.overall != DRIFTS or self.student is None or self.teacher is None:
            return False
        return bool(self.student["low"] <= self.teacher["value"] <= self.student["high"])


def verdicts(study: Study, performance: pd.DataFrame, drift: pd.DataFrame) -> list[Verdict]:
    """One verdict per task and student run, in the study's order."""
    headline = drift[drift["metric"] == HEADLINE].to_dict("records")
    scores = performance[performance["against"].isna()].to_dict("records")
    found = {(row["task"], row["model"], row["seed"], row["metric"]): row for row in scores}
    explainers = _explainers(study, headline)
    said = []
    for task in study.tasks:
        lead = study.lead(task)
        for run in study.students:
            teacher = study.first(run.teacher)
            rows = {
                row["explainer"]: row
                for row in headline
                if (row["task"], row["model"], row["seed"]) == (task, run.model, run.seed)
                and row["explainer"] in explainers
            }
            said.append(
                Verdict(
                    task,
                    run,
                    lead,
                    found.get((task, run.model, run.seed, lead)),
                    found.get((task, teacher.model, teacher.seed, lead)) if teacher else None,
                    found.get((task, None, None, "majority")),
                    {name: rows[name] for name in explainers if name in rows},
                    overall(rows.values(), study.controls),
                )
            )
    return said


def table(study: Study, said: Sequence[Verdict]) -> Table:
    """The verdict table; a cell per explainer shows the normalised agreement A."""
    explainers = ordered((name for verdict in said for name in verdict.drift), study.explainers)
    lines = [
        [
            Cell(verdict.task, note=metric_name(verdict.lead)),
            Cell(verdict.run.label),
            in_words(verdict.overall),
            *(_heat(verdict, name) for name in explainers),
            _performance(verdict),
            _plain(verdict.teacher),
            _plain(verdict.majority),
        ]
        for verdict in said
    ]
    head = [
        Head("task", numeric=False),
        Head("student", numeric=False),
        Head("verdict", numeric=False),
        *(
            Head(f"A by {name}", "normalised agreement: 0 is chance, 1 is the teacher's own consistency")
            for name in explainers
        ),
        Head("student’s score", "with its confidence interval"),
        Head("teacher", "score of the teacher's first seed"),
        Head("majority", "score of always giving the commonest answer"),
    ]
    return Table("verdict", "Verdict per task and student", head, lines, 2, "verdict")


def records(study: Study, said: Sequence[Verdict]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the CSV file of the verdict table."""
    explainers = ordered((name for verdict in said for name in verdict.drift), study.explainers)
    quantities = ("normalised", "normalised_low", "normalised_high", "verdict")
    columns = [
        "task",
        "student",
        "seed",
        "teacher",
        "metric",
        "value",
        "low",
        "high",
        "teacher_value",
        "majority",
    ]
    columns += [f"{quantity}_{name}" for name in explainers for quantity in quantities] + ["verdict"]
    rows = []
    for v in said:
        row: list[Any] = [v.task, v.run.model, v.run.seed, v.run.teacher, v.lead]
        row += [v.student[key] if v.student else None for key in ("value", "low", "high")]
        row += [part["value"] if part else None for part in (v.teacher, v.majority)]
        for name in explainers:
            row += [v.drift[name][quantity] if name in v.drift else None for quantity in quantities]
        rows.append([*row, v.overall])
    return columns, rows


def answer(said: Sequence[Verdict]) -> list[tuple[str, bool]]:
    """The answer in one paragraph: pieces of text, and whether each is to stand out."""
    return [*_summary(said), (" ".join(_remarks(said)), False)]


def seeds_note(study: Study, said: Sequence[Verdict]) -> str:
    """Say how many runs of the teacher the ceiling rests on, and what that allows."""
    found = [row["n_teacher_seeds"] for v in said for row in v.drift.values()]
    counts = found or [len(study.settings["models"][v.run.teacher]["seeds"]) for v in said]
    if min(counts, default=0) < 2:
        return (
            "A teacher has only one run that can be used. Without a second one there is no ceiling C, so for"
            " its students A, D and the verdict stay open: give the teacher more seeds."
        )
    few, many = min(counts), max(counts)
    pairs = few * (few - 1) // 2
    times = f"{few} times" if few == many else f"{few} to {many} times"
    rests = f"{'' if few == many else 'at least '}{_count(pairs, 'comparison')}"
    caution = " That is few: treat verdicts near the line with care." if few < 5 else ""
    return f"Here the teacher was trained {times}, so C rests on {rests} between its runs.{caution}"


def _explainers(study: Study, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = (row["explainer"] for row in rows if row["explainer"] not in study.controls)
    return ordered(names, study.explainers)


def _performance(verdict: Verdict) -> Cell:
    row = verdict.student
    if row is None:
        return Cell(MISSING, style="missing")
    value = None if pd.isna(row["value"]) else row["value"]
    return Cell(number(row["value"], 3), value, interval(row["low"], row["high"], 3))


def _plain(row: Mapping[str, Any] | None) -> Cell:
    if row is None or pd.isna(row["value"]):
        return Cell(MISSING, style="missing")
    return Cell(number(row["value"], 3), row["value"])


def _heat(verdict: Verdict, explainer: str) -> Cell:
    row = verdict.drift.get(explainer)
    if row is None:
        return Cell(MISSING, style="missing")
    value, said = row["normalised"], row["verdict"]
    word, _ = VERDICTS.get(said, (said or "", ""))
    if pd.isna(value):
        hint = "Without a ceiling there is no A; this is the plain agreement S."
        agreement = None if pd.isna(row["agreement"]) else row["agreement"]
        return Cell(f"S {number(agreement)}", agreement, word, "heat missing", hint)
    note = interval(row["normalised_low"], row["normalised_high"])
    shade = "grey" if GATED in (said, verdict.overall) else f"h{min(max(round(value * 10), 0), 10)}"
    return Cell(number(value), value, note, f"heat {shade}", unit=word)


def _summary(said: Sequence[Verdict]) -> Iterator[tuple[str, bool]]:
    """Count the comparisons by verdict, and name the runs of each."""
    if not said:
        yield "This study has no student, so there is no reasoning to compare. ", False
        return
    if len(said) == 1:
        yield f"{said[0].run.label} on {said[0].task}: ", False
        yield said[0].overall, True
        yield ". ", False
        return
    tasks = {v.task for v in said}
    runs = _count(len({v.run for v in said}), "student run")
    yield f"{len(said)} comparisons of a student with its teacher ({runs}, ", False
    yield f"{_count(len(tasks), 'task')}): ", False
    groups = {kind: [v for v in said if v.overall == kind] for kind in VERDICTS}
    present = [kind for kind, group in groups.items() if group]
    for kind in present:
        yield _clause(kind, len(groups[kind])), True
        yield f" ({_list(_names(groups[kind], tasks))})", False
        yield (". " if kind == present[-1] else "; "), False


def _remarks(said: Sequence[Verdict]) -> Iterator[str]:
    """Say what the verdicts mean: the widest gap, what performance hides, why something stays open."""
    several = len({v.task for v in said}) > 1
    gaps = [
        (row["normalised"], explainer, v)
        for v in said
        if v.overall == DRIFTS
        for explainer, row in v.drift.items()
        if not pd.isna(row["normalised"])
    ]
    if gaps:
        value, explainer, worst = min(gaps, key=lambda gap: gap[0])
        yield f"The widest gap is {_name(worst, several)}: by {explainer} it covers"
        yield f"{percent(max(value, 0.0))} of the way from chance to the teacher’s agreement with itself."
    hidden = next((v for v in said if v.hidden), None)
    if hidden is not None:
        yield f"{capitalised(metric_name(hidden.lead))} does not show it: {_name(hidden, several)} scores"
        yield f"{number(hidden.student['value'], 3)}, its teacher {number(hidden.teacher['value'], 3)}:"
        yield "too close to tell apart."
    if any(v.overall == GATED for v in said):
        yield "Gated: the student or its teacher is not shown to beat the majority baseline, so what its"
        yield "explanations say is not interpreted."
    if any(v.overall == UNKNOWN and row["n_teacher_seeds"] < 2 for v in said for row in v.drift.values()):
        yield "A teacher with one run gives no ceiling to compare with."
    if said and not any(v.drift for v in said):
        yield "No explanations were compared, so only performance and robustness are shown."


def _clause(kind: str, count: int) -> str:
    one = count == 1
    return {
        KEEPS: f"{count} {'keeps' if one else 'keep'} the teacher’s reasoning",
        DRIFTS: f"{count} {'drifts' if one else 'drift'}",
        UNKNOWN: f"{count} cannot be told",
        GATED: f"{count} {'is' if one else 'are'} gated",
    }[kind]


def _names(group: Sequence[Verdict], tasks: set[str]) -> list[str]:
    """Name each run once, with the tasks that are meant."""
    where: dict[str, list[str]] = {}
    for verdict in group:
        where.setdefault(verdict.run.label, []).append(verdict.task)
    if len(tasks) == 1:
        return list(where)
    return [f"{run} on {'every task' if set(on) == tasks else ', '.join(on)}" for run, on in where.items()]


def _name(verdict: Verdict, several: bool) -> str:
    return f"{verdict.run.label} on {verdict.task}" if several else verdict.run.label


def _list(names: Sequence[str]) -> str:
    shown = list(names[:_NAMED])
    if len(names) > _NAMED:
        shown.append(f"{len(names) - _NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
