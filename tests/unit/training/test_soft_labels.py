"""A file of a teacher's answers, in place of the teacher."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from distillens.config.files import refuse_missing
from distillens.config.validate import ConfigError, complete
from distillens.data.errors import DataError
from distillens.models.engine import Engine, EngineOptions
from distillens.models.tokenizer import Encoder
from distillens.training.distillation import trainer
from distillens.training.fine_tune import Source
from distillens.training.soft_labels import SoftLabels
from tests.rounding import assert_same
from tests.tiny import SENTENCES
from tests.unit.training.test_distillation import CPU, TASK, TEXTS, settings

COLUMNS = {label: f"p_{label}" for label in TASK["labels"]}
GOOD = {"text": ["A film", "Fun"], "p_bad": [0.2, 0.1], "p_middling": [0.3, 0.2], "p_good": [0.5, 0.7]}


def write(folder, columns=GOOD, **changed):
    pd.DataFrame({**columns, **changed}).to_csv(folder / "soft.csv", index=False)
    return {"file": str(folder / "soft.csv"), "text_a": "text", "text_b": None, "probabilities": COLUMNS}


def test_a_student_learns_the_same_from_a_file_as_from_its_teacher(bert, tmp_path):
    logits = Engine(bert, "cpu").logits([(text,) for text in SENTENCES])
    rows = softmax(logits.astype(float), axis=1)
    file = write(tmp_path, {"text": SENTENCES, **dict(zip(COLUMNS.values(), rows.T, strict=True))})
    options = settings("soft_logits")

    def learnt(**given):
        source = Source(Encoder(bert), bert, EngineOptions(**CPU), {**options, **given}, 0, True)
        return trainer("soft_logits").features(TEXTS, source)["teacher_logits"]

    source = Source(Encoder(bert), None, EngineOptions(**CPU), options | {"soft_labels": file}, 0, True)
    of_file = trainer("soft_logits").features(TEXTS, replace(source, labels=TASK["labels"]))["teacher_logits"]
    assert_same(softmax(of_file, axis=1), softmax(learnt(), axis=1))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"p_good": [0.9, 0.7]}, "soft.csv, row 1: .*'A film' sum to 1.4"),
        ({"p_good": ["many", 0.7]}, "row 1: p_good is 'many', no number"),
        ({"p_good": [np.nan, 0.7]}, "row 1: p_good is '', no number"),
        ({"p_good": [1.5, 0.7], "p_bad": [-0.8, 0.1]}, "row 1: .*no probabilities"),
        ({"text": ["Fun", "Fun"]}, "row 2: 'Fun' stands there twice, with unlike probabilities"),
        ({"text": ["", "Fun"]}, "row 1: has no text"),
    ],
)
def test_a_row_that_is_no_answer_is_named(tmp_path, changed, said):
    with pytest.raises(DataError, match=said):
        SoftLabels(write(tmp_path, **changed), TASK["labels"])


def test_a_label_or_column_that_is_not_there_is_named(tmp_path):
    file = write(tmp_path)
    with pytest.raises(DataError, match="names bad, middling, good; give a column for each of no, yes"):
        SoftLabels(file, ["no", "yes"])
    with pytest.raises(DataError, match="no column 'p' for soft_labels"):
        SoftLabels({**file, "probabilities": {**COLUMNS, "good": "p"}}, TASK["labels"])


def test_a_text_without_soft_labels_is_not_guessed(tmp_path):
    soft = SoftLabels(write(tmp_path), TASK["labels"])
    np.testing.assert_allclose(softmax(soft.logits([("Fun",)])), [[0.1, 0.2, 0.7]], rtol=1e-6)
    with pytest.raises(DataError, match="no soft labels for 'fun' .1 of 2 texts.; give them for all"):
        soft.logits([("Fun",), ("fun",)])


def test_a_regression_s_soft_labels_are_scores(tmp_path):
    file = write(tmp_path, {"text": ["A film"], "stars": [3.5]})
    soft = SoftLabels({**file, "probabilities": {"score": "stars"}}, [])
    assert soft.logits([("A film",)]).tolist() == [[3.5]]


def config(method="soft_logits", teacher=None, **training):
    task = {
        "source": {"local": "x"},
        "columns": {"text_a": "a", "label": "b"},
        "labels": TASK["labels"],
        "splits": {split: {"from": "all", "examples": 9} for split in ("train", "validation", "test")},
        "explain": {"per_class": 1},
    }
    student = {"checkpoint": "c", "teacher": "t", "training": {"method": method, **training}}
    return {
        "study": "s",
        "tasks": {"toy": task},
        "checkpoints": {"c": {"local": "c"}},
        "models": {"t": teacher or {"explanations": "x.jsonl"}, "kd": student},
        "explainers": {"lime": None},
    }


HTTP = {"http": {"url": "http://localhost/x", "most_calls": 9}}
FILE = {"file": "soft.csv", "text_a": "text", "probabilities": COLUMNS}


def test_a_teacher_without_weights_teaches_what_it_can():
    for method in ("soft_logits", "masked_consistency"):
        assert complete(config(method, HTTP))["models"]["kd"]["teacher_seeds"] == [0]
    assert complete(config(teacher=HTTP, soft_labels=FILE))
    known_by_attributions = complete(config(soft_labels=FILE))
    with pytest.raises(ConfigError, match="models.kd.training.soft_labels.file: no file or folder soft.csv"):
        refuse_missing(known_by_attributions | {"tasks": {}, "checkpoints": {}})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (config("hidden_states", HTTP), "hidden_states looks into its teacher, and 't' is only asked"),
        (config("saliency+masked_consistency", HTTP), "saliency looks into its teacher"),
        (config(), "'t' has no checkpoint; name another, or a file of its answers"),
        (config("masked_consistency", HTTP, soft_labels=FILE), "masked_consistency asks for more"),
        (config(teacher=HTTP, soft_labels={"file": "x"}), "soft_labels.*'text_a' is a required"),
    ],
)
def test_what_cannot_be_learnt_from_answers_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        complete(given)
