"""Several labels for one text: every form in which they are given, and every cell that is refused."""

import json

import pandas as pd
import pytest

from distillens import tables
from distillens.data.fetch import fetch_dataset
from distillens.data.label_sets import flags_of, number_of
from distillens.data.read import DataError, label_report, read_frame, to_examples
from distillens.data.select import select_examples, select_sets
from distillens.data.text import Example

LABELS = ["toxic", "threat", "spam"]
READ = {"delimiter": None, "encoding": "utf-8", "quoted": None, "header": None}


def task(**columns):
    return {"type": "multi_label", "labels": LABELS, "cut": None, "columns": {"text_a": "text", **columns}}


OF_EACH = {"toxic": "is_toxic", "threat": "threat", "spam": "spam"}


def sets(folder, content, name="comments.csv", **columns):
    file = folder / name
    file.write_text(content, encoding="utf-8")
    own = task(**columns)
    return [one.label_name for one in to_examples(read_frame(file, **READ), own, name)]


def test_a_column_of_each_label_has_zeros_and_ones(tmp_path):
    rows = "text,spam,is_toxic,threat\na,0,1,0\nb,0,0,0\nc,1,TRUE,1.0\nd,false,0,1\n"
    assert sets(tmp_path, rows, label=OF_EACH) == ["toxic", "no label", "toxic, threat, spam", "threat"]


def test_json_lines_have_lists_of_names(tmp_path):
    lines = [{"text": "a", "tags": ["spam", "Toxic"]}, {"text": "b", "tags": []}]
    content = "\n".join(map(json.dumps, lines))
    assert sets(tmp_path, content, "comments.jsonl", label="tags") == ["toxic, spam", "no label"]


def test_lists_of_positions_are_codes_as_in_many_data_sets(tmp_path):
    frame = pd.DataFrame({"text": ["a", "b"], "labels": [[0, 2], []]})
    frame.to_parquet(tmp_path / "comments.parquet")
    read = read_frame(tmp_path / "comments.parquet", **READ)
    own = task(label="labels")
    assert [one.label_name for one in to_examples(read, own, "x")] == ["toxic, spam", "no label"]
    assert label_report(read, own)["spam"]["read_as"] == ["position"]


def test_a_cell_may_have_names_with_a_separator(tmp_path):
    rows = "text,tags\na,toxic; spam\nb,clean\n"
    assert sets(tmp_path, rows, label="tags", separator=";", none="clean") == ["toxic, spam", "no label"]
    rows = "text,tags\na,threat\nb,\n"
    assert sets(tmp_path, rows, label="tags", separator=";", none="") == ["threat", "no label"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("", "row 2: is_toxic is empty; write 0 or 1"),
        ("2", "row 2: is_toxic is '2', which is neither 0 nor 1"),
        ("0.5", "row 2: is_toxic is '0.5', which is neither"),
        ("maybe", "row 2: is_toxic is 'maybe', which is neither"),
        ("-1", "row 2: is_toxic is '-1'"),
    ],
)
def test_any_other_cell_is_refused_with_its_row(tmp_path, cell, said):
    rows = f"text,is_toxic,threat,spam\na,1,0,0\nb,{cell},0,0\n"
    with pytest.raises(DataError, match="comments.csv") as error:
        sets(tmp_path, rows, label=OF_EACH)
    assert said in str(error.value)


@pytest.mark.parametrize("cell", [None, float("nan"), 2, 0.5, "yes", [1], b"1"])
def test_so_it_is_in_files_with_types(cell):
    frame = pd.DataFrame({"text": ["a"], "is_toxic": [cell], "threat": [0], "spam": [True]}, dtype=object)
    with pytest.raises(DataError, match="row 1: is_toxic is"):
        to_examples(frame, task(label=OF_EACH), "comments.parquet")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (None, "row 1: tags is empty; an empty list has no labels"),
        ("toxic", "row 1: tags is 'toxic', which is no list"),
        ({"toxic": 1}, "which is no list"),
        (["toxic", "rude"], "row 1: label 'rude' is not a number nor one of toxic, threat, spam"),
        (["toxic", "Toxic"], "row 1: tags names 'toxic' twice"),
        ([7], "row 1: label 7 is out of range"),
        ([True], "label True"),
        ([None], "label None"),
        ([["toxic"]], "label ['toxic']"),
    ],
)
def test_a_list_of_anything_else_is_refused(cell, said):
    frame = pd.DataFrame({"text": ["a"], "tags": [cell]}, dtype=object)
    with pytest.raises(DataError) as error:
        to_examples(frame, task(label="tags"), "comments.jsonl")
    assert said in str(error.value)


