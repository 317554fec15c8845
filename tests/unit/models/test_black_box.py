"""A model that is only asked: the same answers and attributions as its folder's, and bad answers refused."""

import itertools
import json
import textwrap
from pathlib import Path

import numpy as np
import pytest

from distillens import registry, tables
from distillens.data.text import Example
from distillens.models.black_box import BlackBox
from distillens.models.connect_model import connect_model
from distillens.models.engine import Engine, EngineOptions
from distillens.models.errors import ModelError
from distillens.models.masks import Masks
from distillens.provenance import RunId
from tests import tiny
from tests.rounding import assert_same

TASK = {"type": "classification", "labels": ["bad", "good"]}
RUN = RunId("t", "mine", 0)
TEXTS = [(text,) for text in tiny.SENTENCES]
_NUMBERS = itertools.count()


class Asked:
    """Answers by a Python function, and counts what it is asked."""

    labels, mask, encoder, at_once = None, None, None, 4

    def __init__(self, function, gives="probabilities", labels=None, mask=None):
        self.function, self.gives, self.labels, self.mask, self.calls = function, gives, labels, mask, []

    def answers(self, texts):
        self.calls.append(list(texts))
        return self.function(texts)

    def identity(self):
        return {"name": "asked"}


def even(texts):
    return np.full((len(texts), 2), 0.5)


@pytest.fixture
def bert(tmp_path):
    return tiny.bert(tmp_path / "bert", labels=2)


@pytest.mark.parametrize("rule", ["mask", "delete", {"neutral": "..."}], ids=str)
@pytest.mark.parametrize("gives", ["logits", "probabilities"])
@pytest.mark.parametrize(
    ("explainer", "options"),
    [("occlusion", {}), ("shap", {"max_evals": 300}), ("lime", {"samples": 60, "kernel_width": 25})],
)
def test_a_folder_behind_a_function_has_its_attributions(bert, rule, gives, explainer, options):
    engine = Engine(bert, "cpu", rule=rule)

    def answer(texts):
        logits = Engine(bert, "cpu").logits(texts).astype(np.float64)
        exponentials = np.exp(logits)
        return logits if gives == "logits" else exponentials / exponentials.sum(1, keepdims=True)

    box = BlackBox(Asked(answer, gives, mask="[MASK]"), TASK, rule=rule)
    examples = [Example(str(number), text) for number, text in enumerate(tiny.SENTENCES[:3])]
    explain = registry.load("explainer", explainer).explain
    pairs = zip(
        explain(examples, box, "margin", options, 1),
        explain(examples, engine, "margin", options, 1),
        strict=True,
    )
    for asked, known in pairs:
        # Probabilities were rounded on their way to logits.
        assert np.abs(asked.values - known.values).max() < 1e-4 * np.abs(known.values).max()


def test_each_text_is_asked_once_and_in_calls_of_limited_size():
    backend = Asked(even)
    backend.at_once = 2
    box = BlackBox(backend, TASK)
    example = Example("1", "bad bad film")
    keep = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]], dtype=bool)
    box.masked([Masks(example, keep), Masks(example, keep)])
    # Without either "bad" it is the same text.
    assert [len(call) for call in backend.calls] == [2, 1]
    assert {text for call in backend.calls for (text,) in call} == {"bad film", "bad bad", "bad bad film"}


@pytest.mark.parametrize(
    ("function", "gives", "message"),
    [
        (lambda texts: [[0.9, 0.3]] * len(texts), "probabilities", r"the text 'Fun' sum to 1.2 .*sum to one"),
        (lambda texts: [[np.nan, 1.0]] * len(texts), "probabilities", r"the text 'Fun' is not finite: \[nan"),
        (lambda texts: [[np.inf, 1.0]] * len(texts), "logits", "the text 'Fun' is not finite"),
        (
            lambda texts: [[2.5, -1.5]] * len(texts),
            "probabilities",
            "which are no probabilities; .*gives: logits",
        ),
        (
            lambda texts: [[0.2, 0.3, 0.5]] * len(texts),
            "probabilities",
            r"of shape \(1, 3\); .* 2 or 1 columns",
        ),
        (lambda texts: [[0.5, 0.5]] * 3, "probabilities", r"it was asked 1 texts and gave .* \(3, 2\)"),
        (lambda texts: ["good"] * len(texts), "probabilities", "its answers are no numbers"),
        (lambda texts: {"good": 1.0}, "probabilities", "its answers are no numbers"),
    ],
)
def test_bad_answers_are_refused_by_model_and_text(function, gives, message):
    with pytest.raises(ModelError, match=f"models.mine: .*{message}"):
        BlackBox(Asked(function, gives), TASK, where="models.mine").logits([("Fun",)])


def test_three_sigmoids_are_no_probabilities_of_one_label():
    task = {**TASK, "labels": ["a", "b", "c"]}
    with pytest.raises(ModelError, match="say type: multi_label"):
        BlackBox(Asked(lambda texts: [[0.9, 0.8, 0.1]] * len(texts)), task).logits([("Fun",)])


def test_a_probability_of_nought_is_a_number():
    logits = BlackBox(Asked(lambda texts: [[0.0, 1.0]]), TASK).logits([("Fun",)])
    assert np.isfinite(logits).all() and logits.argmax() == 1


