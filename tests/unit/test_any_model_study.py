"""What the study of all kinds of models is made of: copies of a teacher, a server, a journal's hits."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import requests
import yaml
from scipy.special import softmax

from bench import any_model, asked
from bench.endpoint import serving
from distillens import tables
from distillens.config.validate import complete
from distillens.models import classifier
from distillens.models.asking import open_backend
from distillens.models.engine import Engine
from tests import tiny
from tests.rounding import assert_same

STUDY = yaml.safe_load(any_model.STUDY.read_text("utf-8"))
LABELS = STUDY["tasks"][any_model.TASK]["labels"]
TEXTS = [(text,) for text in tiny.SENTENCES]


def probabilities(folder):
    return softmax(Engine(folder, "cpu").logits(TEXTS).astype(float), axis=1)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A tiny teacher where the study's first step leaves it."""
    monkeypatch.chdir(tmp_path)
    asked._teacher.cache_clear()
    asked._tfidf.cache_clear()
    folder = any_model.Path("results", STUDY["study"])
    teacher = tiny.bert(folder / "models" / any_model.TASK / "teacher" / "1", labels=len(LABELS))
    classifier.export_onnx(classifier.load_classifier(teacher).eval(), teacher)
    rows = [
        {"example_id": str(number), "text_a": f"{text} {number}", "label": float(number % 5)}
        for number, text in enumerate(tiny.SENTENCES * 2)
    ]
    (folder / "data" / any_model.TASK).mkdir(parents=True)
    for split, some in (("train", rows[:8]), ("validation", rows[6:])):
        tables.write(folder / "data" / any_model.TASK / f"{split}.parquet", "examples", some, {})
    asked.MADE.mkdir(parents=True)
    any_model.make_copies(folder, asked.MADE)
    return folder


def test_the_function_is_the_teacher_and_the_int8_file_is_near_it(results):
    known = probabilities(results / "models" / any_model.TASK / "teacher" / "1")
    assert_same(asked.teacher([text for (text,) in TEXTS]), known, roundings=80)
    block = complete_without_downloads("onnx-int8")["onnx"]
    backend = open_backend("onnx", block, LABELS)
    backend.at_once = 1
    given = softmax(np.concatenate([backend.answers([text]) for text in TEXTS]), axis=1)
    away = np.abs(given - known).max()
    assert 0 < away < 0.1


def complete_without_downloads(name):
    models = {one: STUDY["models"][one] for one in ("teacher", name)}
    return complete({**STUDY, "models": models})["models"][name]


def test_copies_are_not_made_again(results):
    before = {path: path.stat().st_mtime_ns for path in asked.MADE.rglob("*") if path.is_file()}
    assert len(before) == 3 + 1 + 3 + 1 + 1
    any_model.make_copies(results, asked.MADE)
    assert {path: path.stat().st_mtime_ns for path in asked.MADE.rglob("*") if path.is_file()} == before


def test_words_are_counted_in_the_order_of_the_labels(results):
    frame = pd.DataFrame(
        {"text": ["awful", "poor", "plain", "good", "great"] * 4, "label": list(range(5)) * 4}
    )
    frame.to_csv(asked.MADE / "train.csv", index=False)
    assert asked.tfidf(["awful", "poor", "plain", "good", "great"]).argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


def test_soft_labels_are_what_the_endpoint_says_and_are_asked_once(results):
    with serving("http://127.0.0.1:0", asked.teacher) as server:
        study = yaml.safe_load(any_model.STUDY.read_text("utf-8"))
        study["models"]["endpoint"]["http"]["url"] = f"http://127.0.0.1:{server.server_port}/predict"
        for _ in range(2):
            any_model.ask_for_labels(study, results, asked.MADE / "answers.csv")
        texts = 12  # two of the train split are in the validation split, too
        assert server.texts == texts + 2 * 4  # the fixed texts together, and each alone
        assert any_model._in_journal(complete(study | {"models": {
            name: study["models"][name] for name in ("teacher", "endpoint")
        }}), "endpoint") == texts  # fmt: skip
    frame = pd.read_csv(asked.MADE / "answers.csv")
    np.testing.assert_allclose(
        frame[[f"p{n}" for n in range(5)]], asked.teacher(frame["text"].tolist()), atol=1e-6
    )


def test_an_address_that_is_taken_is_said():
    with serving("http://127.0.0.1:0", lambda texts: np.full((len(texts), 2), 0.5)) as server:
        url = f"http://127.0.0.1:{server.server_port}/predict"
        said = requests.post(url, json={"inputs": ["a", "b"]}, timeout=60).json()
        assert said == {"predictions": [{"scores": [0.5, 0.5]}] * 2} and (server.calls, server.texts) == (
            1,
            2,
        )
        with pytest.raises(SystemExit, match="cannot be served .*end what listens there"), serving(url, len):
            pass


def test_hits_are_read_off_the_logs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for rule, file, said in (
        ("explain", "endpoint/0/shap.log", "3 texts asked, 10 answered by its journal"),
        ("predict", "endpoint/0.log", "0 texts asked, 7 answered by its journal"),
        ("predict", "tfidf/0.log", "nothing of the kind"),
    ):
        log = tmp_path / "logs" / STUDY["study"] / rule / any_model.TASK / file
        log.parent.mkdir(parents=True)
        log.write_text(f"12:00:00 distillens: {said}\n")
    models = {name: STUDY["models"][name] for name in ("teacher", "endpoint", "tfidf")}

    found = any_model.hits({**STUDY, "models": models}, SimpleNamespace(calls=0)).set_index("model")
    assert found.loc["endpoint", ["asked again", "journal hits", "calls again"]].tolist() == [3, 17, 0]
    assert found.loc["tfidf"].isna().all()
