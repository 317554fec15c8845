"""Models that give a text several labels: taken in, asked and explained as they are, or refused in words."""

import json
import textwrap

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from scipy.special import expit, logit
from transformers import AutoModelForSequenceClassification, pipeline

from distillens import registry, tables
from distillens.attribution.explain import ExplanationPlan, write_explanations
from distillens.data.text import Example
from distillens.models import classifier
from distillens.models.black_box import BlackBox
from distillens.models.connect_model import connect_model
from distillens.models.engine import Engine, EngineOptions
from distillens.models.errors import ModelError
from distillens.models.import_model import import_model
from distillens.models.job import ModelJob
from distillens.models.one_label import OneLabel
from distillens.models.recall import Recall
from distillens.provenance import ExplanationId, RunId
from tests import tiny
from tests.rounding import assert_same

LABELS = ["toxic", "threat", "spam"]
SEVERAL = {"type": "multi_label", "labels": LABELS}
ONE = {"type": "classification", "labels": LABELS}
RUN = RunId("comments", "mine", 0)
TEXTS = [(text,) for text in tiny.SENTENCES]


def tagger(folder, names=("threat", "spam", "toxic"), problem="multi_label_classification"):
    """A finished model whose outputs stand in another order than the task's labels."""
    model = AutoModelForSequenceClassification.from_pretrained(tiny.bert(folder))
    model.config.problem_type = problem
    model.config.id2label = dict(enumerate(names))
    model.config.label2id = {name: number for number, name in enumerate(names)}
    model.save_pretrained(folder)
    return folder


def take_in(checkpoint, out, task=SEVERAL, labels=None):
    import_model(checkpoint=checkpoint, out=out, run=RUN, task=task, labels=labels, max_length=None)
    return out


@pytest.fixture
def test_split(tmp_path):
    rows = [{"example_id": str(n), "text_a": text} for n, (text,) in enumerate(TEXTS)]
    tables.write(tmp_path / "test.parquet", "examples", rows, {"task": "comments"})
    return tmp_path / "test.parquet"


def connected(kind, options, test, card, task=SEVERAL, labels=None):
    defaults = {k: o.get("default") for k, o in registry.options("backend")[kind].items()}
    connect_model(
        run=RUN, kind=kind, options={**defaults, **options}, labels=labels, task=task, test=test, card=card
    )
    return EngineOptions(rule="delete").load(card.parent)


def test_a_finished_model_answers_as_the_stock_pipeline_with_sigmoids(tmp_path):
    checkpoint = tagger(tmp_path / "tagger")
    out = take_in(checkpoint, tmp_path / "run")
    assert json.loads((out / "config.json").read_text())["problem_type"] == "multi_label_classification"
    stock = pipeline("text-classification", model=str(checkpoint), top_k=None, device="cpu")
    known = [{one["label"]: one["score"] for one in answer} for answer in stock([text for (text,) in TEXTS])]
    found = expit(Engine(out, "cpu").logits(TEXTS).astype(np.float64))
    assert_same(found, np.array([[answer[label] for label in LABELS] for answer in known]))
    assert not np.allclose(found.sum(axis=1), 1, atol=0.05)


