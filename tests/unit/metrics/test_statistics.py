"""Confidence intervals and tests."""

import numpy as np
import pytest
from scipy import stats

from distillens.metrics.multiple_testing import holm
from distillens.metrics.statistics import Resampling, estimate, mean_of, proportion, summaries

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


def covered(bounds, n, p):
    """How often intervals of a proportion hold the truth, exactly; ``bounds`` by the number of successes."""
    inside = [low <= p <= high for _, low, high in bounds]
    return stats.binom.pmf(np.arange(n + 1), n, p)[inside].sum()


def test_a_proportion_near_1_is_covered_where_resampling_fails():
    n, p = 20, 0.95
    answers = [np.arange(n) < successes for successes in range(n + 1)]
    assert covered([proportion(row, 1, 0.95) for row in answers], n, p) > 0.92
    resampled = [estimate(mean_of(row), n, Resampling(1)) for row in answers]
    assert covered(resampled, n, p) == pytest.approx(0.58, abs=0.06)


@pytest.mark.parametrize("n", [10, 20, 100, 400])
def test_proportions_are_covered_wherever_they_are(n):
    bounds = [proportion(np.arange(n) < successes, 1, 0.95) for successes in range(n + 1)]
    coverage = [covered(bounds, n, p) for p in np.linspace(0, 1, 401)]
    assert np.mean(coverage) > 0.945 and min(coverage) > 0.82


@pytest.mark.parametrize("successes", [0, 1, 7, 19, 20])
def test_a_proportion_has_the_interval_of_scipy(successes):
    value, low, high = proportion(np.arange(20) < successes, 1, 0.9)
    theirs = stats.binomtest(successes, 20).proportion_ci(0.9, "wilson")
    assert value == successes / 20
    assert (low, high) == (pytest.approx(theirs.low, abs=1e-15), pytest.approx(theirs.high))


def test_answers_of_one_example_count_for_as_much_as_they_vary():
    rng = np.random.default_rng(0)
    single = (rng.random(200) < 0.3).astype(float)
    alike, apart = np.stack([single] * 5), (rng.random((5, 200)) < 0.3).astype(float)
    one = proportion(single, 1, 0.95)
    assert np.array(proportion(alike.mean(axis=0), 5, 0.95)) == pytest.approx(np.array(one))
    several = proportion(apart.mean(axis=0), 5, 0.95)
    assert several.high - several.low == pytest.approx((one.high - one.low) / np.sqrt(5), rel=0.1)
    # All right: nothing says whether repeats differ, so they count as one.
    assert proportion(np.ones(30), 5, 0.95) == proportion(np.ones(30), 1, 0.95)


def test_intervals_of_clustered_answers_cover_the_truth():
    rng, held = np.random.default_rng(1), 0
    for _ in range(1000):
        own = rng.beta(9, 1, size=40)  # texts differ; mean .9
        _, low, high = proportion(rng.binomial(4, own) / 4, 4, 0.95)
        held += low <= 0.9 <= high
    assert 0.92 <= held / 1000 <= 0.98


def test_rows_that_are_proportions_are_said_to_be():
    result = summaries([[1, 1, 1, np.nan], [1, 1, 1, 1]], FEW, [1, 0])
    assert result.low[0] == pytest.approx(1 / (1 + 1.959964**2 / 3)) and result.low[1] == 1


def test_the_last_digit_of_a_sum_decides_nothing():
    """Columns in another order, or in pieces, add up to other last digits: as on another processor."""
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 2, (2, 60)) / 10 + 0.1
    ways = [
        lambda w: (a - b) @ w.T / w.sum(axis=-1),
        lambda w: (a @ w.T - b @ w.T) / w.sum(axis=-1),
        lambda w: ((w * a).sum(axis=-1) - (w * b).sum(axis=-1)) / w.sum(axis=-1),
        lambda w: (w[..., ::-1] @ (a - b)[::-1]) / w.sum(axis=-1),
        lambda w: (a @ w.T - b @ w.T) / w.sum(axis=-1) * (1 + 2e-16),
    ]
    bounds = {tuple(map(float, estimate(way, 60, FEW)[1:])) for way in ways}
    assert len(bounds) == 1


@pytest.mark.parametrize("scale", [1e-90, 1e-13, 1e-9, 1.0, 1e9, 1e90])
def test_rounding_follows_the_scale_of_the_values(scale):
    x = np.random.default_rng(0).normal(size=30)
    plain, scaled = (estimate(mean_of(values), 30, FEW) for values in (x, x * scale))
    assert np.array(scaled) / scale == pytest.approx(np.array(plain), rel=1e-9)


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


def rows_of_all(groups):
    """What every kind of interval says of the same drawn examples, with groups of them."""
    rng = np.random.default_rng(5)
    x, answers = rng.normal(size=30), (rng.random(30) < 0.7).astype(float)
    some = np.where(rng.random(30) < 0.2, np.nan, x)
    whole = summaries([x, some, answers], FEW, [0, 0, 1], groups)
    return [*estimate(mean_of(x), 30, FEW, groups), *proportion(answers, 1, 0.95, groups), *whole[:3]]


def test_groups_of_one_example_each_are_none():
    """To the last bit, whatever their names and the order of these."""
    alone = rows_of_all(None)
    for groups in (range(30), range(30, 0, -1), [f"document {n}" for n in range(30)]):
        assert all(np.array_equal(a, b) for a, b in zip(rows_of_all(groups), alone, strict=True))


