"""Drift and its verdicts."""

import math

import numpy as np
import pytest

from distillens.metrics import agreement as ag
from distillens.metrics import calibration as cal
from distillens.metrics.statistics import Resampling

FEW = Resampling(seed=0, resamples=500)
SPEARMAN = [("spearman", None)]


def noisy(rng, truth, noise):
    return [x + noise * rng.normal(size=len(x)) for x in truth]


def study(noise, examples=120, n_seeds=3, seed=0):
    """Spearman of a student that is as noisy as said with teachers of noise 0.5."""
    rng = np.random.default_rng(seed)
    truth = [rng.normal(size=n) for n in rng.integers(8, 20, examples)]
    teachers = [noisy(rng, truth, 0.5) for _ in range(n_seeds)]
    student = noisy(rng, truth, noise)
    pairs = [(i, j) for i in range(n_seeds) for j in range(i)]
    seeds = [ag.agreements(teachers[i], teachers[j], SPEARMAN)[0] for i, j in pairs]
    return (
        ag.agreements(student, teachers[0], SPEARMAN)[0],
        np.reshape(seeds, (len(pairs), examples)),
        ag.chances(student, teachers[0], SPEARMAN)[0],
    )


def judged(row, gated=False, confidence=0.95, **more):
    return cal.judge([row], [gated], confidence, **more)[0]


def test_four_examples_by_hand():
    student = [0.2, 0.4, 0.6, 0.4]
    seeds = [[0.8, 0.6, 0.8, 0.6], [0.6, 0.8, 1.0, 0.8]]
    chance = [0.0, 0.1, 0.2, 0.1]
    row = cal.calibrate(student, seeds, chance, FEW)
    assert row["agreement"] == pytest.approx(0.4)
    # Means over the two pairs: .7 .7 .9 .7.
    assert row["ceiling"] == pytest.approx(0.75)
    assert row["floor"] == pytest.approx(0.1)
    assert row["drift"] == pytest.approx(0.35)
    assert row["normalised"] == pytest.approx((0.4 - 0.1) / (0.75 - 0.1))
    # Differences .5 .3 .3 .3 are all positive: only 2 of 16 sign patterns are as extreme.
    assert row["p_value"] == 2 / 16
    assert (row["n"], row["n_undefined"]) == (4, 0)
    for name in cal.QUANTITIES:
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]


def test_a_model_against_itself_has_not_drifted_at_all():
    rng = np.random.default_rng(0)
    first, second = ([rng.normal(size=12) for _ in range(50)] for _ in range(2))
    for metric in (("cosine", None), ("spearman", None), ("overlap", 3)):
        itself = ag.agreements(first, first, [metric])[0]
        chance = ag.chances(first, first, [metric])[0]
        row = judged(cal.calibrate(itself, [itself], chance, FEW))
        assert row["agreement"] == pytest.approx(1)
        assert (row["drift"], row["drift_low"], row["drift_high"]) == (0, 0, 0)
        assert row["normalised"] == pytest.approx(1)
        assert row["p_value"] == 1
        assert row["verdict"] == cal.KEEPS
        # A student that is the teacher's second seed agrees as its seeds do.
        between = ag.agreements(second, first, [metric])[0]
        assert cal.calibrate(between, [between], chance, FEW)["drift"] == 0


def test_a_noisier_student_drifts():
    row = judged(cal.calibrate(*study(noise=1.0), FEW))
    assert row["drift_low"] > 0
    assert row["verdict"] == cal.DRIFTS
    assert row["normalised_high"] < 1


def test_a_student_like_another_seed_keeps_the_reasoning():
    row = judged(cal.calibrate(*study(noise=0.5, examples=400), FEW))
    assert row["drift_low"] < 0 < row["drift_high"] < 0.05
    assert row["verdict"] == cal.KEEPS
    assert row["normalised_low"] < 1 < row["normalised_high"]


def test_few_examples_cannot_tell():
    row = judged(cal.calibrate(*study(noise=0.6, examples=12), FEW))
    assert row["verdict"] == cal.UNKNOWN


def test_the_tolerance_says_what_is_as_good_as_none():
    row = cal.calibrate(*study(noise=0.5, examples=400), FEW)
    assert judged(row, tolerance=1e-6)["verdict"] == cal.UNKNOWN


def test_a_teacher_with_one_seed_has_no_ceiling():
    row = judged(cal.calibrate(*study(noise=1.0, n_seeds=1), FEW))
    for name in ("ceiling", "normalised", "drift"):
        assert all(math.isnan(row[name + suffix]) for suffix in ("", "_low", "_high"))
    assert math.isnan(row["p_value"]) and math.isnan(row["p_adjusted"])
    assert row["agreement_low"] < row["agreement"] < row["agreement_high"]
    assert row["floor"] == 0
    assert row["verdict"] == cal.UNKNOWN


