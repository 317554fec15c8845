"""Drift: numbers by hand, and studies made up so that the truth is known."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from distillens.metrics import agreement as ag
from distillens.metrics import verdict
from distillens.metrics.calibration import Rule, calibrate, gated
from distillens.metrics.run_pairs import RunPairs


def noisy(rng, truth, spread):
    """One run: the same words, its own values, and its own noise."""
    return truth + 0.6 * np.exp(spread * rng.normal()) * rng.normal(size=truth.shape)


def made_up(rng, examples, seeds, runs, spread=0.1, other=0.0, words=12):
    """Agreements of a study: runs differ in how noisy they are; a share of the student is another model."""
    truth, strange = rng.normal(size=(2, examples, words))
    teachers = [noisy(rng, truth, spread) for _ in range(seeds)]
    students = [noisy(rng, (1 - other) * truth + other * strange, spread) for _ in range(runs)]
    between = np.full((seeds, seeds, examples), np.nan)
    for i, j in itertools.combinations(range(seeds), 2):
        between[i, j] = between[j, i] = ag.spearman(teachers[i], teachers[j])
    agreed = np.array([[ag.spearman(teacher, student) for teacher in teachers] for student in students])
    return RunPairs.of(agreed), between, RunPairs.of(np.zeros_like(agreed))


def judged(row, is_gated=False, confidence_level=0.95):
    row = {"task": "t", "explainer": "shap", "metric": "spearman", "k": None, "gated": is_gated, **row}
    return verdict.decide([row], confidence_level)[0]


def crossed(values):
    return RunPairs.of(np.asarray(values, dtype=float))


def by_hand():
    nan = math.nan
    between = np.full((3, 3, 5), nan)
    between[0, 1] = between[1, 0] = [0.8, 0.6, 0.8, 0.6, 0.5]
    between[0, 2] = between[2, 0] = [0.6, 0.8, 1.0, 0.8, 0.5]
    between[1, 2] = between[2, 1] = [0.7, 0.7, 0.6, 1.0, 0.5]
    students = [[[0.2, 0.4, 0.6, 0.4, nan], [0.2, 0.4, 0.6, 0.4, 1], [0.5, 0.1, 0.6, 0.4, 1]]] * 2
    return crossed(students), between, crossed([[[0.0, 0.1, 0.2, 0.1, 0.1]] * 3] * 2)


def test_four_examples_by_hand():
    row = calibrate(*by_hand(), [0.9, 0.9, 1, 1, 1])
    assert (row["n"], row["n_undefined"], row["n_runs"], row["n_teacher_runs"]) == (4, 1, 2, 3)
    # Means over the three seeds: .3 .3 .6 .4.
    assert row["agreement"] == pytest.approx(0.4)
    # Means of the three pairs: .7 .7 .8 .8.
    assert row["ceiling"] == pytest.approx(0.75)
    assert row["explainer_ceiling"] == pytest.approx(0.95)
    assert row["floor"] == pytest.approx(0.1)
    assert row["drift"] == pytest.approx(0.35)
    assert row["normalised"] == pytest.approx((0.4 - 0.1) / (0.75 - 0.1))
    # Per example .4 .4 .2 .4: mean .35, standard deviation .1.
    assert row["effect_size"] == pytest.approx(3.5)
    # Pairs have the means .7 .8 .75. Without a run two of them fall out: influences 2 x (.75 - .75, .8, .7).
    assert row["run_spread"] == pytest.approx(np.std([0, -0.05, 0.05], ddof=1))
    # R - C is .2, half of C - Z .325: the smaller one.
    assert row["margin"] == pytest.approx(0.2)
    for name in ("agreement", "ceiling", "explainer_ceiling", "floor", "normalised", "drift"):
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]


def test_the_margin_is_a_share_of_the_agreement_beyond_chance_and_never_more_than_two_runs_are_apart():
    students, between, chance = by_hand()

    def margin(**rule):
        return calibrate(students, between, chance, [0.9, 0.9, 1, 1, 1], Rule(**rule))["margin"]

    assert margin(margin=0.25) == pytest.approx(0.25 * 0.65)
    assert margin(margin=0.9) == pytest.approx(0.2)
    assert margin(margin=0.9, tolerance=0.5) == pytest.approx(0.5 * 0.65)


def test_a_student_that_agrees_as_the_teachers_runs_do_has_no_drift():
    between = np.full((3, 3, 40), np.nan)
    agreed = np.random.default_rng(0).uniform(0.5, 0.9, 40)
    between[:] = agreed
    row = judged(calibrate(crossed([[agreed] * 3] * 2), between, crossed(np.zeros((2, 3, 40)))))
    assert (row["drift"], row["drift_low"], row["drift_high"]) == (0, 0, 0)
    assert row["normalised"] == pytest.approx(1) and row["p_drift"] == 1
    assert row["verdict"] == verdict.KEEPS


def test_a_copy_of_each_teacher_run_agrees_fully_and_has_no_drift():
    _, between, _ = made_up(np.random.default_rng(0), 50, 4, 1)
    own = [0, 1, 2, 3]
    row = judged(
        calibrate(RunPairs.of(np.ones((4, 4, 50)), own), between, RunPairs.of(np.zeros((4, 4, 50)), own))
    )
    assert row["agreement"] == 1 and row["drift"] < 0 and row["normalised"] > 1
    assert row["verdict"] == verdict.KEEPS


def test_another_model_drifts():
    row = judged(calibrate(*made_up(np.random.default_rng(0), 150, 5, 3, other=0.4)))
    assert row["verdict"] == verdict.DRIFTS
    assert row["drift_low"] > 0 and row["normalised_high"] < 1


def test_a_student_with_random_weights_has_normalised_agreement_about_zero():
    row = judged(calibrate(*made_up(np.random.default_rng(0), 300, 4, 2, other=1.0)))
    assert abs(row["normalised"]) < 0.1 and row["normalised_high"] < 0.2
    assert row["verdict"] == verdict.DRIFTS


def test_a_student_like_another_seed_has_no_drift():
    row = judged(calibrate(*made_up(np.random.default_rng(0), 100, 3, 3)))
    assert row["drift_low"] < 0 < row["drift_high"] < row["margin"]
    assert row["verdict"] == verdict.KEEPS


def test_few_examples_cannot_tell_and_say_how_many_would():
    few = judged(calibrate(*made_up(np.random.default_rng(0), 5, 5, 5, spread=0.0, other=0.4)))
    assert few["verdict"] == verdict.UNKNOWN and few["texts_needed_drift"] > 5


def test_few_runs_cannot_tell_however_many_texts():
    students, between, chance = made_up(np.random.default_rng(1), 2000, 3, 1, spread=0.3)
    row = judged(calibrate(students, between, chance))
    assert row["verdict"] == verdict.UNKNOWN and row["student_runs_missing"] == 1
    assert (
        math.isnan(row["texts_needed_drift"])
        and math.isnan(row["texts_needed_no_drift"])
        and row["run_spread"] > 0.02
    )


def test_no_drift_is_never_said_of_a_single_run_and_drift_only_if_it_is_large():
    rng = np.random.default_rng(0)
    alike = judged(calibrate(*made_up(rng, 200, 5, 1, spread=0.0)))
    assert alike["verdict"] == verdict.UNKNOWN and alike["p_no_drift"] < 0.05
    assert judged(calibrate(*made_up(rng, 200, 5, 1, spread=0.02, other=1.0)))["verdict"] == verdict.DRIFTS


def test_seeds_of_the_teacher_may_agree_all_alike():
    students = [[[0.5, 0.4, 0.6, 0.5]] * 3, [[0.6, 0.4, 0.5, 0.6]] * 3, [[0.5, 0.5, 0.6, 0.5]] * 3]
    row = calibrate(crossed(students), np.full((3, 3, 4), 0.9), crossed(np.zeros((3, 3, 4))))
    assert row["run_spread"] == 0 and row["drift_low"] > 0 and row["texts_needed_drift"] == 4


@pytest.mark.parametrize(("seeds", "missing"), [(1, 2), (2, 1)])
def test_a_teacher_with_few_runs_gives_no_verdict_and_says_how_many_are_missing(seeds, missing):
    row = judged(calibrate(*made_up(np.random.default_rng(0), 50, seeds, 2)))
    for name in ("normalised", "drift"):
        assert math.isnan(row[name]) == (seeds == 1)
        assert math.isnan(row[f"{name}_low"]) and math.isnan(row[f"{name}_high"])
    assert math.isnan(row["p_drift"]) and math.isnan(row["p_adjusted"])
    assert row["agreement_low"] < row["agreement"] < row["agreement_high"]
    assert row["verdict"] == verdict.UNKNOWN and row["teacher_runs_missing"] == missing


def test_nothing_defined_gives_no_number():
    empty = crossed(np.full((2, 3, 4), np.nan))
    row = judged(calibrate(empty, np.full((3, 3, 4), 0.5), crossed(np.zeros((2, 3, 4)))))
    assert math.isnan(row["agreement"]) and row["n_undefined"] == 4
    assert row["verdict"] == verdict.UNKNOWN


def test_one_example_has_values_without_intervals():
    row = calibrate(crossed(np.full((2, 3, 1), 0.5)), np.full((3, 3, 1), 0.75), crossed(np.zeros((2, 3, 1))))
    assert row["drift"] == 0.25 and math.isnan(row["drift_low"]) and math.isnan(row["p_drift"])


@pytest.mark.parametrize(("low", "gate"), [(0.61, False), (0.6, True), (0.4, True), (math.nan, True)])
def test_a_model_must_be_shown_to_beat_a_constant(low, gate):
    assert gated(low, 0.6) is gate


@pytest.mark.parametrize("student", [0.0, -0.3])
def test_at_chance_level_nobody_keeps_or_drifts(student):
    rng = np.random.default_rng(0)
    between = np.array([[rng.normal(0, 0.1, 300)] * 4] * 4)
    row = judged(
        calibrate(crossed(rng.normal(student, 0.1, (3, 4, 300))), between, crossed(np.zeros((3, 4, 300))))
    )
    assert math.isnan(row["normalised"]) and row["verdict"] == verdict.UNKNOWN


def test_agreement_above_the_ceiling_is_no_drift():
    rng = np.random.default_rng(0)
    between = rng.uniform(0.5, 0.7, (4, 4, 40))
    row = judged(calibrate(crossed(np.full((2, 4, 40), 0.9)), between, crossed(np.zeros((2, 4, 40)))))
    assert row["drift"] < 0 and row["p_drift"] > 0.99
    assert row["verdict"] == verdict.KEEPS


def test_a_drift_below_the_tolerance_is_none_however_sure_it_is():
    # The audit's case: C = 1, S = .97, so sure that a rule which forgets the tolerance calls it drift.
    students = np.random.default_rng(0).normal(0.97, 0.01, (3, 3, 60))
    row = judged(calibrate(crossed(students), np.ones((3, 3, 60)), crossed(np.zeros((3, 3, 60)))))
    assert row["drift_low"] > 0 and row["drift_high"] < 0.05
    assert row["verdict"] == verdict.KEEPS


def test_the_two_inputs_that_once_crashed():
    by_chance = calibrate(
        crossed([[[0, 0]] * 3, [[1, 1]] * 3]), np.full((3, 3, 2), 0.5), crossed(np.zeros((2, 3, 2)))
    )
    assert by_chance["drift"] == 0
    row = calibrate(crossed(np.zeros((2, 3, 2))), np.ones((3, 3, 2)), crossed(np.full((2, 3, 2), 0.1)))
    assert row["normalised"] == pytest.approx(-0.1 / 0.9)


def test_the_result_does_not_hang_on_the_order_of_seeds():
    students, between, chance = made_up(np.random.default_rng(5), 60, 3, 3)
    row, order = calibrate(students, between, chance), [2, 0, 1]
    moved = replace(students, values=students.values[:, order])
    again = calibrate(moved, between[np.ix_(order, order)], chance)
    for name in row:
        assert again[name] == pytest.approx(row[name], nan_ok=True), name


@pytest.mark.parametrize(("seeds", "runs"), [(3, 1), (3, 3), (5, 3)])
def test_another_seed_is_not_called_drift_in_200_studies(seeds, runs):
    rng = np.random.default_rng(seeds)
    called = sum(
        judged(calibrate(*made_up(rng, 60, seeds, runs)))["verdict"] == verdict.DRIFTS for _ in range(200)
    )
    assert called <= 10


def test_p_values_at_other_tolerances_are_those_of_such_a_study():
    made = made_up(np.random.default_rng(3), 80, 4, 3, other=0.15)
    row = calibrate(*made, rule=Rule(tolerance=0.045))
    assert row["tolerances"] == [0.02, 0.03, 0.04, 0.045, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1]
    for place, tolerance in enumerate(row["tolerances"]):
        again = calibrate(*made, rule=Rule(tolerance=tolerance))
        assert row["p_drift_at"][place] == again["p_drift"]
        assert row["p_no_drift_at"][place] == again["p_no_drift"]
    assert row["p_drift_at"] == sorted(row["p_drift_at"]) and len(set(row["p_drift_at"])) > 5


def test_what_is_needed_counts_the_comparisons_and_the_explainers():
    made = made_up(np.random.default_rng(3), 40, 6, 6, other=0.2, spread=0.0)
    alone, many = (calibrate(*made, rule=Rule(tests=tests)) for tests in (1, 12))
    assert many["texts_needed_drift"] > alone["texts_needed_drift"] > 40
    assert many["texts_needed_no_drift"] == alone["texts_needed_no_drift"]
    alone, many = (calibrate(*made, rule=Rule(margin=0.15, explainers=n)) for n in (1, 4))
    assert many["texts_needed_no_drift"] > alone["texts_needed_no_drift"] >= 40
    assert many["texts_needed_drift"] == alone["texts_needed_drift"]
