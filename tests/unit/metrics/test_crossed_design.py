"""Intervals over texts and runs, against formulas of others."""

import math

import numpy as np
import pytest
from scipy import stats

from distillens.metrics.crossed_design import CrossedDesign, Factor


def factor_of(values, column, columns):
    """The runs, shape (runs, n), whose mean is one of some columns."""
    whole = np.zeros((columns, values.shape[1]))
    whole[column] = values.mean(axis=0)
    without = []
    for run in range(len(values)):
        one = whole.copy()
        one[column] = np.delete(values, run, axis=0).mean(axis=0)
        without.append(one)
    return Factor.of(whole, without)


def constant(means, n=5):
    """Runs that are the same on every text."""
    return np.repeat(np.asarray(means, dtype=float)[:, None], n, axis=1)


def test_without_runs_it_is_students_t():
    x = np.random.default_rng(0).normal(0.2, 1, 30)
    found, theirs = CrossedDesign([x]), stats.ttest_1samp(x, 0)
    low, high = theirs.confidence_interval(0.9)
    assert found.interval([1], 0.9) == pytest.approx((x.mean(), low, high))
    assert found.p_other([1]) == pytest.approx(theirs.pvalue)
    assert found.p_above([1]) == pytest.approx(stats.ttest_1samp(x, 0, alternative="greater").pvalue)


def test_pairs_of_columns_are_compared_text_by_text():
    x, y = np.random.default_rng(0).normal(size=(2, 30))
    assert CrossedDesign([x, y]).p_other([1, -1]) == pytest.approx(stats.ttest_rel(x, y).pvalue)


def test_without_differences_between_texts_it_is_welchs_t():
    a, b = constant([0.1, 0.4, 0.5, 0.2]), constant([0.6, 0.9, 0.7])
    factors = [factor_of(a, 0, 2), factor_of(b, 1, 2)]
    design = CrossedDesign([a.mean(axis=0), b.mean(axis=0)], factors)
    theirs = stats.ttest_ind(a[:, 0], b[:, 0], equal_var=False)
    assert design.p_other([1, -1]) == pytest.approx(theirs.pvalue)
    assert design.interval([1, -1], 0.95)[1:] == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_what_runs_differ_by_on_single_texts_counts_once():
    runs = np.random.default_rng(0).normal(size=(40, 50))
    design = CrossedDesign([runs.mean(axis=0)], [factor_of(runs, 0, 1)])
    parts = design.parts([1])
    # 2,000 independent values: their mean has the variance 1 / 2000, however it is split.
    assert parts.texts + sum(parts.pure) == pytest.approx(1 / 2000, rel=0.3)


def test_texts_of_one_group_are_one_draw():
    rng = np.random.default_rng(0)
    documents = rng.normal(0.3, 1, 20)
    found = CrossedDesign([np.repeat(documents, 4)], groups=np.repeat(np.arange(20), 4))
    alone = CrossedDesign([documents])
    assert found.draws == 20
    assert found.interval([1], 0.95) == pytest.approx(alone.interval([1], 0.95))


def test_groups_may_have_any_number_and_size():
    values = np.array([0.1, 0.4, 0.2, 0.9, 0.3])
    found = CrossedDesign([values], groups=[7, 7, 3, 100, 3])
    # By hand: sums of what is away from the mean .38, by group: -.26, -.26, .52.
    assert found.estimate([1])[1] == pytest.approx(math.sqrt(3 / 2 * (0.26**2 * 2 + 0.52**2) / 25))


def test_the_influence_of_a_run_in_pairs_counts_twice():
    own = np.array([0.0, 0.1, 0.4])  # b[i, j] = own[i] + own[j]
    pairs = {(i, j): own[i] + own[j] for i in range(3) for j in range(i)}
    mean = np.mean(list(pairs.values()))
    without = [np.mean([b for pair, b in pairs.items() if run not in pair]) for run in range(3)]
    factor = Factor.of(np.array([[mean]]), [np.array([[one]]) for one in without])
    assert factor.influence.ravel() == pytest.approx(2 * (own - own.mean()))


