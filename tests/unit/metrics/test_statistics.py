"""Confidence intervals and tests."""

import numpy as np
import pytest
from scipy import stats

from distillens.metrics.multiple_testing import holm
from distillens.metrics.statistics import Resampling, estimate, mean_of, summaries

FEW = Resampling(seed=1, resamples=400)


def test_interval_of_a_mean_is_that_of_scipy():
    x = np.random.default_rng(0).exponential(size=30)
    ours = estimate(mean_of(x), 30, Resampling(seed=7, resamples=1000, confidence_level=0.9))
    theirs = stats.bootstrap(
        (x,), np.mean, n_resamples=1000, confidence_level=0.9, rng=np.random.default_rng(7)
    )
    assert ours.value == pytest.approx(x.mean())
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval))


def test_interval_does_not_depend_on_the_size_of_batches(monkeypatch):
    x = np.random.default_rng(0).normal(size=50)
    whole = estimate(mean_of(x), 50, FEW)
    monkeypatch.setattr("distillens.metrics.statistics._BATCH_CELLS", 500)
    assert np.allclose(estimate(mean_of(x), 50, FEW), whole)


def test_constant_data_have_an_interval_that_is_the_value():
    assert np.array(estimate(mean_of([0.1] * 7), 7, FEW)).tolist() == [pytest.approx(0.1, abs=1e-15)] * 3
    value, low, high = estimate(mean_of([0.1] * 7), 7, FEW)
    assert low == high == value


def test_degenerate_bca_falls_back_to_percentiles():
    # With two positive examples of eight, leaving one out never leaves none: BCa has no
    # acceleration to go by, though a resample has none with probability (6 / 8) ** 8.
    def any_positive(weights):
        return (weights[..., 6:] > 0).any(axis=-1).astype(float)

    _, low, high = estimate(any_positive, 8, FEW)
    assert (low, high) == (0, 1)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_examples_have_no_bounds(n):
    result = summaries(np.full((1, 3), np.nan) if n == 0 else [[np.nan, 0.5, np.nan]], FEW)
    assert np.isnan(result.low[0]) and np.isnan(result.high[0])
    assert (result.n[0], result.n_undefined[0]) == (n, 3 - n)
    assert np.isnan(result.value[0]) if n == 0 else result.value[0] == 0.5


def test_undefined_values_are_left_out_and_counted():
    columns = np.array([[1, 2, 3, 4], [np.nan, 2, 4, np.nan]], dtype=float)
    result = summaries(columns, FEW)
    assert result.value.tolist() == [2.5, 3]
    assert result.n.tolist() == [4, 2] and result.n_undefined.tolist() == [0, 2]
    alone = summaries(columns[:1], FEW)
    assert (alone.low[0], alone.high[0]) == (result.low[0], result.high[0])


def test_components_share_their_resamples():
    # a and a + 1 differ by exactly 1 in every resample, so their difference has no width.
    a = np.random.default_rng(0).normal(size=20)
    value, low, high = estimate(lambda w: mean_of(a + 1)(w) - mean_of(a)(w), 20, FEW)
    assert low == high == value == pytest.approx(1)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(200):
        x = rng.exponential(size=40)
        _, low, high = estimate(mean_of(x), 40, Resampling(trial, resamples=300, confidence_level=0.9))
        covered += low <= 1 <= high
    assert 0.82 <= covered / 200 <= 0.96


def test_seeds_depend_on_the_parts_and_nothing_else():
    assert FEW.at("a", 1) == FEW.at("a", 1) != FEW.at("a", 2)
    assert FEW.at("a", 1).resamples == FEW.resamples


def test_holm_by_hand():
    # Sorted .01 .03 .04 -> x3 .03, x2 .06, x1 .04 which may not fall below .06.
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1, 1]


def test_holm_does_not_count_what_was_not_tested():
    adjusted = holm([np.nan, 0.01, 0.02])
    assert np.isnan(adjusted[0]) and adjusted[1:].tolist() == pytest.approx([0.02, 0.02])
    assert holm([]).size == 0
