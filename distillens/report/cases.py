"""Case studies: texts that a rule chose, never a hand, with their words coloured for all models."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from distillens.data.units import noun
from distillens.metrics.disagreement import worst
from distillens.report import disagreements, exemplars, viewer
from distillens.report.case import Group, Text, answer, beginning, beyond_in_words, case_of, not_known
from distillens.report.disagreements import Disagreement
from distillens.report.formatting import Cell, Head, Table, number, percent
from distillens.report.probe_data import Probe
from distillens.report.sentences import Explained, View, views
from distillens.report.study_data import Outline, Run

TOP = 3
WORST = 10


def choose(
    study: Outline,
    task: str,
    texts: Sequence[Text],
    explanations: Sequence[Explained],
    examples: Mapping[str, pd.DataFrame],
    probes: Mapping[tuple[str, str], Probe],
    gates: disagreements.Gates = (),
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
    gates : collection
        What `disagreements.gates_of` returned.
    """
    view = _view(study, task, texts, explanations, examples)
    if view is None:
        return []
    by_student = disagreements.of_view(study, view, texts, gates)
    groups = [_worst(study, view, texts, one) for one in by_student.values()]
    if study.tasks[task]["type"] != "classification":
        return groups
    for teacher in (run for run in view.runs if run.teacher is None and run == study.first(run.model)):
        students = [
            run for run in view.runs if run.teacher == teacher.model and run == study.first(run.model)
        ]
        family = [teacher, *students]
        groups += [
            of_student(study, view, texts, [teacher, student], by_student[student.model])
            for student in students
            for of_student in (partial(exemplars.group, gates=gates), _drifted)
        ]
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


def _worst(study: Outline, view: View, texts: Sequence[Text], disagreement: Disagreement) -> Group:
    """The ten worst disagreements of a student beyond noise, whatever the answers."""
    student = next(run for run in view.runs if run.model == disagreement.student)
    teacher, places = student.teacher or "", worst(disagreement.ranked, WORST)
    title = f"The ten worst disagreements beyond noise: {student.model}"
    if not disagreement.knows_noise:
        title = f"The ten worst disagreements: {student.model}"
    rule = (
        f"The texts whose attribution by {view.explainer} {student.model} places most unlike {teacher}, "
        f"{beyond_in_words(disagreement, teacher)}; "
        f"{_how_many(int((disagreement.ranked > 0).sum()), WORST)}. Each opens with its {noun(view.unit)}."
    )
    rows = []
    for place in places:
        text = texts[place]
        link = viewer.address(view.task, view.explainer, student.model, text["example_id"])
        rows.append(
            [
                Cell(text["example_id"], link=link),
                Cell(beginning(text)),
                *(answer(view, run, text) for run in (view.beside(student), student)),
                *(
                    Cell(
                        number(values[place]), float(values[place]) if math.isfinite(values[place]) else None
                    )
                    for values in (disagreement.beyond, disagreement.shared, disagreement.ceiling)
                ),
            ]
        )
    head = [Head("text", numeric=False), Head("its beginning", numeric=False)]
    head += [Head(f"{name} says", numeric=False) for name in (teacher, student.model)]
    head += [
        Head("beyond noise", "what two runs of the teacher share, minus what the student shares with it"),
        Head(
            "student shares",
            f"the part of the attribution on the same {noun(view.unit)} with the same sign as the teacher",
        ),
        Head("teacher’s runs share", "the same of each two runs of the teacher"),
    ]
    name = f"worst-{view.task}-{student.model}"
    none = f"On no text does {student.model} differ from {teacher} more than the teacher’s runs do."
    first = study.first(teacher)
    family = [run for run in (first, student) if run in view.runs]
    cases = [
        case_of(study, view, texts[place], family, _facts(disagreement, place)) for place in places[:TOP]
    ]
    return Group(
        title,
        rule,
        cases,
        "" if rows else none,
        Table(name, f"{title}, on {view.task}", head, rows) if rows else None,
    )


def _drifted(
    study: Outline, view: View, texts: Sequence[Text], family: list[Run], disagreement: Disagreement
) -> Group:
    teacher, student = family
    reference = study.reference(student) or teacher
    right = [all(_right(view, run, text) for run in (reference, student)) for text in texts]
    ranked = np.where(right, disagreement.ranked, np.nan)
    candidates = int((ranked > 0).sum())
    rule = (
        f"Of the texts that both {teacher.model} and {student.model} classify right, those whose attribution "
        f"by {view.explainer} they place most unlike each other, "
        f"{beyond_in_words(disagreement, teacher.model)}: {_how_many(candidates)}."
    )
    cases = [
        case_of(study, view, texts[place], family, _facts(disagreement, place))
        for place in worst(ranked, TOP)
    ]
    none = (
        not_known(view, texts, [teacher, student])
        or (
            f"{teacher.model} and {student.model} are both right on no explained text."
            if not any(right)
            else ""
        )
        or f"On none of them does {student.model} differ from {teacher.model} more than its runs do."
    )
    title = f"Same right answer, other reasons: {student.model}"
    return Group(title, rule, cases, "" if cases else none)


def _facts(disagreement: Disagreement, place: int) -> list[tuple[str, str]]:
    facts = [("beyond noise", number(disagreement.beyond[place]))] if disagreement.knows_noise else []
    facts.append((f"{disagreement.student} shares", number(disagreement.shared[place])))
    if disagreement.knows_noise:
        facts.append(("the teacher’s runs share", number(disagreement.ceiling[place])))
    return facts


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
        case_of(study, view, texts[place], family, [("gap of their probabilities", number(gap, 3))])
        for gap, place in gaps[:TOP]
    ]
    none = not_known(view, texts, [teacher]) or "No text was explained."
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
        # The viewer has the task's texts, and not those of probes.
        cases.append(replace(case_of(study, view, probe.sentences[place], family, facts), link=""))
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


def _gap(logits: Sequence[float]) -> float | None:
    """Difference of the two largest probabilities; None where nothing was answered."""
    if len(logits) < 2:
        return None
    odds = np.exp(np.asarray(logits, float) - np.max(logits))
    second, first = np.sort(odds / odds.sum())[-2:]
    return float(first - second)


def _how_many(count: int, top: int = TOP) -> str:
    return f"the first {top} of {count}" if count > top else f"all {count}" if count else "there is none"
