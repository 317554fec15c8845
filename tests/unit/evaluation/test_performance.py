"""The table of performance."""

import numpy as np
import pandas as pd
import pytest

from distillens.evaluation.performance import score_performance
from distillens.tables import TableError
from tests.fixtures.made_up_task import REGRESSION, Study, frame, settings


def test_performance_has_every_run_and_the_majority(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_performance(study.test, study.predictions(), out=out, **settings())
    found = frame(out)
    assert len(found) == 3 * 2 + 1
    row = found[(found["model"] == "small") & (found["metric"] == "accuracy")].iloc[0]
    predicted = study.logits("small", 0).argmax(axis=1)
    assert row["value"] == pytest.approx((predicted == study.labels).mean())
    assert row["low"] < row["value"] < row["high"] and row["n"] == 40
    majority = found[found["metric"] == "majority"].iloc[0]
    assert majority["value"] == np.bincount(study.labels).max() / 40
    assert majority["model"] is None or pd.isna(majority["model"])


def test_performance_of_a_regression(tmp_path):
    study, out = Study(tmp_path, n_classes=0), tmp_path / "scores.parquet"
    score_performance(study.test, study.predictions(), out=out, **settings(REGRESSION))
    found = frame(out).set_index("metric")["value"]
    assert found["majority"] == 0 and 0 < found["pearson"].iloc[0] < 1


def test_labels_unknown_to_the_task_are_an_error(study, tmp_path):
    bad = study.write("bad", "examples", [{"example_id": "e0", "text_a": "x", "label": 2.0}])
    with pytest.raises(TableError, match="bad.parquet: example 'e0' has the label 2.0"):
        score_performance(bad, study.predictions(), out=tmp_path / "s", **settings())
