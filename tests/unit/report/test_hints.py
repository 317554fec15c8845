"""What the heads and cells of tables explain is what docs/definitions.md says."""

import math

import pytest

from distillens.metrics.probes import ratings
from distillens.report import tables
from distillens.report.formatting import metric_head
from distillens.report.verdict import Verdict, _gap


def test_the_margin_is_what_no_drift_found_must_rule_out_and_not_the_tolerance():
    (margin,) = (column for column in tables._DRIFT if column.head == "margin")
    assert "no drift found" in margin.meaning and "as good as none" not in margin.meaning


def test_a_rating_is_an_expected_polarity():
    assert ratings([[9.0, 0.0, -99.0]])[0] == pytest.approx(-1, abs=1e-3)
    assert "−1, the most negative, to 1" in metric_head("rating").meaning


@pytest.mark.parametrize(
    ("n", "agreement", "hint"), [(9, 0.5, "Of the teacher one run counts"), (0, math.nan, "No text has")]
)
def test_a_cell_without_a_drift_says_why(n, agreement, hint):
    row = {
        "verdict": "not decided",
        "drift": math.nan,
        "agreement_low": 0.4,
        "agreement_high": 0.6,
        "agreement": agreement,
        "n": n,
    }
    verdict = Verdict("films", "kd", "bert", "accuracy", [], [], None, {"shap": row}, "not decided")
    assert _gap(verdict, "shap").hint.startswith(hint)
