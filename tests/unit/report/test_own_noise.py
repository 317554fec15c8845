"""Students that do not answer the same twice, in sentences; values by hand."""

import math

import pytest

from distillens.metrics.verdict import DRIFTS, UNKNOWN
from distillens.report import own_noise, reasons, study_data
from distillens.report.verdict import Verdict

MODELS = {
    "bert": {"seeds": [1, 2, 3], "teacher": None},
    "llm": {"seeds": [0], "teacher": "bert", "http": {"url": "http://localhost", "noisy": True}},
}


def said(verdict=UNKNOWN, noisy=True, **row):
    llm = {**MODELS["llm"], "http": {**MODELS["llm"]["http"], "noisy": noisy}}
    study = study_data.study_of({"models": {**MODELS, "llm": llm}, "explainers": {"shap": {}}}, {})
    known = {"explainer_ceiling": 1.0, "student_explainer_ceiling": 0.64, "ceiling": 0.8, "floor": 0.0}
    known |= {"agreement": 0.5, "drift": 0.3, "verdict": verdict, "n_teacher_runs": 5, "n_gated_runs": 0}
    known |= {"student_runs_missing": 0, **row}
    verdicts = [Verdict("toy", "llm", "bert", "accuracy", [], [], None, {"shap": known}, verdict)]
    return study, verdicts, list(own_noise.notes(study, verdicts, 0.05))


def test_how_much_of_the_drift_is_noise():
    _, _, (note,) = said()
    # sqrt(0.64) = 0.8 of C = 0.8.
    assert note.startswith(
        "llm does not answer the same twice: by shap it agrees with itself at R = 0.64, its teacher at 1.00."
    )
    assert "would reach about 0.64, not C = 0.80: about 0.16 of D = 0.30 is noise of its answers" in note
    assert "as good as none" not in note  # 0.14 is left, and the tolerance is 0.04


def test_drift_that_is_noise_is_said_to_be_noise():
    _, _, (note,) = said(DRIFTS, agreement=0.62, drift=0.18)  # 0.02 is left
    assert note.endswith(
        "The rest is as good as none, and the drift found is that noise; the mean of several answers would "
        "have less of it."
    )
    _, _, (note,) = said(agreement=0.62, drift=0.18)
    assert "The rest is as good as none; the mean" in note


def test_noise_that_was_not_measured_is_said():
    _, _, (note,) = said(noisy=False, student_explainer_ceiling=math.nan)
    assert note.endswith("drift and noise cannot be told apart. Say noisy: true.")


@pytest.mark.parametrize(
    "row", [{"student_explainer_ceiling": 1.0}, {"student_explainer_ceiling": 0.9, "explainer_ceiling": 0.85}]
)
def test_of_a_student_as_quiet_as_its_teacher_nothing_is_said(row):
    assert said(**row)[2] == []


def test_draws_of_an_explainer_are_no_noise_of_a_model_that_answers_the_same_twice():
    assert said(noisy=False)[2] == []


def test_without_a_ceiling_only_the_noise_is_said():
    _, _, (note,) = said(ceiling=math.nan, drift=math.nan)
    assert note.endswith("its teacher at 1.00.")


def test_it_stands_among_the_notes_of_page_and_terminal():
    study, verdicts, (note,) = said()
    assert note in reasons.notes(study, verdicts)