def test_names_of_groups_decide_nothing():
    numbers = np.arange(30) // 3
    names = ["zyxwvutsrq"[number] for number in numbers]
    assert all(np.array_equal(a, b) for a, b in zip(rows_of_all(numbers), rows_of_all(names), strict=True))


def test_a_single_group_has_no_bounds():
    value, low, high, share, share_low, share_high, _, lows, highs = rows_of_all(["one"] * 30)
    assert np.isfinite([value, share]).all()
    assert np.isnan([low, high, share_low, share_high, *lows, *highs]).all()


def test_a_row_counts_the_groups_of_its_defined_examples():
    columns = [[1.0, 0.0, np.nan, np.nan], [1.0, 0.0, 1.0, np.nan]]
    found = summaries(columns, FEW, [1, 1], ["a", "a", "b", "c"])
    assert np.isnan(found.low[0]) and np.isfinite(found.low[1])


@pytest.mark.parametrize(("level", "least"), [(0.9, 3), (0.95, 4), (0.99, 4), (0.995, 5)])
def test_too_few_groups_to_be_drawn_have_no_bounds(level, least):
    """One group alone is a resample in 1 / 4, 1 / 27, 1 / 256, 1 / 3125 of draws of 2, 3, 4, 5."""
    resampling = Resampling(1, 200, level)
    for count in (2, 3, 4, 5):
        groups = np.arange(20) % count
        found = estimate(mean_of(np.arange(20) % count + 0.5), 20, resampling, groups)
        assert np.isfinite([found.low, found.high]).all() == (count >= least)
        if count >= least:
            assert 0.5 <= found.low < found.value < found.high <= count - 0.5
    assert np.isfinite(proportion(np.arange(20) < 9, 1, level, np.arange(20) % 2)).all()


def test_a_group_has_the_weight_of_all_its_examples():
    """An estimate of groups is scipy's bootstrap of their sums, at the level that few groups ask for."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 6, 12)
    groups, x = np.repeat(np.arange(12), sizes), rng.exponential(size=sizes.sum())
    sums = np.bincount(groups, x)

    def mean(total, size, axis=-1):
        return total.sum(axis=axis) / size.sum(axis=axis)

    n, z = x.size, stats.norm.ppf(0.975)
    wider = stats.t.ppf(0.975, 11) / stats.t.ppf(0.975, n - 1) * np.sqrt(12 / 11 * (n - 1) / n)
    theirs = stats.bootstrap(
        (sums, sizes), mean, paired=True, n_resamples=400, rng=np.random.default_rng(1),
        confidence_level=2 * stats.norm.cdf(z * wider) - 1,
    )  # fmt: skip
    _, low, high = estimate(mean_of(x), n, FEW, groups)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval))


def test_answers_of_groups_by_hand():
    """Four groups of two that answer alike: the variance of the mean is that of four, of which t tells."""
    found = proportion([1, 1, 1, 1, 1, 1, 0, 0], 1, 0.95, list("aabbccdd"))
    # Sums of what answers are away from .75: .5, .5, .5, -1.5; 3 / 8^2 = .046875 = .1875 / 4.
    t3, t7 = 3.182446, 2.364624
    n = 4 * (t7 / t3) ** 2 * (3 / 4) * (8 / 7)
    z = 1.959964
    middle, half = 0.75 + z**2 / (2 * n), z * np.sqrt(0.1875 / n + z**2 / (4 * n**2))
    ends = [(middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)]
    assert found.value == 0.75 and found[1:] == pytest.approx(ends, rel=1e-5)


def test_answers_that_are_all_alike_count_as_one_of_each_group():
    groups = np.arange(20) // 2
    assert proportion(np.ones(20), 1, 0.95, groups) == proportion(np.ones(10), 1, 0.95)


def test_groups_are_one_of_each_example():
    with pytest.raises(ValueError, match="groups of .* for 3 examples"):
        estimate(mean_of([1.0, 2.0, 3.0]), 3, FEW, ["a", "b"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "sizes", "least"), [(60, (5, 5), 0.93), (60, (1, 9), 0.93), (10, (5, 5), 0.91)]
)
def test_intervals_of_groups_cover_the_truth_where_those_of_single_examples_do_not(count, sizes, least):
    """Half of the variance is the group's; of few groups a little less is promised."""
    rng, trials = np.random.default_rng(6), 1000
    held = dict.fromkeys(("mean", "mean, alone", "share", "share, alone"), 0)
    for trial in range(trials):
        groups = np.repeat(np.arange(count), rng.integers(*sizes, count, endpoint=True))
        x = rng.normal(size=count)[groups] + rng.normal(size=groups.size)
        answers = (rng.random(groups.size) < rng.beta(1.6, 0.4, count)[groups]).astype(float)
        resampling = Resampling(trial, resamples=500)
        for name, own in (("", groups), (", alone", None)):
            _, low, high = estimate(mean_of(x), groups.size, resampling, own)
            held[f"mean{name}"] += low <= 0 <= high
            _, low, high = proportion(answers, 1, 0.95, own)
            held[f"share{name}"] += low <= 0.8 <= high
    assert all(least <= held[name] / trials <= 0.97 for name in ("mean", "share"))
    assert all(held[f"{name}, alone"] / trials < 0.85 for name in ("mean", "share"))