def test_the_interval_of_a_ratio_is_where_the_difference_may_be_zero():
    design = CrossedDesign(np.random.default_rng(0).normal([[1.0], [2.0]], 1, (2, 40)))
    found = design.ratio([1, 0], [0, 1], 0.95)
    for end in (found.low, found.high):
        assert design.p_other([1, -end]) == pytest.approx(0.05)
    assert found.low < found.value < found.high


def test_a_ratio_says_of_zero_what_its_parts_do_however_few_the_runs():
    rng, told, undefined = np.random.default_rng(0), 0, 0
    for _ in range(100):
        runs = rng.normal([[[0.3]], [[0.6]]], 0.2, (2, 3, 1)) + rng.normal(0, 0.5, (2, 3, 40))
        design = CrossedDesign(runs.mean(axis=1), [factor_of(own, i, 2) for i, own in enumerate(runs)])
        found = design.ratio([1, 0], [0, 1], 0.95)
        above, below = design.interval([1, 0], 0.95), design.interval([0, 1], 0.95)
        assert math.isnan(found.value) == (below.low <= 0)
        if math.isnan(found.value):
            undefined += 1
            continue
        told += found.low > 0
        assert (found.low > 0) == (above.low > 0)
        for end in (found.low, found.high):
            assert not math.isfinite(end) or design.p_other([1, -end]) == pytest.approx(0.05)
    assert 0 < told < 100 and 0 < undefined < 100


def test_a_ratio_of_what_does_not_vary_is_all_there_is():
    # Rounding leaves 0.5 - 0.5 / 0.8 * 0.8 a little off zero.
    found = CrossedDesign([[0.5] * 4, [0.8] * 4, [0.0] * 4]).ratio([1, 0, -1], [0, 1, -1], 0.95)
    assert found == (0.625, 0.625, 0.625)


@pytest.mark.parametrize("n", [2, 3, 40])
@pytest.mark.parametrize("student", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("floor", [-0.1, 0.0, 0.1, 0.3])
def test_a_ratio_of_constants_never_fails(n, student, floor):
    found = CrossedDesign([[student] * n, [1.0] * n, [floor] * n]).ratio([1, 0, -1], [0, 1, -1], 0.95)
    assert found == pytest.approx([(student - floor) / (1 - floor)] * 3)


def test_a_ratio_to_what_may_be_zero_is_undefined():
    rng = np.random.default_rng(0)
    assert math.isnan(CrossedDesign(rng.normal([[1.0], [0.0]], 1, (2, 40))).ratio([1, 0], [0, 1], 0.95).value)


def test_one_text_has_a_value_and_no_interval():
    found = CrossedDesign([[0.5]])
    value, low, high = found.interval([1], 0.95)
    assert value == 0.5 and math.isnan(low) and math.isnan(high) and math.isnan(found.p_above([1]))


def test_resampling_three_runs_covers_too_rarely():
    """Why this is not a bootstrap: of three runs each it finds the truth in four of five studies."""
    rng, hits = np.random.default_rng(0), {"bootstrap": 0, "crossed": 0}
    for _ in range(300):
        runs = 0.3 * rng.normal(size=(3, 1)) + rng.normal(size=100) + 0.3 * rng.normal(size=(3, 100))
        means = [runs[rng.integers(3, size=3)][:, rng.integers(100, size=100)].mean() for _ in range(200)]
        low, high = np.quantile(means, [0.025, 0.975])
        hits["bootstrap"] += low <= 0 <= high
        found = CrossedDesign([runs.mean(axis=0)], [factor_of(runs, 0, 1)]).interval([1], 0.95)
        hits["crossed"] += found.low <= 0 <= found.high
    assert hits["bootstrap"] / 300 < 0.85
    assert hits["crossed"] / 300 >= 0.93
