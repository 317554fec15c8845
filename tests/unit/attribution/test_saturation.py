"""Answers that are no numbers, and outputs that do not move: undefined, never a traceback, never ranked."""

from types import SimpleNamespace

import numpy as np
import pytest

from distillens import registry
from distillens.attribution.explainers.integrated_gradients import _converged, _has_converged
from distillens.attribution.rankings import Rankings, orders, ranking
from distillens.attribution.saturation import settled
from distillens.data.text import Example

EXAMPLE = Example("a", "a dull film and more")


def explain(method, answer, output="margin"):

    def masked(asked):
        return answer([one.example.masked(row, "_") for one in asked for row in one.keep])

    engine = SimpleNamespace(at_once=2, logits=answer, masked=masked)
    options = {
        name: option["default"]
        for name, option in registry.options("explainer")[method].items()
        if name != "unit"
    }
    options |= {"samples": 60} if method == "lime" else {}
    (found,) = registry.load("explainer", method).explain([EXAMPLE], engine, output, options, 0)
    return settled(found)


def without_film(texts):
    """No number wherever the word is gone."""
    return np.array([[0.0, float(text.count("dull")) if "film" in text else np.nan] for (text,) in texts])


@pytest.mark.parametrize("method", ["lime", "shap", "occlusion"])
def test_a_text_with_an_answer_that_is_no_number_is_undefined(method):
    found = explain(method, without_film)
    assert found.values.shape == (5, 2) and np.isnan(found.values).all()
    assert ranking(found.values, [0.0, 1.0]) == []


@pytest.mark.parametrize("method", ["lime", "shap", "occlusion"])
def test_an_output_that_does_not_move_has_exact_zeros(method):
    found = explain(method, lambda texts: np.tile([0.3, 800.0], (len(texts), 1)), "probability")
    assert not found.values.any()


def test_values_that_count_are_left_as_they_are():
    found = explain(
        "occlusion", lambda texts: np.array([[0.0, 40.0 * text.count("dull")] for (text,) in texts])
    )
    assert found.values[:, 1].tolist() == [0.0, 40.0, 0.0, 0.0, 0.0]


def converges(values, base, whole, tolerance=0.05):
    return _has_converged(
        _converged(EXAMPLE, *(np.array(one, float) for one in (values, base, whole)), steps=50), tolerance
    )


@pytest.mark.parametrize(
    ("values", "base", "whole", "certified"),
    [
        ([[0.3], [0.2]], [0.5], [1.0], True),
        ([[0.3], [0.1]], [0.5], [1.0], False),
        ([[0.0], [0.0]], [0.0], [1.0], False),  # the output jumps between two steps
        ([[0.0], [0.0]], [1.0], [1.0], False),  # nothing moves
        ([[1e-12], [-1e-12]], [1.0], [1.0], False),  # less than the output's rounding
        ([[np.nan], [0.1]], [0.0], [0.1], False),
        ([[0.3, 0.0], [0.2, 0.0]], [0.5, 0.0], [1.0, 1.0], False),  # one of two classes
    ],
)
def test_only_values_that_add_up_and_are_some_end_the_steps(values, base, whole, certified):
    assert converges(values, base, whole) == certified


def test_an_attribution_that_says_nothing_removes_no_words():
    said = {
        ("shap", "own"): Rankings(False, {"a": []}),
        ("lime", "own"): Rankings(False, {"a": EXAMPLE.words[:2]}),
    }
    assert [name for name, *_ in orders(EXAMPLE, said, 0, 0)] == ["lime"]
