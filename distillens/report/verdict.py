"""A verdict per student and task, and its table on the page, in the terminal and in the CSV file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import pandas as pd

from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import DRIFTS, GATED, deciding, is_dose, overall
from distillens.report import viewer
from distillens.report.formatting import (
    NOT_KNOWN,
    NOTHING,
    PERFORMANCE_NOT_KNOWN,
    Cell,
    Column,
    Table,
    csv_table,
    interval,
    metric_name,
    number,
    page_table,
)
from distillens.report.study_data import Outline, ordered
from distillens.report.tables import VERDICTS
from distillens.report.tables import verdict as in_words

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What is said about one student on one task, and the numbers that it stands on.

    ``scores`` are those of its runs, ``teachers`` those of the teacher's, ``drift`` the headline's rows by
    explainer; it is ``paired`` if each of its runs is compared with one run of the teacher, not with all.
    ``placed`` are its places on the ladder by explainer, where damaged copies of the teacher decide, not
    the teacher's runs; ``doses`` its places by kind of damage.
    """

    task: str
    student: str
    teacher_name: str
    lead: str
    scores: Sequence[Row]
    teachers: Sequence[Row]
    majority: Row | None
    drift: Mapping[str, Row]
    overall: str
    paired: bool = False
    placed: Mapping[str, Row] = field(default_factory=dict)
    doses: Sequence[Row] = ()

    @property
    def by_explainer(self) -> dict[str, str | None]:
        """What each explainer says, by the reference that decides; None where it is not asked."""
        judged = self.placed or self.drift
        return {name: judged[name]["verdict"] if name in judged else None for name in self.drift}

    @property
    def reference(self) -> str:
        """The damage that is accepted, where it decides; else nothing."""
        return next((row["reference"] for row in self.placed.values()), "")

    @property
    def unknown(self) -> list[str]:
        """Which of student and teacher has attributions without logits, so that nobody knows its score."""
        sides = ((self.student, self.scores), (self.teacher_name, self.teachers))
        return [name for name, rows in sides if any(pd.isna(row["value"]) for row in rows)]

    @property
    def hidden(self) -> bool:
        """Whether drift is found while the student's performance cannot be told from its teacher's."""
        if self.overall != DRIFTS or not self.scores or math.isnan(self.teacher_score):
            return False
        return all(row["low"] <= self.teacher_score <= row["high"] for row in self.scores)

    @property
    def score(self) -> float:
        """Mean of the runs' scores; NaN without any."""
        return _mean(self.scores)

    @property
    def teacher_score(self) -> float:
        """Mean of the teacher's runs' scores; NaN without any."""
        return _mean(self.teachers)

    @property
    def range_of_teacher(self) -> str:
        """The scores of the teacher's runs, from the lowest to the highest; nothing of a single run."""
        values = [row["value"] for row in self.teachers]
        if len(values) < 2 or any(map(math.isnan, values)):
            return ""
        return f"{number(min(values), 3)} to {number(max(values), 3)}"

    @property
    def majority_score(self) -> float:
        """Score of the best constant answer; NaN where it, or what could be held against it, is not known."""
        return math.nan if self.majority is None or self.unknown else self.majority["value"]

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest end of the runs' intervals."""
        lows, highs = ([row[end] for row in self.scores] or [math.nan] for end in ("low", "high"))
        return min(lows), max(highs)


def of_study(
    study: Outline, performance: pd.DataFrame, drift: pd.DataFrame, placements: pd.DataFrame | None = None
) -> list[Verdict]:
    """One verdict per task and student, in the study's order, by what `deciding` says decides."""
    headline = drift[drift["metric"] == HEADLINE].to_dict("records")
    places = [] if placements is None else placements[placements["metric"] == HEADLINE].to_dict("records")
    scores = performance[performance["against"].isna()].to_dict("records")
    by_run = {(row["task"], row["model"], row["seed"], row["metric"]): row for row in scores}
    explainers = _explainers(study, headline)
    result = []
    for task in study.tasks:
        lead = study.lead(task)
        for student, runs in study.runs_of_students.items():
            rows = {
                row["explainer"]: row
                for row in headline
                if (row["task"], row["student"]) == (task, student) and row["explainer"] in explainers
            }
            own_places = [row for row in places if (row["task"], row["student"]) == (task, student)]
            judged, by_ladder = deciding(list(rows.values()), own_places)
            teachers = [run for run in study.runs if run.model == runs[0].teacher]
            own, theirs = (
                [row for run in side if (row := by_run.get((task, run.model, run.seed, lead))) is not None]
                for side in (runs, teachers)
            )
            result.append(
                Verdict(
                    task,
                    student,
                    runs[0].teacher or "",
                    lead,
                    own,
                    theirs,
                    by_run.get((task, None, None, "majority")),
                    {name: rows[name] for name in explainers if name in rows},
                    overall(judged, study.controls),
                    study.is_paired(student),
                    {row["explainer"]: row for row in judged} if by_ladder else {},
                    list(filter(is_dose, own_places)) if by_ladder else [],
                )
            )
    return result


