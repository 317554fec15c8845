"""What perturbations do to predictions."""

import numpy as np
import pytest

from distillens.metrics import robustness as rb
from distillens.metrics.statistics import Resampling

FEW = Resampling(seed=0, resamples=300)


def logits(classes, n_classes=2):
    return np.eye(n_classes)[np.asarray(classes)]


TRUTH = [0, 1, 0, 1]
# Right on the first three originals; two repeats of perturbed copies.
STUDENT = rb.Outputs(logits([0, 1, 0, 0]), logits([[0, 1, 1, 0], [1, 1, 1, 1]]))
TEACHER = rb.Outputs(logits([0, 1, 0, 1]), logits([[0, 1, 0, 1], [0, 1, 1, 1]]))


def test_four_texts_in_two_folds_by_hand():
    scores = rb.score("accuracy", TRUTH, STUDENT, 2, 0, FEW, teacher=TEACHER)
    # Repeats: 2/4 (texts 1, 2) and 2/4 (texts 2, 4) right.
    assert scores["accuracy"].value == 0.5
    assert scores["accuracy"].spread == 0
    # From 3/4.
    assert scores["accuracy_change"].value == -0.25
    # Same prediction as the original: texts 1 2 4 in the first repeat, only 2 in the second.
    assert scores["consistency"].value == (3 / 4 + 1 / 4) / 2
    assert scores["consistency"].spread == pytest.approx(np.std([0.75, 0.25], ddof=1))
    # The teacher falls from 1 to (1 + 3/4) / 2: -1/8. So the student falls by 1/8 more.
    assert scores["accuracy_change_gap"].value == -0.125


def test_a_teacher_has_no_gap():
    assert "accuracy_change_gap" not in rb.score("accuracy", TRUTH, TEACHER, 2, 0, FEW)


def test_nothing_changes_without_an_edit():
    same = rb.Outputs(STUDENT.original, np.stack([STUDENT.original] * 3))
    scores = rb.score("accuracy", TRUTH, same, 2, 0, FEW, teacher=same)
    for metric in ("accuracy_change", "accuracy_change_gap"):
        assert scores[metric] == (0, 0, 0, 0)
    # Of four texts; of others one may change, and three repeats that are all alike count as one.
    assert scores["consistency"] == (1, pytest.approx(1 / (1 + 1.959964**2 / 4)), 1, 0)


def test_one_fold_has_no_spread():
    one = rb.Outputs(STUDENT.original, STUDENT.perturbed[:1])
    assert np.isnan(rb.score("accuracy", TRUTH, one, 2, 0, FEW)["accuracy"].spread)


def test_regression_counts_small_changes_as_none():
    model = rb.Outputs(np.array([[1.0], [2.0], [3.0]]), np.array([[[1.5], [2.75], [2.25]]]))
    scores = rb.score("pearson", [1.0, 2.0, 3.0], model, 0, 0.5, FEW)
    assert scores["consistency"].value == pytest.approx(1 / 3)
    # By 0.5, 0.75 and 0.75: all within 0.75, none within 0.4.
    for flip, share in ((0.75, 1), (0.4, 0)):
        assert rb.score("pearson", [1, 2, 3], model, 0, flip, FEW)["consistency"].value == share
    # Perturbed 1.5 2.75 2.25 against 1 2 3: covariance .75, variances 2 and .79167 -> .596.
    assert scores["pearson"].value == pytest.approx(0.75 / np.sqrt(2 * 0.791667), abs=1e-5)
    assert scores["pearson_change"].value == pytest.approx(scores["pearson"].value - 1)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "f1", "matthews"])
def test_intervals_come_from_examples_not_from_folds(metric):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    right = rng.random(60) < 0.8
    perturbed = np.where(right, truth, 1 - truth)
    # All repeats are alike: their spread is 0, yet other texts would give another number.
    model = rb.Outputs(logits(truth), logits(np.stack([perturbed] * 5)))
    score = rb.score(metric, truth, model, 2, 0, FEW)[metric]
    assert score.spread == pytest.approx(0, abs=1e-12)
    assert 0.1 < score.high - score.low < 0.5
    assert score.low < score.value < score.high


def test_the_gap_is_paired():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 80)
    flips = rng.random((4, 80)) < 0.3
    model = rb.Outputs(logits(truth), logits(np.where(flips, 1 - truth, truth)))
    # The student does exactly what the teacher does: no gap and no doubt about it.
    gap = rb.score("accuracy", truth, model, 2, 0, FEW, teacher=model)["accuracy_change_gap"]
    assert gap[:3] == (0, 0, 0)


def test_share_of_texts_that_changed():
    share = rb.share([[True, False, True, True], [True, False, False, True]], np.ones((2, 4)), FEW)
    assert share.value == 5 / 8
    assert share.spread == pytest.approx(np.std([0.75, 0.5], ddof=1))
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_a_share_is_of_the_sum_over_texts_and_of_nothing_it_is_undefined():
    # One word of four and one of two in the first repeat, none in the second.
    share = rb.share([[1, 1], [0, 0]], [[4, 2], [4, 2]], FEW)
    assert share.value == pytest.approx((2 / 6 + 0) / 2)
    assert share.low <= share.value <= share.high
    assert np.isnan(rb.share([[0, 0]], [[0, 0]], FEW).value)
