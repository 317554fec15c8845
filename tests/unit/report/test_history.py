"""Studies side by side: which verdicts changed, by how much, and when no interval may be given."""

import copy

import numpy as np
import pytest

from distillens.cli import compare
from distillens.cli.errors import CommandError
from distillens.metrics.verdict import DRIFTS, KEEPS, UNKNOWN
from distillens.report import history
from tests.unit.report.test_outcome import record


def studies():
    """Three releases of a student: as before, then worse on every text by about 0.2."""
    first = record(("tiny", KEEPS))
    last = record(("tiny", DRIFTS), ("new", UNKNOWN))
    rng = np.random.default_rng(1)
    for one in last["students"]:
        (row,) = one["explainers"]
        row["by_text"] = {name: value - 0.2 + rng.normal(0, 0.01) for name, value in row["by_text"].items()}
        row["agreement"] -= 0.2
    return {"v1": first, "v2": copy.deepcopy(first), "v3": last}


def test_a_change_is_taken_text_by_text_between_the_last_two():
    (_, student, words, said), (_, new, new_words, new_said) = history.changes(studies())
    assert student == "tiny" and [word.text for word in words] == [KEEPS, KEEPS, DRIFTS]
    assert said.startswith("agreement by shap −0.20 [−0.20, −0.19]") or said.startswith(
        "agreement by shap −0.20 [−0.20, −0.20]"
    )
    assert new == "new" and [word.text for word in new_words] == ["–", "–", UNKNOWN]
    assert new_said == "not in both of the last two studies"


def test_a_student_of_both_studies_whose_agreement_is_undefined_is_not_said_to_be_in_one():
    found = studies()
    found["v3"]["students"][0]["explainers"][0]["agreement"] = None
    assert history.changes(found)[0][3] == "no agreement to compare"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda about: about["texts"].update(films={"n": 40, "sha256": "other"}), "films: other texts"),
        (lambda about: about["explainers"].update(shap={"evals": 9}), "shap: other settings"),
        (lambda about: about.update(explained_output="logit"), "another explained output"),
    ],
)
def test_without_the_same_texts_or_settings_there_is_no_interval(change, words):
    found = studies()
    found["v3"]["about"] = copy.deepcopy(found["v3"]["about"])
    change(found["v3"]["about"])
    assert history.differing(found) == [words]
    assert history.changes(found)[0][3] == "agreement by shap −0.20"
    assert words in history.page(found)


def test_another_teacher_is_said():
    found = studies()
    assert not history.teacher_changed(found) and "trained again" not in history.page(found)
    found["v3"]["about"] = found["v3"]["about"] | {"teachers": {"bert": "other"}}
    assert "trained again" in history.page(found)


def test_names_of_models_stay_text():
    found = {"<i>a</i>": record(("<b>x</b>", KEEPS)), "b": record(("<b>x</b>", KEEPS))}
    text = history.page(found)
    assert "<b>x</b></b>" not in text and "&lt;b&gt;x&lt;/b&gt;" in text and "<i>a</i>" not in text


def test_one_study_is_not_compared_with_itself(tmp_path):
    (tmp_path / "v1").mkdir()
    for folders, words in (
        ([tmp_path / "v1"], "two studies or more"),
        ([tmp_path / "v1"] * 2, "given twice"),
    ):
        arguments = type("", (), {"studies": folders, "out": tmp_path / "page.html"})
        with pytest.raises(CommandError, match=words):
            compare.run(arguments, None)
    assert not (tmp_path / "page.html").exists()
