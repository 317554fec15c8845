"""Measures of explanations: each explainer under several metrics of agreement."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

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
        evals = tables.read(group.paths[group.first], "explanations")["evals"].to_numpy()
        for place, (metric, k) in enumerate(METRICS):
            yield PerText(
                f"{group.explainer}, {metric}{f' {k}' if k else ''}",
                float(np.mean(evals)),
                {student: by_metric[place][0] for student, by_metric in of_students.items()},
                compared.between[:, :, place],
                {student: by_metric[place][1] for student, by_metric in of_students.items()},
            )
