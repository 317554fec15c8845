"""Verdicts at other tolerances are those of a study with that tolerance."""

from dataclasses import replace

import numpy as np

from distillens.metrics.calibration import Rule, calibrate
from distillens.metrics.run_pairs import RunPairs
from distillens.metrics.verdict import at_tolerances, decide


def studied(rule):
    """Rows of two students of one task: one drifts for certain, one only by a strict tolerance."""
    rng = np.random.default_rng(0)
    teachers = rng.normal(0.8, 0.02, (4, 4, 60))
    rows = []
    for name, mean in (("far", 0.4), ("near", 0.755)):
        students = RunPairs.of(rng.normal(mean, 0.02, (3, 4, 60)))
        row = calibrate(students, teachers, RunPairs.of(np.zeros((3, 4, 60))), np.ones(60), rule)
        about = {"task": "toy", "student": name, "explainer": "shap", "metric": "spearman", "k": None}
        rows.append({**row, **about, "gated": False})
    return rows


def test_every_tolerance_gives_the_verdicts_of_a_study_with_it():
    rule = Rule(tests=2)
    found = at_tolerances(studied(rule), rule.confidence_level)
    words = {}
    for tolerance, rows in found.items():
        own = decide(studied(replace(rule, tolerance=tolerance)), rule.confidence_level)
        words[tolerance] = [row["verdict"] for row in rows]
        assert words[tolerance] == [row["verdict"] for row in own]
        assert [row["p_adjusted"] for row in rows] == [row["p_adjusted"] for row in own]
    assert list(found) == rule.tolerances
    assert words[0.02] == ["drift found", "drift found"] and words[0.1] == ["drift found", "no drift found"]


def test_rows_without_a_scale_stay_as_they_are():
    rows = studied(Rule())
    few = {**rows[0], "teacher_runs_missing": 1, "tolerances": [], "p_drift_at": [], "p_no_drift_at": []}
    assert {row["verdict"] for of in at_tolerances([few, rows[1]], 0.95).values() for row in of[:1]} == {
        "not decided"
    }
    assert at_tolerances([few], 0.95) == {}
