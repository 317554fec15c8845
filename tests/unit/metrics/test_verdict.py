"""The words, and the p-values behind them."""

import math

import pytest

from distillens.metrics.multiple_testing import holm
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN, decide, overall, verdict


def row(p=0.5, task="t", explainer="shap", metric="spearman", **more):
    found = {"task": task, "explainer": explainer, "metric": metric, "k": None, "gated": False}
    found |= {"p_drift": p, "p_no_drift": 0.5, "normalised_low": 0.4}
    return found | {"teacher_runs_missing": 0, "student_runs_missing": 0} | more


def test_holm_by_hand():
    # p times how many are left: .04, .06, .08, .5.
    assert holm([0.01, 0.02, 0.04, 0.5]) == pytest.approx([0.04, 0.06, 0.08, 0.5])


def test_p_values_are_adjusted_within_a_task():
    rows = [row(0.01), row(0.02, explainer="lime"), row(0.04, task="u"), row(0.5, task="u", explainer="lime")]
    assert [r["p_adjusted"] for r in decide(rows, 0.95)] == pytest.approx([0.02, 0.02, 0.08, 0.5])


def test_controls_gated_rows_and_other_metrics_are_no_part_of_the_family():
    rows = [
        row(0.03),
        row(0.9, explainer="noise"),
        row(0.9, gated=True),
        row(0.9, metric="cosine"),
    ]
    found = decide(rows, 0.95, controls=["noise"])
    assert found[0]["p_adjusted"] == 0.03 and found[0]["verdict"] == DRIFTS
    assert math.isnan(found[1]["p_adjusted"]) and found[2]["verdict"] == GATED


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"p_adjusted": 0.01, "p_no_drift": 0.01, "gated": True}, GATED),
        ({"p_adjusted": 0.01, "normalised_low": math.nan}, UNKNOWN),
        ({"p_adjusted": 0.01, "teacher_runs_missing": 1}, UNKNOWN),
        ({"p_adjusted": 0.01, "student_runs_missing": 1}, DRIFTS),
        ({"p_adjusted": 0.01, "p_no_drift": 0.01}, DRIFTS),  # small, and there
        ({"p_adjusted": 0.2, "p_no_drift": 0.01}, KEEPS),
        ({"p_adjusted": 0.2, "p_no_drift": 0.01, "student_runs_missing": 1}, UNKNOWN),
        ({"p_adjusted": math.nan, "p_no_drift": math.nan}, UNKNOWN),
        ({"p_adjusted": 0.2, "p_no_drift": 0.2}, UNKNOWN),
    ],
)
def test_the_rules_hold_in_one_order(numbers, expected):
    assert verdict(row(**numbers), 0.95) == expected


def rows(**verdicts):
    return [{"metric": "spearman", "explainer": name, "verdict": v} for name, v in verdicts.items()]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"shap": KEEPS, "lime": DRIFTS}, DRIFTS),
        ({"shap": KEEPS, "lime": KEEPS}, KEEPS),
        ({"shap": KEEPS, "lime": UNKNOWN}, UNKNOWN),
        ({"shap": GATED, "lime": GATED}, GATED),
        ({"shap": GATED, "lime": KEEPS}, KEEPS),
        ({"shap": KEEPS, "random": DRIFTS}, KEEPS),
        ({"random": KEEPS}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_one_verdict_for_a_student(said, expected):
    other = {"metric": "cosine", "explainer": "shap", "verdict": DRIFTS}
    assert overall([*rows(**said), other], controls=["random"]) == expected
