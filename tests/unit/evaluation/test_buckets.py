"""The table of buckets."""

import numpy as np
import pandas as pd
import pytest

from distillens.evaluation.agreement import score_agreement
from distillens.evaluation.buckets import score_buckets
from tests.fixtures.made_up_task import IDS, REGRESSION, Study, frame, settings


def test_buckets_split_the_texts_and_compare_the_models_in_each(study, tmp_path):
    score_buckets(study.explained, study.explanations(), out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet")
    sizes = found[found["metric"] == "size"].set_index("subset")["value"].to_dict()
    right = {run: study.logits(*run).argmax(axis=1) == study.labels for run in (("big", 3), ("small", 0))}
    big, small = right.values()
    expected = {
        "all_correct": big & small, "only_big": big & ~small,
        "only_small": small & ~big, "all_wrong": ~big & ~small,
    }  # fmt: skip
    assert sizes == {name: flags.sum() for name, flags in expected.items()}
    score_agreement(study.explained, study.explanations(), out=tmp_path / "a.parquet", **settings())
    alike = frame(tmp_path / "a.parquet").query("model == 'small' and metric == 'cosine'")
    alike = alike.set_index("example_id")["value"]
    rows = found[found["metric"] == "cosine"].set_index("subset")
    said, asked = (study.logits(*run).argmax(axis=1) for run in (("small", 0), ("big", 3)))
    expected |= {"both_right": big & small, "only_teacher_right": big & ~small, "both_wrong": ~big & ~small}
    expected |= {"only_student_right": small & ~big, "same_prediction": said == asked}
    expected |= {"other_prediction": said != asked}
    for name, flags in expected.items():
        row = rows.loc[name]
        assert (row["model"], row["against"], row["n"]) == ("small", "big", flags.sum())
        if flags.any():
            assert row["value"] == pytest.approx(alike[np.array(IDS)[flags]].mean())
        else:
            assert pd.isna(row["value"])


def test_a_regression_has_no_buckets(tmp_path):
    study = Study(tmp_path, n_classes=0)
    score_buckets(study.explained, study.explanations(), out=tmp_path / "s.parquet", **settings(REGRESSION))
    assert frame(tmp_path / "s.parquet").empty
