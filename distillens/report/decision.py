"""The decision about each student in plain words: verdict, strongest evidence, score, saving, next step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import pandas as pd

from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN, joint
from distillens.report import ladder, needs
from distillens.report.costs import Costs
from distillens.report.formatting import Cell, interval, metric_name, number, percent
from distillens.report.study_data import Outline
from distillens.report.tables import VERDICTS
from distillens.report.tables import verdict as in_words
from distillens.report.verdict import Verdict

Row = Mapping[str, Any]
Part = tuple[Verdict, str, Row]
"""One cell: a student on a task, an explainer, and its row of the table of drift."""

_NAMED = 3
_ORDER = (DRIFTS, UNKNOWN, GATED, KEEPS)


@dataclass(frozen=True)
class Decision:
    """One student: its verdict over all tasks and explainers, and what a reader needs to act on it.

    ``parts`` counts the cells by verdict; ``step`` is what to do next, ``command`` what does it.
    """

    student: str
    word: Cell
    evidence: str
    parts: str = ""
    score: str = ""
    saving: str = ""
    step: str = ""
    command: str = ""


def decisions(study: Outline, verdicts: Sequence[Verdict], costs: Costs | None = None) -> list[Decision]:
    """One decision per student, over all tasks: first those that ask for something to be done.

    Examples
    --------
    >>> row = {"explainer": "lime", "metric": "spearman", "verdict": KEEPS, "margin": 0.2}
    >>> row |= {"drift": 0.09, "drift_low": 0.0, "drift_high": 0.18, "teacher_runs_missing": 0}
    >>> said = Verdict("toy", "tiny", "bert", "accuracy", [], [], None, {"lime": row}, KEEPS)
    >>> study = Outline({"name": "toy", "explainers": {}}, {"toy": {}}, ())
    >>> (one,) = decisions(study, [said])
    >>> one.word.text, one.evidence
    ('no drift found', 'closest to drift: lime, gap 0.09 [0.00, 0.18], shown to be below 0.20')
    """
    result = []
    for student in dict.fromkeys(v.student for v in verdicts):
        own = [v for v in verdicts if v.student == student]
        word = joint(v.overall for v in own if v.drift)
        step, command = _next(study, word, own)
        result.append(
            Decision(
                student,
                in_words(word),
                _evidence_of(word, own),
                count(said for v in own for said in v.by_explainer.values() if said),
                "; ".join(_scores(own)),
                _saving(study, own, costs or {}),
                step,
                command,
            )
        )
    return sorted(result, key=lambda one: _ORDER.index(one.word.text))


def count(words: Iterator[str]) -> str:
    """How many cells have which verdict; nothing of a single one.

    Examples
    --------
    >>> count(iter([KEEPS, UNKNOWN, KEEPS]))
    '2 of 3 cells: no drift found, 1 not decided'
    """
    verdicts = list(words)
    counts = {word: verdicts.count(word) for word in VERDICTS if word in verdicts}
    if len(verdicts) < 2:
        return ""
    (first, many), *others = counts.items()
    return ", ".join([f"{many} of {len(verdicts)} cells: {first}", *(f"{n} {word}" for word, n in others)])


def _parts(own: Sequence[Verdict]) -> list[Part]:
    return [(v, name, row) for v in own for name, row in v.drift.items()]


def _evidence_of(word: str, own: Sequence[Verdict]) -> str:
    """The evidence from the reference that decides: damaged copies on some tasks, runs on others."""
    placed, by_runs = [v for v in own if v.placed], [v for v in own if not v.placed]
    if word == GATED:
        return _evidence(word, own)
    if not by_runs or word in {v.overall for v in placed}:
        return _by_ladder(word, placed)
    return _evidence(word, by_runs)


def _by_ladder(word: str, placed: Sequence[Verdict]) -> str:
    """Where the student stands among damaged copies: the sentence of the first row that says the verdict."""
    rows = [(v, row) for v in placed for row in v.placed.values()]
    v, row = next((v, row) for v, row in rows if row["verdict"] == word)
    doses = [dose for dose in v.doses if dose["explainer"] == row["explainer"]]
    return f"beside damage that is accepted ({v.reference}): {ladder.sentence(row, doses).removesuffix('.')}"


def _evidence(word: str, own: Sequence[Verdict]) -> str:
    """The strongest evidence for a verdict: a gap and its interval, or why there is none."""
    parts = _parts(own)
    there = [part for part in parts if part[2]["verdict"] == word]
    if word == GATED or not there:
        return _why_gated(own) if parts else "nothing was compared"
    if word == DRIFTS:
        v, name, row = min(there, key=lambda part: (part[2]["p_adjusted"], -_share(part[2])))
        size = f"{percent(_share(row))} of what the teacher’s runs agree beyond chance"
        return f"strongest evidence: {_place(v, name, own)}, {_gap(row)}, {size}"
    if word == KEEPS:
        v, name, row = max(there, key=lambda part: part[2]["drift"] / part[2]["margin"])
        shown = f"{_gap(row)}, shown to be below {number(row['margin'])}"
        return f"closest to drift: {_place(v, name, own)}, {shown}"
    known = [part for part in there if not pd.isna(part[2]["drift"])]
    if not known:
        return f"open by {_list([_place(v, name, own) for v, name, _ in there])}"
    v, name, row = max(known, key=lambda part: _share(part[2]))
    return f"widest open gap: {_place(v, name, own)}, {_gap(row)}"


def _share(row: Row) -> float:
    """Drift on the scale of the verdict, C - Z."""
    return row["drift"] / (row["ceiling"] - row["floor"])


def _gap(row: Row) -> str:
    return f"gap {number(row['drift'])} {interval(row['drift_low'], row['drift_high'])}".strip()


def _place(v: Verdict, name: str, own: Sequence[Verdict]) -> str:
    return f"{name} on {v.task}" if len({one.task for one in own}) > 1 else name


def _why_gated(own: Sequence[Verdict]) -> str:
    """A score that does not beat a constant answer; or that attributions came without logits."""
    said, known = [], [v for v in own if not v.unknown]
    several = len({v.task for v in own}) > 1
    for v in own:
        if v.unknown:
            where = f" on {v.task}" if several else ""
            whose = _list(v.unknown)
            said.append(f"performance not known{where}: the attributions of {whose} came without logits")
    if known:
        where = f" on {_list([v.task for v in known])}" if said else ""
        said.append(f"not shown to beat the majority baseline{where}")
    return "; ".join(said)


def _scores(own: Sequence[Verdict]) -> Iterator[str]:
    """The student's score against the range of the teacher's runs, task by task."""
    several = len(own) > 1
    known = [v for v in own if v.scores and v.teachers and not pd.isna(v.score)]
    for v in known[:_NAMED]:
        where = f" on {v.task}" if several else ""
        yield f"{metric_name(v.lead)}{where} {number(v.score, 3)}, {_beside(v)}"
    if len(known) > _NAMED:
        yield f"{len(known) - _NAMED} more tasks below"
    if not known and any(v.scores for v in own):
        yield "performance not known"


def _beside(v: Verdict) -> str:
    """Where a score lies beside the teacher's runs."""
    values = [row["value"] for row in v.teachers]
    if not v.range_of_teacher:
        return f"its teacher’s {number(v.teacher_score, 3)}"
    side = "below" if v.score < min(values) else "above" if v.score > max(values) else "within"
    return f"{side} the range of the teacher’s runs ({v.range_of_teacher})"


