"""The study of what can be detected, on measures whose truth is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench import detection
from bench.detection_measures import Measure
from distillens.metrics.run_pairs import RunPairs

TRAINING = {"method": "fine_tune", "plant": None}
BLIND = {"method": "mask_words", "words": ["a", "b"], "share": 1}
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
}
RESULTS = SimpleNamespace(settings={"models": MODELS, "tasks": {"t": None}, "seed": 3})


def test_a_plant_is_read_from_the_config():
    assert detection.plants(RESULTS) == {
        **{f"again-{number}": (detection.NULL, 0.0) for number in range(4)},
        "little": ("thursday", 0.1),
        "much": ("thursday", 0.5),
        "shallow": ("shallow", 1.0),
        "blind": ("a b", 1),
    }


@pytest.fixture
def frame(monkeypatch):
    rng, n = np.random.default_rng(0), 300
    teacher, texts = rng.normal(size=(3, n)), rng.normal(size=n)

    def run(shift, noise):
        return texts - shift + noise

    def pairs(shift):
        own = rng.normal(size=(3, n))
        return RunPairs.of([[-np.abs(run(shift, a) - run(0, b)) for b in teacher] for a in own])

    between = np.array([[-np.abs(run(0, a) - run(0, b)) for b in teacher] for a in teacher])
    shifts = {**{f"again-{number}": 0.0 for number in range(4)}, "little": 0.0, "much": 3.0}
    measure = Measure("answers", {name: pairs(shift) for name, shift in shifts.items()}, between)
    monkeypatch.setattr(detection, "measures_of", lambda results, task: [measure])
    return detection.found(RESULTS, draws=40)


def test_what_is_planted_is_found_and_what_is_not_is_no_more_than_an_alarm(frame):
    share = frame[frame["texts"] == 100].set_index("student")["found"]
    assert share["much"] == 1.0
    assert share[["again-0", "again-1", "again-2", "again-3"]].mean() < 0.3
    assert frame.set_index("student").loc["much", "drift"].iloc[0] > 0.5
    assert set(frame["texts"]) == {25, 50, 100, 200}  # at most four fifths of 300


def test_the_same_parts_are_drawn_again(frame):
    pd.testing.assert_frame_equal(frame, detection.found(RESULTS, draws=40))


def test_the_smallest_plant_is_the_one_from_which_on_all_are_found(frame):
    table = detection.smallest(frame)
    assert "| thursday | answers | 0.5 |" in table
    assert "again" not in table
