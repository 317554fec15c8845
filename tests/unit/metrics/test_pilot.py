"""The internal pilot: how many texts, and that error rates are as for any number of texts."""

import math

import numpy as np
import pytest

from distillens.metrics import pilot
from distillens.metrics.calibration import Rule
from distillens.metrics.ladder import Accepted, Rungs, Student
from distillens.metrics.pilot import TELL, by_ladder, by_runs
from distillens.metrics.placement import ladder_of, place
from distillens.metrics.run_pairs import RunPairs
from distillens.metrics.verdict import DRIFTS, KEEPS, decide
from tests.audit.counts import rows_of
from tests.audit.pilots import ACCEPTED, MOST, PILOT, count_pilots, first, needed, simulated, verdict_of
from tests.audit.studies import CELLS, NONE, ONE_DISTANCE, TOLERATED, Cell, Study, draw

STUDIES = 400
ERROR = 2.5 * math.sqrt(0.05 * 0.95 / STUDIES)


@pytest.fixture(scope="module")
def at_the_rung():
    """Studies of a student that agrees exactly as much as what is accepted."""
    return count_pilots(0.0, STUDIES)


def test_a_student_at_the_accepted_rung_is_as_rarely_wronged_as_without_a_pilot(at_the_rung):
    assert at_the_rung[DRIFTS] / STUDIES <= 0.05 + ERROR
    assert at_the_rung[KEEPS] / STUDIES <= 0.05 + ERROR


@pytest.mark.parametrize(("apart", "word"), [(-TELL, DRIFTS), (TELL, KEEPS)])
def test_the_difference_that_shall_be_told_is_told_in_four_of_five(apart, word):
    found = count_pilots(apart, 150)
    assert found[word] / 150 >= 0.8 - 2.5 * math.sqrt(0.8 * 0.2 / 150)


def test_the_number_of_texts_does_not_look_at_the_students_agreement():
    # The same noise around another mean: what would tell "by effect" would differ tenfold.
    student, kinds = simulated(3, 60, 0.0)
    shifted = Student(RunPairs.of(student.agreement.values - 0.15), student.equal, student.floor)
    own, other = (
        by_ladder(ladder_of(one, kinds, np.ones(60), 0.95)[0], ACCEPTED, Rule()) for one in (student, shifted)
    )
    assert own.texts == other.texts and own.difference == pytest.approx(other.difference)


def test_a_pilot_is_never_shortened_and_never_beyond_what_is_allowed():
    counts = [needed(seed, 0.0) for seed in range(30)]
    assert min(counts) >= PILOT and max(counts) <= MOST
    assert len(set(counts)) > 5  # it is the noise that decides


def test_the_first_texts_of_a_longer_study_are_those_of_a_shorter_one():
    student, kinds = simulated(5, 80, 0.0)
    short, shorter = first(student, kinds, 30)
    assert np.array_equal(short.agreement.values, student.agreement.values[..., :30])
    assert np.array_equal(shorter["prune"].agreement, kinds["prune"].agreement[..., :30])
    assert verdict_of(short, shorter)["n"] == 30


def test_twice_the_spread_takes_four_times_the_texts():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.3, (1, 1, 400))
    rungs = Rungs(np.array([0.1, 0.2]), np.full((1, 2, 1, 400), 0.8), np.ones((1, 2, 1, 400)))
    plans = []
    for scale in (1, 2):
        pairs = RunPairs.of(0.8 + scale * noise)
        student = Student(pairs, pairs, RunPairs.of(np.zeros((1, 1, 400))))
        ladder, _ = ladder_of(student, {"prune": rungs}, np.ones(400), 0.95)
        plans.append(by_ladder(ladder, Accepted("prune", 0.2), Rule()))
    assert plans[1].spread == pytest.approx(2 * plans[0].spread)
    assert plans[1].texts == pytest.approx(4 * plans[0].texts, rel=0.15)


def test_texts_of_one_group_are_planned_in_whole_groups():
    student, kinds = simulated(7, 60, 0.0)
    twice = np.repeat(np.arange(30), 2)
    ladder, _ = ladder_of(student, kinds, np.ones(60), 0.95, twice)
    plan = by_ladder(ladder, ACCEPTED, Rule())
    assert plan.n == 60 and plan.texts % 2 == 0


def test_a_dose_beyond_the_ladder_plans_nothing():
    student, kinds = simulated(7, 60, 0.0)
    ladder, _ = ladder_of(student, kinds, np.ones(60), 0.95)
    for accepted in (Accepted("prune", 0.95), Accepted("noise", 0.1), None):
        assert math.isnan(by_ladder(ladder, accepted, Rule()).texts)


def test_few_runs_of_the_teacher_or_a_single_text_plan_nothing():
    rng = np.random.default_rng(0)
    for runs, texts in ((2, 30), (3, 1)):
        teachers, student = rng.normal(0.8, 0.1, (runs, runs, texts)), rng.normal(0.7, 0.1, (2, runs, texts))
        plan = by_runs(RunPairs.of(student), teachers, RunPairs.of(np.zeros((2, runs, texts))))
        assert math.isnan(plan.texts)


def test_runs_that_differ_much_are_not_made_up_for_by_texts():
    cell = next(one for one in CELLS if one.name.startswith("runs twice as far apart"))
    study = draw(cell, 0)
    own = RunPairs.of(study.students[0])
    plan = by_runs(own, study.between, RunPairs.of(np.zeros_like(own.values)), study.again)
    assert math.isnan(plan.texts) and plan.difference > 0 and plan.n == cell.texts
    assert len(rows_of(study, paired=False)) == cell.students


def sized_by_runs(cell, number):
    """The verdict on a study's first student, with as many texts as its own noise asks for, and how many."""
    study, count = draw(cell, number), PILOT
    while True:
        few = np.arange(cell.texts) < count
        part = Study(study.between[..., few], study.again[few], study.students[:1, ..., few], None)
        own = RunPairs.of(part.students[0])
        asked = by_runs(own, part.between, RunPairs.of(np.zeros_like(own.values)), part.again).texts
        asked = cell.texts if math.isnan(asked) else min(cell.texts, int(asked))
        if asked <= count:
            return decide(rows_of(part, paired=False), 0.95)[0]["verdict"], count
        count = asked


@pytest.mark.parametrize("drift", [NONE, TOLERATED, ONE_DISTANCE])
def test_a_pilot_by_runs_wrongs_a_student_as_rarely_as_any_number_of_texts(drift):
    cell = Cell(f"sized by a pilot, {drift}", texts=MOST, drift=drift)
    found = [sized_by_runs(cell, number) for number in range(STUDIES if drift == TOLERATED else STUDIES // 4)]
    words, counts = zip(*found, strict=True)
    error = 2.5 * math.sqrt(0.05 * 0.95 / len(words))
    assert len(set(counts)) > 1
    if drift == ONE_DISTANCE:
        assert words.count(KEEPS) / len(words) <= 0.05 + error
    else:
        assert words.count(DRIFTS) / len(words) <= 0.05 + error


def test_a_place_and_its_plan_are_of_the_same_texts():
    student, kinds = simulated(9, 40, 0.0)
    student.agreement.values[..., :4] = np.nan
    ladder, defined = ladder_of(student, kinds, np.ones(40), 0.95)
    plan = pilot.by_ladder(ladder, ACCEPTED, Rule())
    row = place(student, kinds, np.ones(40), ACCEPTED, 0.95)[0]
    assert plan.n == row["n"] == defined.sum() == 36
