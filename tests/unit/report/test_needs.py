"""What a verdict still takes: missing runs first, then what would tell for all explainers, or for any."""

import math

import pytest

from distillens.report.needs import ENOUGH, NO_SCALE, what_would_tell

NEVER = dict.fromkeys(("texts", "teacher_runs", "student_runs"), math.nan)


def row(none=None, drift=None, **other):
    """A row of drift by one explainer, with what each verdict would take."""
    known = {"n": 100, "n_groups": 100, "n_runs": 3, "n_teacher_runs": 3, "normalised_low": 0.6}
    known |= {"teacher_runs_missing": 0, "student_runs_missing": 0}
    for name, need in (("no_drift", none), ("drift", drift)):
        known |= {f"{of}_needed_{name}": value for of, value in (NEVER | (need or {})).items()}
    return known | other


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
        ({"normalised_low": math.nan}, False, NO_SCALE),
    ],
)
def test_missing_runs_and_a_missing_scale_come_first(other, paired, expected):
    open_ = row({"texts": 640.0})
    assert what_would_tell([row({"texts": 640.0}, **other)], paired) == expected
    if "normalised_low" not in other:
        assert what_would_tell([open_, row({"texts": 640.0}, **other)], paired) == expected


def test_no_drift_takes_what_the_explainer_takes_that_needs_most():
    said = what_would_tell([row({"texts": 51.0}), row({"texts": 256.0, "teacher_runs": 5.0})])
    assert said == "four in five such studies would find no drift with about 256 texts (now 100)"


def test_drift_takes_what_the_explainer_takes_that_needs_least():
    said = what_would_tell([row(drift={"texts": 400.0}), row(drift={"texts": 900.0, "teacher_runs": 5.0})])
    both = "with about 400 texts (now 100) or 5 runs of the teacher (now 3)"
    assert said == f"four in five such studies would find drift {both}"


def test_both_verdicts_are_named_where_both_are_in_reach():
    said = what_would_tell([row({"texts": 256.0}, {"student_runs": 9.0})])
    assert said.endswith(
        "no drift with about 256 texts (now 100); and drift with 9 runs of the student (now 3)"
    )


def test_one_explainer_without_a_scale_leaves_only_drift_in_reach():
    said = what_would_tell([row({"texts": 256.0}, {"texts": 900.0}), row(normalised_low=math.nan)])
    assert said == "four in five such studies would find drift with about 900 texts (now 100)"


def test_of_an_explainer_that_has_enough_texts_no_more_are_asked():
    many, few = ({"n": n, "n_groups": n, "explainer": name} for n, name in ((283, "occlusion"), (55, "lime")))
    said = what_would_tell([row({"texts": 283.0}, **many), row({"texts": 86.0}, **few)])
    assert said == "four in five such studies would find no drift with about 86 texts by lime (now 55)"
    said = what_would_tell([row(drift={"texts": 692.0}, **many), row(**few)])
    assert said == "four in five such studies would find drift with about 692 texts by occlusion (now 283)"
    assert what_would_tell([row({"texts": 283.0}, **many), row({"texts": 55.0}, **few)]) == ENOUGH


def test_groups_of_texts_and_pairs_of_runs_are_called_so():
    one = row({"texts": 40.0, "teacher_runs": 5.0}, n_groups=20)
    said = what_would_tell([one], paired=True)
    assert "about 40 groups of texts (now 20) or 5 runs of the teacher (now 3)" in said
    assert said.endswith("and as many of the student, one out of each")


def test_what_should_have_told_and_what_never_will():
    assert what_would_tell([row({"texts": 100.0})]) == ENOUGH
    assert what_would_tell([row()]) == "neither more texts alone nor more runs alone would tell"
