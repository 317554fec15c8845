"""The examples of docs/any-model.md: each model is opened and asked as the study's jobs would."""

import re
import shutil
import sys

import pandas as pd
import peft
import pytest
import torch
import yaml
from transformers import AutoModelForSequenceClassification

from distillens.cli.own_inputs import problems
from distillens.config import black_box
from distillens.config.validate import complete
from distillens.models import classifier
from distillens.provenance import ROOT
from tests import tiny

TEXT = (ROOT / "docs" / "any-model.md").read_text("utf-8")
BLOCKS = {
    name: (language, block)
    for language, name, block in re.findall(r"```(\w+)\n# ([\w.]+)\n(.*?)```", TEXT, re.DOTALL)
}
TASK = {
    "source": {"local": "reviews.csv"},
    "columns": {"text_a": "text", "label": "label"},
    "labels": ["negative", "positive"],
    "explain": {"per_class": 2},
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with texts and the code of the page."""
    monkeypatch.chdir(tmp_path)
    moods = [("good", "positive"), ("joyful", "positive"), ("dull", "negative"), ("bad", "negative")]
    rows = [
        {"text": f"a {word} {noun}", "label": label} for word, label in moods for noun in ("film", "plot")
    ]
    pd.DataFrame(rows).to_csv("reviews.csv", index=False)
    (tmp_path / "mine.py").write_text(BLOCKS["mine.py"][1])
    yield tmp_path
    sys.modules.pop("mine", None)


def study(name):
    block = yaml.safe_load(BLOCKS[name][1])
    return complete({"study": "docs", "tasks": {"reviews": TASK}, "explainers": {"occlusion": None}, **block})


def test_the_page_has_an_example_of_each_kind():
    assert {name for name, (language, _) in BLOCKS.items() if language == "yaml"} == {
        "decoder", "adapter", "onnx", "function", "removal",
    }  # fmt: skip


def test_the_decoder_is_opened(here):
    tiny.llama(here / "llama", labels=2)
    config = study("decoder")
    assert config["removal"] == "delete"
    assert problems(config, here / "results") == ([], [])


def test_the_adapter_is_opened(here):
    tiny.bert(here / "base", labels=2)
    model = AutoModelForSequenceClassification.from_pretrained(here / "base")
    lora = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"], init_lora_weights=False)
    peft.get_peft_model(model, lora).save_pretrained(here / "lora")
    config = study("adapter")
    assert config["removal"] == "mask"
    assert problems(config, here / "results") == ([], [])
    shutil.rmtree("lora")
    assert problems(config, here / "results")[0]


def test_the_onnx_files_are_opened(here):
    folder = tiny.bert(here / "exported", labels=2)
    classifier.export_onnx(classifier.load_classifier(folder).eval(), folder)
    (folder / "onnx").mkdir()
    shutil.copy(folder / "model.onnx", folder / "onnx" / "model_quantized.onnx")
    config = study("onnx")
    assert config["removal"] == "mask"
    assert problems(config, here / "results") == ([], [])


def test_the_function_is_opened(here):
    config = study("function")
    assert problems(config, here / "results") == ([], [])
    assert black_box.files(config["models"]["tfidf"]) == ["mine.py"]


def test_the_removal_is_one_of_a_study(here):
    torch.manual_seed(0)
    block = yaml.safe_load(BLOCKS["removal"][1])
    model = {"checkpoint": {"local": str(tiny.bert(here / "bert", labels=2))}, "training": "none"}
    config = complete({"study": "docs", "tasks": {"reviews": TASK}, "models": {"bert": model}, **block})
    assert config["removal"] == {"neutral": "..."}
