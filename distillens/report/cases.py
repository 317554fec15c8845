"""Case studies: texts that a rule chose, never a hand, with their words coloured for all models."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from distillens.metrics.calibration import HEADLINE
from distillens.report.formatting import NOT_KNOWN, metric_name, number, percent
from distillens.report.probe_data import Probe
from distillens.report.sentences import Explained, View, gold, views
from distillens.report.study_data import Outline, Run

TOP = 3
_LEVELS = 9

Text = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """What one model makes of a text: its name, its prediction, and its words as (text, class, hint)."""

    run: Run
    prediction: str
    segments: Sequence[Sequence[tuple[str, str, str]]]


@dataclass(frozen=True)
class Case:
    """A text, what is said about it as (name, value), and every model's view of it."""

    example_id: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[Line]


@dataclass(frozen=True)
class Group:
    """The cases of one rule; the rule in words, and why there are none."""

    title: str
    rule: str
    cases: Sequence[Case]
    none: str = ""


def choose(
    study: Outline,
    task: str,
    texts: Sequence[Text],
    explanations: Sequence[Explained],
    examples: Mapping[str, pd.DataFrame],
    probes: Mapping[tuple[str, str], Probe],
) -> list[Group]:
    """Choose the cases of a task, all by the study's first explainer that is no control.

    Parameters
    ----------
    study : Outline
    task : str
    texts : sequence of rows
        The explained texts.
    explanations : sequence of Explained
        Of these texts.
    examples : mapping of data frames
        Scores of single examples, by subject.
    probes : mapping
        What is known of each (task, probe).
    """
    view = _view(study, task, texts, explanations, examples)
    if view is None or study.tasks[task]["type"] != "classification":
        return []
    groups = []
    for teacher in (run for run in view.runs if run.teacher is None and run == study.first(run.model)):
        students = [
            run for run in view.runs if run.teacher == teacher.model and run == study.first(run.model)
        ]
        family = [teacher, *students]
        groups += [_drifted(study, view, texts, family, student) for student in students]
        groups.append(_borderline(study, view, texts, family))
        groups += [
            _contrasts(study, one, family, examples) for one in probes.values() if _is_contrast(one, task)
        ]
    return groups


def _view(
    study: Outline,
    task: str,
    texts: Sequence[Text],
    explanations: Sequence[Explained],
    examples: Mapping[str, pd.DataFrame],
) -> View | None:
    """Texts as the first explainer shows them that is no control."""
    by_explainer = views(study, task, texts, explanations, examples["agreement"])
    return next((view for view in by_explainer if view.explainer in study.explainers), None)


def _is_contrast(probe: Probe, task: str) -> bool:
    return probe.task == task and any(row["variant"] == "flipped" for row in probe.design)


def _drifted(study: Outline, view: View, texts: Sequence[Text], family: list[Run], student: Run) -> Group:
    teacher, reference = family[0], study.reference(student) or family[0]
    candidates = []
    for place, text in enumerate(texts):
        agreed = view.agreement(student, text)
        if not math.isnan(agreed) and all(_right(view, run, text) for run in (reference, student)):
            candidates.append((agreed, place))
    rule = (
        f"Of the texts that both {teacher.model} and {student.model} classify right, those on which their "
        f"attributions by {view.explainer} agree least ({metric_name(HEADLINE)}): "
        f"{_how_many(len(candidates))}."
    )
    cases = [
        _case(study, view, texts[place], family, [(f"agreement of {student.model}", number(agreed))])
        for agreed, place in sorted(candidates)[:TOP]
    ]
    none = (
        _not_known(view, texts, [teacher, student])
        or f"{teacher.model} and {student.model} are both right on no explained text."
    )
    return Group(f"Same right answer, other reasons: {student.model}", rule, cases, "" if cases else none)


def _borderline(study: Outline, view: View, texts: Sequence[Text], family: list[Run]) -> Group:
    teacher = family[0]
    gaps = sorted(
        (gap, place)
        for place, text in enumerate(texts)
        if (gap := _gap(view.logits(teacher, text))) is not None
    )
    rule = (
        f"The texts on which {teacher.model} wavers most: the smallest difference between its two most "
        f"probable classes: {_how_many(len(gaps))}."
    )
    cases = [
        _case(study, view, texts[place], family, [("gap of their probabilities", number(gap, 3))])
        for gap, place in gaps[:TOP]
    ]
    none = _not_known(view, texts, [teacher]) or "No text was explained."
    return Group("On the border between two classes", rule, cases, "" if cases else none)


