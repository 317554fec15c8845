"""Places on a ladder: coverage of dose and excess, false alarms, power, and the odd cases."""

import math

import numpy as np
import pytest
from scipy import stats

from distillens.metrics.ladder import Accepted, Ladder, Rungs, Student, rung_means
from distillens.metrics.monotone import FallingCurve
from distillens.metrics.placement import decide, place
from distillens.metrics.run_pairs import RunPairs

# Means of a real ladder (docs/one-teacher.md): doses, agreement, share of equal answers, draws.
NOISE = ([0.02, 0.05, 0.1, 0.2, 0.3, 0.5], [0.99, 0.97, 0.93, 0.82, 0.61, 0.40],
         [0.99, 0.97, 0.96, 0.88, 0.74, 0.42], 3)  # fmt: skip
PRUNE = ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [0.99, 0.93, 0.82, 0.68, 0.62, 0.50, 0.40, 0.20],
         [0.97, 0.95, 0.90, 0.78, 0.70, 0.45, 0.29, 0.23], 1)  # fmt: skip
ACCEPTED = Accepted("prune", 0.2)
KINDS = {"noise": NOISE, "prune": PRUNE}


def simulated(seed, n, agreement, equal, kinds=KINDS, runs=1):
    """A student and ladders with known means: texts and draws vary, hard texts are hard for all."""
    rng = np.random.default_rng(seed)
    text, hard = rng.normal(size=(2, n))

    def values(mean, shift=0.0):
        spread = 1.5 * (1 - mean)  # near 1 there is little room
        return mean + shift + spread * (0.12 * text + 0.2 * rng.normal(size=n))

    def answers(share):
        return (0.7 * hard + math.sqrt(0.51) * rng.normal(size=n) < stats.norm.ppf(share)).astype(float)

    ladder = {}
    for kind, (doses, means, shares, draws) in kinds.items():
        spread = 0.04 if draws > 1 else 0.0
        drawn = [[values(mean, rng.normal() * spread * (1 - mean)) for _ in range(draws)] for mean in means]
        same = [[answers(share) for _ in range(draws)] for share in shares]
        ladder[kind] = Rungs(np.array(doses), np.array([drawn]), np.array([same]))
    shift = 0.02 if runs > 1 else 0.0
    own = RunPairs.of([[values(agreement, shift * rng.normal())] for _ in range(runs)])
    same = RunPairs.of([[answers(equal)] for _ in range(runs)])
    return Student(own, same, RunPairs.of(np.zeros((runs, 1, n)))), ladder


def truth(kind, agreement, equal):
    doses, means, shares, _ = KINDS[kind]
    doses, means, shares = (np.r_[first, rest] for first, rest in ((0, doses), (1, means), (1, shares)))
    dose = np.interp(-agreement, -means, doses)
    return dose, np.interp(-equal, -shares, means) - agreement


def holds(interval, value):
    """An open end leaves nothing out."""
    return not value < interval.low and not value > interval.high


def covered(n, agreement, equal, repeats, runs=1):
    hits = {"dose": [], "excess": []}
    for seed in range(repeats):
        student, kinds = simulated([n, seed], n, agreement, equal, runs=runs)
        ladder = Ladder(student, kinds, np.ones(n), 0.95)
        for kind in KINDS:
            dose, excess = truth(kind, agreement, equal)
            hits["dose"].append(holds(ladder.equivalent_dose(kind), dose))
            hits["excess"].append(holds(ladder.excess([kind]), excess))
    return {name: np.mean(found) for name, found in hits.items()}


