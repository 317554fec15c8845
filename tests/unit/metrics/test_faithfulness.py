"""What removing words does to predictions."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from distillens.metrics import faithfulness as ff

LOG3 = np.log(3)


def test_confidence_drop_by_hand():
    # softmax(log 3, 0) = (3/4, 1/4), softmax(0, 0) = (1/2, 1/2).
    before, after = [[LOG3, 0], [LOG3, 0]], [[0, 0], [0, 0]]
    assert ff.confidence_drop(before, after, [0, 1]) == pytest.approx([0.25, -0.25])


def test_confidence_drop_is_that_of_softmax():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(2, 20, 5)) * 50
    target = rng.integers(0, 5, 20)
    expected = [softmax(b)[t] - softmax(a)[t] for b, a, t in zip(before, after, target, strict=True)]
    assert ff.confidence_drop(before, after, target) == pytest.approx(expected)


def test_flips_by_hand():
    assert ff.flips([[2, 1], [2, 1]], [[1, 2], [9, 1]], 0).tolist() == [1, 0]


def test_without_a_prediction_there_is_no_flip():
    nan = float("nan")
    assert np.isnan(ff.flips([[1]], [[nan]], 0.5)).all() and np.isnan(ff.flips([[nan]], [[nan]], 0.5)).all()
    assert np.isnan(ff.flips([[2, 1], [2, nan]], [[nan, 2], [1, 2]], 0)).all()


def test_regression_takes_the_size_of_the_change_never_a_probability():
    before, after = [[3.0], [3.0], [3.0]], [[2.5], [3.75], [3.0]]
    assert ff.confidence_drop(before, after, [0, 0, 0]).tolist() == [0.5, 0.75, 0]
    assert ff.flips(before, after, 0.5).tolist() == [0, 1, 0]
    assert ff.flips(before, after, 0.25).tolist() == [1, 1, 0]
    assert ff.flips(before, after, 1).tolist() == [0, 0, 0]


def frame():
    rows = [
        ("x", "own", 3, 0.9, 1.0),
        ("y", "own", 3, 0.1, 0.0),
        ("x", "random", 3, 0.2, 0.0),
        ("x", "random", 3, 0.4, 1.0),
        ("y", "random", 3, 0.1, 0.0),
        ("y", "random", 3, 0.1, 0.0),
        ("x", "own", 5, 0.8, 1.0),
    ]
    return pd.DataFrame(rows, columns=["example_id", "ranking", "k", "confidence_drop", "flip_rate"])


def test_random_draws_are_averaged_per_example_first():
    found = ff.per_example(frame())
    assert found["confidence_drop", "random", 3].to_dict() == pytest.approx({"x": 0.3, "y": 0.1})


def test_excess_is_paired_by_example():
    found = ff.per_example(frame())
    # x: .9 - (.2 + .4) / 2; y: .1 - .1.
    assert found["confidence_drop_excess", "own", 3].to_dict() == pytest.approx({"x": 0.6, "y": 0})
    assert found["flip_rate_excess", "own", 3].to_dict() == pytest.approx({"x": 0.5, "y": 0})
    # Without random words of as many there is nothing to exceed.
    assert ("confidence_drop_excess", "own", 5) not in found
    assert not any("excess" in metric and ranking == "random" for metric, ranking, _ in found)


def test_an_undefined_draw_is_not_averaged_away():
    table = frame()
    table.loc[2, "confidence_drop"] = np.nan
    found = ff.per_example(table)
    assert np.isnan(found["confidence_drop", "random", 3]["x"])
    assert "x" not in found["confidence_drop_excess", "own", 3].dropna()