def table(study: Outline, verdicts: Sequence[Verdict]) -> Table:
    """The verdict table; a cell per explainer shows what the rule judges, the drift D, and A below it."""
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
        Column("verdict", _in_words, "", "verdict", lambda v: [v.overall], False, rank=2),
        *map(_judged, ordered((name for verdict in verdicts for name in verdict.drift), study.explainers)),
        Column(
            "student’s score",
            _performance,
            "with its confidence interval",
            "value low high",
            lambda v: (NOT_KNOWN if math.isnan(v.score) and v.scores else v.score, *v.bounds),
        ),
        _reference(
            "teacher", "teacher_score", "teacher_value", "mean of the teacher's runs, and their range"
        ),
        _reference("majority", "majority_score", "majority", "score of the best constant answer"),
    ]


def _reference(name: str, attribute: str, csv: str, meaning: str) -> Column:
    """The column of a score that the student's is held against; it is an attribute of the verdict."""
    score_of = attrgetter(attribute)

    def value(verdict: Verdict) -> float | str:
        score = score_of(verdict)
        is_model = attribute == "teacher_score"  # a constant answer is not asked for
        return NOT_KNOWN if is_model and math.isnan(score) and verdict.unknown else score

    def cell(verdict: Verdict) -> Cell:
        note = verdict.range_of_teacher if attribute == "teacher_score" else ""
        return _plain(score_of(verdict), note)

    return Column(name, cell, meaning, csv, lambda v: [value(v)])


def _judged(explainer: str) -> Column:
    """Columns of one explainer: D and A on the page, and what the verdict rests on in the CSV file."""
    quantities = ("normalised", "normalised_low", "normalised_high", "drift", "drift_low", "drift_high")
    quantities += ("margin", "p_adjusted", "p_no_drift")
    return Column(
        f"gap by {explainer}",
        lambda v: _gap(v, explainer),
        "drift D: how much less the student agrees with its teacher than the teacher's runs do with each "
        "other; below it A, the same as a share: 0 is chance, 1 another run of the teacher",
        " ".join(f"{quantity}_{explainer}" for quantity in (*quantities, "verdict")),
        lambda v: [
            *(v.drift.get(explainer, {}).get(quantity) for quantity in quantities),
            v.by_explainer.get(explainer),
        ],
        rank=1,
    )


def _explainers(study: Outline, rows: Sequence[Row]) -> list[str]:
    names = (row["explainer"] for row in rows if row["explainer"] not in study.controls)
    return ordered(names, study.explainers)


def _mean(rows: Sequence[Row]) -> float:
    return sum(row["value"] for row in rows) / len(rows) if rows else math.nan


def _performance(verdict: Verdict) -> Cell:
    if not verdict.scores:
        return NOTHING
    runs = len(verdict.scores)
    note = interval(*verdict.bounds, 3) + (f"\n{runs} runs" if runs > 1 else "")
    if math.isnan(verdict.score):
        return PERFORMANCE_NOT_KNOWN
    return Cell(number(verdict.score, 3), None if math.isnan(verdict.score) else verdict.score, note)


def _plain(value: float, note: str) -> Cell:
    return NOTHING if pd.isna(value) else Cell(number(value, 3), value, note)


def _in_words(verdict: Verdict) -> Cell:
    """The verdict, and the way to the figure that shows it."""
    known = any(not pd.isna(row["agreement"]) for row in verdict.drift.values())
    link = f"#figure-agreement-{verdict.task}" if known else ""
    return replace(in_words(verdict.overall), link=link)


def _gap(verdict: Verdict, explainer: str) -> Cell:
    row = verdict.drift.get(explainer)
    if row is None:
        return NOTHING
    judgement = verdict.by_explainer[explainer] or ""
    style = f"judged {VERDICTS.get(GATED if verdict.overall == GATED else judgement, 'undecided')}"
    link = viewer.address(verdict.task, explainer, verdict.student)
    if pd.isna(row["drift"]):
        hint = "Of the teacher one run counts, so there is nothing to hold this agreement S against."
        if verdict.placed:
            hint = "Only other explainers are on the ladder: nothing to hold this agreement S against."
        if explainer in verdict.placed:
            hint = f"Agreement S, held against a damaged copy of the teacher ({verdict.reference})."
        if not row["n"]:
            hint = "No text has attributions of all runs that can be compared."
        agreement = None if pd.isna(row["agreement"]) else row["agreement"]
        beside = [interval(row["agreement_low"], row["agreement_high"]), *_accepted(verdict, explainer)]
        note = "\n".join(filter(None, beside))
        said = f"S {number(agreement)}"
        return Cell(said, agreement, note, f"{style} missing", hint, unit=judgement, link=link)
    share = f"A {number(row['normalised'])} {interval(row['normalised_low'], row['normalised_high'])}".strip()
    if pd.isna(row["normalised"]):
        share = "A undefined"
    note = "\n".join(filter(None, (interval(row["drift_low"], row["drift_high"]), share)))
    return Cell(number(row["drift"]), row["drift"], note, style, unit=judgement, link=link)


def _accepted(verdict: Verdict, explainer: str) -> list[str]:
    """The agreement of the damage that is accepted, which S is held against; nothing where runs decide."""
    place = verdict.placed.get(explainer)
    if place is None or pd.isna(place["accepted"]):
        return []
    reached = f"{number(place['accepted'])} {interval(place['accepted_low'], place['accepted_high'])}"
    return [f"{place['reference']}: {reached.strip()}"]
