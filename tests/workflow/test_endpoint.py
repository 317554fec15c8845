"""A student behind an endpoint, beside its teacher's folder; then a student that learns from an endpoint."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from distillens import tables
from distillens.cli.call_estimate import calls
from distillens.config.validate import complete
from distillens.models.engine import Engine
from distillens.models.identity import FIXED
from tests import tiny
from tests.loopback import serving
from tests.rounding import assert_same
from tests.tiny import SENTENCES
from tests.workflow.conftest import Study

pytestmark = pytest.mark.slow

SECRET = "sk-not-to-be-seen"
LABELS = ["bad", "good"]
EXPLAINERS = {
    "shap": {"max_evals": 60},
    "lime": {"samples": 20},
    "integrated_gradients": {"steps": 4, "max_steps": 4},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with texts and a classifier, and the classifier behind an endpoint, in batches."""
    folder = tmp_path_factory.mktemp("endpoint")
    rows = [
        {"text": f"{text} {number}", "label": LABELS[(number + n) % 2]}
        for n, text in enumerate(SENTENCES)
        for number in range(4)
    ]
    pd.DataFrame(rows).to_csv(folder / "reviews.csv", index=False)
    tiny.bert(folder / "bert", labels=2)
    engine = Engine(folder / "bert", "cpu")

    def answer(body):
        rows = softmax(engine.logits([(text,) for text in body["inputs"]]).astype(float), axis=1)
        return {"predictions": [{"scores": row.tolist()} for row in rows]}

    with serving(answer) as endpoint:
        yield folder, endpoint


def served(endpoint, **more):
    options = {
        "url": endpoint.url,
        "answer": "predictions/*/scores",
        "headers_from_env": {"Authorization": "Bearer $TOY_KEY"},
        "mask_token": "[MASK]",
        "most_calls": 5000,
    }
    return {"http": {**options, **more}}


def config(study, models, splits):
    task = {
        "source": {"local": "reviews.csv"},
        "columns": {"text_a": "text", "label": "label"},
        "labels": LABELS,
        "splits": {split: {"from": "all", "examples": size} for split, size in splits.items()},
        "explain": {"per_class": 3},
        "perturb": {"examples": 4},
    }
    return {
        "study": study,
        "device": "cpu",
        "backend": "torch",
        "tasks": {"reviews": task},
        "models": models,
        "explainers": EXPLAINERS,
        "perturbations": {"swap": None},
        "metrics": {"deletion_k": [1], "random_draws": 2, "aopc_beam": 0, "resamples": 100},
    }


def environment(**more):
    return {**os.environ, "TOY_KEY": SECRET, **more}


def done(study, **run):
    result = study.snakemake(**run)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def compared(place):
    """A study of the classifier's folder and of its endpoint; first with too few calls."""
    folder, endpoint = place
    teacher = {"checkpoint": {"local": "bert"}, "training": "none", "labels": LABELS}
    models = {"known": teacher, "asked": {"teacher": "known", **served(endpoint, most_calls=20)}}
    study = Study(folder, config("compared", models, {"test": 16}))
    failed = study.snakemake(env=environment())
    assert failed.returncode
    paid = [text for body in endpoint.bodies for text in body["inputs"]]
    models["asked"] = {"teacher": "known", **served(endpoint)}
    study = Study(folder, config("compared", models, {"test": 16}))
    done(study, env=environment())
    return study, endpoint, failed.stdout + failed.stderr, paid


def read(study, model, explainer):
    path = study.folder / f"results/compared/explanations/reviews/{model}/0/{explainer}.parquet"
    return tables.read(path, "explanations")


def test_too_few_calls_end_in_words_and_what_was_answered_is_not_paid_again(compared):
    _, endpoint, said, paid = compared
    assert "20 calls have been made" in said and "raise most_calls" in said
    asked = [text for body in endpoint.bodies for text in body["inputs"]]
    assert asked[: len(paid)] == paid and len(asked) > len(paid)
    assert set(paid) & set(asked[len(paid) :]) == set(FIXED)  # which every job asks first
    assert set(paid) - set(FIXED)


