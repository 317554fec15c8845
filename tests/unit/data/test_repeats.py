"""Where texts repeat and nobody says which belong together, the log says so, and what to do."""

import pandas as pd
import pytest

from distillens import tables
from distillens.config.validate import complete
from distillens.data import fetch
from distillens.data.repeats import in_folder, repeats, shared
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
    assert in_folder("films", tmp_path) == []
    tables.write(tmp_path / "test.parquet", "examples", rows("a", "a"), {})
    (said,) = in_folder("films", tmp_path)
    assert said.startswith("films: 2 of 2 tested texts ")
    tables.write(tmp_path / "train.parquet", "examples", rows("b", "A"), {})
    assert in_folder("films", tmp_path)[0] == said
    assert in_folder("films", tmp_path)[1].startswith("films: 2 of 2 texts of test are in train, too ")


def test_texts_and_groups_of_two_splits_are_counted_by_hand():
    splits = {
        "test": rows("A film", "A play", "a\u00a0film.", "a FILM"),
        "validation": rows("A novel", "A play"),
        "train": rows("A song", "A song", "a film", "A film"),
        "explained": rows("A film"),
    }
    assert shared("art", splits).startswith(
        "art: 1 of 4 texts of test are in validation, too (the first is example '1', in validation '1'); "
        "2 of 4 texts of test are in train, too (the first is example '0', in train '2'). "
    )
    assert shared("art", {split: splits[split] for split in ("validation", "train")}) == ""
    # Of pairs both texts count, in their places.
    pairs = {"test": rows(("a", "x"), ("x", "b")), "train": rows(("a", "y"), ("b", "x"), ("A", "x"))}
    assert shared("art", pairs).startswith(
        "art: 1 of 2 pairs of test are in train, too (the first is example '0', "
    )
    groups = {"test": [*rows("a", group="g"), *rows("b", group="h")], "train": rows("c", "d", group="h")}
    assert shared("art", groups).startswith("art: 1 of 2 groups of test are in train, too, such as 'h'. ")


def test_the_log_says_which_texts_of_the_test_split_are_in_training(tmp_path, caplog):
    for split, texts in (("train", ["A film", "A play"]), ("test", ["A song", "a  film"])):
        frame = pd.DataFrame({"text": texts, "mood": ["bad", "good"]})
        frame.to_csv(tmp_path / f"{split}.csv", index=False)
    task = {
        "source": {"local": {split: str(tmp_path / f"{split}.csv") for split in ("train", "test")}},
        "columns": {"text_a": "text", "label": "mood"},
        "labels": ["bad", "good"],
        "splits": {split: {"from": split} for split in ("train", "test")},
    }
    models = {"m": {"checkpoint": {"local": "x"}, "training": "none"}}
    task = complete({"study": "s", "tasks": {"films": task}, "models": models})["tasks"]["films"]
    fetch.fetch_dataset(task, "films", None, 1, {split: tmp_path / split for split in fetch.SPLITS})
    (said,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith(
        "films: 1 of 2 texts of test are in train, too (the first is example '2', in train '1'). "
    )


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
