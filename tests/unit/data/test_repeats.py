"""Where texts repeat and nobody says which belong together, the log says so, and what to do."""

import pandas as pd
import pytest

from distillens import tables
from distillens.config.validate import complete
from distillens.data import fetch
from distillens.data.repeats import in_folder, repeats, trained_on
from distillens.data.select import select_examples


def rows(*texts, group=None):
    """Single texts, or pairs."""
    pairs = [(text, None) if isinstance(text, str) else text for text in texts]
    return [
        {"example_id": str(n), "text_a": a, "text_b": b, "group": group} for n, (a, b) in enumerate(pairs)
    ]


def test_texts_that_differ_in_case_blanks_or_form_only_are_counted_by_hand():
    texts = ["A ﬁlm.", "a film.", " A\u00a0 film.\n", "Café", "cafe\u0301", "A play.", "A film"]
    said = repeats("films", {"tested": rows(*texts), "explained": rows(*texts[3:])})
    assert said.startswith(
        "films: 5 of 7 tested texts are there more than once (2 different); "
        "2 of 4 explained texts are there more than once (1 different). "
    )
    assert said.endswith("and name it (tasks.films.columns.group).")


def test_of_pairs_each_text_is_compared_with_those_in_its_place():
    pairs = [("a", "x"), ("a", "y"), ("A", "z"), ("b", "x"), ("x", "a")]
    assert repeats("pairs", {"tested": rows(*pairs)}).startswith(
        "pairs: 3 of 5 tested pairs share their first text with another (1 different); "
        "2 of 5 tested pairs share their second text with another (1 different). "
    )


@pytest.mark.parametrize("found", [rows("a", "b"), rows("a", "a", group="one"), rows(), rows(("a", "a"))])
def test_nothing_is_said_where_no_text_repeats_or_groups_are_named(found):
    assert repeats("films", {"tested": found, "explained": found}) == ""


def test_what_is_not_there_is_left_out(tmp_path):
    assert in_folder("films", tmp_path) == ""
    tables.write(tmp_path / "test.parquet", "examples", rows("a", "a"), {})
    assert in_folder("films", tmp_path).startswith("films: 2 of 2 tested texts ")


@pytest.mark.parametrize("grouped", [False, True])
def test_the_log_says_it_of_the_test_split_and_of_what_is_explained(tmp_path, caplog, grouped):
    """Twelve texts, each there twice."""
    frame = {
        "text": [f"Film {n // 2}" for n in range(24)],
        "mood": [("bad", "good")[n % 2] for n in range(24)],
    }
    pd.DataFrame({**frame, "critic": [n // 2 for n in range(24)]}).to_csv(tmp_path / "films.csv", index=False)
    task = {
        "source": {"local": str(tmp_path / "films.csv")},
        "columns": {"text_a": "text", "label": "mood", "group": "critic" if grouped else None},
        "labels": ["bad", "good"],
        "splits": {"test": {"from": "all"}},
        "explain": {"per_class": 12},
    }
    models = {"m": {"checkpoint": {"local": "x"}, "training": "none"}}
    task = complete({"study": "s", "tasks": {"films": task}, "models": models})["tasks"]["films"]
    out = {split: tmp_path / f"{split}.parquet" for split in fetch.SPLITS}
    fetch.fetch_dataset(task, "films", None, 1, out)
    select_examples(out["test"], tmp_path / "explained.parquet", "films", task, seed=1)
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    if grouped:
        assert said == []
    else:
        assert [message.partition(" (")[0] for message in said] == [
            f"films: 24 of 24 {use} texts are there more than once" for use in ("tested", "explained")
        ]


def test_texts_that_are_trained_on_and_tested_are_counted_pairs_by_both_texts():
    trained, tested = rows("A  film", "b", ("a", "x")), rows("a film", "c", "B", ("a", "y"), ("A", "x"))
    assert trained_on("films", trained, tested).startswith(
        "films: 3 of 5 tested texts were trained on, too, the first of them 0, so performance may be too good"
    )
    assert trained_on("films", rows("a"), rows("b")) == ""


def test_groups_that_are_trained_on_and_tested_are_counted():
    assert trained_on("films", rows("a", group="g"), rows("b", "c", group="g") + rows("d")).startswith(
        "films: 2 of 3 are of a group that was trained on, the first 0"
    )


def test_what_is_trained_on_and_tested_is_said_in_log_and_results(tmp_path, caplog):
    pd.DataFrame({"text": ["Film", "film ", "Play", "Opera"], "mood": ["bad", "good"] * 2}).to_csv(
        tmp_path / "films.csv", index=False
    )
    task = {
        "source": {"local": str(tmp_path / "films.csv")},
        "columns": {"text_a": "text", "label": "mood"},
        "labels": ["bad", "good"],
        "splits": {name: {"from": "all", "examples": 2} for name in ("test", "train")},
    }
    models = {"m": {"checkpoint": {"local": "x"}, "training": "none"}}
    task = complete({"study": "s", "tasks": {"films": task}, "models": models})["tasks"]["films"]
    out = {split: tmp_path / f"{split}.parquet" for split in fetch.SPLITS}
    for seed in range(9):
        caplog.clear()
        fetch.fetch_dataset(task, "films", None, seed, out)
        texts = [tables.read(out[split], "examples")["text_a"].to_pylist() for split in ("train", "test")]
        apart = any({"Film", "film"} == {text.strip() for text in of} for of in texts)
        said = [record.message for record in caplog.records if "trained on" in record.message]
        assert len(said) == (not apart) and in_folder("films", tmp_path).endswith(*said or [""])
        if said:
            return
    raise AssertionError("no seed put both into different splits")
