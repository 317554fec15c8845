"""Intervals over examples and runs, against formulas of others."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from distillens.metrics.crossed_design import Crossed, Group, noise_of
from distillens.metrics.power import needed


def test_without_runs_it_is_students_t():
    x = np.random.default_rng(0).normal(0.2, 1, 30)
    found, theirs = Crossed([x], []).interval([1], 0.9), stats.ttest_1samp(x, 0)
    low, high = theirs.confidence_interval(0.9)
    assert found == pytest.approx((x.mean(), low, high, theirs.pvalue))


def test_pairs_of_columns_are_compared_example_by_example():
    x, y = np.random.default_rng(0).normal(size=(2, 30))
    assert Crossed([x, y], []).interval([1, -1], 0.95).p_value == pytest.approx(stats.ttest_rel(x, y).pvalue)


def runs_of(means, n=5):
    """Runs that are the same on every example."""
    return np.repeat(np.asarray(means, dtype=float)[:, None], n, axis=1)


def noise_between(runs):
    return noise_of([a - b for a, b in itertools.combinations(runs, 2)], len(runs))


def test_without_differences_between_examples_it_is_welchs_t():
    a, b = [0.1, 0.4, 0.5, 0.2], [0.6, 0.9, 0.7]
    groups = [Group(0, 4, noise_between(runs_of(a))), Group(1, 3, noise_between(runs_of(b)))]
    found = Crossed([runs_of(a).mean(axis=0), runs_of(b).mean(axis=0)], groups).interval([1, -1], 0.95)
    theirs = stats.ttest_ind(a, b, equal_var=False)
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_what_runs_differ_by_on_single_examples_counts_once():
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(40, 50))
    found = Crossed([runs.mean(axis=0)], [Group(0, 40, noise_between(runs))])
    by_examples, by_runs = found.variance([1])
    # 2,000 independent values: their mean has the variance 1 / 2000, however it is split.
    assert by_examples + by_runs == pytest.approx(1 / 2000, rel=0.3)


def test_groups_that_share_their_noise_share_its_uncertainty():
    noise = noise_between(runs_of([0.1, 0.4, 0.5]))
    design = Crossed(np.zeros((2, 5)) + [[0.3], [0.1]], [Group(0, 1, noise, own=False), Group(1, 2, noise)])
    found = design.interval([1, -1], 0.95)
    half = stats.t.ppf(0.975, 2) * math.sqrt(np.var([0.1, 0.4, 0.5], ddof=1) * (1 + 1 / 2))
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half))


def test_the_interval_of_a_ratio_is_where_the_difference_may_be_zero():
    rng = np.random.default_rng(0)
    design = Crossed(rng.normal([[1.0], [2.0]], 1, (2, 40)), [])
    found = design.ratio([1, 0], [0, 1], 0.95)
    for end in (found.low, found.high):
        assert design.interval([1, -end], 0.95).p_value == pytest.approx(0.05)
    assert found.low < found.value < found.high


def test_a_ratio_says_of_zero_what_its_parts_do_however_few_the_runs():
    rng, told, undefined = np.random.default_rng(0), 0, 0
    for _ in range(100):
        runs = rng.normal([[[0.3]], [[0.6]]], 0.2, (2, 3, 1)) + rng.normal(0, 0.5, (2, 3, 40))
        groups = [Group(column, 3, noise_between(own)) for column, own in enumerate(runs)]
        design = Crossed(runs.mean(axis=1), groups)
        found = design.ratio([1, 0], [0, 1], 0.95)
        above, below = design.interval([1, 0], 0.95), design.interval([0, 1], 0.95)
        assert math.isnan(found.value) == (below.low <= 0)
        if math.isnan(found.value):
            undefined += 1
            continue
        told += found.low > 0
        assert (found.low > 0) == (above.low > 0)
        for end in (found.low, found.high):
            assert design.interval([1, -end], 0.95).p_value == pytest.approx(0.05)
    assert 0 < told < 100 and 0 < undefined < 100


def test_a_ratio_of_what_does_not_vary_is_all_there_is():
    # Rounding leaves 0.5 - 0.5 / 0.8 * 0.8 a little off zero.
    found = Crossed([[0.5] * 4, [0.8] * 4, [0.0] * 4], []).ratio([1, 0, -1], [0, 1, -1], 0.95)
    assert found[:3] == (0.625, 0.625, 0.625)


def test_a_ratio_to_what_may_be_zero_is_undefined():
    rng = np.random.default_rng(0)
    assert math.isnan(Crossed(rng.normal([[1.0], [0.0]], 1, (2, 40)), []).ratio([1, 0], [0, 1], 0.95).value)


def test_resampling_three_runs_covers_too_rarely():
    """Why this is not a bootstrap: of three runs each it finds the truth in four of five studies."""
    rng, hits = np.random.default_rng(0), {"bootstrap": 0, "crossed": 0}
    for _ in range(300):
        runs = 0.3 * rng.normal(size=(3, 1)) + rng.normal(size=100) + 0.3 * rng.normal(size=(3, 100))
        means = [runs[rng.integers(3, size=3)][:, rng.integers(100, size=100)].mean() for _ in range(200)]
        low, high = np.quantile(means, [0.025, 0.975])
        hits["bootstrap"] += low <= 0 <= high
        found = Crossed([runs.mean(axis=0)], [Group(0, 3, noise_between(runs))]).interval([1], 0.95)
        hits["crossed"] += found.low <= 0 <= found.high
    assert hits["bootstrap"] / 300 < 0.85
    assert 0.93 <= hits["crossed"] / 300 <= 0.97


def test_the_number_of_examples_that_would_do():
    # Half width t * sqrt(v): with v = .0004 at 25 examples it is .0413; to reach .02 takes 4.26 as many.
    found = needed(0.02, 0.0004, 0.0, 25, None, 0.95, tolerance=0.02)
    assert found["n_needed"] == math.ceil(25 * 0.0004 / (0.02 / stats.t.ppf(0.975, 24)) ** 2)
    assert math.isnan(found["runs_needed"])
    assert needed(0.5, 0.0004, 0.0, 25, None, 0.95, tolerance=0.05)["n_needed"] == 25


def test_the_number_of_runs_that_would_do():
    noise = noise_between(runs_of([0.0, 0.02, 0.04]))
    found = needed(0.05, 1e-9, noise.variance * 1.5, 100, noise, 0.95, tolerance=0.05)
    assert math.isnan(found["n_needed"])
    runs = int(found["runs_needed"])

    def half(k):
        return stats.t.ppf(0.975, k - 1) * math.sqrt(noise.variance * (1 / (k - 1) + 1 / k))

    assert half(runs) <= 0.05 < half(runs - 1)
