"""Labels and delimited text that nobody expects: read as they stand, or refused by file, row and reason."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from distillens import tables
from distillens.config.validate import complete
from distillens.data import fetch
from distillens.data.read import DataError
from distillens.report import label_counts
from tests.workflow.documented import documents, names


@dataclass
class Case:
    """A file, how the config describes it, and what is to come of it: texts with labels, or a message."""

    content: bytes | str
    expected: list[tuple[str, str | float]] | str
    file: str = "data.csv"
    labels: list[str] | None = field(default_factory=lambda: ["bad", "good"])
    read: dict[str, Any] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)


def jsonl(*cells: Any, **case: Any) -> Case:
    """JSON lines with these labels; their texts are numbered."""
    lines = [
        json.dumps({"text": f"Film {number}", "label": cell}) for number, cell in enumerate(cells, start=1)
    ]
    return Case("\n".join(lines) + "\n", file="data.jsonl", **case)


def parquet(column: pa.Array, texts: pa.Array | None = None, **case: Any) -> Case:
    """Parquet with these labels."""
    table = pa.table(
        {
            "text": pa.array([f"Film {n + 1}" for n in range(len(column))]) if texts is None else texts,
            "label": column,
        }
    )
    return Case(parquet_bytes(table), file="data.parquet", **case)


def parquet_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def hub(names_of_codes: list[str], codes: list[int], **case: Any) -> Case:
    """What ``datasets`` writes of a column of classes."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=names_of_codes)})
    rows = {"text": [f"Film {n + 1}" for n in range(len(codes))], "label": codes}
    sink = io.BytesIO()
    Dataset.from_dict(rows, features=features).to_parquet(sink)
    return Case(sink.getvalue(), file="data.parquet", **case)


def films(*labels: str | float) -> list[tuple[str, str | float]]:
    return [(f"Film {number}", label) for number, label in enumerate(labels, start=1)]


STARS = ["1", "2", "3", "4", "5"]
SCORE = {"type": "regression", "metrics": ["pearson"]}
SWALLOWED = 'text{0}label\nGood{0}good\n"Fun{0}good\nPlain{0}bad\nDull"{0}bad\n'

