"""Areas over perturbation curves, their bounds, and short tokens."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from distillens.attribution import removal_curves
from distillens.metrics import agreement, aopc
from distillens.metrics.short_tokens import short, short_share


def curve(example_id, ranking, operation, confidence):
    return {
        "example_id": example_id,
        "ranking": ranking,
        "operation": operation,
        "confidence": confidence,
    }


def test_areas_of_four_words_by_hand():
    frame = pd.DataFrame(
        [
            curve("x", "own", "remove", [0.9, 0.5, 0.4, 0.3, 0.2]),
            curve("x", "own", "keep", [0.9, 0.6, 0.8, 0.9, 0.9]),
            curve("x", "random", "remove", [0.9, 0.8, 0.7, 0.3, 0.2]),
            curve("x", "random", "remove", [0.9, 0.9, 0.5, 0.4, 0.2]),
            curve("x", "upper", "remove", [0.9, 0.3, 0.2, 0.2, 0.2]),
            curve("x", "lower", "remove", [0.9, 0.9, 0.9, 0.8, 0.2]),
        ]
    )
    found = {key: values["x"] for key, values in aopc.per_example(frame, absolute=False).items()}
    assert found["aopc_comprehensiveness", "own"] == pytest.approx((0.4 + 0.5 + 0.6 + 0.7) / 4)
    assert found["aopc_sufficiency", "own"] == pytest.approx((0.3 + 0.1) / 4)
    assert found["aopc_comprehensiveness", "random"] == pytest.approx((0.4 + 0.4) / 2)
    # To keep the last 1, 2, 3 words of the first order is to lose its first 3, 2, 1.
    kept = (0.6 + 0.2 + 0.1) / 4, (0.5 + 0.4 + 0) / 4
    assert found["aopc_sufficiency", "random"] == pytest.approx(sum(kept) / 2)
    # Bounds: (0.6 + 0.7 * 3) / 4 = 0.675 and (0.1 + 0.7) / 4 = 0.2.
    assert found["aopc_comprehensiveness_normalised", "own"] == pytest.approx((0.55 - 0.2) / (0.675 - 0.2))
    # Without their last step, 0.7 / 4: 0.5 and 0.025.
    assert found["aopc_sufficiency_normalised", "own"] == pytest.approx((0.1 - 0.025) / (0.5 - 0.025))


def test_a_regression_counts_the_size_of_its_changes():
    assert aopc.drops([2.0, 2.5, 1.0], absolute=True).tolist() == [0.5, 1.0]
    assert aopc.drops([2.0, 2.5, 1.0]).tolist() == [-0.5, 1.0]


def test_no_words_and_a_constant_model_have_no_number():
    assert math.isnan(aopc.area([]))
    assert math.isnan(aopc.normalised(0.0, 0.0, 0.0))


WEIGHTS = np.array([0.4, -0.1, 0.25, 0.05, -0.2, 0.3])


def linear(removed):
    """What a linear model loses without some of its words."""
    return WEIGHTS[list(removed)].sum()


def test_on_a_linear_model_aopc_is_what_ferret_says():
    # ferret: the mean over k = 1..n of p(x) - p(x without the k largest), or with the k largest only.
    order = np.argsort(-WEIGHTS)
    removed = [linear(order[:k]) for k in range(1, 7)]
    kept = [linear(order[k:]) for k in range(1, 7)]
    confidence = 0.6 - np.array([0.0, *removed])
    assert aopc.area(aopc.drops(confidence)) == pytest.approx(np.mean(np.cumsum(WEIGHTS[order])))
    reverse = [linear(order[::-1][:k]) for k in range(1, 7)]
    assert aopc.kept_instead(reverse) == pytest.approx(kept)
    assert aopc.area(aopc.kept_instead(reverse)) == pytest.approx(np.mean(kept))


def test_on_a_linear_model_tau_of_leaving_one_out_is_perfect_for_its_weights():
    alone = np.array([linear([word]) for word in range(6)])
    other = np.array([0.1, 0.3, 0.2, -0.4, 0.0, 0.5])
    found = agreement.agreements([WEIGHTS, other], [alone, alone], [("kendall", None)])[0]
    assert found == pytest.approx([1.0, kendalltau(alone, other)[0]])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_wide_search_finds_what_trying_all_orders_finds(sign):
    sets = [frozenset(words) for n in range(1, 6) for words in itertools.combinations(range(5), n)]
    drops = dict(zip(sets, np.random.default_rng(0).normal(size=len(sets)), strict=True))

    def ask(asked):
        return [drops[frozenset(words)] for _, words in asked]

    def total(order):
        return sum(drops[frozenset(order[:k])] for k in range(1, 6))

    (found,) = removal_curves.extreme_orders([5], ask, beam=10, sign=sign)
    every = [sign * total(order) for order in itertools.permutations(range(5))]
    assert sign * total(found) == pytest.approx(max(every))
    (greedy,) = removal_curves.extreme_orders([5], ask, beam=1, sign=sign)
    assert sign * total(greedy) <= sign * total(found)


def test_texts_of_different_lengths_are_searched_together():
    found = removal_curves.extreme_orders(
        [2, 0, 3], lambda asked: [linear(words) for _, words in asked], 4, 1
    )
    assert found == [[0, 1], [], [0, 2, 1]]


def test_short_tokens_are_of_two_characters_or_pieces_of_words():
    words = ["It", "was", "un", "gain", "ly", "!"]
    places = [(0, 0, 2), (0, 3, 6), (0, 7, 9), (0, 9, 13), (0, 13, 15), (0, 15, 16)]
    assert short(words, places) == [True, False, True, True, True, True]
    # "!" continues nothing, it is short; a long run of dots after a word is neither.
    assert short(["was", "..."], [(0, 0, 3), (0, 3, 6)]) == [False, False]
    # Where a second text begins, nothing continues.
    assert short(["film", "seen"], [(0, 0, 4), (1, 4, 8)]) == [False, False]


def test_the_share_of_short_tokens_needs_k_of_them():
    flags = [True, False, True, False]
    assert short_share(flags, [0, 2, 1, 3], 3) == pytest.approx(2 / 3)
    assert math.isnan(short_share(flags, [0, 2, 1, 3], 5))
