"""Metrics of several labels are scikit-learn's, in every resample; constants are the best there are."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from distillens.metrics.multiple_testing import among, holm
from distillens.metrics.several_labels import METRICS, constant, scores, statistic
from distillens.metrics.statistics import Resampling
from distillens.metrics.verdict import DRIFTS, UNKNOWN, decide, overall


def made(seed, n=60, labels=4, decimals=1):
    """Labels that logits know something of; rounded, so that some tie."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, labels)) < 0.3
    return (
        truth,
        np.round(rng.normal(size=(n, labels)) + truth, decimals),
        rng.integers(0, 3, (5, n)).astype(float),
    )


@pytest.mark.parametrize("seed", range(5))
def test_every_resample_is_scikit_learn_s(seed):
    truth, logits, weights = made(seed)
    for name, stock in (
        ("micro_f1", lambda w: f1_score(truth, logits > 0, average="micro", sample_weight=w)),
        ("macro_f1", lambda w: f1_score(truth, logits > 0, average="macro", sample_weight=w)),
        ("map", lambda w: average_precision_score(truth, logits, sample_weight=w)),
    ):
        of = statistic(name, truth, logits)
        assert of(weights) == pytest.approx([stock(w) for w in weights])
        assert float(of(weights[0])) == pytest.approx(stock(weights[0]))


def test_a_label_that_no_text_has_does_not_count():
    truth, logits, _ = made(1)
    truth[:, 2] = False
    logits[:, 2] = -1
    kept = [0, 1, 3]
    whole = [float(statistic(name, truth, logits)(np.ones(60))) for name in METRICS]
    assert whole == pytest.approx(
        [
            f1_score(truth, logits > 0, average="micro"),
            f1_score(truth[:, kept], logits[:, kept] > 0, average="macro"),
            average_precision_score(truth[:, kept], logits[:, kept]),
        ]
    )


def test_by_hand():
    # Right: a in 1 and 3; wrong: b in 1; missed: b in 2. F1 of a is 1, of b 0; together 4 / (4 + 1 + 1).
    truth = [[1, 0], [0, 1], [1, 0]]
    logits = [[1.0, 2.0], [-1.0, -0.5], [0.1, -3.0]]
    found = {name: float(statistic(name, truth, logits)(np.ones(3))) for name in METRICS}
    # Average precision of b: its only text is second of three.
    assert found == pytest.approx({"micro_f1": 4 / 6, "macro_f1": 0.5, "map": (1 + 0.5) / 2})


@pytest.mark.parametrize("seed", range(3))
def test_no_constant_answer_is_better_than_the_one_that_is_named(seed):
    truth, _, _ = made(seed)
    every = [np.tile(one, (60, 1)) for one in itertools.product([False, True], repeat=4)]
    for name, average in (("micro_f1", "micro"), ("macro_f1", "macro")):
        best = max(f1_score(truth, one, average=average, zero_division=0) for one in every)
        assert constant(name, truth) == pytest.approx(best)
    assert constant("map", truth) == pytest.approx(average_precision_score(truth, np.zeros((60, 4))))


def test_intervals_hold_the_value_and_groups_widen_them():
    truth, logits, _ = made(3, n=120)
    resampling = Resampling(seed=1, resamples=400)
    alone = scores(list(METRICS), truth, logits, resampling)
    for estimate in alone.values():
        assert estimate.low < estimate.value < estimate.high
    twice = scores(
        ["map"], np.repeat(truth, 2, 0), np.repeat(logits, 2, 0), resampling, np.repeat(range(120), 2)
    )
    assert twice["map"].value == pytest.approx(alone["map"].value)
    assert twice["map"].low == pytest.approx(alone["map"].low, abs=0.02)


def test_nothing_is_known_of_labels_that_nobody_has():
    nothing = np.zeros((3, 2), dtype=bool)
    assert np.isnan(constant("map", nothing))
    assert np.isnan(float(statistic("map", nothing, np.ones((3, 2)))(np.ones(3))))


def test_shapes_that_differ_are_an_error():
    with pytest.raises(ValueError, match="logits of shape"):
        statistic("map", np.zeros((3, 2)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="no metric 'f1'"):
        statistic("f1", np.zeros((3, 2)), np.zeros((3, 2)))


def row(task, p, explainer="shap"):
    return {
        "task": task, "explainer": explainer, "metric": "spearman", "k": None, "gated": False, "p_drift": p,
        "p_no_drift": 0.9, "normalised_low": 0.4, "teacher_runs_missing": 0, "student_runs_missing": 0,
    }  # fmt: skip


def test_p_values_are_adjusted_for_all_labels_of_a_task_and_for_no_other_task():
    rows = [row("c--a", 0.02), row("c--b", 0.03), row("c--c", 0.2), row("moods", 0.04)]
    families = {"c--a": "c", "c--b": "c", "c--c": "c"}
    alone, together = decide(rows, 0.95), decide(rows, 0.95, families=families)
    assert [one["p_adjusted"] for one in alone] == [0.02, 0.03, 0.2, 0.04]
    assert [one["p_adjusted"] for one in together[:3]] == holm([0.02, 0.03, 0.2]).tolist()
    assert together[3]["p_adjusted"] == 0.04 and together[0]["task"] == "c--a"
    assert [one["verdict"] for one in alone] == [DRIFTS, DRIFTS, UNKNOWN, DRIFTS]
    assert [one["verdict"] for one in together] == [UNKNOWN, UNKNOWN, UNKNOWN, DRIFTS]


def test_over_labels_drift_of_one_is_drift():
    families = {"c--a": "c", "c--b": "c"}
    rows = decide([row("c--a", 0.001), row("c--b", 0.9)], 0.95, families=families)
    assert overall(rows) == DRIFTS


def test_families_that_are_decided_one_by_one_are_adjusted_by_their_number():
    assert among([0.01, 0.4], 4) == [0.04, 1.0] and np.isnan(among([float("nan")], 4)[0])