CASES = {
    # ---- labels ----
    "labels 1 and 0, decimals 0.0 and 1.0": jsonl(0.0, 1.0, labels=["1", "0"], expected=films("0", "1")),
    "labels 1 to 5, a column of numbers and 3.0": jsonl(
        1, 2, 3, 4, 5, 3.0, labels=STARS, expected=films(*STARS, "3")
    ),
    "labels 1 to 5, the same as text in CSV": Case(
        "text,label\nFilm 1,1\nFilm 2,3.0\nFilm 3, 5\n", films("1", "3", "5"), labels=STARS
    ),
    "labels 1 to 5, a 0": jsonl(1, 0, labels=STARS, expected="row 2: label 0 is none of 1, 2, 3, 4, 5"),
    "labels 1 to 5, a 2.5": jsonl(2.5, labels=STARS, expected="row 1: label 2.5 is none of 1, 2, 3, 4, 5"),
    "labels 1 to 5, JSON true": jsonl(True, labels=STARS, expected="row 1: label True is none of"),
    "labels 1 and 1.0, the number 1": jsonl(
        1, labels=["1", "1.0"], expected="row 1: label 1 may be any of 1, 1.0"
    ),
    "labels 1 and 1.0, the texts": jsonl("1", "1.0", labels=["1", "1.0"], expected=films("1", "1.0")),
    "JSON booleans, labels true and false": jsonl(
        True, False, labels=["true", "false"], expected=films("true", "false")
    ),
    "Parquet booleans, labels False and True": parquet(
        pa.array([True, False]), labels=["False", "True"], expected=films("True", "False")
    ),
    "JSON booleans, labels bad and good": jsonl(
        True, False, expected="row 1: label True is none of bad, good; a truth value counts only as the name"
    ),
    "labels true and false, numbers 0 and 1": jsonl(
        0, 1, labels=["true", "false"], expected="row 1: label 0 is none of true, false"
    ),
    "labels -1 and +1, numbers": jsonl(1, -1, 1.0, labels=["-1", "+1"], expected=films("+1", "-1", "+1")),
    "labels -1 and +1, in CSV": Case(
        "text,label\nFilm 1,1\nFilm 2,-1\nFilm 3,+1\n", films("+1", "-1", "+1"), labels=["-1", "+1"]
    ),
    "two emoji as labels": Case("text,label\nFilm 1,🙂\nFilm 2,🙁\n", films("🙂", "🙁"), labels=["🙁", "🙂"]),
    "labels in another case, padded": Case("text,label\nFilm 1, GOOD \nFilm 2,Bad\n", films("good", "bad")),
    "labels Good and good, a GOOD": jsonl(
        "Good", "GOOD", labels=["Good", "good"], expected="row 2: label 'GOOD' may be any of 'Good', 'good'"
    ),
    "positions": jsonl(0, 1.0, "1", expected=films("bad", "good", "good")),
    "positions and names": jsonl(
        "good",
        0,
        expected="row 2: label 0 is a position, but row 1 has the name 'good'; write names in all rows",
    ),
    "positions from 1": jsonl(
        1, 2, expected="row 2: label 2 is out of range; the task has the classes 0 to 1"
    ),
    "an unknown label": jsonl(
        "good", "fine", expected="row 2: label 'fine' is not a number nor one of bad, good"
    ),
    "JSON null as a label": jsonl(None, expected="row 1: label None is not a number nor one of bad, good"),
    "JSON NaN as a label": jsonl(
        float("nan"), expected="row 1: label nan is not a number nor one of bad, good"
    ),
    "a label nan that is a class": jsonl("nan", labels=["nan", "inf"], expected=films("nan")),
    "a list as a label": jsonl(["good"], expected="row 1: label ['good'] is not a number nor one of"),
    "digits that are not ASCII": jsonl("١", expected="row 1: label '١' is not a number nor one of"),
    "1_0 as a number": jsonl("1_0", labels=STARS, expected="row 1: label '1_0' is not a number"),
    "a dictionary column of Parquet": parquet(
        pa.array(["good", "bad"]).dictionary_encode(), expected=films("good", "bad")
    ),
    "a decimal column of Parquet": parquet(
        pa.array(["1.00", "0.00"]).cast(pa.decimal128(3, 2)), labels=["1", "0"], expected=films("1", "0")
    ),
    "a binary column of Parquet as labels": parquet(
        pa.array([b"good"]), expected="row 1: label b'good' is not"
    ),
    "a date as a label": parquet(
        pa.array([0]).cast(pa.timestamp("s")), expected="row 1: label datetime.datetime"
    ),
    "codes of the hub, named in another order": hub(["good", "bad"], [0, 1], expected=films("good", "bad")),
    "codes of the hub, named otherwise": hub(["pos", "neg"], [0, 1], expected=films("bad", "good")),
    "codes of the hub, one of them named otherwise": hub(
        ["good", "neg"], [0, 1], expected="the file calls its labels good, neg, the task bad, good"
    ),
    "codes of the hub, not labelled": hub(["bad", "good"], [-1], expected="row 1: label -1 is out of range"),
    "cut, a truth value": jsonl(
        True, task={"cut": [0.5]}, expected="row 1: label True is not a finite number"
    ),
    "cut, the name of a class": jsonl(
        "good", task={"cut": [0.5]}, expected="row 1: label 'good' is not a finite number (cut takes numbers)"
    ),
    "cut, classes that are numbers": jsonl(
        1, 3, 9, labels=["1", "2", "3"], task={"cut": [2, 8]}, expected=films("1", "2", "3")
    ),
    "a score that is a truth value": jsonl(
        True, task=SCORE, labels=None, expected="row 1: label True is not a finite"
    ),
    "a score that is infinite": jsonl(
        "1e999", task=SCORE, labels=None, expected="row 1: label '1e999' is not a finite"
    ),
    "scores": jsonl(3, "3.5", -0.25, task=SCORE, labels=None, expected=films(3.0, 3.5, -0.25)),
    # ---- quotation marks ----
    "TSV: a cell that begins with a quote, a lone quote rows below": Case(
        SWALLOWED.format("\t"),
        "data.tsv, line 3: '\"Fun': set read.quoted: true if quotation marks",
        "data.tsv",
    ),
    "the same, quoted: false": Case(
        SWALLOWED.format("\t"),
        [("Good", "good"), ('"Fun', "good"), ("Plain", "bad"), ('Dull"', "bad")],
        "data.tsv",
        read={"quoted": False},
    ),
    "the same, quoted: true": Case(
        SWALLOWED.format("\t"),
        "data.tsv, line 3: a quotation mark opens a cell of 3 lines, each of which is a row",
        "data.tsv",
        read={"quoted": True},
    ),
    "the same with commas": Case(
        SWALLOWED.format(","),
        "data.csv, line 3: a quotation mark opens a cell of 3 lines, each of which is a row",
    ),
    "TSV: balanced quotes": Case(
        'text\tlabel\n"Fun" it was\tgood\n"Dull"\tbad\n',
        [('"Fun" it was', "good"), ('"Dull"', "bad")],
        "data.tsv",
    ),
    "TSV: a lone quote": Case(
        'text\tlabel\n"Fun\tgood\n5" of film\tbad\n', [('"Fun', "good"), ('5" of film', "bad")], "data.tsv"
    ),
    "TSV: a backslash before a quote": Case(
        'text\tlabel\nSo \\"fun\\"\tgood\n', [('So \\"fun\\"', "good")], "data.tsv"
    ),
    "TSV: cells quoted by a writer": Case(
        'text\tlabel\n"So ""fun"""\tgood\n', 'data.tsv, line 2: \'"So ""fun"""\': set read.quoted', "data.tsv"
    ),
    "TSV: a header in quotes": Case(
        '"text"\t"label"\n"Fun"\t"good"\n', "data.tsv, line 1: '\"text\"': set read.quoted", "data.tsv"
    ),
    "TSV: a quoted tab": Case(
        'text\tlabel\n"So\tfun"\tgood\n', "data.tsv, line 2: 3 cells, but there are 2", "data.tsv"
    ),
    "CSV: quoted delimiters, quotes and line ends": Case(
        'text,label\n"So ""fun"",\r\nreally,\n\nfun",good\n', [('So "fun",\r\nreally,\n\nfun', "good")]
    ),
    "CSV: a quote inside a cell": Case('text,label\n5" of film,good\n', [('5" of film', "good")]),
    "CSV: a quote that never closes": Case(
        'text,label\nFun,good\n"Dull,bad\nSlow,bad\n',
        "data.csv, line 3: a quotation mark opens a cell, and the next",
    ),
    "CSV: text after a closing quote": Case(
        'text,label\n"Fun" it was,good\n', "data.csv, line 2: a quotation mark opens a cell, and the next one"
    ),
    "CSV: a backslash before a quote": Case(
        'text,label\n"So \\"fun\\"",good\n',
        "data.csv, line 2: a quotation mark opens a cell, and the next one",
    ),
    # ---- rows ----
    "an unquoted comma": Case(
        "text,label\nFun, really,good\n", "data.csv, line 2: 3 cells, but there are 2 columns"
    ),
    "a cell too few": Case(
        "text,label\nFun,good\nDull\n", "data.csv, line 3: 1 cell, but there are 2 columns"
    ),
    "a file that is cut off": Case(
        "text,label\nFun,good\nDu", "data.csv, line 3: 1 cell, but there are 2 columns"
    ),
    "no line end at the end": Case("text,label\nFun,good", [("Fun", "good")]),
    "an empty line in the middle": Case(
        "text,label\nFun,good\n\nDull,bad\n\n", [("Fun", "good"), ("Dull", "bad")]
    ),
    "a header only": Case("text,label\n", "data.csv: has a header but no rows"),
    "an empty file": Case("", "data.csv: is empty"),
    "a column name twice": Case(
        "text,label,label\nFun,good,bad\n", "column names that stand there twice: 'label'"
    ),
    "a column name twice in Parquet": Case(
        parquet_bytes(pa.Table.from_arrays([pa.array(["a"])] * 3, ["text", "label", "label"])),
        "column names that stand there twice: label",
        "data.parquet",
    ),
    "a blank before a column name": Case(
        "text, label\nFun,good\n", "no column 'label' for label; there are: text, ' label'"
    ),
    "the header line twice": Case(
        "text,label\nFun,good\ntext,label\n", "row 2: label 'label' is not a number"
    ),
    # ---- line ends, encodings ----
    "line ends of Windows": Case("text,label\r\nFun,good\r\n", [("Fun", "good")]),
    "line ends of old Macs": Case("text,label\rFun,good\r", [("Fun", "good")]),
    "unlike line ends": Case(
        "text,label\nFun,good\r\n", "data.csv, line 2: ends with CR LF, the first line with LF"
    ),
    "a carriage return without quotes": Case(
        "text,label\nSo\rfun,good\n", "data.csv, line 2: ends with CR, the first"
    ),
    "U+2028, U+0085 and form feeds in a text": Case(
        "text,label\nSo\u2028very\x85very\x0cfun,good\n", [("So\u2028very\x85very\x0cfun", "good")]
    ),
    "a byte-order mark": Case("\ufefftext,label\nFun,good\n", [("Fun", "good")]),
    "a byte-order mark before JSON": Case(
        '\ufeff{"text": "Fun", "label": "good"}\n', [("Fun", "good")], "data.jsonl"
    ),
    "UTF-16": Case(
        "text,label\nFun,good\n".encode("utf-16"), "data.csv: is UTF-16; set read.encoding: utf-16"
    ),
    "UTF-16 with read.encoding": Case(
        "text,label\nCafé,good\n".encode("utf-16"), [("Café", "good")], read={"encoding": "utf-16"}
    ),
    "UTF-16 without its mark": Case(
        "text,label\nFun,good\n".encode("utf-16-le"),
        "data.csv, line 1: has a null byte; if the file is UTF-16",
    ),
    "cp1252": Case(
        "text,label\nFun,good\n“Café”,good\n".encode("cp1252"),
        "data.csv, line 3: cannot be read as utf-8 (byte 0x93",
    ),
    "cp1252 with read.encoding": Case(
        "text,label\n“Café”,good\n".encode("cp1252"), [("“Café”", "good")], read={"encoding": "cp1252"}
    ),
    "UTF-8 read as cp1252": Case(
        "text,label\nCafé,good\n",
        "data.csv: is UTF-8, which cp1252 would garble",
        read={"encoding": "cp1252"},
    ),
    "an encoding that does not exist": Case(
        "text,label\nFun,good\n", "read.encoding: there is no encoding 'utf-88'", read={"encoding": "utf-88"}
    ),
    "a null byte in another column": Case(
        "text,label,note\nFun,good,a\x00\n", "data.csv, line 2: has a null byte"
    ),
    "a spreadsheet by the name of CSV": Case(
        b"PK\x03\x04\x14\x00\xff\xff", "data.csv: is a zip archive or a spreadsheet"
    ),
    # ---- delimiters ----
    "semicolons": Case("text;label\nFun;good\n", "there are: text;label; is read.delimiter right?"),
    "semicolons with read.delimiter": Case(
        "text;label\nFun;good\n", [("Fun", "good")], read={"delimiter": ";"}
    ),
    "a delimiter of two characters": Case(
        "text::label\nFun: x::good\n", [("Fun: x", "good")], read={"delimiter": "::"}
    ),
    "a delimiter in single quotes of YAML": Case(
        "text\tlabel\nFun\tgood\n", "read.delimiter: '\\t' is a backslash and a t", read={"delimiter": "\\t"}
    ),
    # ---- JSON, Parquet ----
    "JSON: an array": Case('[{"text": "Fun", "label": "good"}]', [("Fun", "good")], "data.json"),
    "JSON: an array by the name of JSON lines": Case(
        '[{"text": "Fun", "label": "good"}]', "data.jsonl, line 1: not JSON lines", "data.jsonl"
    ),
    "JSON: a key twice": Case(
        '{"text": "Fun", "label": "good", "label": "bad"}\n',
        "data.jsonl, line 1: the key 'label' stands there twice",
        "data.jsonl",
    ),
    "JSON: a line that is cut off": Case(
        '{"text": "Fun", "label": "good"}\n{"text": "Du', "data.jsonl, line 2: not JSON lines", "data.jsonl"
    ),
    "JSON: a table by columns": Case(
        '{"text": {"0": "Fun"}, "label": {"0": "good"}}', "row 1: label {'0': 'good'} is not", "data.json"
    ),
    "JSON: an object as a text": Case(
        '{"text": {"en": "Fun"}, "label": "good"}\n',
        "row 1: text is an object; write a text there",
        "data.jsonl",
    ),
    "JSON: a number as a text": Case(
        '{"text": 7, "label": "good"}\n', "row 1: text is 7, not a text", "data.jsonl"
    ),
    "Parquet: texts as bytes": parquet(
        pa.array(["good"]), pa.array([b"Fun"]), expected="row 1: text is bytes"
    ),
    "Parquet: texts as lists": parquet(
        pa.array(["good"]), pa.array([["Fun"]]), expected="row 1: text is a list"
    ),
    "Parquet: no text": parquet(
        pa.array(["good"]), pa.array([None], pa.string()), expected="row 1: text is empty"
    ),
    "Parquet: no rows": parquet(pa.array([], pa.string()), expected="data.parquet: has no rows"),
    "Parquet: a damaged file": Case(
        b"PAR1 nothing", "data.parquet: cannot be read as Parquet", "data.parquet"
    ),
}
NAMES = list(CASES)