@pytest.mark.parametrize(("agreement", "equal"), [(0.53, 0.78), (0.75, 0.85)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(agreement, equal):
    found = covered(60, agreement, equal, repeats=80)
    # 160 intervals, 95 % of which hold it: three and a half points, nineteen times out of twenty.
    for share in found.values():
        assert share >= 0.915, found


def test_intervals_hold_the_truth_over_the_students_runs_too():
    found = covered(60, 0.6, 0.8, repeats=60, runs=4)
    for share in found.values():
        assert share >= 0.91, found


def verdicts(n, agreement, repeats):
    found = []
    for seed in range(repeats):
        student, kinds = simulated([n, seed, 1], n, agreement, 0.8, {"prune": PRUNE})
        row = place(student, kinds, np.ones(n), Accepted("prune", 0.3), 0.95)[0]
        about = {"student": "kd", "teacher": "bert", "metric": "spearman", "k": None, "gated": False}
        found.append(decide([{**about, **row}], 0.95)[0]["verdict"])
    return found


def test_a_student_at_the_accepted_rung_is_rarely_called_one_or_the_other():
    found = verdicts(60, agreement=0.82, repeats=300)
    # 5 % of 300, and two and a half standard errors.
    assert found.count("drift found") <= 24
    assert found.count("no drift found") <= 24


def test_more_texts_decide_more_often():
    told = [verdicts(n, agreement=0.8, repeats=50).count("drift found") for n in (20, 60, 180)]
    assert told[0] < told[1] < told[2]
    assert told[2] >= 45


def test_the_dose_rises_as_agreement_falls():
    doses = []
    for agreement in (0.95, 0.8, 0.65, 0.45, 0.3):
        student, kinds = simulated(5, 400, agreement, 0.8, {"prune": PRUNE})
        doses.append(Ladder(student, kinds, np.ones(400), 0.95).equivalent_dose("prune").value)
    assert doses == sorted(doses)


# ---- the odd cases ----


def steady(mean, n=40, seed=0):
    return mean + np.random.default_rng(seed).normal(0, 0.02, n)


def ladder_of(means, n=40):
    values = np.array([[[steady(mean, n, place)] for place, mean in enumerate(means)]])
    shares = np.array([[[np.arange(n) < mean * n] for mean in means]]).astype(float)
    return {"prune": Rungs(0.1 * np.arange(1, len(means) + 1), values, shares)}


def student_of(values, equal=None, n=40):
    equal = np.ones(n) if equal is None else equal
    return Student(RunPairs.of([[values]]), RunPairs.of([[equal]]), RunPairs.of(np.zeros((1, 1, n))))


def placed(student, means=(0.9, 0.7, 0.4), accepted=ACCEPTED, n=40):
    return place(student, ladder_of(means, n), np.ones(n), accepted, 0.95)


def test_the_teacher_itself_is_at_dose_zero():
    overall, prune = placed(student_of(np.ones(40)))
    assert (prune["dose"], prune["dose_low"], prune["dose_high"]) == (0, 0, 0)
    assert overall["excess"] == 0
    assert overall["p_no_drift"] < 1e-9


def test_a_rung_as_a_student_lands_on_its_own_dose():
    rungs = ladder_of((0.9, 0.7, 0.4))["prune"]
    student = student_of(rungs.agreement[0, 1, 0], rungs.equal[0, 1, 0])
    overall, prune = place(student, {"prune": rungs}, np.ones(40), Accepted("prune", 0.2), 0.95)
    assert prune["dose"] == pytest.approx(0.2)
    assert overall["excess"] == pytest.approx(0, abs=1e-12)
    assert overall["p_drift"] == overall["p_no_drift"] == 1.0


def test_a_student_beyond_the_last_rung_has_a_bound_and_a_flag():
    overall, prune = placed(student_of(steady(0.1), np.zeros(40)))
    assert prune["beyond"] and math.isnan(prune["dose"]) and math.isnan(prune["dose_high"])
    assert prune["dose_low"] == pytest.approx(0.3)
    assert math.isnan(overall["excess"])  # nor does the ladder reach so few equal answers
    assert overall["p_drift"] < 1e-9


def test_undefined_texts_are_left_out_and_counted():
    values = steady(0.7)
    values[:7] = np.nan
    overall, _ = placed(student_of(values))
    assert (overall["n"], overall["n_undefined"]) == (33, 7)


def test_a_rung_that_is_undefined_on_most_texts_ends_the_ladder():
    kinds = ladder_of((0.9, 0.7, 0.4))
    kinds["prune"].agreement[0, 2, 0, :30] = np.nan
    _, prune = place(student_of(steady(0.4)), kinds, np.ones(40), Accepted("prune", 0.2), 0.95)
    assert prune["beyond"] and prune["n"] == 40


def test_a_ladder_that_does_not_agree_beyond_chance_decides_nothing():
    noise = [np.random.default_rng(seed).normal(0, 0.4, 40) for seed in range(3)]
    kinds = {
        "prune": Rungs(np.array([0.1, 0.2]), np.array([[[noise[0]], [noise[1]]]]), np.ones((1, 2, 1, 40)))
    }
    row = place(student_of(noise[2] - 1), kinds, np.ones(40), Accepted("prune", 0.2), 0.95)[0]
    about = {"student": "kd", "teacher": "bert", "metric": "spearman", "k": None, "gated": False}
    assert row["p_drift"] < 0.001 < row["p_chance"]
    assert decide([{**about, **row}], 0.95)[0]["verdict"] == "not decided"


def test_without_answers_there_is_a_dose_but_no_excess():
    overall, prune = placed(student_of(steady(0.7), np.full(40, np.nan)))
    assert 0.15 < prune["dose"] < 0.25
    assert math.isnan(overall["excess"]) and math.isnan(overall["equal_answers"])
    assert not math.isnan(overall["p_drift"])


def test_no_text_and_one_text_give_no_interval():
    nothing = placed(student_of(np.full(40, np.nan)))
    assert len(nothing) == 1 and nothing[0]["n"] == 0 and math.isnan(nothing[0]["p_drift"])
    one = placed(student_of(np.array([0.7]), np.ones(1), 1), n=1)
    assert math.isnan(one[1]["dose_low"]) and math.isnan(one[0]["p_no_drift"])


def test_a_plain_agreement_can_be_accepted():
    overall, _ = placed(student_of(steady(0.85)), accepted=Accepted(None, 0.8))
    assert overall["accepted"] == pytest.approx(0.8)
    assert overall["p_no_drift"] < 0.001


def test_texts_of_one_group_are_one_draw():
    values, groups = np.repeat(np.random.default_rng(1).normal(0.7, 0.1, 10), 4), np.repeat(np.arange(10), 4)
    student, kinds = student_of(values), ladder_of((0.9, 0.7, 0.4))
    alone, grouped = (
        place(student, kinds, np.ones(40), Accepted("prune", 0.2), 0.95, of)[1] for of in (None, groups)
    )
    assert grouped["dose_low"] < alone["dose_low"] < alone["dose_high"] < grouped["dose_high"]


def test_an_explainer_that_draws_begins_below_one():
    again, kinds = np.full(40, 0.93), ladder_of((0.9, 0.7, 0.4))
    prune = place(student_of(np.full(40, 0.93)), kinds, again, None, 0.95)[1]
    assert prune["dose"] == 0


def test_the_noise_of_a_rungs_draws_counts():
    values = np.stack([[steady(0.7 + shift) for shift in (-0.1, 0.0, 0.1)]])[None]
    one = rung_means(Rungs(np.array([0.1]), values[:, :, 1:2], np.ones((1, 1, 1, 40))), 0.95)[0]
    three = rung_means(Rungs(np.array([0.1]), values, np.ones((1, 1, 3, 40))), 0.95)[0]
    assert three["agreement_high"] - three["agreement_low"] > 5 * (
        one["agreement_high"] - one["agreement_low"]
    )


def test_doses_in_no_order_are_refused():
    with pytest.raises(ValueError, match="must increase"):
        FallingCurve.through([0, 0.2, 0.1], [1, 0.5, 0.4])


def test_holm_counts_the_students_of_a_task_once_each():
    row = {"teacher": "bert", "metric": "spearman", "k": None, "gated": False}
    row |= {"p_drift": 0.02, "p_no_drift": 0.98, "p_chance": 0.0}
    rows = [{**row, "student": name, "kind": kind} for name in ("a", "b", "bert") for kind in (None, "prune")]
    found = decide(rows, 0.95)
    assert [one["verdict"] for one in found] == ["drift found", None, "drift found", None, None, None]
    assert found[0]["p_adjusted"] == pytest.approx(0.04)