def test_one_column_is_the_second_label():
    assert_same(BlackBox(Asked(lambda texts: [[2.0]], "logits"), TASK).logits([("Fun",)]), [[0.0, 2.0]])
    half = BlackBox(Asked(lambda texts: [0.25]), TASK).logits([("Fun",)])
    assert_same(half, np.log([[0.75, 0.25]]))


def test_a_score_is_taken_as_it_is():
    box = BlackBox(Asked(lambda texts: [3.5] * len(texts)), {"type": "regression", "labels": []})
    assert box.logits([("Fun",), ("Bad",)]).tolist() == [[3.5], [3.5]]


# ---- taking one in ----


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A folder with a test split, and a function that writes a module and takes its `predict` in."""
    monkeypatch.chdir(tmp_path)
    rows = [{"example_id": str(n), "text_a": text, "label": 0.0} for n, text in enumerate(tiny.SENTENCES)]
    tables.write(tmp_path / "test.parquet", "examples", rows, {})
    (tmp_path / "run").mkdir()

    def take_in(body, labels=None, task=TASK, **options):
        # A module is imported once: each test has one of its own name.
        name = f"black_box_{next(_NUMBERS)}"
        (tmp_path / f"{name}.py").write_text("import numpy as np\n" + textwrap.dedent(body))
        defaults = {k: o.get("default") for k, o in registry.options("backend")["function"].items()}
        options = {**defaults, "name": f"{name}:predict", **options}
        connect_model(
            run=RUN, kind="function", options=options, labels=labels, task=task,
            test=tmp_path / "test.parquet", card=tmp_path / "run" / "training.json",
        )  # fmt: skip
        return EngineOptions(rule="delete").load(tmp_path / "run"), tmp_path / f"{name}.py"

    return take_in


EVEN = """
def predict(texts):
    return [[0.25, 0.75] for text in texts]
"""


def test_a_card_stands_for_the_model(study):
    box, _ = study(EVEN)
    assert isinstance(box, BlackBox)
    assert_same(box.logits(TEXTS), np.log([[0.25, 0.75]] * len(TEXTS)))
    card = json.loads(Path("run/training.json").read_text())
    assert (
        card["model"] == "mine" and card["asked"]["kind"] == "function" and card["asked"]["alike_in_batches"]
    )


def test_labels_say_the_order_of_columns(study):
    box, _ = study(EVEN, labels=["good", "bad"])
    assert_same(box.logits(TEXTS[:1]), np.log([[0.75, 0.25]]))
    with pytest.raises(ModelError, match="models.mine.labels: .*cannot be matched by name"):
        study(EVEN, labels=["good", "middling"])


def test_an_edit_makes_it_another_model(study):
    _, file = study(EVEN)
    file.write_text(file.read_text() + "\nMORE = 1\n")
    with pytest.raises(ModelError, match="models.mine: it is another than when the study took it in"):
        EngineOptions(rule="delete").load("run")


def test_a_library_that_steps_on_does_not_make_it_another_model(study):
    box, _ = study(EVEN)
    card = json.loads(Path("run/training.json").read_text())
    card["asked"]["identity"]["versions"] = {"numpy": "0.1"}
    Path("run/training.json").write_text(json.dumps(card))
    again = EngineOptions(rule="delete").load("run")
    again.backend.identity = lambda: {**box.backend.identity(), "versions": {"numpy": "99.0"}}
    assert again.identity == box.identity
    assert again.provenance()["versions"] == {"numpy": "99.0"}


def test_answers_that_depend_on_the_batch_are_asked_one_at_a_time(study):
    box, _ = study(
        """
        def predict(texts):
            share = 0.5 / len(texts)
            return [[share, 1 - share] for text in texts]
        """
    )
    assert_same(box.logits(TEXTS), np.log([[0.5, 0.5]] * len(TEXTS)))


def test_a_function_that_answers_otherwise_each_time_is_marked(study, caplog):
    study(
        """
        number = [0.1]

        def predict(texts):
            number[0] += 0.01
            return [[number[0], 1 - number[0]] for text in texts]
        """
    )
    asked = json.loads(Path("run/training.json").read_text())["asked"]
    assert not asked["repeatable"] and asked["alike_in_batches"]
    assert "models.mine: does not answer the same twice" in caplog.text


def test_a_function_that_raises_on_one_text_names_it(study):
    body = """
    def predict(texts):
        if any("Fun" in text for text in texts):
            raise KeyError("fun")
        return [[0.5, 0.5] for text in texts]
    """
    with pytest.raises(ModelError, match="function .* raises on the text 'Fun': KeyError: 'fun'"):
        study(body)


def test_probabilities_that_pass_for_logits_are_refused(study):
    with pytest.raises(ModelError, match="models.mine: said to give logits, .* say gives: probabilities"):
        study(EVEN, gives="logits")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere_at_all:predict", "cannot be loaded .ModuleNotFoundError"),
        ("json:nothing", "cannot be loaded .AttributeError"),
        ("json:__name__", "is a str, which cannot be called"),
    ],
)
def test_a_function_that_is_none_is_named(study, name, message):
    with pytest.raises(ModelError, match=f"models.mine: function {name}: .*{message}|{message}"):
        study(EVEN, name=name)
