"""The verdicts in sentences: the answer, why each student has its own, and what they rest on."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.metrics.run_pairs import BORROWED, TEACHER_RUNS
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN, overall
from distillens.report.formatting import Cell, capitalised, interval, metric_name, number, percent
from distillens.report.study_data import Outline
from distillens.report.tables import VERDICTS
from distillens.report.tables import verdict as in_words
from distillens.report.verdict import Verdict

Row = Mapping[str, Any]

_NAMED = 3
_ORDINAL = {2: "a second", 3: "a third"}
_FEW = 5


def answer(verdicts: Sequence[Verdict]) -> list[tuple[str, bool]]:
    """The answer in one paragraph: pieces of text, and whether each is to stand out.

    Examples
    --------
    >>> answer([])[0]
    ('This study has no student, so there is no reasoning to compare. ', False)
    """
    return [*_summary(verdicts), (" ".join(_remarks(verdicts)), False)]


def lines(verdicts: Sequence[Verdict], controls: Sequence[str] = ()) -> list[tuple[str, Cell, str]]:
    """One line per student over all tasks: its name, its verdict, and what that rests on.

    Examples
    --------
    >>> row = {"explainer": "shap", "metric": "spearman", "verdict": KEEPS, "margin": 0.2}
    >>> row |= {"drift": 0.01, "drift_low": -0.05, "drift_high": 0.07}
    >>> said = Verdict("toy", "tiny", "bert", "accuracy", [], [], None, {"shap": row}, KEEPS)
    >>> lines([said])[0][2]
    'nearest to the margin by shap: D = 0.01 [−0.05, 0.07], margin 0.20'
    """
    result = []
    for student in dict.fromkeys(v.student for v in verdicts):
        own = [v for v in verdicts if v.student == student]
        rows = [row for v in own for row in v.drift.values()]
        word = overall(rows, controls)
        result.append((student, in_words(word), _reason(word, own)))
    return result


def _reason(word: str, own: Sequence[Verdict]) -> str:
    """Why a student has its verdict: where, with which size and interval, or what would decide."""
    several = len({v.task for v in own}) > 1
    cells = [(v, name, row) for v in own for name, row in v.drift.items()]
    there = [cell for cell in cells if cell[2]["verdict"] == word]

    def place(v: Verdict, name: str) -> str:
        return f"{name} on {v.task}" if several else name

    if word == GATED or not there:
        return _why_gated(own, several) if cells else "nothing was compared"
    where = _list([place(v, name) for v, name, _ in there])
    if word == DRIFTS:
        v, name, row = max(there, key=lambda cell: cell[2]["drift"])
        most = f"D = {_with_interval(row, 'drift')}"
        if not pd.isna(row["normalised"]):
            most += f", A = {_with_interval(row, 'normalised')}"
        return f"{len(there)} of {len(cells)}: {where}; most by {place(v, name)}: {most}"
    if word == KEEPS:
        v, name, row = max(there, key=lambda cell: cell[2]["drift"] - cell[2]["margin"])
        return (
            f"nearest to the margin by {place(v, name)}: D = {_with_interval(row, 'drift')}, "
            f"margin {number(row['margin'])}"
        )
    # Of several that are open, the one that needs most: all would have to be told.
    v, name, row = max(there, key=lambda cell: _need(cell[2]))
    drift = "" if pd.isna(row["drift"]) else f"D = {_with_interval(row, 'drift')}; "
    return f"open by {where}; {place(v, name)}: {drift}{what_would_tell(row, v.paired)}"


def _why_gated(own: Sequence[Verdict], several: bool) -> str:
    """A score that does not beat a constant answer; or that attributions came without logits."""
    said, known = [], [v for v in own if not v.unknown]
    for v in own:
        if v.unknown:
            where = f" on {v.task}" if several else ""
            whose = _list(v.unknown)
            said.append(f"performance not known{where}: the attributions of {whose} came without logits")
    if known:
        where = f" on {_list([v.task for v in known])}" if said else ""
        said.append(f"not shown to beat the majority baseline{where}")
    return "; ".join(said)


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


def what_would_tell(row: Row, paired: bool = False) -> str:
    """What a verdict needs, in words: first the runs that are missing, then texts or runs for a sure one.

    Parameters
    ----------
    row : mapping
        Of the table of drift.
    paired : bool
        Whether each run of the student is compared with one run of its teacher.

    Examples
    --------
    >>> row = {"teacher_runs_missing": 0, "student_runs_missing": 1, "n_teacher_runs": 3, "n_runs": 1}
    >>> what_would_tell(row)
    'needs a second run of the student'
    >>> row |= {"student_runs_missing": 0, "normalised_low": 0.2, "n": 100, "n_groups": 100}
    >>> row |= {"texts_needed": 640.0, "teacher_runs_needed": 5.0, "student_runs_needed": math.nan}
    >>> what_would_tell(row)
    'four in five studies would tell with about 640 texts (now 100) or 5 runs of the teacher (now 3)'
    """
    missing = [_more(row["teacher_runs_missing"], row["n_teacher_runs"], "teacher")]
    if paired and row["student_runs_missing"]:
        more = "one more run of the student, out of"
        if row["student_runs_missing"] > 1:
            more = f"{row['student_runs_missing']} more runs of the student, each out of"
        missing.append(f"{more} another run of the teacher")
    else:
        missing.append(_more(row["student_runs_missing"], row["n_runs"], "student"))
    missing = [what for what in missing if what]
    if missing:
        return f"needs {' and '.join(missing)}"
    if pd.isna(row["normalised_low"]):
        return "the teacher’s runs are not shown to agree beyond chance, so there is no scale"
    texts = "texts" if row["n_groups"] == row["n"] else "groups of texts"
    both = " and as many of the student, one out of each" if paired else ""
    ways = [
        (row["texts_needed"], f"about {{:.0f}} {texts} (now {row['n_groups']})", row["n_groups"]),
        (
            row["teacher_runs_needed"],
            f"{{:.0f}} runs of the teacher (now {row['n_teacher_runs']}){both}",
            row["n_teacher_runs"],
        ),
        (row["student_runs_needed"], f"{{:.0f}} runs of the student (now {row['n_runs']})", row["n_runs"]),
    ]
    known = [way for way in ways if not pd.isna(way[0])]
    if any(needed <= now for needed, _, now in known):
        return "four in five studies of this size would tell; this one does not"
    if not known:
        return "neither more texts alone nor more runs alone would tell"
    return f"four in five studies would tell with {_joined([what.format(n) for n, what, _ in known], 'or')}"


def notes(study: Outline, verdicts: Sequence[Verdict]) -> list[str]:
    """What the verdicts rest on: how many runs, those left out, and explainers with a ceiling below C.

    Examples
    --------
    >>> row = {"n_teacher_runs": 5, "n_gated_runs": 0, "student_runs_missing": 0}
    >>> row |= {"explainer_ceiling": 0.9, "ceiling": 0.8}
    >>> said = Verdict("toy", "tiny", "bert", "accuracy", [], [], None, {"shap": row}, KEEPS)
    >>> notes(None, [said])
    ['Here 5 runs of the teacher count. The intervals hold for other runs and other texts.']
    """
    said = [_runs_note(study, verdicts), _borrowed_note(verdicts), _left_out_note(verdicts)]
    said.append(_labels_note(verdicts))
    said += _noise_notes(study, verdicts)
    return [note for note in said if note]


def _runs_note(study: Outline, verdicts: Sequence[Verdict]) -> str:
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
    names = {v.student for v in verdicts for row in v.drift.values() if row["student_runs_missing"]}
    if not names:
        return ""
    own = [v.student for v in verdicts if v.student in names]
    return (
        f"Too few runs to know their own noise: {_list(list(dict.fromkeys(own)))}. It is taken to be "
        f"{BORROWED:g} times the teacher’s, and “{KEEPS}” is never said there."
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


def _need(row: Row) -> tuple[float, float]:
    missing = row["teacher_runs_missing"] + row["student_runs_missing"]
    return missing, math.inf if pd.isna(row["texts_needed"]) else row["texts_needed"]


def _more(missing: int, now: int, whose: str) -> str:
    if missing == 1:
        return f"{_ORDINAL.get(now + 1, 'one more')} run of the {whose}"
    return f"{missing} more runs of the {whose}" if missing else ""


def _with_interval(row: Row, name: str) -> str:
    return f"{number(row[name])} {interval(row[f'{name}_low'], row[f'{name}_high'])}".strip()


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
    rows = [row for v in verdicts if v.overall == UNKNOWN for row in v.drift.values()]
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
