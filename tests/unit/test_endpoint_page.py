"""The endpoints of docs/any-model.md, served on this machine: checked without a call, then asked."""

import numpy as np
import pandas as pd
import pytest

from distillens.cli.call_estimate import calls
from distillens.cli.own_inputs import open_all
from distillens.config import model_kind
from distillens.models.asking import Asking
from distillens.training.soft_labels import SoftLabels
from tests import tiny
from tests.loopback import serving
from tests.unit.test_any_model import TASK, folder, here, study

__all__ = ["folder", "here"]

MOODS = {"good": 0.9, "joyful": 0.8, "dull": 0.2, "bad": 0.1}
SPLITS = {split: {"from": "all", "examples": 2} for split in ("train", "validation", "test")}


def positive(text):
    return next((p for word, p in MOODS.items() if word in text), 0.5)


def numbers(body):
    return {"predictions": [{"scores": [1 - positive(text), positive(text)]} for text in body["inputs"]]}


def tokens(body):
    assert body["model"] == "small-model" and body["logprobs"] and body["max_tokens"] == 1
    text = body["messages"][0]["content"]
    assert text.startswith("Is this review bad, good? Answer with one word.\n\n")
    p = positive(text.partition("\n\n")[2])
    top = [{"token": word, "logprob": np.log(one)} for word, one in (("Good", p), ("bad", 1 - p))]
    return {"choices": [{"logprobs": {"content": [{"top_logprobs": top}]}}]}


@pytest.fixture
def page(here, monkeypatch):
    monkeypatch.setenv("TOY_KEY", "sk-toy")
    monkeypatch.setitem(TASK, "splits", SPLITS)
    monkeypatch.setitem(TASK, "explain", {"examples": 2})
    tiny.bert(here / "bert", labels=2)
    return here


@pytest.mark.parametrize(
    ("name", "model", "answer"), [("endpoint", "served", numbers), ("chat", "llm", tokens)]
)
def test_an_endpoint_is_checked_without_a_call_and_answers(page, name, model, answer):
    config = study(name)
    block = config["models"][model]["http"]
    with serving(answer) as endpoint:
        block["url"] = endpoint.url
        assert open_all(config, page / "results")[:2] == ([], [])
        (cost,) = calls(config, page / "results")
        assert cost.texts > 0 and cost.most == block["most_calls"]
        assert len(endpoint) == 0
        asking = Asking.of(config, model, "0")
        backend = asking.open("http", block, TASK["labels"], model, pairs=False)
        answers = backend.answers([("a joyful film",), ("a bad plot",)])
        np.testing.assert_allclose(answers, [[0.2, 0.8], [0.9, 0.1]], rtol=1e-12)
        assert endpoint.headers[0]["Authorization"] == "Bearer sk-toy"


def test_a_student_of_answers_is_checked(page):
    config = study("distilled")
    assert model_kind.kind_of(config["models"]["served"]) == "http"
    assert open_all(config, page / "results")[:2] == ([], [])


def test_a_student_of_a_file_is_checked(page):
    texts = pd.read_csv("reviews.csv")["text"]
    right = texts.map(positive)
    frame = pd.DataFrame({"text": texts, "p_negative": 1 - right, "p_positive": right})
    config = study("soft_labels")
    assert "soft.csv" in open_all(config, page / "results")[0][0]
    frame.iloc[:1].to_csv("soft.csv", index=False)
    assert "no soft labels for" in open_all(config, page / "results")[0][0]
    frame.to_csv("soft.csv", index=False)
    assert open_all(config, page / "results")[:2] == ([], [])
    options = config["models"]["student"]["training"]["soft_labels"]
    logits = SoftLabels(options, TASK["labels"]).logits([("a good film",)])
    np.testing.assert_allclose(np.exp(logits), [[0.1, 0.9]], rtol=1e-6)