def _saving(study: Outline, own: Sequence[Verdict], costs: Costs) -> str:
    """What the student saves: room and time, the median over tasks and runs of its ratios to its teacher."""
    sizes, times = [], []
    for run in study.runs_of_students.get(own[0].student, []):
        teacher = study.reference(run)
        for v in own:
            mine = costs.get((v.task, run.model, run.seed))
            other = costs.get((v.task, teacher.model, teacher.seed)) if teacher else None
            if mine is None or other is None:
                continue
            sizes.append(mine["file_bytes"] / other["file_bytes"])
            where = ("backend", "device")
            if mine["latency_ms"] and other["latency_ms"] and all(mine[key] == other[key] for key in where):
                times.append(other["latency_ms"] / mine["latency_ms"])
    if not sizes:
        return ""
    said = f"{percent(median(sizes))} of the teacher’s size"
    return f"{said}, {number(median(times), 1)} times as fast" if times else said


def _next(study: Outline, word: str, own: Sequence[Verdict]) -> tuple[str, str]:
    """What to do next, and the command for it."""
    results = f"results/{study.settings['name']}"
    if word == KEEPS:
        return "hold its later versions to this", f"distillens gate {results}"
    if word == DRIFTS:
        return "read the cases below before it is used, or train it by another recipe", ""
    if word == GATED and all(v.unknown for v in own):
        return "give its attributions with logits, so that its performance is known", ""
    if word == GATED:
        return "train it, or its teacher, until it beats the majority baseline", ""
    open_ = [v for v in own if v.overall == UNKNOWN and v.drift]
    if not open_:
        return "add an explainer that counts to the config: controls decide nothing", ""
    # It explains more texts by all explainers, or refuses.
    fixed = any((options or {}).get("examples") for options in study.settings.get("explainers", {}).values())
    extend = "" if fixed else f"distillens extend {results}"
    if all(v.placed for v in open_):
        return "explain more texts, as many as can tell", extend
    open_ = [v for v in open_ if not v.placed]
    v = max(open_, key=lambda v: needs.most_missing(list(v.drift.values())))
    told = needs.what_would_tell(list(v.drift.values()), v.paired)
    where = f"on {v.task} " if len(own) > 1 else ""
    # No command trains runs: they are seeds in the config.
    more = needs.texts_would_tell(list(v.drift.values()))
    return f"{where}{told}", extend if more else ""


def _list(names: Sequence[str]) -> str:
    first = list(names[:_NAMED])
    if len(names) > _NAMED:
        first.append(f"{len(names) - _NAMED} more")
    *others, last = first
    return f"{', '.join(others)} and {last}" if others else last
