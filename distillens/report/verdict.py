"""The answer: a verdict per student and task, and the paragraph that sums them up."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pandas as pd

from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN, overall
from distillens.report.formatting import (
    NOT_KNOWN,
    NOTHING,
    PERFORMANCE_NOT_KNOWN,
    Cell,
    Column,
    Table,
    capitalised,
    csv_table,
    interval,
    metric_name,
    number,
    page_table,
    percent,
)
from distillens.report.reasons import listing, of_gate, reason
from distillens.report.study_data import Outline, ordered
from distillens.report.tables import VERDICTS
from distillens.report.tables import verdict as in_words


@dataclass(frozen=True)
class Verdict:
    """What is said about one student on one task, and the numbers that it stands on.

    ``scores`` are those of its runs, ``teacher`` that of the teacher's first seed, each without a
    value where nobody knows what it answers; ``drift`` the headline's rows by explainer.
    """

    task: str
    student: str
    teacher_name: str
    lead: str
    scores: Sequence[Mapping[str, Any]]
    teacher: Mapping[str, Any] | None
    majority: Mapping[str, Any] | None
    drift: Mapping[str, Mapping[str, Any]]
    overall: str

    @property
    def unknown(self) -> list[str]:
        """Which of student and teacher has attributions without logits, so that nobody knows its score."""
        student = any(pd.isna(row["value"]) for row in self.scores)
        teacher = self.teacher is not None and pd.isna(self.teacher["value"])
        return [name for name, is_it in ((self.student, student), (self.teacher_name, teacher)) if is_it]

    @property
    def compared_majority(self) -> Mapping[str, Any] | None:
        """The majority baseline; None where there is no performance that could be held against it."""
        return None if self.unknown else self.majority

    @property
    def hidden(self) -> bool:
        """Whether the student drifts while its performance cannot be told from its teacher's."""
        if self.overall != DRIFTS or not self.scores or self.teacher is None:
            return False
        return all(row["low"] <= self.teacher["value"] <= row["high"] for row in self.scores)

    @property
    def score(self) -> float:
        """Mean of the runs' scores; NaN without any."""
        return sum(row["value"] for row in self.scores) / len(self.scores) if self.scores else math.nan

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest end of the runs' intervals."""
        lows, highs = ([row[end] for row in self.scores] or [math.nan] for end in ("low", "high"))
        return min(lows), max(highs)


def of_study(study: Outline, performance: pd.DataFrame, drift: pd.DataFrame) -> list[Verdict]:
    """One verdict per task and student, in the study's order."""
    headline = drift[drift["metric"] == HEADLINE].to_dict("records")
    scores = performance[performance["against"].isna()].to_dict("records")
    by_run = {(row["task"], row["model"], row["seed"], row["metric"]): row for row in scores}
    explainers = _explainers(study, headline)
    result = []
    for task in study.tasks:
        lead = study.lead(task)
        for student, runs in study.runs_of_students.items():
            teacher = study.first(runs[0].teacher)
            rows = {
                row["explainer"]: row
                for row in headline
                if (row["task"], row["student"]) == (task, student) and row["explainer"] in explainers
            }
            own = [by_run.get((task, student, run.seed, lead)) for run in runs]
            result.append(
                Verdict(
                    task,
                    student,
                    runs[0].teacher or "",
                    lead,
                    [row for row in own if row is not None],
                    by_run.get((task, teacher.model, teacher.seed, lead)) if teacher else None,
                    by_run.get((task, None, None, "majority")),
                    {name: rows[name] for name in explainers if name in rows},
                    overall(rows.values(), study.controls),
                )
            )
    return result


def table(study: Outline, verdicts: Sequence[Verdict]) -> Table:
    """The verdict table; a cell per explainer shows the normalised agreement A."""
    columns = _columns(study, verdicts)
    return page_table("verdict", "Verdict per task and student", columns, verdicts, labels=2, csv="verdict")


