"""From explanations and answers of a task to how much of a baseline's drift its other students close."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from distillens.evaluation.gates import gates_of, usable
from distillens.evaluation.inputs import FilePath, Predictions, Run, Settings, TextGroups, by_identity, labels
from distillens.evaluation.rows import write_scores
from distillens.evaluation.run_agreement import RunAgreement
from distillens.evaluation.teacher_groups import TeacherGroup, teacher_groups
from distillens.metrics import agreement, gap_closed
from distillens.metrics.multiple_testing import among, holm_within
from distillens.metrics.run_pairs import RunPairs

SCORES = {"classification": "accuracy", "regression": "squared_error"}
"""What is compared of the answers, by type of task: a mean over texts."""


def score_gap_closed(
    test: FilePath,
    predictions: Sequence[FilePath],
    performance: FilePath,
    explanations: Sequence[FilePath],
    *,
    settings: Settings,
    out: FilePath,
    baselines: Sequence[str],
    controls: Sequence[str],
) -> None:
    """Compare students with a baseline that has the same teacher, by each explainer and by their answers.

    Parameters
    ----------
    test : path
        The examples that were predicted.
    predictions, explanations : sequences of paths
        Of all runs.
    performance : path
        Scores of the task: runs that are no better than a constant do not count.
    settings : Settings
    out : path
        Table of kind ``gap_closed``: a row for each baseline, student, explainer and metric, and one
        without an explainer for the answers. P-values are also adjusted (Holm 1979) for the students
        and explainers that one baseline and metric are tested with.
    baselines, controls : sequences of str
        Names of students, and of explainers that know nothing of the output.
    """
    gates = gates_of(performance, settings)
    texts = TextGroups(test)
    rows = list(_of_answers(test, predictions, baselines, gates, settings, texts))
    for group in teacher_groups(explanations, settings):
        if group.explainer not in controls:
            rows += _of_group(group, baselines, gates, texts.of(group.ids), settings)
    tested = [not row["gated"] for row in rows]
    p_adjusted = among(holm_within(rows, ("baseline", "metric", "k"), tested), settings.labels_together)
    rows = [{**row, "p_adjusted": p} for row, p in zip(rows, p_adjusted, strict=True)]
    write_scores(out, "gap_closed", rows, settings, [test, *predictions, performance, *explanations])


def _of_answers(
    test: FilePath,
    paths: Sequence[FilePath],
    baselines: Sequence[str],
    gates: Mapping[Run, bool],
    s: Settings,
    texts: TextGroups,
) -> Iterator[dict[str, Any]]:
    if not s.labelled:
        return
    truth = labels(test, s)
    answers = {
        run: Predictions(path, s).of("none", [0], truth.index)[0]
        for run, path in by_identity(paths, s).items()
    }
    right = {run: _right(logits, truth, s) for run, logits in answers.items()}
    for student, baseline in _compared(baselines, s):
        sides = [
            [run for run in usable(s.runs(model), gates) if run in answers] for model in (student, baseline)
        ]
        if all(sides):
            comparison = gap_closed.close(
                *(_pairs([right[run] for run in side], side, s) for side in sides),
                confidence_level=s.metrics["confidence_level"],
                groups=texts.of(truth.index),
            )
            what = {"explainer": None, "metric": SCORES[s.task_settings["type"]], "k": None}
            yield _named(student, baseline, gates, s) | what | comparison


def _pairs(right: Sequence[NDArray[np.float64]], runs: Sequence[Run], s: Settings) -> RunPairs:
    """Whether each run is right, beside the teacher's run that it belongs to: their noise comes together."""
    model = runs[0][0]
    teachers = s.runs(s.teachers[model])
    own = [teachers.index(s.references(*run)[0]) for run in runs] if s.teacher_seeds.get(model) else None
    return RunPairs.of(np.repeat(np.array(right)[:, None], len(teachers), axis=1), own)


def _right(logits: np.ndarray, truth: pd.Series, s: Settings) -> np.ndarray:
    """Whether each answer is right; of a score the squared error, negative, so that more is better."""
    if s.n_classes:
        return (logits.argmax(axis=-1) == truth.to_numpy()).astype(float)
    return -((logits[:, 0] - truth.to_numpy()) ** 2)


def _of_group(
    group: TeacherGroup,
    baselines: Sequence[str],
    gates: Mapping[Run, bool],
    texts: NDArray[np.int64],
    s: Settings,
) -> Iterator[dict[str, Any]]:
    metrics = agreement.grid(s.metrics["overlap_k"])
    runs = RunAgreement.of(group, metrics, gates)
    students = {student: runs.of_student(student) for student in group.by_student}
    for student, baseline in _compared(baselines, s):
        if baseline not in students:
            continue
        counted = runs.counting(student, baseline)
        for i, (metric, k) in enumerate(metrics):
            comparison = gap_closed.close(
                students[student][i][0].on(counted),
                students[baseline][i][0].on(counted),
                runs.between[:, :, i, counted],
                s.metrics["confidence_level"],
                texts[counted],
            )
            about = {"explainer": group.explainer, "metric": metric, "k": k}
            # Also where a student's own run of the teacher does not count.
            about["gated"] = runs.gated(student) or runs.gated(baseline)
            yield _named(student, baseline, gates, s) | about | comparison


def _compared(baselines: Sequence[str], s: Settings) -> Iterator[tuple[str, str]]:
    """Each baseline with the other students of its teacher."""
    for student, baseline in itertools.product(s.teachers, baselines):
        if student != baseline and s.teachers[student] == s.teachers[baseline]:
            yield student, baseline


def _named(student: str, baseline: str, gates: Mapping[Run, bool], s: Settings) -> dict[str, Any]:
    models = (student, baseline, s.teachers[student])
    return {
        "student": student,
        "baseline": baseline,
        "teacher": s.teachers[student],
        "gated": any(all(gates[run] for run in s.runs(model)) for model in models),
    }
