"""The verdicts in sentences: what would decide, and what they rest on."""

import math

import pytest

from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from distillens.report import reasons, study_data
from distillens.report.verdict import Verdict


def row(verdict=UNKNOWN, **other):
    """A row of drift of a study with three runs of both, as far as sentences are made of it."""
    known = {"explainer": "shap", "metric": "spearman", "verdict": verdict, "n": 100, "n_groups": 100}
    known |= {"n_runs": 3, "n_teacher_runs": 3, "n_gated_runs": 0}
    known |= {"teacher_runs_missing": 0, "student_runs_missing": 0}
    known |= {"drift": 0.1, "drift_low": -0.02, "drift_high": 0.22, "margin": 0.15}
    known |= {"normalised": 0.8, "normalised_low": 0.6, "normalised_high": 1.0}
    known |= {"ceiling": 0.6, "explainer_ceiling": 0.9}
    return known | other


def said(overall=UNKNOWN, student="tiny", task="toy", paired=False, **rows):
    return Verdict(task, student, "bert", "accuracy", [], [], None, rows, overall, paired)


def outline(**explainers):
    models = {"bert": {"seeds": [1, 2, 3]}, "tiny": {"seeds": [1], "teacher": "bert"}}
    return study_data.study_of({"models": models, "explainers": explainers}, {})


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (1, "only one run that counts"),
        (2, "only two runs that count"),
        (
            3,
            "Here 3 runs of the teacher count. The intervals hold for other runs and other texts. That",
        ),
        (5, "Here 5 runs of the teacher count. The intervals hold for other runs and other texts."),
    ],
)
def test_the_notes_say_how_many_runs_verdicts_rest_on(runs, words):
    notes = reasons.notes(outline(), [said(shap=row(n_teacher_runs=runs))])
    assert len(notes) == 1 and words in notes[0]


def test_runs_that_are_left_out_and_noise_that_is_borrowed_are_said():
    one = said(shap=row(n_gated_runs=2, student_runs_missing=1, n_runs=1), lime=row(n_gated_runs=2))
    notes = reasons.notes(outline(), [one, said(student="other", shap=row())])
    assert notes[1].startswith("Too few runs to know their own noise: tiny. Its standard deviation is taken ")
    assert notes[2].endswith("no better than a constant answer: 2 runs (tiny and its teacher).")


@pytest.mark.parametrize(
    ("shared", "why"), [(True, "share a noise that R has not"), (False, "this is chance")]
)
def test_an_explainer_that_agrees_less_with_itself_than_models_do_is_explained(shared, why):
    study = outline(lime={"method": "lime", "common_masks": shared})
    cells = {"lime": row(explainer="lime", explainer_ceiling=0.4, ceiling=0.77), "shap": row()}
    *_, note = reasons.notes(study, [said(**cells), said(student="other", **cells)])
    assert note.startswith("By lime R = 0.40 is below C = 0.77:") and why in note
    unknown = said(lime=row(explainer_ceiling=math.nan))
    assert len(reasons.notes(study, [unknown])) == 1  # from elsewhere: nothing to notice


def test_the_answer_counts_verdicts_in_the_words_that_they_have():
    verdicts = [said(DRIFTS, "a", shap=row(DRIFTS)), said(KEEPS, "b", shap=row(KEEPS))]
    verdicts += [said(UNKNOWN, "c", shap=row(teacher_runs_missing=1)), said(GATED, "d", shap=row(GATED))]
    text = "".join(part for part, _ in reasons.answer(verdicts))
    assert "drift found in 1 (a); no drift found in 1 (b); 1 not decided (c); 1 gated (d). " in text
    assert "by shap it covers 80" in text and "fewer than 3 runs gives no scale" in text