def records(study: Outline, verdicts: Sequence[Verdict]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the CSV file of the verdict table."""
    return csv_table(_columns(study, verdicts), verdicts)


def _columns(study: Outline, verdicts: Sequence[Verdict]) -> list[Column]:
    """The verdict table's columns, of page, terminal and CSV file."""
    return [
        Column(
            "task",
            lambda v: Cell(v.task, note=metric_name(v.lead)),
            csv="task student teacher metric",
            values=lambda v: (v.task, v.student, v.teacher_name, v.lead),
            numeric=False,
        ),
        Column("student", lambda v: Cell(v.student), numeric=False),
        Column("verdict", lambda v: in_words(v.overall), "", "verdict", lambda v: [v.overall], False, rank=2),
        *map(
            _normalised, ordered((name for verdict in verdicts for name in verdict.drift), study.explainers)
        ),
        Column(
            "student’s score",
            _performance,
            "with its confidence interval",
            "value low high",
            lambda v: (NOT_KNOWN if math.isnan(v.score) and v.scores else v.score, *v.bounds),
        ),
        _reference("teacher", "teacher_value", "score of the teacher's first seed"),
        _reference("compared_majority", "majority", "score of always giving the commonest answer"),
    ]


def _reference(name: str, csv: str, meaning: str) -> Column:
    """The column of a score that the student's is held against; it is an attribute of the verdict."""
    score_of = attrgetter(name)
    return Column(
        csv.partition("_")[0], lambda v: _plain(score_of(v)), meaning, csv, lambda v: [_value(score_of(v))]
    )


def _value(row: Mapping[str, Any] | None) -> float | str | None:
    if row is None:
        return None
    return NOT_KNOWN if pd.isna(row["value"]) else row["value"]


def _normalised(explainer: str) -> Column:
    """Columns of one explainer: A on the page, and what it rests on in the CSV file."""
    quantities = ("normalised", "normalised_low", "normalised_high", "drift", "drift_low", "drift_high")
    quantities += ("p_adjusted", "verdict")
    return Column(
        f"A by {explainer}",
        lambda v: _heat(v, explainer),
        "normalised agreement: 0 is chance, 1 is the teacher's own consistency",
        " ".join(f"{quantity}_{explainer}" for quantity in quantities),
        lambda v: [v.drift.get(explainer, {}).get(quantity) for quantity in quantities],
        rank=1,
    )


def lines(verdicts: Sequence[Verdict], controls: Sequence[str] = ()) -> list[tuple[str, Cell, str]]:
    """One line per student over all tasks: its name, its verdict, and what that rests on.

    Examples
    --------
    >>> row = {"explainer": "shap", "metric": HEADLINE, "verdict": KEEPS, "drift_high": 0.04}
    >>> said = Verdict("toy", "tiny", "bert", "accuracy", [], None, None, {"shap": row}, KEEPS)
    >>> lines([said])[0][2]
    'D is at most 0.04 (shap)'
    """
    result = []
    for student in dict.fromkeys(v.student for v in verdicts):
        own = [v for v in verdicts if v.student == student]
        rows = [row for v in own for row in v.drift.values()]
        word = overall(rows, controls)
        result.append((student, in_words(word), reason(word, own)))
    return result


def answer(verdicts: Sequence[Verdict]) -> list[tuple[str, bool]]:
    """The answer in one paragraph: pieces of text, and whether each is to stand out.

    Examples
    --------
    >>> answer([])[0]
    ('This study has no student, so there is no reasoning to compare. ', False)
    """
    return [*_summary(verdicts), (" ".join(_remarks(verdicts)), False)]


def seeds_note(study: Outline, verdicts: Sequence[Verdict]) -> str:
    """Say how many runs the intervals rest on, and what that allows.

    Examples
    --------
    >>> row = {"n_teacher_runs": 5, "run_spread": 0.01}
    >>> said = Verdict("toy", "tiny", "bert", "accuracy", [], None, None, {"shap": row}, KEEPS)
    >>> seeds_note(None, [said])
    'Here the teacher was trained 5 times. The intervals hold for other runs and other texts.'
    """
    rows = [row for v in verdicts for row in v.drift.values()]
    counts = [row["n_teacher_runs"] for row in rows]
    counts = counts or [len(study.settings["models"][v.teacher_name]["seeds"]) for v in verdicts]
    if min(counts, default=0) < 2:
        return (
            "A teacher has only one run that can be used. Without a second one there is no ceiling C, so for"
            " its students A, D and the verdict stay open: give the teacher more seeds."
        )
    few, many = min(counts), max(counts)
    times = f"{few} times" if few == many else f"{few} to {many} times"
    note = f"Here the teacher was trained {times}."
    if any(pd.isna(row["run_spread"]) for row in rows):
        return note + (
            " That is too few to know how unlike two runs of one recipe are: the intervals hold for these"
            " runs and other texts, and D counts as drift only if its whole interval is above the tolerance."
            " Three seeds of the teacher tell more, five are better."
        )
    caution = " That is few, so the intervals are wide: five seeds are better." if few < 5 else ""
    return f"{note} The intervals hold for other runs and other texts.{caution}"


def _explainers(study: Outline, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = (row["explainer"] for row in rows if row["explainer"] not in study.controls)
    return ordered(names, study.explainers)


def _performance(verdict: Verdict) -> Cell:
    if not verdict.scores:
        return NOTHING
    runs = len(verdict.scores)
    note = interval(*verdict.bounds, 3) + (f"\n{runs} runs" if runs > 1 else "")
    if math.isnan(verdict.score):
        return PERFORMANCE_NOT_KNOWN
    return Cell(number(verdict.score, 3), None if math.isnan(verdict.score) else verdict.score, note)


def _plain(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return NOTHING
    return PERFORMANCE_NOT_KNOWN if pd.isna(row["value"]) else Cell(number(row["value"], 3), row["value"])


def _heat(verdict: Verdict, explainer: str) -> Cell:
    row = verdict.drift.get(explainer)
    if row is None:
        return NOTHING
    value, judgement = row["normalised"], row["verdict"]
    word, _ = VERDICTS.get(judgement, (judgement or "", ""))
    if pd.isna(value):
        hint = "Without a ceiling there is no A; this is the plain agreement S."
        agreement = None if pd.isna(row["agreement"]) else row["agreement"]
        return Cell(f"S {number(agreement)}", agreement, word, "heat missing", hint)
    note = interval(row["normalised_low"], row["normalised_high"])
    shade = "grey" if GATED in (judgement, verdict.overall) else f"h{min(max(round(value * 10), 0), 10)}"
    return Cell(number(value), value, note, f"heat {shade}", unit=word)


def _summary(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, bool]]:
    """Count the comparisons by verdict, and name the runs of each."""
    if not verdicts:
        yield "This study has no student, so there is no reasoning to compare. ", False
        return
    if len(verdicts) == 1:
        yield f"{verdicts[0].student} on {verdicts[0].task}: ", False
        yield verdicts[0].overall, True
        yield ". ", False
        return
    tasks = {v.task for v in verdicts}
    students = _count(len({v.student for v in verdicts}), "student")
    yield f"{len(verdicts)} comparisons of a student with its teacher ({students}, ", False
    yield f"{_count(len(tasks), 'task')}): ", False
    groups = {kind: [v for v in verdicts if v.overall == kind] for kind in VERDICTS}
    present = [kind for kind, group in groups.items() if group]
    for kind in present:
        yield _clause(kind, len(groups[kind])), True
        yield f" ({listing(_names(groups[kind], tasks))})", False
        yield (". " if kind == present[-1] else "; "), False


def _remarks(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Say what the verdicts mean: the widest gap, what performance hides, why something stays open."""
    several = len({v.task for v in verdicts}) > 1
    gaps = [
        (row["normalised"], explainer, v)
        for v in verdicts
        if v.overall == DRIFTS
        for explainer, row in v.drift.items()
        if not pd.isna(row["normalised"])
    ]
    if gaps:
        value, explainer, worst = min(gaps, key=lambda gap: gap[0])
        yield f"The widest gap is {_name(worst, several)}: by {explainer} it covers"
        yield f"{percent(max(value, 0.0))} of the way from chance to the teacher’s agreement with itself."
    hidden = next((v for v in verdicts if v.hidden), None)
    if hidden is not None:
        yield f"{capitalised(metric_name(hidden.lead))} does not show it: {_name(hidden, several)} scores"
        yield f"{number(hidden.score, 3)}, its teacher {number(hidden.teacher['value'], 3)}:"
        yield "too close to tell apart."
    yield from of_gate(verdicts)
    if any(v.overall == UNKNOWN and row["n_teacher_runs"] < 2 for v in verdicts for row in v.drift.values()):
        yield "A teacher with one run gives no ceiling to compare with."
    if verdicts and not any(v.drift for v in verdicts):
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
    """Name each student once, with the tasks that are meant."""
    where: dict[str, list[str]] = {}
    for verdict in group:
        where.setdefault(verdict.student, []).append(verdict.task)
    if len(tasks) == 1:
        return list(where)
    return [f"{name} on {'every task' if set(on) == tasks else ', '.join(on)}" for name, on in where.items()]


def _name(verdict: Verdict, several: bool) -> str:
    return f"{verdict.student} on {verdict.task}" if several else verdict.student


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
