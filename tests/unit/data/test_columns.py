"""Which columns are text and label: seen where they can be seen, refused with the option that decides."""

import pandas as pd
import pytest

from distillens.data.columns import Asked, Columns, find
from distillens.data.errors import DataError

MOODS = {"type": "classification", "labels": ["bad", "good"]}
SCORE = {"type": "regression", "labels": []}
TEXTS = ["I loved every minute of it.", "It was a long bore."]


def frame(**columns):
    return pd.DataFrame(columns, dtype=object)


def test_text_and_label_are_seen_whatever_they_are_called():
    data = frame(id=["a1", "a2"], day=["2024-01-05", "2024-01-06"], said=TEXTS, what=["Good", "bad"])
    assert find(data, MOODS, Asked(), "f.csv") == Columns("said", None, "what")


def test_without_labels_it_is_said():
    found = find(frame(said=TEXTS, helpful=["1", "0"]), MOODS, Asked(), "f.csv")
    assert found.label is None
    assert "no column of labels" in found.remarks[0]


def test_a_few_texts_that_are_names_of_labels_make_no_column_of_labels():
    data = frame(said=[*TEXTS, "Good"], id=["1", "2", "3"])
    assert find(data, MOODS, Asked(), "f.csv").label is None


def test_positions_count_only_in_a_column_that_is_called_a_label_and_it_is_said():
    found = find(frame(text=TEXTS, helpful=["1", "0"], label=["0", "1"]), MOODS, Asked(), "f.csv")
    assert found.label == "label"
    assert "0 is bad, 1 is good" in found.remarks[0]


def test_a_score_is_read_from_a_column_that_is_called_so():
    found = find(frame(text=TEXTS, votes=["3", "4"], score=["0.5", "1.5"]), SCORE, Asked(), "f.csv")
    assert found == Columns("text", None, "score")


def test_short_texts_are_texts_where_there_is_nothing_longer():
    assert find(frame(id=["1", "2"], tweet=["so good", "meh"]), MOODS, Asked(), "f.csv").text_a == "tweet"


def test_pairs_are_named():
    data = frame(premise=TEXTS, hypothesis=TEXTS, label=["bad", "good"])
    assert find(data, MOODS, Asked("premise", "hypothesis"), "f.csv") == Columns(
        "premise", "hypothesis", "label"
    )


@pytest.mark.parametrize(
    ("columns", "asked", "message"),
    [
        (
            {"title": TEXTS, "review": TEXTS},
            Asked(),
            "title, review can all be the text; name it with --text",
        ),
        (
            {"id": ["1", "2"], "stars": ["3", "5"]},
            Asked(without_label=True),
            "no column of texts; there are: id",
        ),
        ({"text": TEXTS, "a": ["bad", "good"], "b": ["good", "bad"]}, Asked(), "a, b can all be the label"),
        (
            {"text": TEXTS, "label": ["pos", "neg"]},
            Asked(),
            "'label' is one of labels, but row 1: .*'pos'.*--no-label",
        ),
        ({"text": TEXTS, "label": ["1", "2"]}, Asked(), "one of labels, but row 2: .*out of range"),
        ({"text": TEXTS}, Asked("texts"), "no column 'texts'"),
        ({"text": TEXTS}, Asked("text", "text"), "a column is one thing"),
        ({"text": TEXTS, "m": ["bad", "good"]}, Asked(label="m", without_label=True), "leave one out"),
    ],
)
def test_what_cannot_be_seen_is_refused_with_what_decides(columns, asked, message):
    with pytest.raises(DataError, match=message):
        find(frame(**columns), MOODS, asked, "f.csv")


@pytest.mark.parametrize("name", ["mood", "label", "sentiment"])
@pytest.mark.parametrize("bad", ["goood", "", None, 7])
def test_a_column_of_labels_is_refused_for_its_one_bad_row_whatever_it_is_called(name, bad):
    data = frame(text=TEXTS * 3, **{name: ["bad", "good", "Good", bad, "bad", bad]})
    with pytest.raises(
        DataError, match=f"f.csv: the column '{name}' is one of labels, but row 4: .*--no-label"
    ):
        find(data, MOODS, Asked(), "f.csv")
    assert find(data, MOODS, Asked(without_label=True), "f.csv").label is None
    # Another column that is read whole does not take its place unseen.
    data["guess"] = ["bad", "good"] * 3
    with pytest.raises(DataError, match=f"{name}, guess can all be the label"):
        find(data, MOODS, Asked(), "f.csv")


def test_one_text_that_is_a_label_makes_no_column_of_labels():
    data = frame(id=["1", "2", "3"], said=["good", *TEXTS], note=["", "bad", "see there"])
    assert find(data, MOODS, Asked(text_a="said"), "f.csv").label is None


def test_sentiment_is_the_name_of_a_column_of_labels():
    data = frame(text=TEXTS, helpful=["1", "0"], Sentiment=["0", "1"])
    assert find(data, MOODS, Asked(), "f.csv").label == "Sentiment"


def test_a_column_called_label_may_be_left_aside():
    found = find(frame(text=TEXTS, label=["pos", "neg"]), MOODS, Asked(without_label=True), "f.csv")
    assert found == Columns("text", None, None)
