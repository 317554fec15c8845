"""The verdicts in sentences: the answer over all students, and what the verdicts rest on."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.metrics.calibration import TOLERANCE
from distillens.metrics.run_pairs import BORROWED, TEACHER_RUNS
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from distillens.report import own_noise
from distillens.report.formatting import capitalised, metric_name, number, percent
from distillens.report.study_data import Outline
from distillens.report.tables import VERDICTS
from distillens.report.verdict import Verdict

Row = Mapping[str, Any]

_NAMED = 3
_FEW = 5


def answer(verdicts: Sequence[Verdict]) -> list[tuple[str, bool]]:
    """The answer in one paragraph: pieces of text, and whether each is to stand out.

    Examples
    --------
    >>> answer([])[0]
    ('This study has no student, so there is no reasoning to compare. ', False)
    """
    return [*_summary(verdicts), (" ".join(_remarks(verdicts)), False)]


def _of_gate(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What it means that some are gated: sentences; none where none is."""
    gated = [v for v in verdicts if v.overall == GATED]
    if any(not v.unknown for v in gated):
        yield "Gated: the student or its teacher is not shown to beat the majority baseline, so what its"
        yield "explanations say is not interpreted."
    unknown = list(dict.fromkeys(name for v in gated for name in v.unknown))
    if unknown:
        yield f"Gated: the performance of {_list(unknown)} is not known, because the attributions came"
        yield "without logits, so what the explanations say is not interpreted."


def notes(study: Outline, verdicts: Sequence[Verdict]) -> list[str]:
    """What the verdicts rest on: how many runs, those left out, and whose noise lowers what.

    Examples
    --------
    >>> row = {"n_teacher_runs": 5, "n_gated_runs": 0, "student_runs_missing": 0}
    >>> row |= {"explainer_ceiling": 0.9, "ceiling": 0.8}
    >>> said = Verdict("toy", "tiny", "bert", "accuracy", [], [], None, {"shap": row}, KEEPS)
    >>> study = Outline({"models": {"bert": {}, "tiny": {"teacher": "bert"}}, "explainers": {}}, {}, ())
    >>> notes(study, [said])
    ['Here 5 runs of the teacher count. The intervals hold for other runs and other texts.']
    """
    said = [_runs_note(study, verdicts), _borrowed_note(verdicts), _left_out_note(verdicts)]
    said.append(_labels_note(verdicts))
    said += _noise_notes(study, verdicts)
    tolerance = study.settings.get("metrics", {}).get("tolerance", TOLERANCE)
    said += own_noise.notes(study, verdicts, tolerance)
    return [note for note in said if note]


def _runs_note(study: Outline, verdicts: Sequence[Verdict]) -> str:
    placed = [v for v in verdicts if v.placed]
    if placed:
        copies = _list(list(dict.fromkeys(v.reference for v in placed)))
        note = (
            f"A teacher has too few runs to be a scale, so its students are held against a damaged copy of"
            f" it ({copies}). The intervals hold for other texts, not for other runs of the teacher."
        )
        others = [v for v in verdicts if not v.placed]
        return f"{note} {_runs_note(study, others)}".strip() if others else note
    counts = [row["n_teacher_runs"] for v in verdicts for row in v.drift.values()]
    counts = counts or [len(study.settings["models"][v.teacher_name]["seeds"]) for v in verdicts]
    few, many = min(counts, default=0), max(counts, default=0)
    if few < 2:
        return (
            "A teacher has only one run that counts. Without others there is no ceiling C, so for its"
            f" students A, D and the verdict stay open: give the teacher {TEACHER_RUNS} seeds or more."
        )
    if few < TEACHER_RUNS:
        return (
            "A teacher has only two runs that count. Two runs are one pair, which does not show how unlike"
            f" pairs are: for its students the verdict stays open until there are {TEACHER_RUNS} or more."
        )
    times = f"{few}" if few == many else f"{few} to {many}"
    caution = f" That is few, so the intervals are wide: {_FEW} are better." if few < _FEW else ""
    note = f"Here {times} runs of the teacher count. The intervals hold for other runs and other texts."
    return note + caution


