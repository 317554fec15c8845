"""Texts and rows that nobody expects: shown and inert, or refused by row and reason."""

import csv
import json
import re

import pandas as pd
import pytest

from distillens import tables
from distillens.data import fetch
from distillens.data.read import DataError
from distillens.data.select import select_examples
from tests.workflow.conftest import Study, small_config
from tests.workflow.documented import documents, names

FLOWS = {
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(2)> a dull film &amp; more",
    "a template": "{{ 7 * 7 }} {% raw %} a ${7*7} film",
    "emoji": "🙂👍🏽 joyful film 👩‍👩‍👧‍👦 🏳️‍🌈",
    "right to left": "\u202eدراما مملة\u202c فيلم סרט",
    "10,000 words": "a dull film and " * 2500,
    "one word": "Fun",
    "one letter": "x",
    "a formula": "=HYPERLINK(\"http://x\",\"a film\")",
    "a formula with @": "@SUM(1+1)*cmd|' /C calc'!A0",
    "quotes and line breaks": 'a "dull"\r\nfilm,\tand\n\nmore',
    "an escape sequence": "\x1b[31mred\x1b[0m film",
    "combining marks": "a dúll f\u0301i\u0301lm Z̸̲͝a̷͔͝",
    "no letters": "?! ... --",
}  # fmt: skip
REFUSED = {
    "no text": ("text", "", "row 3: text is empty; remove the row or mend it"),
    "blanks only": ("text", " \t ", "row 3: text is empty"),
    "a null byte": ("text", "a\x00film", "row 3: text has a null byte at character 1"),
    "half a surrogate pair": ("text", "a \ud83d film", "row 3: text is not valid Unicode at character 2"),
    "no label": ("mood", "", "row 3: label '' is not a number nor one of bad, middling, good"),
    "a label out of range": (
        "mood",
        "3",
        "row 3: label '3' is out of range; the task has the classes 0 to 2",
    ),
    "a label between classes": ("mood", "0.5", "row 3: label '0.5' is out of range"),
    "a label that is not a number": ("mood", "nan", "row 3: label 'nan' is not a number"),
    "an id twice": ("id", "0", "row 3: id '0' stands there twice"),
}
EMPTY_CLASS = "a class without an example"
NAMES = [*FLOWS, *REFUSED, EMPTY_CLASS]


def rows():
    moods = ["bad", "middling", "good"]
    return [{"id": str(n), "text": text, "mood": moods[n % 3]} for n, text in enumerate(FLOWS.values())]


def task(**different):
    splits = {split: {"from": "all", "examples": 3} for split in ("train", "validation", "test")}
    return {
        "source": {"local": "data.jsonl"},
        "read": {"delimiter": ",", "encoding": "utf-8", "quoted": True, "header": None},
        "columns": {"example_id": "id", "text_a": "text", "text_b": None, "label": "mood"},
        "type": "classification",
        "labels": ["bad", "middling", "good"],
        "cut": None,
        "splits": splits,
        **different,
    }


@pytest.mark.parametrize("name", REFUSED)
def test_a_row_that_cannot_be_used_is_refused(name, tmp_path, monkeypatch):
    column, cell, message = REFUSED[name]
    given = rows()
    given[2][column] = cell
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    monkeypatch.chdir(tmp_path)
    out = {split: tmp_path / f"{split}.parquet" for split in ("train", "validation", "test")}
    with pytest.raises(DataError) as caught:
        fetch.fetch_dataset(task(), "moods", None, 0, out)
    assert message in str(caught.value)
    assert not any(path.exists() for path in out.values())
    documents("data", NAMES, name, f"refused: `{caught.value}`")


def test_a_class_without_an_example_is_refused(tmp_path):
    examples = [{"example_id": "1", "text_a": "A film", "label": 0.0, "label_name": "bad"}]
    tables.write(tmp_path / "test.parquet", "examples", examples, {})
    explain = {"per_class": None, "max_words": None}
    with pytest.raises(DataError) as caught:
        select_examples(
            tmp_path / "test.parquet", tmp_path / "out", "moods",
            {"labels": ["bad", "good"], "explain": explain}, 0,
        )  # fmt: skip
    assert "of class 'good'" in str(caught.value)
    documents("data", NAMES, EMPTY_CLASS, f"refused: `{caught.value}`")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """A study on such texts, its classes named like formulas."""
    folder = tmp_path_factory.mktemp("hostile")
    config = small_config(folder)
    labels = ["=1+1", "<b>middling", "@good"]
    frame = pd.DataFrame(rows())
    frame["mood"] = [labels[n % 3] for n in range(len(frame))]
    frame.to_json(folder / "test.jsonl", orient="records", lines=True)
    plain = pd.read_csv(folder / "data.csv")
    plain["mood"] = plain.mood.map(dict(zip(("bad", "middling", "good"), labels, strict=True)))
    plain.to_json(folder / "train.jsonl", orient="records", lines=True)
    block = config["tasks"]["moods"]
    block["source"] = {"local": {"train": "train.jsonl", "test": "test.jsonl"}}
    block["splits"] = {
        "train": {"from": "train"}, "validation": {"from": "train", "examples": 6}, "test": {"from": "test"},
    }  # fmt: skip
    block["labels"], block["explain"] = labels, {"per_class": None}
    del config["models"]["student-kd"], block["perturb"]
    study = Study(folder, config)
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return study


def shown(page):
    """The texts whose words the page shows."""
    data = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL).group(1)
    (task,) = json.loads(data)
    return {one["id"]: "".join(one["pieces"][0]) for one in task["examples"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOWS)
def test_a_strange_text_flows_through_every_stage(name, study):
    results = study.folder / "results" / "tiny"
    number = str(list(FLOWS).index(name))
    test = tables.read(results / "data/moods/test.parquet", "examples").to_pylist()
    assert {row["example_id"]: row["text_a"] for row in test}[number] == FLOWS[name]
    seen = 0
    for path in sorted(results.rglob("*.parquet")):
        kind = path.relative_to(results).parts[0]
        if "/." in str(path.relative_to(results)) or kind not in (
            "perturbed", "predictions", "explanations", "deletions", "curves",
        ):  # fmt: skip
            continue
        ids = set(tables.read(path, kind).column("example_id").to_pylist())
        # Of one word nothing would be left.
        assert (number in ids) == (kind != "deletions" or name not in ("one word", "one letter")), path
        seen += 1
    assert seen == 1 + 2 + 4 + 2 + 2
    assert shown(results / "report" / "index.html")[number] == FLOWS[name]
    documents("data", NAMES, name, "predicted, explained and shown as it is")


@pytest.mark.slow
def test_the_page_and_the_tables_beside_it_are_inert(study):
    report = study.folder / "results" / "tiny" / "report"
    page = (report / "index.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert "<b>middling" not in page
    for path in report.rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    assert not re.match(r"[=@\t\r]|[+-](?![\d.])", cell), (path.name, cell)


def test_the_table_of_data_has_these_rows():
    assert names("data") == NAMES
