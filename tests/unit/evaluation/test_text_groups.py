"""Texts of one group are one draw for every interval that a study has."""

import pytest

from distillens import tables
from tests.fixtures import scored_study


@pytest.fixture
def scored(tmp_path, monkeypatch):
    """Scores of a made-up task, its texts in the groups that are asked for."""
    monkeypatch.setitem(scored_study.SETTINGS.metrics, "resamples", 20)
    files = scored_study.write(tmp_path)
    texts = tables.read(files["test"], "examples").to_pylist()

    def score(group_of):
        rows = [{**row, "group": group_of(number)} for number, row in enumerate(texts)]
        tables.write(files["test"], "examples", rows, {"task": "films", "split": "test"})
        found = scored_study.score(files, tmp_path)
        return found.set_index(["table", "key", "column"])["number"]

    return score


def bounds(scores):
    column = scores.index.get_level_values("column")
    return scores[column.isin(["low", "high"]) | column.str.endswith(("_low", "_high"))]


@pytest.mark.slow
def test_groups_of_one_text_change_nothing_and_a_single_group_has_no_bounds_anywhere(scored):
    alone = scored(lambda number: None)
    assert scored(lambda number: f"document {99 - number}").equals(alone)
    one = scored(lambda number: "document")
    # The share closed has none here: runs are too few.
    assert set(bounds(alone).index.unique("table")) == {
        *("performance", "robustness", "agreement", "faithfulness", "buckets", "stability"),
        *("word_shifts", "drift"),
    }
    assert bounds(one).index.tolist() == []
    values = [place for place in alone.index if place[2] == "value"]
    assert values and one[values].equals(alone[values])
