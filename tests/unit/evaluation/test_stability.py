"""How stable explanations are under perturbations: words aligned by hand, and from files."""

import math

import numpy as np
import pytest

from distillens import tables
from distillens.data.read import DataError
from distillens.evaluation.inputs import Settings
from distillens.evaluation.stability import score_stability
from distillens.metrics.stability import aligned, stability
from distillens.perturbations.select_perturbed import select_perturbed


def test_replaced_words_stand_for_each_other():
    assert aligned(["a", "good", "film"], ["a", "goud", "film"]) == [(0, 0), (1, 1), (2, 2)]


def test_words_that_moved_came_or_went_have_no_partner():
    assert aligned(["a", "good", "old", "film"], ["a", "good", "film"]) == [(0, 0), (1, 1), (3, 2)]
    assert aligned(["a", "film", "ends"], ["a", "very", "good", "film", "ends"]) == [(0, 0), (1, 3), (2, 4)]


def test_stability_by_hand():
    found = stability([1.0, 2.0, 3.0], [3.0, 1.0, 4.0], [(0, 0), (1, 1), (2, 2)])
    # Ranks 1 2 3 and 2 1 3: 1 - 6 * 2 / (3 * 8).
    assert found[0] == pytest.approx(0.5)
    assert found[1] == pytest.approx((3 + 2 + 12) / math.sqrt(14 * 26))


def test_one_common_word_says_nothing():
    assert np.isnan(stability([1.0, 2.0], [1.0, 3.0], [(0, 0)])).all()


def write_texts(folder):
    test = folder / "test.parquet"
    rows = [
        {"example_id": f"e{i}", "text_a": f"the film is {w}", "label": 1.0} for i, w in enumerate("abcde")
    ]
    tables.write(test, "examples", rows, {"task": "films"})
    perturbed = folder / "typos.parquet"
    copies = [
        {
            "example_id": f"e{i}",
            "repeat": repeat,
            "text_a": f"the fil{repeat} is {w}",
            "changed": w != "e",
            "edits": [],
        }
        for repeat in (0, 1)
        for i, w in enumerate("abcde")
    ]
    tables.write(perturbed, "perturbed", copies, {"task": "films", "perturbation": "typos"})
    return test, perturbed


def test_texts_and_their_first_copies_are_explained(tmp_path):
    test, perturbed = write_texts(tmp_path)
    for count in (2, 4):
        more = {"name": "films", "count": count, "max_words": None, "seed": 0}
        select_perturbed(test, [perturbed], out=tmp_path / f"{count}.parquet", **more)
    few, many = (tables.read(tmp_path / f"{c}.parquet", "examples").to_pylist() for c in (2, 4))
    assert many[: len(few)] == few and len(many) == 8
    by_id = {row["example_id"]: row["text_a"] for row in many}
    assert by_id["e0::"] == "the film is a" and by_id["e0::typos"] == "the fil0 is a"
    assert "e4::" not in by_id, "a copy that is its original says nothing"


def test_too_few_texts_are_an_error_that_names_the_key(tmp_path):
    test, perturbed = write_texts(tmp_path)
    more = {"name": "films", "count": 5, "max_words": None, "seed": 0}
    with pytest.raises(DataError, match=r"stability\.examples: asks for 5 texts"):
        select_perturbed(test, [perturbed], out=tmp_path / "x.parquet", **more)


SETTINGS = Settings(
    task="films",
    task_settings={"type": "classification", "labels": ["bad", "good"], "metrics": ["accuracy"]},
    metrics={"confidence_level": 0.95, "resamples": 100},
    teachers={"big": None, "small": "big"},
    seeds={"big": [0], "small": [0]},
    seed=0,
)


def explanations(folder, model, values):
    rows = []
    for example_id, words, own in values:
        rows.append(
            {
                "example_id": example_id,
                "words": words,
                "spans": [{"segment": 0, "start": i, "end": i + 1} for i in range(len(words))],
                "values": [[-v, v] for v in own],
                "logits": [0.0, 1.0],
                "unseen": 0,
            }
        )
    path = folder / f"{model}.parquet"
    about = {"task": "films", "model": model, "seed": 0, "explainer": "shap"}
    tables.write(path, "explanations", rows, about)
    return path


def test_scores_of_teacher_and_student(tmp_path):
    words, typed = ["a", "good", "film"], ["a", "goud", "film"]
    same = [("1::", words, [1.0, 2.0, 3.0]), ("1::typos", typed, [1.0, 2.0, 3.0])]
    other = [("1::", words, [1.0, 2.0, 3.0]), ("1::typos", typed, [2.0, 1.0, 3.0])]
    files = [explanations(tmp_path, "big", same), explanations(tmp_path, "small", other)]
    test = tmp_path / "test.parquet"
    tables.write(test, "examples", [{"example_id": "1", "text_a": "a good film"}], {})
    score_stability(test, files, out=tmp_path / "s.parquet", settings=SETTINGS)
    found = tables.read(tmp_path / "s.parquet", "scores").to_pandas()
    found = found[found["metric"].str.startswith("stability_spearman")]
    assert dict(zip(zip(found["model"], found["metric"], strict=True), found["value"], strict=True)) == {
        ("big", "stability_spearman"): pytest.approx(1),
        ("small", "stability_spearman"): pytest.approx(0.5),
        ("small", "stability_spearman_gap"): pytest.approx(-0.5),
    }
    assert set(found["perturbation"]) == {"typos"} and set(found["n"]) == {1}
    score_stability(test, [], out=tmp_path / "none.parquet", settings=SETTINGS)
    assert tables.read(tmp_path / "none.parquet", "scores").num_rows == 0


def test_explanations_that_do_not_belong_together_are_an_error(tmp_path):
    words = ["a", "good", "film"]
    before, typed = ("1::", words, [1.0, 2.0, 3.0]), ("1::typos", words, [1.0, 2.0, 3.0])
    test = tmp_path / "test.parquet"
    tables.write(test, "examples", [{"example_id": "1", "text_a": "a good film"}], {})
    big = explanations(tmp_path, "big", [before])
    small = explanations(tmp_path, "small", [before, typed])
    with pytest.raises(
        tables.TableError, match="'big', 0.* by shap lack '1::typos', which those of .*'small'"
    ):
        score_stability(test, [big, small], out=tmp_path / "s.parquet", settings=SETTINGS)
    with pytest.raises(tables.TableError, match="big.parquet: no text '1' as it was"):
        score_stability(
            test, [explanations(tmp_path, "big", [typed])], out=tmp_path / "s.parquet", settings=SETTINGS
        )
