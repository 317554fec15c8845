"""Task metrics and their intervals."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from distillens.metrics import performance as pf
from distillens.metrics.statistics import Resampling

FEW = Resampling(seed=0, resamples=200)
ONES = np.ones(4)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("accuracy", 3 / 4),
        ("f1", 0.8),  # class 1: 2 right, 3 predicted, 2 labelled: 2 * 2 / (3 + 2)
        ("macro_f1", (0.8 + 2 / 3) / 2),  # class 0: 2 * 1 / (1 + 2)
        ("matthews", 2 / np.sqrt(12)),  # (2 * 1 - 1 * 0) / sqrt(3 * 2 * 2 * 1)
    ],
)
def test_four_classified_texts_by_hand(metric, value):
    assert pf.statistic(metric, [0, 0, 1, 1], [0, 1, 1, 1], 2)(ONES) == pytest.approx(value)


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_four_rated_texts_by_hand(metric):
    # Deviations -1.5 -.5 .5 1.5 and -1.5 .5 -.5 1.5: (2.25 - .25 - .25 + 2.25) / 5.
    assert pf.statistic(metric, [1, 2, 3, 4], [1, 3, 2, 4], 0)(ONES) == pytest.approx(0.8)


STOCK = {
    "accuracy": sk.accuracy_score,
    "macro_f1": lambda y, p, **w: sk.f1_score(y, p, average="macro", zero_division=0, **w),
    "f1": lambda y, p, **w: sk.f1_score(y, p, zero_division=0, **w),
    "matthews": sk.matthews_corrcoef,
}


@pytest.mark.parametrize("metric", STOCK)
def test_resamples_of_classifications_are_those_of_scikit_learn(metric):
    rng = np.random.default_rng(0)
    for n_classes in (2,) if metric == "f1" else (2, 5):
        truth, predicted = rng.integers(0, n_classes, (2, 12))
        weights = rng.multinomial(12, np.full(12, 1 / 12), size=50).astype(float)
        ours = pf.statistic(metric, truth, predicted, n_classes)(weights)
        with np.errstate(all="ignore"):
            # Repeated rather than weighted: a class that is not in the resample is not there.
            repeated = [np.repeat([truth, predicted], w.astype(int), axis=1) for w in weights]
            theirs = [STOCK[metric](*pair) for pair in repeated]
        assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_resamples_of_ratings_are_those_of_scipy(metric):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=15).round(1) + 1000
    predicted = truth + rng.normal(size=(3, 15)).round(1)
    weights = rng.multinomial(15, np.full(15, 1 / 15), size=20).astype(float)
    ours = pf.statistic(metric, truth, predicted, 0)(weights)
    assert ours.shape == (3, 20)
    stock = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}[metric]
    for repeat, row in enumerate(predicted):
        for i, w in enumerate(weights.astype(int)):
            assert ours[repeat, i] == pytest.approx(stock(np.repeat(truth, w), np.repeat(row, w)).statistic)


@pytest.mark.parametrize("metric", [*STOCK, "pearson", "spearman"])
def test_variants_of_the_same_examples_are_scored_at_once(metric):
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 2, 9), rng.integers(0, 2, (4, 9))
    together = pf.statistic(metric, truth, predicted, 2)
    weights = rng.integers(1, 3, (6, 9)).astype(float)
    for repeat, row in enumerate(predicted):
        alone = pf.statistic(metric, truth, row, 2)
        assert together(weights)[repeat] == pytest.approx(alone(weights), nan_ok=True)
        assert together(np.ones(9))[repeat] == pytest.approx(alone(np.ones(9)), nan_ok=True)


def test_constant_predictions_have_no_correlation():
    for metric in ("pearson", "spearman"):
        assert np.isnan(pf.statistic(metric, [1, 2, 3, 4], [0.1] * 4, 0)(ONES))
    assert pf.statistic("matthews", [0, 0, 1, 1], [1] * 4, 2)(ONES) == 0


def test_scores_come_with_intervals_around_them():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    predicted = np.where(rng.random(200) < 0.7, truth, rng.integers(0, 3, 200))
    for value, low, high in pf.scores(
        ["accuracy", "macro_f1", "matthews"], truth, predicted, 3, FEW
    ).values():
        assert low < value < high
        assert high - low < 0.3


def test_perfect_predictions_are_not_sure_to_be_perfect_on_other_texts():
    value, low, high = pf.scores(["accuracy"], [0, 1, 1], [0, 1, 1], 2, FEW)["accuracy"]
    # Wilson: 1 / (1 + 1.96^2 / 3).
    assert (value, high) == (1, 1) and low == pytest.approx(1 / (1 + 1.959964**2 / 3))


@pytest.mark.parametrize("metric", pf.CLASSIFICATION)
def test_without_a_prediction_there_is_no_score(metric):
    predicted = pf.predictions_of([[1, 0], [np.nan, 3], [0, 1]])
    assert np.isnan(pf.scores([metric], [0, 1, 1], predicted, 2, FEW)[metric]).all()
    both = pf.statistic(metric, [0, 1, 1], np.stack([predicted, [0, 1, 1]]), 2)(np.ones((4, 3)))
    assert np.isnan(both[0]).all() and (both[1] == 1).all()


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_without_a_score_there_is_no_correlation(metric):
    assert np.isnan(pf.statistic(metric, [1, 2, 3, 4], [1.0, 2.0, np.nan, 4.0], 0)(ONES)).all()


@pytest.mark.parametrize("scale", [5e-324, 2e307])
def test_the_smallest_and_the_largest_ratings_correlate(scale):
    truth, predicted = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4]) * scale * (2 if scale > 1 else 1)
    assert pf.statistic("pearson", truth, predicted, 0)(ONES) == pytest.approx(0.8)


def test_predictions_are_classes_or_the_one_value():
    assert pf.predictions_of([[0.1, 2, 1], [3, 2, 1]]).tolist() == [1, 0]
    assert pf.predictions_of([[0.25], [3]]).tolist() == [0.25, 3]


def test_majority_is_the_best_constant_answer():
    truth = [0, 0, 0, 1]
    assert pf.majority("accuracy", truth, 2) == 0.75
    # Always "1" gets F1 = 2 * 1 / (4 + 1), always "0" none.
    assert pf.majority("f1", truth, 2) == pytest.approx(0.4)
    # Always "0": (2 * 3 / (4 + 3) + 0) / 2.
    assert pf.majority("macro_f1", truth, 2) == pytest.approx(3 / 7)
    assert pf.majority("matthews", truth, 2) == 0
    assert pf.majority("pearson", [1.0, 2.0], 0) == 0


def test_strange_classes_and_metrics_are_errors():
    with pytest.raises(ValueError, match=r"label 2.0 is not one of the 2 classes"):
        pf.statistic("accuracy", [0, 2], [0, 1], 2)
    with pytest.raises(ValueError, match="no task metric 'acc'; there are: accuracy"):
        pf.statistic("acc", [0], [0], 2)