def fetched(case: Case) -> dict[str, Path]:
    """The splits that a study would read, by the whole way from its config."""
    Path(case.file).write_bytes(
        case.content if isinstance(case.content, bytes) else case.content.encode("utf-8")
    )
    block = {
        "source": {"local": case.file},
        "columns": {"text_a": "text", "label": "label"},
        "read": case.read,
        **({"labels": case.labels} if case.labels else {}),
        **case.task,
    }
    models = {"m": {"checkpoint": {"local": "x"}, "training": "none"}}
    task = complete({"study": "s", "tasks": {"films": block}, "models": models})["tasks"]["films"]
    out = {split: Path(f"{split}.parquet") for split in fetch.SPLITS}
    fetch.fetch_dataset(task, "films", None, 0, out)
    return out


@pytest.mark.parametrize("name", CASES)
def test_a_strange_table_is_read_as_it_stands_or_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case = CASES[name]
    if isinstance(case.expected, str):
        with pytest.raises(DataError) as caught:
            fetched(case)
        assert case.expected in str(caught.value)
        outcome = f"refused: `{' '.join(str(caught.value).split())}`"
    else:
        rows = tables.read(fetched(case)["test"], "examples").to_pylist()
        found = [(row["text_a"], row["label_name"] if case.labels else row["label"]) for row in rows]
        assert found == case.expected
        if case.labels:
            assert all(row["label"] == case.labels.index(row["label_name"]) for row in rows)
        outcome = "read: " + ", ".join(f"`{text!a}` {label}" for text, label in found)
    documents("tables", NAMES, name, outcome)


def test_the_table_of_strange_tables_has_these_rows():
    assert names("tables") == NAMES


def test_what_was_read_as_a_label_is_in_the_log_and_on_the_page(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    with caplog.at_level("INFO", "distillens"):
        out = fetched(jsonl("GOOD", "bad", "good", expected=[]))
    said = [record.getMessage() for record in caplog.records]
    assert "data.jsonl, column 'label': good: 2 rows, the first in row 1: GOOD, good by name" in said
    assert "tasks.films, test: bad: 1 examples, the first is '2'" in said
    assert label_counts.outcomes([out["test"]]) == {
        ("films", "bad"): "bad by name",
        ("films", "good"): "GOOD, good by name",
    }
