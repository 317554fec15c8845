"""Disagreement on single texts: by hand, and without the order of what is near zero."""

import math

import numpy as np
import pytest

from distillens.metrics import agreement
from distillens.metrics.disagreement import beyond_noise, shared_attribution, shares, worst
from tests.rounding import assert_same


def test_shares_are_signed_and_add_up_to_one():
    assert shares([3.0, -1.0, 0.0]).tolist() == [0.75, -0.25, 0.0]
    assert shares([[1.0, 1.0], [0.0, -2.0]]).tolist() == [[0.5, 0.5], [0.0, -1.0]]


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_neither_the_size_nor_the_unit_of_an_attribution_matters(scale):
    assert_same(shares(np.array([3.0, -1.0, 4.0]) * scale), [0.375, -0.125, 0.5])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([2, 1, 1], [1, 1, -2], 0.5),  # shares 1/2 1/4 1/4 and 1/4 1/4 -1/2: 1/4 + 1/4 + 0
        ([1, 0], [0, 1], 0.0),
        ([1, -1], [-1, 1], 0.0),  # the same words with other signs
        ([1, 3], [2, 6], 1.0),
        ([4, 0, 0, 0], [1, 1, 1, 1], 0.25),
    ],
)
def test_what_two_models_share_by_hand(a, b, expected):
    assert shared_attribution(a, b) == expected == shared_attribution(b, a)


def test_where_both_look_at_one_word_the_order_of_the_others_decides_nothing():
    others = np.arange(1, 20) / 1000
    a, b = np.append(others, 9.0), np.append(others[::-1], 9.0)
    assert agreement.spearman(a, b) < 0
    assert shared_attribution(a, b) > 0.98


@pytest.mark.parametrize("bad", [[0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_an_attribution_of_nothing_shares_nothing_that_is_known(bad):
    assert math.isnan(shared_attribution(bad, [1.0, 2.0])) and math.isnan(shared_attribution([1.0, 2.0], bad))


def test_other_words_are_refused():
    with pytest.raises(ValueError, match="not about the same words"):
        shared_attribution([1.0, 2.0], [1.0])


def test_beyond_noise_is_ceiling_minus_agreement_by_text():
    student = [[0.5, 0.25, 0.5, math.nan], [0.25, 0.75, 0.5, 0.5]]
    teachers = [[0.75, 0.5, math.nan, 0.5], [0.5, 0.25, 0.5, 0.5], [1.0, 0.75, 0.5, 0.5]]
    # Ceilings 0.75 and 0.5, student 0.375 and 0.5; the others lack a pair.
    expected = [0.375, 0.0, math.nan, math.nan]
    assert np.array_equal(beyond_noise(student, teachers), expected, equal_nan=True)


def test_one_run_of_the_teacher_shows_no_noise():
    assert np.isnan(beyond_noise([[0.5, 0.9]], np.empty((0, 2)))).all()


def test_the_worst_are_above_zero_largest_first_and_ties_as_in_the_data():
    assert worst([0.1, math.nan, 0.5, -0.2, 0.0, 0.1], 10) == [2, 0, 5]
    assert worst([0.1, 0.3, 0.2], 2) == [1, 2]