@pytest.mark.parametrize(
    ("problem", "task", "said"),
    [
        ("multi_label_classification", ONE, "gives several labels to one text .*; say type: multi_label"),
        ("single_label_classification", SEVERAL, "gives one label to a text .*the task several"),
        ("regression", SEVERAL, "gives one label to a text"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(tmp_path, problem, task, said):
    with pytest.raises(ModelError, match=f"models.mine: its checkpoint {said}"):
        take_in(tagger(tmp_path / "tagger", problem=problem), tmp_path / "run", task)


def test_a_checkpoint_that_says_nothing_is_taken_aloud(tmp_path, caplog):
    with caplog.at_level("INFO", logger="distillens"):
        take_in(tagger(tmp_path / "tagger", problem=None), tmp_path / "run")
    assert "says no problem_type: taken as a sigmoid for each output" in caplog.text


def test_one_output_is_not_that_of_two_labels(tmp_path):
    with pytest.raises(ModelError, match="1 output .*the task has 2 labels"):
        take_in(tiny.bert(tmp_path / "one", labels=1), tmp_path / "run", {**SEVERAL, "labels": LABELS[:2]})


@pytest.mark.parametrize("explainer", ["occlusion", "shap"])
def test_each_label_is_explained_on_its_own_logit(tmp_path, explainer):
    """Occlusion by hand; SHAP adds up to what the label's logit loses without all words."""
    engine = Engine(take_in(tagger(tmp_path / "tagger"), tmp_path / "run"), "cpu")
    example = Example("a", "The plot is dull")
    options = {"occlusion": {}, "shap": {"max_evals": 300}}[explainer]
    (found,) = registry.load("explainer", explainer).explain([example], engine, "logit", options, 1)
    whole = engine.logits([example.texts])[0].astype(np.float64)
    assert found.values.shape == (4, 3)
    assert_same(found.output, whole)
    if explainer == "occlusion":
        for word in range(4):
            masked = example.masked([other != word for other in range(4)], "[MASK]")
            assert_same(found.values[word], whole - engine.logits([masked])[0])
    else:
        lost = whole - found.base
        assert_same(found.values.sum(axis=0), lost)


def test_explanations_of_a_finished_model_have_a_value_for_each_label(tmp_path, test_split):
    folder = take_in(tagger(tmp_path / "tagger"), tmp_path / "run")
    job = ModelJob(ExplanationId("comments", "mine", 0, "occlusion"), folder, EngineOptions(device="cpu"))
    plan = ExplanationPlan({"method": "occlusion", "unit": "word"}, "logit", 1)
    write_explanations(job, plan, test_split, tmp_path / "explanations.parquet")
    for row in tables.read(tmp_path / "explanations.parquet", "explanations").to_pylist():
        assert {len(of_word) for of_word in row["values"]} == {3} and len(row["logits"]) == 3


def test_one_label_is_asked_as_two_classes(tmp_path):
    engine = Engine(take_in(tagger(tmp_path / "tagger"), tmp_path / "run"), "cpu")
    one = OneLabel(engine, 2)
    whole = engine.logits(TEXTS)
    assert np.array_equal(one.logits(TEXTS), np.stack([np.zeros(len(TEXTS)), whole[:, 2]], axis=1))
    assert one.at_once == engine.at_once and one.provenance() == engine.provenance()


MODULE = """
import numpy as np

def predict(texts):
    lengths = np.array([[len(text), text.count("a"), 3.0] for text in texts])
    return ANSWER
"""


@pytest.fixture
def function(tmp_path, test_split, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def take(name, answer, task=SEVERAL, **options):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(MODULE).replace("ANSWER", answer))
        (tmp_path / name).mkdir()
        card = tmp_path / name / "training.json"
        return connected("function", {"name": f"{name}:predict", **options}, test_split, card, task)

    return take


def test_probabilities_of_a_function_need_not_sum_to_one(function):
    box = function("mine_sums", "1 / (1 + np.exp(-lengths / 9))")
    expected = np.array([[len(text), text.count("a"), 3.0] for (text,) in TEXTS]) / 9
    assert np.allclose(box.logits(TEXTS), expected, atol=1e-4)
    (found,) = registry.load("explainer", "occlusion").explain([Example("a", "a film")], box, "logit", {}, 1)
    # Without "a " two letters are gone, one of them an a; without " film" five.
    assert np.allclose(found.values, np.array([[2, 1, 0], [5, 0, 0]]) / 9, atol=1e-4)


def test_the_same_function_is_none_of_one_label(function):
    with pytest.raises(ModelError, match="sum to .* say type: multi_label of the task"):
        function("mine_single", "1 / (1 + np.exp(-lengths / 9))", ONE)


@pytest.mark.parametrize(
    ("name", "answer", "options", "said"),
    [
        (
            "one",
            "lengths / lengths.sum(axis=1, keepdims=True)",
            {},
            "sum to one for every text: one label for a text",
        ),
        (
            "two",
            "1 / (1 + lengths)",
            {"gives": "logits"},
            "all its answers lie between 0 and 1.*gives: probabilities",
        ),
        ("three", "lengths", {}, "which are no probabilities; if they are logits"),
        ("four", "lengths[:, :2] / 99", {}, "needs a row for each text and 3 columns"),
        ("five", "np.where(lengths > 3, np.nan, 0.5)", {}, "is not finite"),
    ],
)
def test_a_function_that_answers_otherwise_is_refused(function, name, answer, options, said):
    with pytest.raises(ModelError, match=said):
        function(f"mine_{name}", answer, **options)


def test_certain_probabilities_have_finite_logits():
    class Certain:
        gives, labels, mask, encoder, at_once = "probabilities", None, None, None, 4

        def answers(self, texts):
            return [[0.0, 1.0, 0.5]] * len(texts)

    (found,) = BlackBox(Certain(), SEVERAL).logits([("Fun",)])
    assert np.isfinite(found).all() and found[0] == -found[1] and found[2] == 0


def test_a_journal_keeps_probabilities_of_several_labels(tmp_path):
    class Kept:
        gives, labels, mask, encoder, at_once = "probabilities", None, None, None, 4

        def answers(self, texts):
            return np.array([[0.9, 0.8]] * len(texts))

        def identity(self):
            return {"name": "kept"}

    kept = Recall(Kept(), tmp_path, "kept", False, outputs=[2], several=True)
    assert kept.answers([("Fun",)]).tolist() == [[0.9, 0.8]]
    with pytest.raises(ModelError, match="sum to 1.7"):
        Recall(Kept(), tmp_path / "other", "kept", False, outputs=[2])


def ended(file, operator, **attributes):
    graph = onnx.load(file)
    graph.graph.node.append(helper.make_node(operator, ["logits"], ["scores"], **attributes))
    del graph.graph.output[:]
    graph.graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3]))
    onnx.save(graph, file)


