"""The words, and the p-values behind them."""

import math

import numpy as np
import pytest

from distillens.metrics.multiple_testing import benjamini_hochberg
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN, decide, overall


def row(p=0.5, task="t", explainer="shap", metric="spearman", **more):
    found = {"task": task, "explainer": explainer, "metric": metric, "k": None, "gated": False}
    found |= {"p_value": p, "drift": 0.2, "drift_low": 0.1, "drift_high": 0.3, "normalised": 0.7}
    return found | {"run_spread": 0.01} | more


def test_benjamini_hochberg_by_hand():
    # p m / rank: .04, .04, .04 x 4/3, .5; the larger of two neighbours gives way to the smaller.
    assert benjamini_hochberg([0.01, 0.02, 0.04, 0.5]) == pytest.approx([0.04, 0.04, 0.04 * 4 / 3, 0.5])
    assert benjamini_hochberg([0.03, np.nan])[0] == 0.03
    assert np.isnan(benjamini_hochberg([np.nan])).all()


def test_p_values_are_adjusted_over_the_study_and_within_a_task():
    rows = [row(0.01), row(0.02, explainer="lime"), row(0.04, task="u"), row(0.5, task="u", explainer="lime")]
    found = decide(rows, 0.95)
    assert [r["p_adjusted"] for r in found] == pytest.approx([0.04, 0.04, 0.04 * 4 / 3, 0.5])
    assert [r["p_holm"] for r in found] == pytest.approx([0.02, 0.02, 0.08, 0.5])


def test_controls_gated_rows_and_other_metrics_are_no_part_of_the_family():
    rows = [
        row(0.03),
        row(0.9, explainer="noise"),
        row(0.9, gated=True, task="u"),
        row(0.9, metric="cosine"),
    ]
    found = decide(rows, 0.95, controls=["noise"])
    assert found[0]["p_adjusted"] == 0.03 and found[0]["verdict"] == DRIFTS
    assert math.isnan(found[1]["p_adjusted"]) and found[2]["verdict"] == GATED


def test_the_tolerance_says_what_is_as_good_as_none():
    small = row(0.4, drift=0.01, drift_low=-0.01, drift_high=0.03)
    assert decide([small], 0.95)[0]["verdict"] == KEEPS
    assert decide([small], 0.95, tolerance=0.02)[0]["verdict"] == UNKNOWN


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