def test_a_gated_model_is_not_interpreted():
    assert judged(cal.calibrate(*study(noise=1.0), FEW), gated=True)["verdict"] == cal.GATED


@pytest.mark.parametrize(("low", "gate"), [(0.61, False), (0.6, True), (0.4, True), (math.nan, True)])
def test_a_model_must_be_shown_to_beat_a_constant(low, gate):
    assert cal.gated(low, 0.6) is gate


def test_seeds_that_agree_by_chance_leave_nothing_to_keep():
    rng = np.random.default_rng(0)
    student, seeds = rng.normal(0, 0.1, 300), rng.normal(0, 0.1, (3, 300))
    row = judged(cal.calibrate(student, seeds, np.zeros(300), FEW))
    assert row["drift_high"] < 0.05
    assert all(math.isnan(row[f"normalised{suffix}"]) for suffix in ("", "_low", "_high"))
    assert row["verdict"] == cal.UNKNOWN


def test_undefined_examples_are_left_out_of_all_parts_and_counted():
    student = np.array([0.2, np.nan, 0.4, 0.6])
    seeds = np.array([[0.8, 0.1, np.nan, 0.6]])
    row = cal.calibrate(student, seeds, np.zeros(4), FEW)
    assert (row["n"], row["n_undefined"]) == (2, 2)
    assert (row["agreement"], row["ceiling"]) == pytest.approx((0.4, 0.7))


@pytest.mark.parametrize("defined", [0, 1])
def test_hardly_any_example_cannot_tell(defined):
    student = np.where(np.arange(3) < defined, 0.5, np.nan)
    row = judged(cal.calibrate(student, [[0.9, 0.9, 0.9]], np.zeros(3), FEW))
    assert (row["n"], row["n_undefined"]) == (defined, 3 - defined)
    assert math.isnan(row["drift_low"])
    assert row["verdict"] == cal.UNKNOWN


def test_more_rows_ask_for_more_evidence():
    row = cal.calibrate(*study(noise=1.0), FEW) | {"p_value": 0.02}
    assert judged(row)["verdict"] == cal.DRIFTS
    table = cal.judge([row] + [row | {"p_value": 0.5}] * 9, [False] * 10, 0.95)
    assert table[0]["p_adjusted"] == pytest.approx(0.2)
    assert table[0]["verdict"] != cal.DRIFTS


def test_a_large_table_can_still_reach_significance():
    for rows in (1, 300, 5000):
        flips = cal.permutations_for(rows, 0.95)
        assert rows / (flips + 1) < 0.05 / 2
    student, seeds, chance = study(noise=1.0)
    assert cal.calibrate(student, seeds, chance, FEW, 50_000)["p_value"] < 1e-4


def test_agreement_above_the_ceiling_is_no_drift():
    row = cal.calibrate(np.full(40, 0.9), [np.linspace(0.5, 0.7, 40)], np.zeros(40), FEW)
    assert row["drift"] < 0 and row["p_value"] < 0.01
    assert judged(row)["verdict"] == cal.KEEPS


def rows(**verdicts):
    return [{"metric": "spearman", "explainer": name, "verdict": v} for name, v in verdicts.items()]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({"shap": cal.KEEPS, "lime": cal.DRIFTS}, cal.DRIFTS),
        ({"shap": cal.KEEPS, "lime": cal.KEEPS}, cal.KEEPS),
        ({"shap": cal.KEEPS, "lime": cal.UNKNOWN}, cal.UNKNOWN),
        ({"shap": cal.GATED, "lime": cal.GATED}, cal.GATED),
        ({"shap": cal.KEEPS, "random": cal.DRIFTS}, cal.KEEPS),
        ({"random": cal.KEEPS}, cal.UNKNOWN),
        ({}, cal.UNKNOWN),
    ],
)
def test_one_verdict_for_a_student(verdicts, expected):
    other = {"metric": "cosine", "explainer": "shap", "verdict": cal.DRIFTS}
    assert cal.overall([*rows(**verdicts), other]) == expected


def test_controls_can_have_other_names():
    assert cal.overall(rows(shap=cal.KEEPS, noise=cal.DRIFTS), controls=["noise"]) == cal.KEEPS


def test_the_same_seed_gives_the_same_row():
    parts = study(noise=0.7)
    assert cal.calibrate(*parts, FEW) == cal.calibrate(*parts, FEW)
    assert cal.calibrate(*parts, FEW) != cal.calibrate(*parts, Resampling(seed=1, resamples=500))


def test_a_student_that_is_another_seed_is_rarely_said_to_drift():
    drifts = 0
    for seed in range(40):
        row = cal.calibrate(*study(noise=0.5, examples=60, seed=seed), Resampling(seed, 100), 999)
        drifts += judged(row)["verdict"] == cal.DRIFTS
    # Two-sided at 5 %, one side counts: about 1 of 40.
    assert drifts <= 4
