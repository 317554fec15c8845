"""The one rule by which a cell is a label, whatever the format."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillens.data import labels, read
from distillens.data.errors import DataError

READ = {"delimiter": None, "encoding": "utf-8", "quoted": None, "header": None}


def task(names, **different):
    columns = {"text_a": "text", "label": "label"}
    return {"type": "classification", "labels": names, "cut": None, "columns": columns, **different}


def decided(names, *cells):
    rule = labels.LabelRule(task(names), cells)
    return [rule.read(cell).name for cell in cells]


def written(folder, cells):
    """The same column in four formats; text where a format knows nothing else."""
    texts = [f"Film {number}" for number in range(len(cells))]
    rows = [{"text": text, "label": cell} for text, cell in zip(texts, cells, strict=True)]
    pd.DataFrame(rows, dtype=object).to_csv(folder / "a.csv", index=False)
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "a.json").write_text(json.dumps(rows))
    pq.write_table(pa.table({"text": texts, "label": pa.array(cells)}), folder / "a.parquet")
    return [folder / f"a.{suffix}" for suffix in ("csv", "jsonl", "json", "parquet")]


@pytest.mark.parametrize(
    ("names", "cells", "expected"),
    [
        (["1", "0"], [0.0, 1.0], ["0", "1"]),
        (["1", "0"], [0, 1], ["0", "1"]),
        (["1", "2", "3", "4", "5"], [1.0, 3.0, 5.0], ["1", "3", "5"]),
        (["-1", "+1"], [1, -1], ["+1", "-1"]),
        (["0.5", "1.5"], [1.5, 0.5], ["1.5", "0.5"]),
        (["true", "false"], [True, False], ["true", "false"]),
        (["False", "True"], [True, False], ["True", "False"]),
        (["bad", "good"], [1, 0, 1], ["good", "bad", "good"]),
        (["bad", "good"], [1.0, 0.0], ["good", "bad"]),
        (["bad", "good"], ["Good ", "bad"], ["good", "bad"]),
        (["🙁", "🙂"], ["🙂", "🙁"], ["🙂", "🙁"]),
        (["bad", "good"], ["good", "1"], None),
        (["bad", "good"], [1, 2], None),
        (["1", "2"], [0, 1], None),
        (["bad", "good"], [True, False], None),
        (["true", "false"], [1, 0], None),
    ],
)
def test_the_rule_is_the_same_in_every_format(tmp_path, names, cells, expected):
    for path in written(tmp_path, cells):
        frame = read.read_frame(path, **READ)
        if expected is None:
            with pytest.raises(DataError, match=r"row \d: label "):
                read.to_examples(frame, task(names), path.name)
        else:
            assert [one.label_name for one in read.to_examples(frame, task(names), path.name)] == expected


def test_numbers_are_compared_exactly_and_of_every_type():
    assert decided(["9007199254740992", "9007199254740993"], 9007199254740993) == ["9007199254740993"]
    assert decided(["0.1", "0.2"], np.float32(0.1), np.float64(0.2)) == ["0.1", "0.2"]
    assert decided(["bad", "good"], np.int64(1), "+1", " 1.0 ", "1e0") == ["good"] * 4
    assert decided(["true", "false"], np.bool_(False)) == ["false"]


@pytest.mark.parametrize(
    "cell", ["0x1", "1_0", "١", "−1", "1,0", "inf", "", " ", None, b"1", pd.NaT, pd.NA, 1j]
)
def test_what_only_looks_like_a_number_is_none(cell):
    with pytest.raises(DataError, match="is not a number nor one of bad, good"):
        decided(["bad", "good"], cell)


def test_a_position_beside_a_name_is_refused_wherever_the_name_stands():
    rule = labels.LabelRule(task(["bad", "good"]), [0, 1, "good"])
    with pytest.raises(DataError, match="label 0 is a position, but row 3 has the name 'good'"):
        rule.read(0)


def test_a_long_cell_is_cut_in_the_message():
    with pytest.raises(DataError) as caught:
        decided(["bad", "good"], "x" * 1000)
    assert len(str(caught.value)) < 120


def test_the_file_s_own_names_of_its_codes_go_before_numbers():
    sink = io.BytesIO()
    noted = {"info": {"features": {"label": {"names": ["2", "1"], "_type": "ClassLabel"}}}}
    table = pa.table({"text": ["a", "b"], "label": [0, 1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(noted)}), sink)
    frame = read._read_parquet(io.BytesIO(sink.getvalue()))
    assert [one.label_name for one in read.to_examples(frame, task(["1", "2"]), "a.parquet")] == ["2", "1"]


def test_the_report_tells_ranges_of_what_is_cut_and_of_scores():
    rated = task(["bad", "good"], cut=[2.5])
    assert labels.report(["1", "2.0", "4"], rated)["bad"] == {
        "rows": 2,
        "first_row": 1,
        "read_as": ["cut"],
        "cells": ["1", "2.0"],
    }
    scored = task([], type="regression")
    assert labels.in_words(labels.report([3, 1, 2], scored)["score"]) == "1 to 3 by score"
