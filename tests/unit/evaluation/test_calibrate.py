"""Calibrated agreement, and the verdicts."""

import numpy as np
import pytest

from distillens import tables
from distillens.evaluation.agreement import score_agreement
from distillens.metrics import agreement, verdict
from tests.fixtures.made_up_task import RUNS, drift, frame, settings


def test_drift_has_a_row_for_each_student_explainer_and_metric(study, tmp_path):
    found = drift(study, tmp_path, study.explanations("shap", "lime"))
    metrics = agreement.grid([1, 3])
    assert len(found) == 2 * len(metrics)
    assert (
        list(zip(found["metric"], found["k"].fillna(0), strict=True)) == [(m, k or 0) for m, k in metrics] * 2
    )
    assert set(found["student"]) == {"small"} and set(found["teacher"]) == {"big"}
    assert set(found["n_teacher_runs"]) == {2} and set(found["n_runs"]) == {1}
    assert (found["p_adjusted"] >= found["p_value"]).all()
    floors = found[(found["metric"] == "overlap") & (found["k"] == 1)]["floor"]
    assert floors.iloc[0] == pytest.approx(np.mean([1 / (4 + n % 5) for n in range(40)]))


def test_an_explainer_that_repeats_itself_has_a_ceiling_of_one(study, tmp_path):
    found = drift(study, tmp_path, study.explanations())
    assert found["explainer_ceiling"].to_numpy() == pytest.approx(1)


def test_an_explainer_that_does_not_repeat_itself_has_a_lower_ceiling(study, tmp_path):
    other = study.explanation("big", 3)
    copy = study.folder / "again.parquet"
    source = {**tables.provenance(other), "seed": 7}
    tables.write(copy, "explanations", tables.read(other, "explanations"), source)
    found = drift(study, tmp_path, study.explanations(), again=[copy])
    assert found["explainer_ceiling"].to_numpy() == pytest.approx(found["ceiling"].to_numpy())


def test_a_missing_second_run_of_an_explainer_is_an_error(study, tmp_path):
    with pytest.raises(tables.TableError, match="no second explanations"):
        drift(study, tmp_path, study.explanations("shap", "lime"), again=[study.explanation("big", 7)])


def test_a_student_that_is_the_second_seed_has_drift_exactly_zero(study, tmp_path):
    twin = study.explanation("big", 3)
    rows = tables.read(twin, "explanations")
    copy = study.folder / "copy.parquet"
    tables.write(copy, "explanations", rows, {**tables.provenance(twin), "model": "small", "seed": 0})
    found = drift(study, tmp_path, [study.explanation("big", 7), twin, copy])
    assert (found[["drift", "drift_low", "drift_high"]] == 0).all(axis=None)
    assert set(found["verdict"]) == {verdict.KEEPS}


def test_one_teacher_seed_gives_nulls_and_cannot_tell(study, tmp_path):
    files = [study.explanation("big", 7), study.explanation("small", 0)]
    found = drift(study, tmp_path, files, seeds={"big": [7], "small": [0]})
    for column in ("ceiling", "normalised", "drift", "drift_low", "p_value", "p_adjusted", "run_spread"):
        assert found[column].isna().all()
    assert tables.read(tmp_path / "drift.parquet", "drift")["drift"].null_count == len(found)
    assert set(found["verdict"]) == {verdict.UNKNOWN} and set(found["n_teacher_runs"]) == {1}


def test_a_student_no_better_than_the_majority_is_gated(study, tmp_path):
    found = drift(study, tmp_path, study.explanations(), predictions=study.predictions(small=0.5))
    assert set(found["verdict"]) == {verdict.GATED} and found["gated"].all()


def test_a_teacher_seed_no_better_than_the_majority_does_not_count_as_ceiling(study, tmp_path, monkeypatch):
    good = study.logits
    monkeypatch.setattr(
        study, "logits", lambda m, s, wrong=0.1: good(m, s, 0.5 if (m, s) == ("big", 3) else wrong)
    )
    found = drift(study, tmp_path, study.explanations(), predictions=study.predictions())
    assert set(found["n_teacher_runs"]) == {1} and set(found["verdict"]) == {verdict.UNKNOWN}


def test_explained_outputs_without_classes_are_compared_as_they_are(study, tmp_path):
    # One value per word, such as the expected rating, though there are two classes.
    files = [study.explanation(*run, values=lambda i, own: own[:, :1]) for run in RUNS]
    score_agreement(files, out=tmp_path / "s.parquet", **settings())
    assert frame(tmp_path / "s.parquet")["n"].max() == 40


def test_constant_attributions_are_undefined_and_counted(study, tmp_path):
    files = study.explanations()[:2] + [study.explanation("small", 0, values=lambda i, own: own * 0)]
    found = drift(study, tmp_path, files)
    assert set(found["n"]) == {0} and set(found["n_undefined"]) == {40}
    assert found["agreement"].isna().all() and set(found["verdict"]) == {verdict.UNKNOWN}