@pytest.fixture
def exported(tmp_path):
    folder = tagger(tmp_path / "tagger")
    classifier.export_onnx(classifier.load_classifier(folder).eval(), folder)
    return folder


def test_an_onnx_file_that_ends_in_sigmoids_has_the_folder_s_logits(tmp_path, exported, test_split):
    logits = Engine(exported, "cpu").logits(TEXTS)[:, [2, 0, 1]]
    (tmp_path / "a").mkdir()
    plain = connected(
        "onnx", {"file": str(exported / "model.onnx")}, test_split, tmp_path / "a/training.json"
    )
    assert np.allclose(plain.logits(TEXTS), logits, atol=1e-4)
    ended(exported / "model.onnx", "Sigmoid")
    (tmp_path / "b").mkdir()
    box = connected("onnx", {"file": str(exported / "model.onnx")}, test_split, tmp_path / "b/training.json")
    assert box.backend.gives == "probabilities"
    assert np.allclose(box.logits(TEXTS), logits, atol=1e-3)
    assert_same(box.logits(TEXTS), logit(expit(logits.astype(np.float64))))


@pytest.mark.parametrize(
    ("operator", "task", "said"),
    [
        (
            "Sigmoid",
            ONE,
            "ends in a sigmoid for each output: several labels for one text; say type: multi_label",
        ),
        ("Softmax", SEVERAL, "ends in a softmax: one label for a text, and the task has several"),
    ],
)
def test_an_onnx_file_with_another_end_is_refused(tmp_path, exported, test_split, operator, task, said):
    ended(exported / "model.onnx", operator)
    with pytest.raises(ModelError, match=f"models.mine: {said}"):
        connected("onnx", {"file": str(exported / "model.onnx")}, test_split, tmp_path / "card.json", task)
