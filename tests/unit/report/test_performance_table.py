"""The table of performance: the task's metrics first, then what probabilities are worth."""

import math

import pandas as pd

from distillens.report import tables
from distillens.report.study_data import study_of


def test_errors_of_probabilities_stand_behind_the_metrics_and_beside_the_teachers():
    models = {"teacher": {"seeds": [1, 2]}, "student": {"seeds": [1], "teacher": "teacher"}}
    tasks = {"toy": {"type": "classification", "metrics": ["accuracy"], "labels": ["bad", "good"]}}
    study = study_of({"models": models}, tasks)
    numbers = {"low": 0.1, "high": 0.3, "spread": math.nan, "chance": math.nan, "n": 9, "n_undefined": 0}

    def row(model, seed, metric, value, against=None):
        where = {"task": "toy", "model": model, "seed": seed, "metric": metric, "against": against}
        return {**where, "value": value, **numbers}

    rows = [row(None, None, "majority", 0.5)]
    for model, seed in (("teacher", 1), ("teacher", 2), ("student", 1)):
        rows += [row(model, seed, metric, 0.2) for metric in ("brier", "ece", "accuracy")]
    rows += [row("student", 1, f"{metric}_gap", 0.05, "teacher") for metric in ("ece", "brier")]
    table = tables.performance(study, "toy", pd.DataFrame(rows, dtype=object))
    heads = [head.text for head in table.head]
    assert heads[:5] == ["model", "role", "accuracy", "ECE", "Brier"]
    assert set(heads[5:]) == {"ECE, difference vs teacher", "Brier, difference vs teacher"}
    assert [cell.text for cell in table.rows[-1]][2:] == ["0.200", "0.200", "0.200", "+0.050", "+0.050"]
    assert [cell.text for cell in table.rows[1]][5:] == ["–", "–"]
