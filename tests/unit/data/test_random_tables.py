"""Random tables of hostile texts, written in every format and read: equal or refused, never different."""

import csv
import io
import json
import re
from collections import Counter

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distillens.data import read
from distillens.data.read import DataError

HOSTILE = "\"'\\,;\t\r\n |#=+-0159é ñ🙂👍🏽\u2028\u2029\x85\x0b\x0c\x1c\ufeff\u200b\u00ad\u202e\x1b\x00"
UNSEEN = " \t\r\n\u2028\u2029\x85\x0b\x0c\x1c\ufeff\u200b\u00ad\u202e\x1b"
COLUMNS = ["id", "text", "label", "note"]


def tables(alphabet, most=3):
    """Labels of a task, and rows of id, text, label and note, each of letters and a few strange characters.

    Few at a time: where all are there at once, every table is refused for one of them.
    """
    some = st.lists(st.sampled_from(alphabet), min_size=1, max_size=most, unique=True)
    return some.flatmap(lambda strange: _tables(st.text(st.sampled_from(["a", "b", *strange]), max_size=6)))


def _tables(texts):
    texts = texts.filter(lambda text: text.strip(UNSEEN))
    names = st.lists(texts, min_size=2, max_size=3, unique=True)

    def rows(names):
        row = st.tuples(texts, texts, st.sampled_from(names), texts)
        return st.tuples(st.just(names), st.lists(row, min_size=1, max_size=4, unique_by=lambda one: one[0]))

    return names.flatmap(rows)


def delimited(rows, delimiter=",", **how):
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=delimiter, **{"lineterminator": "\n", **how}).writerows([COLUMNS, *rows])
    return sink.getvalue()


def frame(rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def objects(rows):
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def lines(rows, **how):
    return "".join(json.dumps(row, **how) + "\n" for row in objects(rows))


# Suffix, how it is read, what is written.
QUOTED = {
    "minimal": (".csv", {}, delimited),
    "all": (".csv", {}, lambda rows: delimited(rows, quoting=csv.QUOTE_ALL)),
    "Windows": (".csv", {}, lambda rows: delimited(rows, lineterminator="\r\n")),
    "old Mac": (".csv", {}, lambda rows: delimited(rows, lineterminator="\r")),
    "semicolons": (".csv", {"delimiter": ";"}, lambda rows: delimited(rows, ";")),
    "pandas": (".csv", {}, lambda rows: frame(rows).to_csv(index=False)),
    "byte-order mark": (".csv", {}, lambda rows: "\ufeff" + delimited(rows)),
    "UTF-16": (".csv", {"encoding": "utf-16"}, delimited),
    "quoted tabs": (".tsv", {"quoted": True}, lambda rows: delimited(rows, "\t")),
    "quoted tabs, not said": (".tsv", {}, lambda rows: delimited(rows, "\t")),
    "all quoted, tabs, not said": (".tsv", {}, lambda rows: delimited(rows, "\t", quoting=csv.QUOTE_ALL)),
    "all quoted, tabs, without a header": (
        ".tsv",
        {"header": COLUMNS},
        lambda rows: delimited(rows, "\t", quoting=csv.QUOTE_ALL).split("\n", 1)[1],
    ),
}
OBJECTS = {
    "lines": (".jsonl", {}, lines),
    "lines beyond ASCII": (".jsonl", {}, lambda rows: lines(rows, ensure_ascii=False)),
    "array": (".json", {}, lambda rows: json.dumps(objects(rows))),
    "indented array": (".json", {}, lambda rows: json.dumps(objects(rows), indent=1, ensure_ascii=False)),
    "parquet": (".parquet", {}, lambda rows: frame(rows).to_parquet()),
}
UNQUOTED = {
    name: (".tsv", how, lambda rows: "".join("\t".join(row) + "\n" for row in [COLUMNS, *rows]))
    for name, how in {"not said": {}, "said": {"quoted": False}}.items()
}
NEVER_READ = ("all quoted, tabs, not said", "all quoted, tabs, without a header")
READ = {"delimiter": None, "encoding": "utf-8", "quoted": None, "header": None}


def read_back(folder, form, names, rows):
    """What is read of a table that was written; None where it is refused."""
    suffix, how, write = form
    content = write(rows)
    path = folder / f"data{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(how.get("encoding", "utf-8")))
    columns = {"example_id": "id", "text_a": "text", "text_b": "note", "label": "label"}
    task = {"type": "classification", "labels": names, "cut": None, "columns": columns}
    try:
        examples = read.to_examples(read.read_frame(path, **READ | how), task, path.name)
    except DataError:
        return None
    assert all(names[int(one.label)] == one.label_name for one in examples)
    return [(one.example_id, one.text_a, one.label_name, one.text_b) for one in examples]


def outcomes(form, alphabet, folder):
    """How many of the random tables were read and how many refused; none may be read as another."""
    seen = Counter()

    @settings(
        max_examples=25,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(table=tables(alphabet))
    def compare(table):
        found = read_back(folder, form, *table)
        assert found in (None, table[1])
        seen["refused" if found is None else "read"] += 1

    compare()
    return seen


@pytest.mark.parametrize("form", QUOTED)
def test_a_quoted_table_is_equal_or_refused(tmp_path, form):
    seen = outcomes(QUOTED[form], HOSTILE, tmp_path)
    # Nothing tells text from quotes where all cells stand in them.
    assert seen["refused" if form in NEVER_READ else "read"] > 12


@pytest.mark.parametrize("form", UNQUOTED)
def test_a_table_without_quotes_is_equal_or_refused(tmp_path, form):
    # What a writer without quotes can write: no tab, no line end.
    assert outcomes(UNQUOTED[form], re.sub(r"[\t\r\n]", "", HOSTILE), tmp_path)["read"] > 12


@pytest.mark.parametrize("form", OBJECTS)
def test_objects_are_refused_for_a_null_byte_only(tmp_path, form):
    assert outcomes(OBJECTS[form], HOSTILE.strip("\x00"), tmp_path)["refused"] == 0
    assert outcomes(OBJECTS[form], "\x00", tmp_path)["refused"] > 0


@pytest.mark.parametrize(
    "form", [form for form in QUOTED if form not in NEVER_READ and "not said" not in form]
)
def test_what_is_not_strange_is_not_refused(tmp_path, form):
    assert outcomes(QUOTED[form], ", .é🙂1;", tmp_path)["refused"] == 0


@pytest.mark.parametrize("form", [*QUOTED, *OBJECTS, *UNQUOTED])
def test_a_common_table_is_read_from_every_format(tmp_path, form):
    rows = [(f"i{n}", f"A film, number {n}", ("bad", "good")[n % 2], "it's 5 of 10") for n in range(12)]
    found = read_back(tmp_path, {**QUOTED, **OBJECTS, **UNQUOTED}[form], ["bad", "good"], rows)
    assert found == (None if form in NEVER_READ else rows)
