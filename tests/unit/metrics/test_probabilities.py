"""Whether probabilities may be believed."""

import math

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import brier_score_loss

from distillens.metrics import probabilities as pr
from distillens.metrics.statistics import Resampling

FEW = Resampling(seed=0, resamples=200)


def drawn(n=60, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, n), softmax(2 * rng.normal(size=(n, classes)), axis=1)


def ece_by_bins(truth, probabilities, bins):
    """Guo et al. 2017, eq. 3 and 5, with a loop over bins."""
    confidence, n = probabilities.max(axis=1), len(truth)
    right, total = probabilities.argmax(axis=1) == truth, 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            total += inside.sum() / n * abs(right[inside].mean() - confidence[inside].mean())
    return total


def test_three_texts_by_hand():
    truth, probabilities = [0, 0, 1], np.array([[0.5, 0.5], [0.8, 0.2], [0.8, 0.2]])
    # (.5^2 + .5^2) + (.2^2 + .2^2) + (.8^2 + .8^2).
    assert pr.brier(truth, probabilities)(np.ones(3)) == pytest.approx((0.5 + 0.08 + 1.28) / 3)
    # Confidence .5 is right, .8 once of twice: 1/3 x .5 + 2/3 x .3.
    assert pr.ece(truth, probabilities)(np.ones(3)) == pytest.approx(0.5 / 3 + 0.6 / 3)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_brier_is_that_of_scikit_learn_in_every_resample(classes):
    truth, probabilities = drawn(classes=classes)
    weights = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60), size=20).astype(float)
    ours = pr.brier(truth, probabilities)(weights)
    every = list(range(classes))
    for found, w in zip(ours, weights, strict=True):
        theirs = brier_score_loss(truth, probabilities, sample_weight=w, labels=every, scale_by_half=False)
        assert found == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(20))
def test_ece_is_that_of_a_loop_over_bins_in_every_resample(seed):
    truth, probabilities = drawn(classes=2 + seed % 4, seed=seed)
    weights = np.random.default_rng(seed).multinomial(60, np.full(60, 1 / 60), size=5)
    ours = pr.ece(truth, probabilities)(weights.astype(float))
    for found, w in zip(ours, weights, strict=True):
        repeated = np.repeat(np.arange(60), w)
        assert found == pytest.approx(ece_by_bins(truth[repeated], probabilities[repeated], pr.BINS))


def test_a_bound_belongs_to_the_bin_below_it_whatever_is_rounded():
    # .8 is 12/15: with .79 (right) in one bin, apart from .81 (wrong).
    surest = np.array([0.8, 0.79, 0.81])
    found = pr.ece([0, 1, 1], np.stack([surest, 1 - surest], axis=1))(np.ones(3))
    # Right, wrong: .2 - .79 together in their bin; wrong in its own: .81.
    assert found == pytest.approx((abs(0.2 - 0.79) + 0.81) / 3)
    assert pr.ece([0, 0], [[1.0, 0.0], [0.0, 1.0]])(np.ones(2)) == 0.5


def test_a_surer_model_with_the_same_answers_has_larger_errors():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 500)
    answers = np.where(rng.random(500) < 0.75, truth, 1 - truth)
    honest, boasting = (np.eye(2)[answers] * size for size in (math.log(3), 5.0))
    found = pr.scores(truth, boasting, FEW, [honest])
    assert found["ece"].value == pytest.approx(1 / (1 + math.exp(-5)) - (answers == truth).mean())
    for name in pr.METRICS:
        assert found[name].low < found[name].value < found[name].high
        assert found[f"{name}_gap"].low > 0


def test_the_gap_is_paired_and_to_the_mean_of_the_teachers_runs():
    rng = np.random.default_rng(0)
    truth, own, other = rng.integers(0, 3, 50), *rng.normal(size=(2, 50, 3))
    alike = pr.scores(truth, own, FEW, [own])
    assert [tuple(map(float, alike[f"{name}_gap"])) for name in pr.METRICS] == [(0, 0, 0)] * 2
    both, single = pr.scores(truth, own, FEW, [own, other]), pr.scores(truth, own, FEW, [other])
    for name in pr.METRICS:
        assert both[f"{name}_gap"].value == pytest.approx(single[f"{name}_gap"].value / 2)
    assert set(pr.scores(truth, own, FEW)) == {"ece", "brier"}


def test_without_probabilities_there_is_no_error():
    found = pr.scores([0, 1, 1], [[0, 1], [np.nan, 1], [0, 1]], FEW)
    assert np.isnan(found["ece"]).all() and np.isnan(found["brier"]).all()


def test_errors_of_overwhelming_logits_are_finite():
    found = pr.scores([0, 1], [[1e300, -1e300], [1e308, 0]], FEW)
    assert (float(found["brier"].value), float(found["ece"].value)) == (1.0, 0.5)