def test_no_more_is_asked_than_check_has_said(compared):
    study, endpoint, *_ = compared
    (cost,) = calls(complete(study.edited("study", "nothing")), study.folder / "results/nothing", words=20)
    asked = [text for body in endpoint.bodies for text in body["inputs"]]
    assert len(set(asked)) < len(asked) <= cost.texts


def test_an_endpoint_is_explained_as_its_folder_is(compared):
    study, *_ = compared
    shap = {model: read(study, model, "shap") for model in ("known", "asked")}
    assert shap["known"].num_rows == 6
    for one, other in zip(*(table["values"].to_pylist() for table in shap.values()), strict=True):
        assert_same(np.array(other), np.array(one))
    drift = tables.read(study.folder / "results/compared/metrics/drift.parquet", "drift").to_pandas()
    same = drift[(drift["explainer"] == "shap") & (drift["metric"] == "spearman")]
    assert same["agreement"].min() > 0.999


def test_what_needs_gradients_is_not_asked_of_an_endpoint(compared):
    study, *_ = compared
    folder = study.folder / "results/compared/explanations/reviews"
    assert (folder / "known/0/integrated_gradients.parquet").is_file()
    assert not (folder / "asked/0/integrated_gradients.parquet").exists()


def test_a_limit_or_a_pace_makes_nothing_again_and_another_version_does(compared):
    study, endpoint, *_ = compared
    again = study.edited("models/asked/http/most_calls", 9999)
    again["models"]["asked"]["http"] |= {"rate": 100, "timeout": 5}
    assert set(study.jobs(again)) <= {"all", "report"}  # the page shows the whole config
    assert "connect_model reviews asked 0" in study.jobs(study.edited("models/asked/http/version", "2"))


def test_lost_results_cost_nothing(compared):
    study, endpoint, *_ = compared
    calls = len(endpoint)
    path = study.folder / "results/compared/explanations/reviews/asked/0/lime.parquet"
    before = path.read_bytes()
    path.unlink()
    done(study, env=environment())
    assert path.read_bytes() == before
    assert len(endpoint) == calls


def test_no_file_of_a_study_has_the_key(compared):
    study, endpoint, *_ = compared
    files = [path for path in study.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert all(header["Authorization"] == f"Bearer {SECRET}" for header in endpoint.headers)
    card = json.loads((study.folder / "results/compared/models/reviews/asked/0/training.json").read_text())
    assert card["asked"]["identity"]["noise"] < 1e-5


def test_a_student_learns_from_an_endpoint_as_from_its_folder(place):
    folder, endpoint = place
    splits = {"train": 10, "validation": 4, "test": 6}
    training = {"epochs": 1, "batch_size": 4, "masked_copies": 1}
    student = {"checkpoint": "c", "training": {"method": "masked_consistency", **training}}
    known = {"checkpoint": {"local": "bert"}, "training": "none", "labels": LABELS}
    taught = {}
    for study, teacher in (("asked", served(endpoint)), ("known", known)):
        given = config(study, {"teacher": teacher, "kd": {**student, "teacher": "teacher"}}, splits)
        given["checkpoints"] = {"c": {"local": "bert"}}
        given["explainers"] = {"occlusion": None}
        target = f"results/{study}/models/reviews/kd/0/model.safetensors"
        made = Study(folder, given)
        result = made.snakemake("--until", "distil", env=environment())
        assert result.returncode == 0, result.stdout + result.stderr
        taught[study] = Engine((folder / target).parent, "cpu").logits([(text,) for text in SENTENCES])
    # A step of an optimiser may turn a rounding of the teacher's answers into one of its own size.
    np.testing.assert_allclose(taught["asked"], taught["known"], rtol=1e-3, atol=1e-3)
