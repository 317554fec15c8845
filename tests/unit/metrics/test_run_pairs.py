"""Which runs are compared, and whose noise is known."""

import numpy as np
import pytest

from distillens.metrics.run_pairs import BORROWED, RunPairs, design, mean_of_pairs


def between(rng, runs, n):
    agreement = rng.uniform(0.4, 0.8, (runs, runs, n))
    return (agreement + agreement.transpose(1, 0, 2)) / 2


def test_a_student_of_no_single_run_is_compared_with_all():
    values = np.random.default_rng(0).normal(size=(2, 3, 5))
    assert RunPairs.of(values).mean() == pytest.approx(values.mean(axis=(0, 1)))


def test_a_student_of_single_runs_is_compared_with_these():
    values = np.random.default_rng(0).normal(size=(4, 3, 5))
    found = RunPairs.of(values, learned_from=[0, 1, 2, 2]).mean()
    last = (values[2, 2] + values[3, 2]) / 2
    assert found == pytest.approx((values[0, 0] + values[1, 1] + last) / 3)


def test_what_is_not_compared_may_be_anything():
    values = np.full((2, 3, 4), np.nan)
    values[0, 1] = values[1, 2] = 0.5
    pairs = RunPairs.of(values, learned_from=[1, 2])
    assert not pairs.undefined().any() and pairs.mean().tolist() == [0.5] * 4


@pytest.mark.parametrize("kind", ["all", "own"])
def test_no_order_of_runs_matters(kind):
    rng = np.random.default_rng(1)
    agreement, values = between(rng, 3, 30), rng.uniform(0.2, 0.6, (3, 3, 30))
    order = [2, 0, 1]
    own = [0, 1, 2] if kind == "own" else None
    first = design([RunPairs.of(values, own)], agreement)
    moved = RunPairs.of(values[[1, 2, 0]][:, order], own and [order.index(run) for run in (1, 2, 0)])
    second = design([moved], agreement[np.ix_(order, order)])
    for weights in ([1, 0], [0, 1], [-1, 1]):
        assert first.estimate(weights) == pytest.approx(second.estimate(weights))


def test_noise_is_that_of_teacher_and_student_or_of_their_pairs():
    rng = np.random.default_rng(2)
    agreement, values = between(rng, 4, 20), rng.uniform(size=(3, 4, 20))
    assert [f.runs for f in design([RunPairs.of(values)], agreement).factors] == [4, 3]
    assert [f.runs for f in design([RunPairs.of(values, [0, 1, 3])], agreement).factors] == [4]


def test_a_single_run_borrows_several_times_the_teachers_noise():
    rng = np.random.default_rng(3)
    agreement = between(rng, 3, 20)
    found = design([RunPairs.of(rng.uniform(size=(1, 3, 20)))], agreement)
    teacher, borrowed = found.factors
    own = teacher.influence[:, 1] / 2
    assert borrowed.runs == 1
    assert borrowed.influence[:, 0] == pytest.approx(BORROWED * own)
    assert not borrowed.influence[:, 1].any()


def test_runs_of_one_teacher_run_are_one_draw_of_the_pair():
    pairs = RunPairs.of(np.zeros((3, 3, 5)), learned_from=[0, 0, 0])
    assert (pairs.draws, pairs.missing) == (1, 2)


def test_mean_of_pairs_by_hand():
    agreement = np.array([[[0], [1], [2]], [[1], [0], [6]], [[2], [6], [0]]], dtype=float)
    assert mean_of_pairs(agreement).tolist() == [3] and mean_of_pairs(agreement, without=1).tolist() == [2]
