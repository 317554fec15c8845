"""The table of robustness."""

import numpy as np
import pytest

from distillens.evaluation.performance import score_performance
from distillens.evaluation.robustness import score_robustness
from distillens.tables import TableError
from tests.fixtures.made_up_task import CLASSES, IDS, REGRESSION, Study, frame, settings


def test_robustness_has_a_gap_for_students_only(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_robustness(study.test, study.perturbed(), study.predictions(), out=out, **settings())
    found = frame(out)
    of_task = {
        f"{metric}{suffix}"
        for metric in ("accuracy", "matthews")
        for suffix in ("", "_change", "_change_gap")
    }
    edited = {"changed": 0.75, "edited_words": 0.75, "edited_characters": 0.9}
    assert set(found["metric"]) == {*of_task, "consistency", *edited}
    gap = found[found["metric"] == "accuracy_change_gap"].iloc[0]
    assert (gap["model"], gap["against"], gap["against_seed"]) == ("small", "big", 3)
    change = found[found["metric"] == "accuracy_change"].set_index(["model", "seed"])["value"]
    assert gap["value"] == pytest.approx(change["small", 0] - change["big", 3])
    # Three texts of four become "yes" instead of "x": three characters of three there, none of one elsewhere.
    assert found[found["model"].isna()].set_index("metric")["value"].to_dict() == pytest.approx(edited)
    assert set(found["perturbation"]) == {"typos"}


def test_a_regression_flips_by_what_its_task_says(tmp_path):
    study, out = Study(tmp_path, n_classes=0), tmp_path / "scores.parquet"
    first = study.logits("big", 3)[:, 0]
    moved = np.abs(np.roll(first, 1) - first)
    for flip in (0.2, 1.0):
        settings_ = settings({**REGRESSION, "flip": flip})
        score_robustness(study.test, study.perturbed(), study.predictions(), out=out, **settings_)
        found = frame(out).query("metric == 'consistency' and model == 'big' and seed == 3")
        # The first repeat is the original text, the second the next one's.
        assert found["value"].item() == pytest.approx((1 + (moved <= flip).mean()) / 2)
    assert (moved <= 0.2).mean() < (moved <= 1.0).mean()


def test_a_teacher_that_cannot_be_asked_gives_its_students_no_gap(study, tmp_path):
    out = tmp_path / "scores.parquet"
    own = [path for path in study.predictions() if "small" in path.name]
    with pytest.raises(TableError, match="no predictions of"):
        score_robustness(study.test, study.perturbed(), own, out=out, **settings())
    score_robustness(study.test, study.perturbed(), own, out=out, **settings(attributions_only=["big"]))
    found = frame(out)
    assert set(found["model"].dropna()) == {"small"}
    assert not found["metric"].str.endswith("_gap").any()


def test_missing_predictions_are_named(study, tmp_path):
    files = study.perturbed(repeats=3), study.predictions()
    with pytest.raises(TableError, match="p-big-3.parquet: has no prediction for .*typos.*2.*e0"):
        score_robustness(study.test, *files, out=tmp_path / "s", **settings())


def test_edits_of_another_text_are_an_error(study, tmp_path):
    other = [{"example_id": i, "text_a": "z", "label": 0.0} for i in IDS]
    test = study.write("other", "examples", other)
    with pytest.raises(TableError, match="typos.parquet: .*these edits belong to another text"):
        score_robustness(test, study.perturbed(), study.predictions(), out=tmp_path / "s", **settings())


def test_logits_of_another_width_are_an_error(study, tmp_path):
    three = settings({**CLASSES, "labels": ["a", "b", "c"]})
    with pytest.raises(TableError, match="row 0 of 'logits' has 2 outputs, task 'films' has 3"):
        score_performance(study.test, study.predictions(), out=tmp_path / "s", **three)
