"""LIME's draws are the stock library's to the last bit, and so is what follows from them but for rounding."""

import numpy as np
import pytest
from lime.lime_text import LimeTextExplainer

from distillens.attribution.explainers.lime import drawn, fitted
from tests.rounding import assert_same


def stock(words, samples, outputs, kernel_width):
    """lime's masks, weights, intercepts and scores for words that are numbers."""
    given = []

    def predict(texts):
        given.append(np.array([[str(word) in text.split() for word in range(words)] for text in texts]))
        return outputs(given[-1])

    explainer = LimeTextExplainer(
        kernel_width=kernel_width, feature_selection="none", split_expression=" ", bow=False,
        mask_string="x", random_state=np.random.RandomState(7),
    )  # fmt: skip
    text, columns, scores = " ".join(map(str, range(words))), outputs(np.ones((1, words))).shape[1], []
    for column in range(columns):  # lime keeps the score of the last only
        explainer.random_state.seed(7)
        found = explainer.explain_instance(
            text, predict, labels=[column], num_features=words, num_samples=samples
        )
        weights = dict(found.local_exp[column])
        scores.append(([weights[word] for word in range(words)], found.intercept[column], found.score))
    return given[0], *(np.array(part) for part in zip(*scores, strict=True))


@pytest.mark.parametrize(("words", "samples"), [(1, 10), (2, 50), (7, 300), (40, 30), (40, 400)])
def test_draws_and_fits_are_those_of_the_stock_library(words, samples):
    weights = np.random.default_rng(words).normal(size=(words, 3))

    def outputs(keep):
        return np.tanh(keep @ weights) + 0.1 * keep[:, :1]

    masks, values, intercept, scores = stock(words, samples, outputs, 25)
    keep = drawn(words, samples, np.random.RandomState(7))
    np.testing.assert_array_equal(keep, masks)
    found = fitted(keep, outputs(keep), 25)
    assert_same(found[0], values.T)
    assert_same(found[1], intercept)
    assert_same(found[2], scores, 1)


def test_an_output_that_never_changes_is_fitted_whole():
    keep = drawn(4, 50, np.random.RandomState(0))
    values, intercept, scores = fitted(keep, np.full((50, 1), 2.0), 25)
    assert np.abs(values).max() == 0 and intercept == 2 and scores == 1
