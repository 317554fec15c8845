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
    known |= {"texts_needed": 640.0, "teacher_runs_needed": 5.0, "student_runs_needed": math.nan}
    return known | other


def said(overall=UNKNOWN, student="tiny", task="toy", paired=False, **rows):
    return Verdict(task, student, "bert", "accuracy", [], [], None, rows, overall, paired)


def outline(**explainers):
    models = {"bert": {"seeds": [1, 2, 3]}, "tiny": {"seeds": [1], "teacher": "bert"}}
    return study_data.study_of({"models": models, "explainers": explainers}, {})


@pytest.mark.parametrize(
    ("other", "paired", "expected"),
    [
        ({"teacher_runs_missing": 1, "n_teacher_runs": 2}, False, "needs a third run of the teacher"),
        ({"teacher_runs_missing": 2, "n_teacher_runs": 1}, False, "needs 2 more runs of the teacher"),
        ({"student_runs_missing": 1, "n_runs": 1}, False, "needs a second run of the student"),
        (
            {"student_runs_missing": 1, "n_runs": 2},
            True,
            "needs one more run of the student, out of another run of the teacher",
        ),
        (
            {"student_runs_missing": 2, "n_runs": 1},
            True,
            "needs 2 more runs of the student, each out of another run of the teacher",
        ),
        (
            {"teacher_runs_missing": 1, "n_teacher_runs": 2, "student_runs_missing": 1, "n_runs": 1},
            False,
            "needs a third run of the teacher and a second run of the student",
        ),
        (
            {"normalised_low": math.nan},
            False,
            "the teacher’s runs are not shown to agree beyond chance, so there is no scale",
        ),
        (
            {},
            False,
            "four in five studies would tell with about 640 texts (now 100) or 5 runs of the teacher (now 3)",
        ),
        (
            {"texts_needed": math.nan},
            True,
            "four in five studies would tell with 5 runs of the teacher (now 3)"
            " and as many of the student, one out of each",
        ),
        (
            {"n_groups": 20, "texts_needed": 40.0, "student_runs_needed": 4.0},
            False,
            "four in five studies would tell with about 40 groups of texts (now 20), 5 runs of the teacher"
            " (now 3) or 4 runs of the student (now 3)",
        ),
        (
            {"texts_needed": 100.0},
            False,
            "four in five studies of this size would tell; this one does not",
        ),
        (
            {"texts_needed": math.nan, "teacher_runs_needed": math.nan},
            False,
            "neither more texts alone nor more runs alone would tell",
        ),
    ],
)
def test_missing_runs_come_first_and_then_what_would_tell(other, paired, expected):
    assert reasons.what_would_tell(row(**other), paired) == expected


def test_of_open_explainers_the_one_that_needs_most_is_quoted():
    wide = row(texts_needed=51.0, drift_low=-0.9, drift_high=0.9)
    line = reasons.lines([said(shap=wide, lime=row(explainer="lime", texts_needed=256.0))])[0][2]
    assert line.startswith("open by shap and lime; lime: D = 0.10 [−0.02, 0.22]; ") and "256 texts" in line
    few = row(explainer="ig", student_runs_missing=1, n_runs=1)
    assert "ig: D = 0.10 [−0.02, 0.22]; needs a second run" in reasons.lines([said(shap=wide, ig=few)])[0][2]


def test_a_line_says_where_drift_is_and_how_near_to_the_margin_it_is_not():
    (_, word, why), *_ = reasons.lines([said(DRIFTS, shap=row(DRIFTS), lime=row(UNKNOWN, explainer="lime"))])
    assert word.text == "drift found" and word.style == "verdict drift"
    assert why == "1 of 2: shap; most by shap: D = 0.10 [−0.02, 0.22], A = 0.80 [0.60, 1.00]"
    near = row(KEEPS, explainer="lime", drift=0.02, drift_low=0.0, drift_high=0.04, margin=0.05)
    (_, word, why), *_ = reasons.lines([said(KEEPS, shap=row(KEEPS, drift=0.04), lime=near)])
    assert word.text == "no drift found" and why.startswith("nearest to the margin by lime: D = 0.02")
    assert reasons.lines([said(GATED, shap=row(GATED))])[0][2] == "not shown to beat the majority baseline"
    assert reasons.lines([said(UNKNOWN)])[0][2] == "nothing was compared"


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
    assert notes[1].startswith("Too few runs to know their own noise: tiny. It is taken to be 4 times")
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
