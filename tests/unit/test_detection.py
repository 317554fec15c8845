"""What can be detected, on measures whose truth is known."""

import math

import numpy as np
import pandas as pd
import pytest

from bench.detection import curves, formula, summary, words
from bench.detection.measure import PerText, Pooled, pairs_of, per_text
from bench.detection.power import BESIDE_COPY, NULL, NULL_COPY, Plant, parts_of, plants, power
from bench.detection.spaces import _centred, _cka, _cosines, _neighbours
from distillens.evaluation.inputs import Settings
from distillens.metrics.power import Source
from distillens.metrics.run_pairs import RunPairs

TRAINING = {"method": "fine_tune", "plant": None}
TEACHER = {"teacher": None, "training": TRAINING, "layers": None, "checkpoint": "c", "compress": None}


def shortcut(share):
    plant = {"method": "shortcut", "word": "thursday", "share": share}
    return {**TEACHER, "teacher": "teacher", "training": {**TRAINING, "plant": plant}}


MODELS = {
    "teacher": TEACHER,
    **{f"again-{number}": {**TEACHER, "teacher": "teacher"} for number in range(4)},
    "little": shortcut(0.1),
    "much": shortcut(0.5),
    "shallow": {**TEACHER, "teacher": "teacher", "layers": [0]},
    "blind": {
        **TEACHER,
        "teacher": "teacher",
        "compress": {"method": "mask_words", "words": ["a", "b"], "share": 1},
    },
    "rounded": {**TEACHER, "teacher": "teacher", "compress": {"method": "half"}},
}
KNOWN = plants(MODELS)
SETTINGS = Settings(
    task="t",
    task_settings={"type": "classification", "labels": ["no", "yes"]},
    metrics={},
    teachers={"teacher": None, "far": "teacher", "copy": "teacher"},
    seeds={"teacher": [1, 2, 3], "far": [4, 5], "copy": [1, 2, 3]},
    seed=1,
    teacher_seeds={"copy": [1, 2, 3]},
)


def test_a_plant_is_read_from_the_config():
    assert {
        **{f"again-{number}": Plant(NULL, 0.0) for number in range(4)},
        "little": Plant("thursday", 0.1),
        "much": Plant("thursday", 0.5),
        "shallow": Plant("shallow", 1.0),
        "blind": Plant("a b", 1, copy=True),
        "rounded": Plant(NULL_COPY, 0.0, copy=True),
    } == KNOWN


def made_up(shifts):
    """Runs that are texts and noise, a student's less by a shift; alike is what is near."""
    rng, n = np.random.default_rng(0), 300
    teacher, texts = rng.normal(size=(3, n)), rng.normal(size=n)
    own = {name: texts - shift + rng.normal(size=(3, n)) for name, shift in shifts.items()}
    teachers = texts + teacher
    pairs = {
        name: RunPairs.of([[1 - np.abs(a - b) for b in teachers] for a in runs]) for name, runs in own.items()
    }
    between = np.array([[1 - np.abs(a - b) for b in teachers] for a in teachers])
    chance = {name: RunPairs.of(np.full((3, 3, n), -2.0)) for name in pairs}
    return PerText("occlusion, spearman", 10.0, pairs, between, chance)


@pytest.fixture(scope="module")
def measure():
    return made_up({**{f"again-{number}": 0.0 for number in range(4)}, "little": 0.0, "much": 3.0})


@pytest.fixture(scope="module")
def frame(measure):
    return power([measure], KNOWN, seed=3, draws=40)


def test_what_is_planted_is_found_and_what_is_not_is_no_more_than_an_alarm(frame):
    at = frame[frame["texts"] == 100].set_index("student")
    assert at.loc["much", "power"] == at.loc["much", "said"] == 1.0
    assert at.loc[["again-0", "again-1", "again-2", "again-3"], "power"].mean() < 0.3
    assert at.loc["much", "drift"] > 0.5
    assert set(frame["texts"]) == {25, 50, 100, 200}  # at most four fifths of 300


def test_the_same_parts_are_drawn_again(measure, frame):
    pd.testing.assert_frame_equal(frame, power([measure], KNOWN, seed=3, draws=40))
    first, again = parts_of(50, 20, seed=3, draws=2), parts_of(50, 20, seed=3, draws=2)
    assert [(a == b).all() for a, b in zip(first, again, strict=True)] == [True, True]
    assert (first[0] != first[1]).any()


def test_without_a_student_that_has_no_plant_there_is_no_threshold_and_no_power():
    found = power([made_up({"much": 3.0})], KNOWN, seed=3, draws=2)
    assert found["power"].isna().all()
    assert found["said"].notna().all()


def test_what_a_copy_has_lost_stands_out_beside_a_copy_though_not_beside_another_run():
    measure, rng = made_up({f"again-{number}": 0.0 for number in range(4)}), np.random.default_rng(1)
    for name, lost in {"rounded": 0.1, "blind": 0.3}.items():
        alike = 1 - np.abs(rng.normal(lost, 0.1, size=(3, 3, 300)))  # other runs differ by 1.1
        measure.students[name] = RunPairs.of(alike, [0, 1, 2])
        measure.chance[name] = RunPairs.of(np.full((3, 3, 300), -2.0), [0, 1, 2])
    found = power([measure], KNOWN, seed=3, draws=20)
    at = found[found["texts"] == 100].set_index(["student", "plant"])
    assert at.loc[("blind", "a b"), "power"] == 0.0
    assert at.loc[("blind", "a b" + BESIDE_COPY), "power"] == 1.0
    assert math.isnan(at.loc[("blind", "a b" + BESIDE_COPY), "said"])  # the rule knows of runs alone
    assert [plant for student, plant in at.index if student == "rounded"] == [NULL_COPY]


