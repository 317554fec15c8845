"""From the explanations of a task to its calibrated agreement.

An explainer that draws explains the first run of each model again: how well it agrees with itself. Where that
run does not count, its noise is not known, and "no drift found" is not said.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distillens import registry
from distillens.evaluation.gates import gates_of
from distillens.evaluation.inputs import FilePath, Settings, TextGroups, by_identity
from distillens.evaluation.rows import write_scores
from distillens.evaluation.run_agreement import RunAgreement, draws, method_of
from distillens.evaluation.teacher_groups import TeacherGroup, teacher_groups
from distillens.metrics import agreement, calibration

Array = NDArray[np.float64]


def calibrate(
    performance: FilePath,
    explanations: Sequence[FilePath],
    again: Sequence[FilePath],
    explained: FilePath,
    *,
    settings: Settings,
    out: FilePath,
    by_text: FilePath,
) -> None:
    """Put each student's agreement with its teacher between chance and what the teacher's runs reach.

    Parameters
    ----------
    performance : path
        Scores of the task: runs that are no better than a constant do not count.
    explanations, again : sequences of paths
        Explanations of all runs, and of each model's first one by a second run of each explainer that draws.
    explained : path
        The texts: those of one group count as one draw.
    settings : Settings
    out : path
        Table of kind ``calibration``: a row for each student, explainer and metric.
    by_text : path
        Table of kind ``text_agreement``: the headline's agreement of each text that counts.

    Raises
    ------
    TableError
        If the first run of a model has no second explanations by an explainer that draws.
    """
    gates = gates_of(performance, settings)
    repeated = by_identity(again, settings, "explainer")
    metrics = agreement.grid(settings.metrics["overlap_k"])
    drawn, groups = TextGroups(explained), list(teacher_groups(explanations, settings))
    tests = sum(len(group.by_student) for group in groups if not _is_control(group))
    tests *= settings.labels_together
    rule = calibration.Rule(
        *(settings.metrics[name] for name in ("confidence_level", "tolerance", "margin")), tests=max(1, tests)
    )
    rows: list[dict[str, Any]] = []
    texts_of: list[dict[str, Any]] = []
    judges = Counter(group.first[0] for group in groups if not _is_control(group))
    for group in groups:
        own_rule = replace(rule, explainers=max(1, judges[group.first[0]]))
        compared, texts = RunAgreement.of(group, metrics, gates), drawn.of(group.ids)
        itself = compared.with_itself(compared.teachers, repeated)
        for student in group.by_student:
            ceilings = [itself, compared.with_itself(compared.runs(student), repeated)]
            of_student = _of_student(compared, student, ceilings, own_rule, texts)
            for known, own in zip((rows, texts_of), of_student, strict=True):
                known += own
    inputs = [performance, *explanations, *again, explained]
    write_scores(out, "calibration", rows, settings, inputs)
    write_scores(by_text, "text_agreement", texts_of, settings, inputs)


def _of_student(
    compared: RunAgreement,
    student: str,
    ceilings: Sequence[Array | None],
    rule: calibration.Rule,
    text_groups: NDArray[np.int64],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of both tables."""
    group, (own, of_student) = compared.group, ceilings
    counted, rows, texts = compared.counting(student), [], []
    about = {"student": student, "teacher": group.first[0], "explainer": group.explainer}
    for i, (pairs, chance) in enumerate(compared.of_student(student)):
        metric, k = compared.metrics[i]
        again = None if own is None else own[i, counted]
        between = compared.between[:, :, i, counted]
        pairs, chance = pairs.on(counted), chance.on(counted)
        row = calibration.calibrate(pairs, between, chance, again, rule, text_groups[counted])
        if own is None and draws(method_of(group.paths[group.first])):
            # The margin rests on R.
            row |= {name: np.nan for name in row if name == "margin" or name.endswith("no_drift")}
            row["p_no_drift_at"] = []
        rows.append(
            {
                **about,
                "metric": metric,
                "k": k,
                **row,
                "student_explainer_ceiling": np.nan if of_student is None else _mean(of_student[i, counted]),
                "n_gated_runs": compared.left_out(student),
                "gated": compared.gated(student),
            }
        )
        if metric == calibration.HEADLINE:
            values = calibration.by_text(pairs, between, chance, again).tolist()
            ids = np.array(group.ids, dtype=object)[counted]
            texts += [
                {**about, "example_id": name, "agreement": value}
                for name, value in zip(ids, values, strict=True)
            ]
    return rows, texts


def _mean(values: Array) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan


def _is_control(group: TeacherGroup) -> bool:
    return method_of(group.paths[group.first]) in registry.controls()
