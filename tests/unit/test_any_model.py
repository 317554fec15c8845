"""The examples of docs/any-model.md: each model is opened and asked as the study's jobs would."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from distillens.cli.own_inputs import open_all
from distillens.config import black_box
from distillens.config.validate import ConfigError, complete
from distillens.models.asking import Asking
from tests.any_model import BLOCKS, few_shots, lay_out

TEXT = "a witty film, not dull"
TASK = {
    "source": {"local": "reviews.csv"},
    "columns": {"text_a": "text", "label": "label"},
    "labels": ["negative", "positive"],
    "explain": {"per_class": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with texts, models and the code of the page."""
    folder = tmp_path_factory.mktemp("page")
    moods = [("good", "positive"), ("joyful", "positive"), ("dull", "negative"), ("bad", "negative")]
    rows = [
        {"text": f"a {word} {noun}", "label": label} for word, label in moods for noun in ("film", "plot")
    ]
    pd.DataFrame(rows).to_csv(folder / "reviews.csv", index=False)
    lay_out(folder)
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    yield folder
    sys.modules.pop("mine", None)


def study(name):
    block = {"models": {"bert": {"checkpoint": {"local": "base"}, "training": "none"}}}
    block |= yaml.safe_load(BLOCKS[name])
    return complete({"study": "docs", "tasks": {"reviews": TASK}, "explainers": {"occlusion": None}, **block})


@pytest.mark.parametrize(
    ("name", "removal"),
    [("decoder", "delete"), ("adapter", "mask"), ("onnx", "mask"), ("function", "delete")],
)
def test_the_model_of_an_example_is_opened_and_asked(name, removal, here):
    config = study(name)
    assert config["removal"] == removal
    wrong, closed, *_ = open_all(config, here / "results")
    assert (wrong, closed) == ([], [])


def test_a_model_of_setfit_is_a_function(here, monkeypatch):
    pytest.importorskip("setfit", reason="setfit is no dependency: pip install setfit")
    few_shots(here)
    monkeypatch.delitem(sys.modules, "few_shots", raising=False)
    config = study("function")
    block = config["models"]["tfidf"]["function"]
    block |= {"name": "few_shots:predict", "files": ["few-shots"]}
    assert open_all(config, here / "results")[:2] == ([], [])
    asked = Asking.of(config, "tfidf", "0").open("function", block, TASK["labels"], "tfidf", pairs=False)
    own = sys.modules["few_shots"].model.predict_proba([TEXT], as_numpy=True)
    np.testing.assert_allclose(asked.answers([(TEXT,)]), own[:, ::-1])
    del sys.modules["few_shots"]


def test_a_reranker_of_the_page_is_checked_and_needs_its_queries(here):
    block = yaml.safe_load(BLOCKS["reranker"])
    wrong, closed, remarks, _ = open_all(complete(block), here / "results")
    assert (wrong, closed, remarks) == ([], [], [])
    del block["tasks"]["passages"]["columns"]["group"]
    with pytest.raises(ConfigError, match="ndcg compares the documents of a query"):
        complete(block)


def test_what_is_missing_is_said(here, tmp_path, monkeypatch):
    config = study("function")
    assert black_box.files(config["models"]["tfidf"]) == ["mine.py"]
    shutil.copy("reviews.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    (wrong,), closed, *_ = open_all(config, tmp_path / "results")
    assert wrong.startswith("models.tfidf: function mine:predict: cannot be loaded") and closed == []


def test_the_removal_is_one_of_a_study(here):
    assert study("removal")["removal"] == {"neutral": "..."}


def test_the_page_has_an_example_of_each_kind():
    assert {*BLOCKS} == {
        "decoder", "adapter", "onnx", "function", "mine.py", "few_shots.py", "endpoint", "chat", "distilled",
        "soft_labels", "reranker", "several_labels", "removal",
    }  # fmt: skip