def test_the_smallest_plant_is_the_one_from_which_on_all_are_found(frame):
    table = summary.smallest(frame)
    assert table[["plant", "measure", 100]].values.tolist() == [["thursday", "occlusion, spearman", 0.5]]


def test_power_at_equal_cost_is_that_of_the_texts_that_it_buys(frame):
    (row,) = summary.ranked(frame).to_dict("records")
    own = frame[(frame["plant"] != NULL) & (frame["texts"] == 25)]["power"]
    assert row["25 texts"] == round(100 * own.mean())
    assert math.isnan(row["100 passes"])  # ten texts
    assert row["1,000 passes"] == row["100 texts"]


def test_alarms_are_those_of_students_without_a_plant(frame):
    (row,) = summary.alarms(frame).to_dict("records")
    own = frame[(frame["plant"] == NULL) & (frame["texts"] == 50)]
    assert row["found, 50"] == round(100 * own["power"].mean(), 1)


def test_the_formula_expects_what_the_curves_show(measure, frame):
    found = formula.expected([measure], frame).set_index(["student", "texts"])
    assert (found["said"] - found["here"]).abs().mean() < 0.1
    assert found.loc[("much", 25), "planned"] <= 25


def test_the_formula_with_fixed_runs_is_the_test_of_a_mean_where_runs_do_not_vary():
    from scipy import stats

    # 50 texts of a large population: one-sided t test of mean 0.1, standard deviation 0.5.
    expected = stats.norm.sf(stats.t.isf(0.05, 49) - 0.1 / (0.5 / math.sqrt(50)))
    found = formula.share_of_parts(0.1, [Source(0.25, 300), Source(0.0, 3)], 50, math.inf)
    assert found == pytest.approx(expected)


def test_a_measure_of_runs_compares_a_copy_with_its_own_run_and_any_other_with_all():
    of_runs = {(model, seed): np.full(4, seed) for model in ("teacher", "copy") for seed in (1, 2, 3)}
    of_runs |= {("far", seed): np.full(4, 9) for seed in (4, 5)}
    assert pairs_of(of_runs, SETTINGS)["copy"] == [(("copy", s), ("teacher", s)) for s in (1, 2, 3)]
    found = per_text("equal", 1, of_runs, lambda a, b: (a == b).astype(float), SETTINGS)
    assert found.drift() == {"far": 0.0, "copy": -1.0}


def test_a_measure_of_all_texts_at_once_is_c_less_s():
    runs = {("teacher", 1): [1.0, 9.0], ("teacher", 2): [3.0, 9.0], ("far", 4): [7.0, 9.0]}
    pairs = {"far": [(("far", 4), ("teacher", 1)), (("far", 4), ("teacher", 2))]}
    measure = Pooled(
        "mean", 1, 2, runs, lambda own, few: np.mean(np.array(own)[few]), lambda a, b: -abs(a - b), pairs,
        [("teacher", 1), ("teacher", 2)],
    )  # fmt: skip
    assert measure.evidence(np.array([True, False]))["far"].amount == -2.0 + 5.0


def test_linear_cka_is_that_of_the_points():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 4))
    few = np.arange(30) < 20
    a, b = (points[few] - points[few].mean(0) for points in (x, y))
    expected = np.linalg.norm(b.T @ a) ** 2 / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
    assert _cka(_centred(x @ x.T, few), _centred(y @ y.T, few)) == pytest.approx(expected)


def test_neighbours_are_those_among_some_texts_and_no_text_is_its_own():
    from sklearn.neighbors import NearestNeighbors

    points = np.random.default_rng(0).normal(size=(40, 3))
    few = np.arange(40) % 2 == 0
    near = _neighbours(_cosines(points), few)
    stock = NearestNeighbors(n_neighbors=10, metric="cosine").fit(points[few]).kneighbors()[1]
    assert [set(np.flatnonzero(row)) for row in near] == [set(row) for row in stock]


def test_a_planted_word_has_the_place_of_how_sure_its_shift_is():
    shifts = pd.DataFrame(
        [
            ("word", "much", "shap", "thursday", 0.2, 0.1, 0.3),
            ("word", "much", "shap", "film", 0.1, 0.08, 0.12),
            ("class", "much", "shap", "nouns", 9.0, 8.0, 10.0),
        ],
        columns=["kind", "student", "explainer", "name", "shift", "shift_low", "shift_high"],
    )
    found = words.first_words(shifts, KNOWN)
    assert found.values.tolist() == [["much", 0.5, "shap", "thursday", 2.0, 2]]
    assert words.precision(found).values.tolist() == [["shap", 0.5, 1, 0, 100, 100]]


def test_there_is_a_curve_for_each_number_of_texts(frame, tmp_path):
    paths = curves.write(frame, curves.shown(frame), tmp_path)
    assert [path.name for path in paths] == [f"detection-{n}.svg" for n in (25, 50, 100, 200)]
    assert "thursday" in paths[0].read_text("utf-8")
