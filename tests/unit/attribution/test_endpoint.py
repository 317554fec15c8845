"""A classifier behind an endpoint is explained as it is from its folder; nothing is paid for twice."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from distillens import tables
from distillens.attribution.explain import ExplanationPlan, write_explanations
from distillens.models.asking import Asking
from distillens.models.black_box import BlackBox
from distillens.models.engine import Engine, EngineOptions
from distillens.models.errors import ModelError
from distillens.models.job import ModelJob
from distillens.models.outputs import order_of
from distillens.provenance import RunId
from tests.loopback import serving
from tests.rounding import assert_same
from tests.tiny import SENTENCES

LABELS = ["bad", "fair", "good"]
SECRET = "sk-not-to-be-seen"
RUN = {"task": "toy", "model": "llm", "seed": "1"}
EXPLAINERS = {
    "shap": {"method": "shap", "max_evals": 20000},
    "lime": {"method": "lime", "samples": 60, "kernel_width": 25},
    "occlusion": {"method": "occlusion"},
}


@pytest.fixture
def served(bert, tmp_path, monkeypatch):
    """The tiny BERT behind an endpoint, which names its outputs in another order than the task."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOY_KEY", SECRET)
    engine = Engine(bert, "cpu")

    def answer(body):
        rows = softmax(engine.logits([(text,) for text in body["inputs"]]).astype(float), axis=1)
        named = [dict(zip(LABELS, row.tolist(), strict=True)) for row in rows]
        return {"predictions": [[{"label": k, "score": one[k]} for k in sorted(one)[::-1]] for one in named]}

    with serving(answer) as endpoint:
        yield endpoint


def config(endpoint, **more):
    options = {
        "url": endpoint.url,
        "answer": "predictions/*",
        "headers_from_env": {"Authorization": "Bearer $TOY_KEY"},
        "most_calls": 1000,
        "mask_token": "[MASK]",
        "outputs": ["good", "bad", "fair"],
        "batch": 8,
    }
    return {"models": {"llm": {"http": {**options, **more}}}}


def connect(settings, folder):
    """Write the card that stands for the model."""
    defaults = {key: option.get("default") for key, option in options_of("http").items()}
    options = {**defaults, **settings["models"]["llm"]["http"]}
    asking = Asking.of(settings, "llm", "1")
    fixed = {key: value for key, value in options.items() if key not in asking.options}
    backend = asking.open("http", fixed, LABELS, "llm", pairs=False)
    task = {"type": "classification", "labels": LABELS}
    asked = {
        "kind": "http",
        "options": fixed,
        "order": order_of(list(backend.labels), task, None, "models.llm"),
        "identity": backend.identity(),
        "alike_in_batches": True,
        "pairs": False,
    }
    folder.mkdir(exist_ok=True)
    card = {**RUN, "asked": asked, "task_settings": task}
    (folder / "training.json").write_text(json.dumps(card))
    return folder


def options_of(kind):
    from distillens import registry

    return registry.options("backend")[kind]


def explain(folder, settings, out, explainer, again=False):
    job = ModelJob(
        RunId.of({**RUN, "explainer": explainer}), folder, EngineOptions("cpu", rule="mask"), "", settings
    )
    write_explanations(job, ExplanationPlan(EXPLAINERS[explainer], "margin", 0, again), "texts", out)
    return tables.read(out, "explanations")


@pytest.fixture
def texts(served):
    rows = [{"example_id": str(n), "text_a": text} for n, text in enumerate(SENTENCES[:3])]
    tables.write("texts", "examples", rows, {})


@pytest.mark.parametrize("explainer", EXPLAINERS)
def test_attributions_are_those_of_the_folder(served, texts, bert, explainer):
    settings = config(served)
    asked = explain(connect(settings, Path("model")), settings, "asked.parquet", explainer)
    known = explain(bert, {}, "known.parquet", explainer)
    for ours, theirs in zip(asked["values"].to_pylist(), known["values"].to_pylist(), strict=True):
        assert_same(np.array(ours), np.array(theirs))
        assert np.abs(np.array(ours) - np.array(theirs)).max() < 1e-5 * max(1, np.abs(theirs).max())


