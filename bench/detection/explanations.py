"""Measures of explanations: each explainer under several metrics of agreement."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bench.detection.measure import PerText
from distillens import tables
from distillens.evaluation.gates import gates_of
from distillens.evaluation.inputs import Settings
from distillens.evaluation.run_agreement import RunAgreement
from distillens.evaluation.teacher_groups import teacher_groups
from distillens.metrics.calibration import HEADLINE

METRICS = [(HEADLINE, None), ("cosine", None), ("overlap_corrected", 3)]


def measures(folder: Path, task: str, s: Settings) -> Iterator[PerText]:
    """One for each explainer and metric; forward passes are those that the explanations took."""
    files = sorted((folder / "explanations" / task).glob("*/*/[a-z]*.parquet"))
    gates = gates_of(folder / "metrics" / task / "performance.parquet", s)
    for group in teacher_groups(files, s):
        compared = RunAgreement.of(group, METRICS, gates)
        of_students = {student: compared.of_student(student) for student in group.by_student}
        passes = _passes(tables.read(group.paths[group.first], "explanations").to_pandas())
        for place, (metric, k) in enumerate(METRICS):
            yield PerText(
                f"{group.explainer}, {metric}{f' {k}' if k else ''}",
                passes,
                {student: by_metric[place][0] for student, by_metric in of_students.items()},
                compared.between[:, :, place],
                {student: by_metric[place][1] for student, by_metric in of_students.items()},
            )


def _passes(explanations: pd.DataFrame) -> float:
    """Of a text; a step of Integrated Gradients is one forwards and one back, as in `distillens check`."""
    evals = explanations["evals"].fillna(2 * explanations["ig_steps"])
    return float(evals.astype(float).mean())