def test_names_and_positions_are_not_mixed():
    frame = pd.DataFrame({"text": ["a", "b", "c"], "tags": [[1, 2], [], ["toxic"]]}, dtype=object)
    with pytest.raises(DataError, match="row 1: label 1 is a position, but row 3 has the name 'toxic'"):
        to_examples(frame, task(label="tags"), "comments.jsonl")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("", "row 1: tags is empty; say columns.none: '' if that is no label"),
        ("toxic;;spam", "label '' is not"),
        ("toxic;rude", "label 'rude' is not"),
        ("0", "row 1: tags has '0', which is none of toxic, threat, spam"),
        (["toxic"], "which is no text; leave columns.separator out"),
        (None, "tags is empty"),
    ],
)
def test_a_text_with_anything_else_is_refused(cell, said):
    frame = pd.DataFrame({"text": ["a"], "tags": [cell]}, dtype=object)
    with pytest.raises(DataError) as error:
        to_examples(frame, task(label="tags", separator=";"), "comments.csv")
    assert said in str(error.value)


def test_a_column_that_is_not_there_is_named():
    frame = pd.DataFrame({"text": ["a"], "is_toxic": [1], "spam": [0]})
    with pytest.raises(DataError, match="no column 'threat' for label"):
        to_examples(frame, task(label=OF_EACH), "comments.csv")


def test_without_labels_texts_are_texts():
    (one,) = to_examples(pd.DataFrame({"text": ["a"]}), task(label=None), "comments.csv")
    assert (one.label, one.label_name) == (None, None)


def test_every_set_has_a_number_of_its_own():
    numbers = [number_of([bool(n >> place & 1) for place in range(50)]) for n in (0, 1, 6, 2**50 - 1)]
    assert numbers == [0.0, 1.0, 6.0, float(2**50 - 1)]
    assert flags_of(numbers, 50).sum(axis=1).tolist() == [0, 1, 2, 50]
    for wrong in (-1.0, 8.0, 0.5, float("nan")):
        with pytest.raises(ValueError, match="no set of 3 labels"):
            flags_of([1.0, wrong], 3)


def test_texts_are_drawn_for_each_label_and_more_begin_with_fewer():
    pool = [Example(str(n), "A film", label=float(n % 8)) for n in range(80)]
    few, more = (select_sets(pool, count, None, LABELS, seed=3) for count in (2, 5))
    assert [one.example_id for one in more][: len(few)] == [one.example_id for one in few]
    counts = flags_of([one.label for one in more], 3).sum(axis=0)
    assert (counts >= 5).all() and len(more) <= 15
    with pytest.raises(DataError, match="40 that can be explained and have the label 'toxic'"):
        select_sets(pool, 41, None, LABELS, seed=3)


def test_a_split_is_written_and_texts_of_each_label_are_chosen(tmp_path, caplog):
    flags = [{"toxic": n & 1, "threat": n >> 1 & 1, "spam": int(n > 7)} for n in range(12)]
    rows = [{"text": f"A film, {n}", **own} for n, own in enumerate(flags)]
    pd.DataFrame(rows).to_csv(tmp_path / "comments.csv", index=False)
    own = {
        **task(label={name: name for name in LABELS}),
        "source": {"local": str(tmp_path / "comments.csv")},
        "read": READ,
        "splits": {"test": {"from": "all", "examples": None}},
    }
    out = {split: tmp_path / f"{split}.parquet" for split in ("train", "validation", "test")}
    with caplog.at_level("INFO", logger="distillens"):
        fetch_dataset(own, "comments", None, 1, out)
    assert "tasks.comments, test: toxic: 6 of 12 examples" in caplog.text
    assert "no label: 2 of 12 examples" in caplog.text
    found = tables.read(out["test"], "examples").to_pandas().set_index("example_id")
    assert found.loc["4", "label"] == 3.0 and found.loc["4", "label_name"] == "toxic, threat"
    asked = {"labels": LABELS, "type": "multi_label", "explain": {"per_class": 3, "max_words": None}}
    select_examples(out["test"], tmp_path / "explained.parquet", "comments", asked, 1)
    names = tables.read(tmp_path / "explained.parquet", "examples")["label_name"].to_pylist()
    assert all(sum(label in name for name in names) >= 3 for label in LABELS)
    asked["explain"] |= {"per_class": None, "examples": 12}
    select_examples(out["test"], tmp_path / "explained.parquet", "comments", asked, 1)
    assert tables.read(tmp_path / "explained.parquet", "examples").num_rows == 12