def _borrowed_note(verdicts: Sequence[Verdict]) -> str:
    by_runs = [v for v in verdicts if not v.placed]
    names = {v.student for v in by_runs for row in v.drift.values() if row["student_runs_missing"]}
    if not names:
        return ""
    own = [v.student for v in by_runs if v.student in names]
    return (
        f"Too few runs to know their own noise: {_list(list(dict.fromkeys(own)))}. Its standard deviation "
        f"is taken to be {BORROWED:g} times the teacher’s, and “{KEEPS}” is never said there."
    )


def _left_out_note(verdicts: Sequence[Verdict]) -> str:
    """Runs that do not count, by student; where nothing counts the verdict says so itself."""
    several = len({v.task for v in verdicts}) > 1
    counts = {
        _name(v, several): max((row["n_gated_runs"] for row in v.drift.values()), default=0) for v in verdicts
    }
    said = [f"{_count(count, 'run')} ({name} and its teacher)" for name, count in counts.items() if count]
    if not said:
        return ""
    why = "because they, or the runs that they were made from, are no better than a constant answer"
    return f"Left out, {why}: {', '.join(said)}."


def _labels_note(verdicts: Sequence[Verdict]) -> str:
    """That nothing is gated where there are no labels: there even the constant answer has no score."""
    tasks = dict.fromkeys(v.task for v in verdicts if v.majority is not None and math.isnan(v.majority_score))
    if not tasks:
        return ""
    return (
        f"Without labels: {_list(list(tasks))}. How well its models do is not known, so none is held against "
        "a constant answer and nothing is gated."
    )


def _noise_notes(study: Outline, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Say where two runs of an explainer on one model agree less than two models do."""
    several = len({v.task for v in verdicts}) > 1
    seen = {
        (name, v.task): row
        for v in verdicts
        for name, row in v.drift.items()
        if row["explainer_ceiling"] < row["ceiling"]
    }
    for (name, task), row in seen.items():
        where = f"{name} on {task}" if several else name
        numbers = f"R = {number(row['explainer_ceiling'])} is below C = {number(row['ceiling'])}"
        if (study.settings["explainers"].get(name) or {}).get("common_masks"):
            why = "All models are asked with the same masks, so S and C share a noise that R has not."
        else:
            why = "Models share none of its draws, so this is chance, of few runs or few texts."
        yield f"By {where} {numbers}: the explainer agrees with itself less than two models do. {why}"


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
        yield f" ({_list(_names(groups[kind], tasks))})", False
        yield (". " if kind == present[-1] else "; "), False


def _remarks(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Say what the verdicts mean: the widest gap, what performance hides, why something stays open."""
    several = len({v.task for v in verdicts}) > 1
    gaps = [
        (row["normalised"], explainer, v)
        for v in verdicts
        if v.overall == DRIFTS
        for explainer, row in v.drift.items()
        if row["verdict"] == DRIFTS and not pd.isna(row["normalised"])
    ]
    if gaps:
        value, explainer, worst = min(gaps, key=lambda gap: gap[0])
        yield f"The widest gap is {_name(worst, several)}: by {explainer} it covers"
        yield f"{percent(max(value, 0.0))} of the way from chance to the teacher’s agreement with itself."
    hidden = next((v for v in verdicts if v.hidden), None)
    if hidden is not None:
        yield f"{capitalised(metric_name(hidden.lead))} does not show it: {_name(hidden, several)} scores"
        yield f"{number(hidden.score, 3)}, its teacher {number(hidden.teacher_score, 3)}:"
        yield "too close to tell apart."
    yield from _of_gate(verdicts)
    rows = [row for v in verdicts if v.overall == UNKNOWN and not v.placed for row in v.drift.values()]
    if any(row["teacher_runs_missing"] for row in rows):
        yield f"A teacher with fewer than {TEACHER_RUNS} runs gives no scale to judge by."
    if verdicts and not any(v.drift for v in verdicts):
        yield "No explanations were compared, so only performance and robustness are shown."


def _clause(kind: str, count: int) -> str:
    return f"{kind} in {count}" if kind in (DRIFTS, KEEPS) else f"{count} {kind}"


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


def _list(names: Sequence[str]) -> str:
    first = list(names[:_NAMED])
    if len(names) > _NAMED:
        first.append(f"{len(names) - _NAMED} more")
    return _joined(first, "and")


def _joined(parts: Iterable[str], last: str) -> str:
    *others, final = parts
    return f"{', '.join(others)} {last} {final}" if others else final


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
