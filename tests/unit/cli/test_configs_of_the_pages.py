"""`distillens check` works on every config that the project shows: in the README, the pages and resources.

What they name on this machine is stood in for by tiny files; nothing is downloaded. That Snakemake builds
the graph of the studies is tested elsewhere.
"""

import json

import pandas as pd
import pytest
import yaml

from distillens.cli import check, main
from distillens.data.text import Example
from distillens.provenance import ROOT
from tests import any_model
from tests.families import family
from tests.tiny import bert
from tests.unit.test_docs import PAGES, name, yaml_blocks

STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "resources" / "studies").glob("*.yaml"))]
LABELS = ("negative", "positive")
TEXTS = [f"{word} film, number {number}" for number in range(260) for word in ("Dull", "Joyful")]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """All files that configs of the pages name."""
    folder = tmp_path_factory.mktemp("given")
    columns = {"id": range(1, len(TEXTS) + 1), "text": TEXTS, "sentiment": list(LABELS) * 260}
    pd.DataFrame({**columns, "label": columns["sentiment"]}).to_csv(folder / "reviews.csv", index=False)
    places = (
        "production",
        "compressed",
        "run-1",
        "run-2",
        "run-3",
        "small-1",
        "small-2",
        "small-3",
        "models/production",
        "models/compressed",
        "teacher",
    )
    (folder / "models").mkdir()
    for place in places:
        family("bert", folder, labels=LABELS).rename(folder / place)
    config = json.loads((folder / "models/compressed/config.json").read_text())
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1"}
    config["label2id"] = {"LABEL_0": 0, "LABEL_1": 1}
    (folder / "models/compressed/config.json").write_text(json.dumps(config))
    bert(folder / "bert")
    any_model.lay_out(folder)
    any_model.made_for_mini(folder)
    soft = {"text": TEXTS, "p_negative": 0.25, "p_positive": 0.75}
    pd.DataFrame(soft).to_csv(folder / "soft.csv", index=False)
    for file, model in (
        ("bert.jsonl", "published-bert"),
        ("production.jsonl", "production"),
        ("compressed.jsonl", "compressed"),
    ):
        (folder / file).write_text("".join(json.dumps(row) + "\n" for row in attributions(model)))
    pd.DataFrame(attributions("DistilBERT")).to_parquet(folder / "distilbert.parquet")
    return folder


def attributions(model):
    words = {
        number: [word.text for word in Example("", text).words] for number, text in enumerate(TEXTS, start=1)
    }
    row = {"model": model, "target": "positive"}
    return [
        {**row, "example_id": str(number), "explainer": explainer, "words": of_text,
         "values": [float(len(word) % 3) for word in of_text]}
        for explainer in ("shap", "lime") for number, of_text in words.items()
    ]  # fmt: skip


def whole(part):
    """A part of a config, within a study that has what it leaves out."""
    splits = {split: {"from": "all", "examples": 80} for split in ("train", "validation", "test")}
    columns = {"example_id": "id", "text_a": "text", "label": "label"}
    task = {"source": {"local": "reviews.csv"}, "columns": columns, "labels": list(LABELS)}
    task |= {"splits": splits, "explain": {"per_class": 5}}
    usual = {"study": "example", "explainers": {"shap": None}, "tasks": {"reviews": task}}
    usual["checkpoints"] = {"bert": {"local": "bert"}}
    teacher = {"checkpoint": {"local": "teacher"}, "training": "none"}
    # A page may show a few keys of a task.
    tasks = {name: {**task, **own} for name, own in part.get("tasks", {"reviews": {}}).items()}
    config = {**usual, **part, "tasks": tasks}
    config["models"] = {"teacher": teacher, **part.get("models", {})}
    # A model that brings attributions is compared with others that do.
    if any(isinstance(model, dict) and "explanations" in model for model in config["models"].values()):
        del config["models"]["teacher"]
        if "tasks" not in part:
            del columns["example_id"]
            tasks["reviews"]["splits"] = {"test": {"from": "all"}}
    return config


PARTS = [
    pytest.param(part, id=f"{name(page)}-{number}")
    for page in PAGES
    for number, part in enumerate(yaml_blocks(page), start=1)
]


@pytest.fixture
def checked(given, tmp_path, monkeypatch, capsys):
    """Check a config in the folder of those files."""
    monkeypatch.chdir(given)
    monkeypatch.setattr(check, "jobs", lambda *_: {})

    def run(path):
        code = main(["check", str(path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("part", PARTS)
def test_a_config_of_a_page_is_checked(part, checked, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(part if "study" in part else whole(part)))
    code, out, err = checked(path)
    assert (code, err) == (0, "")
    assert "Forward passes" in out


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_config_of_the_project_is_checked(path, checked, monkeypatch):
    def download(*_):
        raise AssertionError("a check downloads nothing")

    monkeypatch.setattr("distillens.data.fetch.fetch_package", download)
    monkeypatch.setattr("distillens.data.hub._from_hub", download)
    monkeypatch.setattr("distillens.data.hub._snapshot", download)
    code, out, err = checked(path)
    assert (code, err) == (0, "")
    assert "not opened, to be downloaded first: tasks." in out


def test_there_are_configs_to_check():
    assert len(PARTS) >= 8
    assert len(STUDIES) >= 9
