"""Which words a student leans on: shares by hand, kinds of words, and a planted student."""

import math

import numpy as np
import pytest

from distillens import tables
from distillens.data.text import Example
from distillens.evaluation.inputs import Settings
from distillens.evaluation.word_classes import kinds
from distillens.evaluation.word_shifts import _fitting, score_word_shifts
from distillens.metrics.word_shifts import of_group, shares, shift


def test_shares_by_hand():
    assert shares([1.0, -3.0, 0.0, 4.0]).tolist() == [0.125, 0.375, 0.0, 0.5]
    for nothing in ([0.0, 0.0], [1.0, np.inf], [1.0, np.nan]):
        assert np.isnan(shares(nothing)).all()
    # Sums beyond the largest number, and parts of the smallest.
    assert shares([1.5e308, -1.5e308]).tolist() == shares([5e-324, 5e-324]).tolist() == [0.5, 0.5]


def test_a_group_has_no_share_of_a_text_without_its_words():
    found = of_group(
        [shares([1.0, 3.0]), shares([1.0, 1.0])], [np.array([True, False]), np.array([False] * 2)]
    )
    assert found[0] == 0.25 and np.isnan(found[1])


def test_shift_by_hand():
    students, teachers = [[0.5, 0.7, 0.5, 0.7, 0.6, np.nan]], [[0.2] * 6, [0.4, 0.2, 0.4, 0.2, 0.3, 0.2]]
    found = shift(students, teachers, 0.95)
    assert (found["share_student"], found["share_teacher"]) == (pytest.approx(0.6), pytest.approx(0.25))
    assert found["shift"] == pytest.approx(0.35) and found["n"] == 5
    assert found["shift_low"] < 0.35 < found["shift_high"]


def test_of_fewer_than_five_texts_nothing_is_said_but_their_number():
    lacking = [0.9, 0.1, 0.5, 0.7, np.nan, np.nan]  # texts with a word without a value
    found = shift([lacking], [[0.2, 0.4, 0.1, 0.3, 0.2, 0.2]], 0.95, groups=40)
    assert found.pop("n") == 4 and all(map(math.isnan, found.values()))


def test_intervals_of_many_groups_are_wider():
    rng = np.random.default_rng(0)
    one, ten = (shift(rng.normal(size=(1, 30)), np.zeros((1, 30)), 0.95, groups) for groups in (1, 1))
    rng = np.random.default_rng(0)
    ten = shift(rng.normal(size=(1, 30)), np.zeros((1, 30)), 0.95, 10)
    assert ten["shift_high"] - ten["shift_low"] > one["shift_high"] - one["shift_low"]


def test_no_shift_is_found_by_chance_in_most_families():
    """Of 100 families of 10 groups without any shift, about 5 have an interval without zero."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(100):
        found = [shift(rng.normal(size=(1, 60)), rng.normal(size=(2, 60)), 0.95, 10) for _ in range(10)]
        wrong += any(row["shift_low"] > 0 or row["shift_high"] < 0 for row in found)
    assert wrong <= 12


def test_kinds_of_words():
    example = Example("1", "The movie isn't good, and never runs slowly.", "2 dull films!")
    found = {
        word.text: kind for word, kind in zip(example.words, kinds(example.texts, example.words), strict=True)
    }
    assert found["The"] == ("function word", "neutral word")
    assert found["movie"][0] == found["films"][0] == "noun"
    assert found["isn't"][1] == found["never"][1] == "negator"
    assert found["good"] == ("adjective", "sentiment word") and found["dull"][1] == "sentiment word"
    assert found["runs"][0] == "verb" and found["slowly"][0] == "adverb"
    assert found[","][0] == found["!"][0] == "punctuation"


TEXTS = [f"The {noun} was {word}" for noun in ("film", "plot") for word in ("good", "bad", "dull", "great")]


def explanation(folder, model, seed, values):
    rows = []
    for number, text in enumerate(TEXTS):
        example = Example(str(number), text)
        words = [word.text for word in example.words]
        rows.append(
            {
                "example_id": str(number),
                "words": words,
                "spans": [{"segment": 0, "start": w.start, "end": w.end} for w in example.words],
                "values": [[-value, value] for value in (values(word) for word in words)],
                "logits": [0.0, 1.0],
                "unseen": 0,
            }
        )
    path = folder / f"{model}-{seed}.parquet"
    about = {"task": "films", "model": model, "seed": seed, "explainer": "shap"}
    tables.write(path, "explanations", rows, about)
    return path


def test_words_that_a_planted_student_does_not_see_come_out_on_top(tmp_path):
    explained = tmp_path / "explained.parquet"
    rows = [{"example_id": str(i), "text_a": text, "label": 1.0} for i, text in enumerate(TEXTS)]
    tables.write(explained, "examples", rows, {"task": "films"})
    draw = np.random.default_rng(0)
    files = [
        explanation(tmp_path, "big", seed, lambda word: 1 + len(word) / 10 + draw.normal(0, 0.05))
        for seed in (0, 1, 2)
    ]
    # As if "was" were a mask: nothing is lost with it.
    files.append(explanation(tmp_path, "small", 0, lambda w: 0.0 if w == "was" else 1 + len(w) / 10))
    settings = {
        "task": "films",
        "task_settings": {"type": "classification", "labels": ["bad", "good"], "metrics": ["accuracy"]},
        "metrics": {"confidence_level": 0.95},
        "teachers": {"big": None, "small": "big"},
        "seeds": {"big": [0, 1, 2], "small": [0]},
        "seed": 0,
    }
    score_word_shifts(explained, files, out=tmp_path / "shifts.parquet", settings=Settings(**settings))
    found = tables.read(tmp_path / "shifts.parquet", "word_shifts").to_pandas()
    words = found[found["kind"] == "word"].sort_values("shift", key=abs, ascending=False)
    assert words["name"].tolist()[0] == "was" and set(words["name"]) == {"the", "was"}
    top = words.iloc[0]
    assert top["shift_high"] < 0 and top["share_student"] == 0 and (top["n"], top["words"]) == (8, 8)
    assert math.isclose(top["share_teacher"] + top["shift"], 0, abs_tol=1e-12)
    senses = found[found["kind"] == "sense"].set_index("name")
    assert set(senses.index) == {"neutral word", "sentiment word"}
    assert senses["shift"].sum() == pytest.approx(0), "in each text the shares of all senses sum to one"


def test_tokens_that_are_as_many_as_the_words_are_no_words():
    words = ["It", "doesn't", "work"]
    values = np.array([0.2, 0.5, 0.3])
    assert _fitting(values, words, words).tolist() == pytest.approx(values.tolist())
    assert np.isnan(_fitting(values, ["it", "doesn", "##'t"], words)).all()
