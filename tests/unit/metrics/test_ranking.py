"""How well documents are put in order: by hand, by scikit-learn and SciPy, and in resamples."""

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import ndcg_score

from distillens.metrics import performance as pf
from distillens.metrics import ranking
from distillens.metrics.statistics import Resampling

QUERIES = ["a", "a", "a", "b", "b"]
TRUTH = [2, 1, 0, 0, 1]
SCORES = [0.2, 0.9, 0.1, 0.3, 0.7]


def value(metric, truth, scores, queries):
    return float(ranking.statistic(metric, truth, scores, queries)(np.ones(len(truth))))


def test_by_hand():
    # Query a: (1 + 2 / log2(3)) / (2 + 1 / log2(3)); two of three pairs. Query b: all right.
    a = (1 + 2 / np.log2(3)) / (2 + 1 / np.log2(3))
    assert value("ndcg", TRUTH, SCORES, QUERIES) == pytest.approx((a + 1) / 2)
    assert value("pair_agreement", TRUTH, SCORES, QUERIES) == pytest.approx((2 / 3 + 1) / 2)


def test_of_drawn_queries_it_is_the_mean_of_the_libraries_values():
    rng = np.random.default_rng(3)
    queries = np.repeat(np.arange(12), 6)
    truth = np.concatenate([rng.permutation(6) for _ in range(12)]).astype(float)
    scores = truth + rng.normal(0, 3, truth.size)
    parts = [(truth[queries == one], scores[queries == one]) for one in range(12)]
    assert value("ndcg", truth, scores, queries) == pytest.approx(
        np.mean([ndcg_score([t], [s]) for t, s in parts])
    )
    # Without ties the share of pairs is (1 + tau) / 2.
    assert value("pair_agreement", truth, scores, queries) == pytest.approx(
        np.mean([(1 + kendalltau(t, s).statistic) / 2 for t, s in parts])
    )


def test_ties_are_half_right_and_pairs_of_equal_labels_do_not_count():
    assert value("pair_agreement", [1, 0], [0.5, 0.5], ["a", "a"]) == 0.5
    assert value("pair_agreement", [1, 1, 0], [0.1, 0.9, 0.5], ["a"] * 3) == 0.5
    assert value("pair_agreement", [1, 1, 0], [0.5, 0.9, 0.5], ["a"] * 3) == 0.75


@pytest.mark.parametrize("metric", ranking.RANKING)
def test_queries_in_no_order_are_left_out(metric):
    truth, scores = [*TRUTH, 3, 1, 1], [*SCORES, 0.0, 0.9, 0.1]
    queries = [*QUERIES, "alone", "equal", "equal"]
    assert ranking.in_order(truth, queries).tolist() == [True] * 5 + [False] * 3
    assert value(metric, truth, scores, queries) == value(metric, TRUTH, SCORES, QUERIES)
    assert np.isnan(value(metric, [1, 2], [0.1, 0.2], ["a", "b"]))


@pytest.mark.parametrize("metric", ranking.RANKING)
def test_a_resample_of_queries_is_the_metric_of_these_queries(metric):
    drawn = ranking.statistic(metric, TRUTH, SCORES, QUERIES)(np.array([[2, 2, 2, 0, 0], [1, 1, 1, 2, 2]]))
    a, b = (value(metric, TRUTH[part], SCORES[part], QUERIES[part]) for part in (slice(3), slice(3, 5)))
    np.testing.assert_allclose(drawn, [a, (a + 2 * b) / 3])


@pytest.mark.parametrize("metric", ranking.RANKING)
def test_repeats_are_scored_beside_each_other_and_one_without_an_answer_has_none(metric):
    several = np.array([SCORES, SCORES[::-1], [*SCORES[:4], np.nan]])
    values = ranking.statistic(metric, TRUTH, several, QUERIES)(np.ones(5))
    alone = [value(metric, TRUTH, one, QUERIES) for one in several[:2]]
    np.testing.assert_allclose(values, [*alone, np.nan])


def test_the_constant_answer_is_the_mean_over_all_orders():
    # 2 documents: half of the time right, half of the time 1 / log2(3).
    assert pf.majority("ndcg", [1, 0], 0, ["a", "a"]) == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert pf.majority("pair_agreement", TRUTH, 0, QUERIES) == 0.5


def test_intervals_are_over_queries():
    queries = np.repeat(np.arange(20), 4)
    truth = np.tile([0.0, 1, 2, 3], 20)
    scores = truth + np.random.default_rng(1).normal(0, 1.5, 80)
    few = Resampling(seed=1, resamples=200)
    found = pf.scores(["ndcg", "pair_agreement"], truth, scores, 0, few, queries)
    for metric, one in found.items():
        assert one.low < one.value < one.high
        assert one.low > pf.majority(metric, truth, 0, queries)  # it is shown to have learnt something


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="ndcg compares the documents of a query, .*columns.group"):
        pf.statistic("ndcg", TRUTH, SCORES, 0)
    with pytest.raises(ValueError, match="1 are below 0, the first -2; shift them, or take pair_agreement"):
        pf.statistic("ndcg", [-2, 1], [0, 1], 0, ["a", "a"])
    assert value("pair_agreement", [-2, 1], [0, 1], ["a", "a"]) == 1