def _contrasts(
    study: Outline, probe: Probe, family: list[Run], examples: Mapping[str, pd.DataFrame]
) -> Group:
    teacher, students = family[0], family[1:]
    title = f"Sentences with “but” that are read otherwise ({probe.probe})"
    view = _view(study, probe.task, probe.sentences, probe.explanations, examples)
    if view is None:
        return Group(title, "", (), f"No explainer was asked about the probe {probe.probe}.")
    ratios = _ratios(examples["probes"], probe, view.explainer)
    variant = {row["example_id"]: row["variant"] for row in probe.design}
    candidates = []
    for place, text in enumerate(probe.sentences):
        own = {run: ratios.get((run.model, run.seed, text["example_id"]), math.nan) for run in family}
        gaps = [abs(own[student] - own[teacher]) for student in students]
        gaps = [gap for gap in gaps if not math.isnan(gap)]
        if gaps and variant[text["example_id"]] == "original":
            candidates.append((-max(gaps), place, own))
    rule = (
        f"Of the sentences that the probe {probe.probe} builds, those on which the share of the attribution "
        f"behind “but” (by {view.explainer}, to each model’s own prediction) differs most between "
        f"{teacher.model} and a student: {_how_many(len(candidates))}."
    )
    cases = []
    for _, place, own in sorted(candidates, key=lambda one: one[:2])[:TOP]:
        facts = [(f"behind “but”, {run.model}", percent(own[run])) for run in family]
        cases.append(_case(study, view, probe.sentences[place], family, facts))
    none = "This share is not defined for any sentence and student."
    return Group(title, rule, cases, "" if cases else none)


def _ratios(frame: pd.DataFrame, probe: Probe, explainer: str) -> dict[tuple[str, int, str], float]:
    wanted = (probe.task, probe.probe, explainer, "post_cue_ratio")
    return {
        (row["model"], row["seed"], row["example_id"]): row["value"]
        for row in frame.to_dict("records")
        if (row["task"], row["probe"], row["explainer"], row["metric"]) == wanted
    }


def _right(view: View, run: Run, text: Text) -> bool:
    logits = view.logits(run, text)
    return bool(logits) and text["label"] is not None and int(np.argmax(logits)) == int(text["label"])


def _not_known(view: View, texts: Sequence[Text], runs: Sequence[Run]) -> str:
    """That nobody knows what a model answers; nothing where each answered some text."""
    silent = [run.model for run in runs if texts and not any(view.logits(run, text) for text in texts)]
    return f"Not known: the attributions of {' and '.join(silent)} came without logits." if silent else ""


def _gap(logits: Sequence[float]) -> float | None:
    """Difference of the two largest probabilities; None where nothing was answered."""
    if len(logits) < 2:
        return None
    odds = np.exp(np.asarray(logits, float) - np.max(logits))
    second, first = np.sort(odds / odds.sum())[-2:]
    return float(first - second)


def _case(
    study: Outline, view: View, text: Text, family: Sequence[Run], facts: Sequence[tuple[str, str]]
) -> Case:
    label = gold(text, study.tasks[view.task])
    cells = {run: cell for run in family if (cell := view.cell(run, text)) is not None}
    about = [] if label is None else [("gold", label)]
    about += [("explained class", cells[family[0]]["t"])] if family[0] in cells else []
    lines = [
        Line(run, _prediction(cell), list(_segments(cell, view.pieces(text)))) for run, cell in cells.items()
    ]
    return Case(text["example_id"], [*about, *facts], lines)


def _prediction(cell: Mapping[str, Any]) -> str:
    cut = f"; {cell['unseen']} words cut off" if cell.get("unseen") else ""
    if "c" not in cell:
        return f"says: {NOT_KNOWN}{cut}"
    mark = {True: "\u00a0✓", False: "\u00a0✗", None: ""}[cell["ok"]]
    return f"says {cell['p']}, {percent(cell['c'])}{mark}{cut}"


def _segments(
    cell: Mapping[str, Any], pieces: Sequence[Sequence[str]]
) -> Iterator[list[tuple[str, str, str]]]:
    """The text's pieces, words with the classes that colour them as the page's script does."""
    values = iter(cell["v"])
    strongest = max((abs(value) for value in cell["v"] if value), default=1.0)
    for segment in cell.get("pieces", pieces):
        parts = []
        for place, piece in enumerate(segment):
            if place % 2 == 0:
                parts.append((piece, "", ""))
                continue
            value = next(values, None)
            level = math.floor(_LEVELS * abs(value or 0) / strongest + 0.5)
            colour = f" {'pos' if value > 0 else 'neg'} l{level}" if level else ""
            parts.append((piece, f"w{colour}", "undefined" if value is None else _signed(value)))
        yield parts


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−")


def _how_many(count: int) -> str:
    return f"the first {TOP} of {count}" if count > TOP else f"all {count}" if count else "there is none"
