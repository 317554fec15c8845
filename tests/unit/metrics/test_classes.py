"""Scores of single classes are those of scikit-learn, pooled over runs."""

import numpy as np
import pytest
from sklearn import metrics

from distillens.metrics.classes import class_scores, confusion
from distillens.metrics.statistics import proportion
from tests.rounding import assert_same


@pytest.fixture
def answers():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 90)
    wrong = rng.random((2, 90)) < 0.3
    return truth, np.where(wrong, rng.integers(0, 3, (2, 90)), truth).astype(float)


def test_one_run_is_scored_as_by_scikit_learn(answers):
    truth, (first, _) = answers
    found = class_scores(truth, [first], 3, 0.95)
    precision, recall, f1, texts = metrics.precision_recall_fscore_support(truth, first)
    assert_same(confusion(truth, [first], 3), metrics.confusion_matrix(truth, first))
    for own, theirs in ((found.recall.value, recall), (found.precision, precision), (found.f1, f1)):
        assert_same(own, theirs)
    assert found.texts.tolist() == texts.tolist()


def test_several_runs_are_pooled_and_texts_are_the_draws(answers):
    truth, predicted = answers
    found = class_scores(truth, predicted, 3, 0.95)
    each = [metrics.confusion_matrix(truth, run) for run in predicted]
    assert_same(confusion(truth, predicted, 3), np.mean(each, axis=0))
    right = (predicted == truth).mean(axis=0)[truth == 1]
    assert_same(np.array([part[1] for part in found.recall]), np.array(proportion(right, 2, 0.95)))


def test_a_class_without_texts_or_answers_has_no_score_and_no_answer_is_wrong():
    found = class_scores([0, 0, 0], [[0, 0, np.nan]], 2, 0.95)
    assert found.recall.value[0] == pytest.approx(2 / 3) and found.precision[0] == 1
    assert np.isnan([found.recall.value[1], found.precision[1], found.f1[1]]).all()


def test_of_a_class_that_is_never_right_f1_is_0_and_undefined_only_without_texts_and_answers():
    # Nothing is taken for the second class, none of the third is there, nor any answer of the fourth.
    truth, given, classes = [0, 0, 1, 1], [0, 0, 0, 2], [0, 1, 2, 3]
    scores = class_scores(truth, [given], 4, 0.95)
    stock = metrics.precision_recall_fscore_support(truth, given, labels=classes, zero_division=np.nan)
    assert np.array_equal((scores.precision, scores.recall.value, scores.f1), stock[:3], equal_nan=True)
    assert scores.f1[1] == scores.f1[2] == 0 and np.isnan(scores.f1[3])


def test_texts_of_one_group_are_one_draw():
    truth, predicted = [0] * 12 + [1], [[0] * 6 + [1] * 7]
    groups = [*(number // 3 for number in range(12)), 9]
    alone, together = (class_scores(truth, predicted, 2, 0.95, drawn).recall for drawn in (None, groups))
    # Four groups of three that answer alike: four draws. Twelve texts of their own: twelve.
    assert together.value[0] == alone.value[0] == 0.5
    assert together.low[0] < alone.low[0] < alone.high[0] < together.high[0]
    assert np.isnan(together.low[1])  # one group