def test_a_lost_file_is_made_again_with_the_same_bytes_and_nothing_is_asked(served, texts):
    settings = config(served)
    folder = connect(settings, Path("model"))
    explain(folder, settings, "one/x.parquet", "shap")
    calls = len(served)
    explain(folder, settings, "two/x.parquet", "shap")
    explain(folder, settings, "again/x.parquet", "shap", again=True)
    assert len(served) == calls
    assert Path("one/x.parquet").read_bytes() == Path("two/x.parquet").read_bytes()


def test_a_limit_reached_in_the_middle_loses_nothing(served, texts):
    settings = config(served, most_calls=9)
    folder = connect(settings, Path("model"))
    with pytest.raises(ModelError, match="9 calls have been made.*kept in answers/llm-.*raise most_calls"):
        explain(folder, settings, "x.parquet", "shap")
    paid = {text for body in served.bodies[5:] for text in body["inputs"]}
    del served.bodies[:]
    raised = config(served, most_calls=1000)
    explain(folder, raised, "x.parquet", "shap")
    fixed, *new = served.bodies
    assert len(fixed["inputs"]) == 4
    assert not paid & {text for body in new for text in body["inputs"]}


def test_a_model_that_has_changed_stops_the_study(served, texts):
    settings = config(served)
    folder = connect(settings, Path("model"))
    explain(folder, settings, "x.parquet", "occlusion")
    before = served.answer
    served.answer = lambda body: {
        "predictions": [[{**one, "score": 1 / 3} for one in row] for row in before(body)["predictions"]]
    }
    explain(folder, settings, "same.parquet", "occlusion")
    with pytest.raises(ModelError, match="models.llm: is another model than its kept answers come from"):
        explain(folder, settings, "y.parquet", "lime")


def test_a_noisy_model_is_explained_again_with_fresh_answers(served, texts):
    before, generator = served.answer, np.random.default_rng(0)

    def shaken(body):
        rows = before(body)["predictions"]
        for row in rows:
            scores = np.array([one["score"] for one in row]) + generator.uniform(0, 0.02, 3)
            for one, score in zip(row, scores / scores.sum(), strict=True):
                one["score"] = float(score)
        return {"predictions": rows}

    served.answer = shaken
    settings = config(served)
    folder = connect(settings, Path("model"))
    first = explain(folder, settings, "x.parquet", "occlusion")
    again = explain(folder, settings, "again.parquet", "occlusion", again=True)
    assert np.abs(np.array(first["values"][0].as_py()) - np.array(again["values"][0].as_py())).max() > 1e-4
    assert tables.provenance("x.parquet")["asked"]["noise"] > 1e-4


def test_no_file_and_no_message_has_the_key(served, texts, caplog):
    settings = config(served)
    served.faults = [429, "drop"]
    explain(connect(settings, Path("model")), settings, "x.parquet", "shap")
    served.faults = ["echo"]
    with pytest.raises(ModelError) as refused:
        explain(Path("model"), settings, "y.parquet", "lime")
    assert SECRET not in caplog.text + str(refused.value)
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert all(headers["Authorization"] == f"Bearer {SECRET}" for headers in served.headers)


def test_kept_answers_need_no_key(served, texts, monkeypatch):
    settings = config(served)
    folder = connect(settings, Path("model"))
    explain(folder, settings, "x.parquet", "occlusion")
    monkeypatch.delenv("TOY_KEY")
    explain(folder, settings, "y.parquet", "occlusion")
    with pytest.raises(ModelError, match="no environment variable TOY_KEY"):
        explain(folder, settings, "z.parquet", "lime")
    assert isinstance(BlackBox.load(folder), BlackBox)
