"""A study of a folder, a function and an ONNX file: what cannot be had is left out, the rest is there."""

import shutil

import numpy as np
import pandas as pd
import pytest

from distillens import tables
from distillens.models import classifier
from tests import tiny
from tests.rounding import assert_same
from tests.workflow.conftest import Study

pytestmark = pytest.mark.slow

MODULE = """
import numpy as np
from distillens.models.engine import Engine

engine = Engine("bert", "cpu", "torch")


def predict(texts):
    logits = engine.logits([(text,) for text in texts]).astype(np.float64)
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)
"""
LABELS = ["negative", "positive"]
SHOWN = ["occlusion", "input_x_gradient"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The same weights three times: as a folder, behind a function and as an ONNX file."""
    folder = tmp_path_factory.mktemp("any")
    tiny.bert(folder / "bert", labels=2)
    shutil.copytree(folder / "bert", folder / "graph")
    classifier.export_onnx(classifier.load_classifier(folder / "bert").eval(), folder / "graph")
    (folder / "mine.py").write_text(MODULE)
    rows = [
        {"text": f"{text} {number}", "label": LABELS[number % 2]}
        for number in range(4)
        for text in tiny.SENTENCES
    ]
    pd.DataFrame(rows).to_csv(folder / "data.csv", index=False)
    config = {
        "study": "any",
        "device": "cpu",
        "backend": "torch",
        "allow_code": True,
        "tasks": {
            "moods": {
                "source": {"local": "data.csv"},
                "columns": {"text_a": "text", "label": "label"},
                "labels": LABELS,
                "explain": {"per_class": 3},
            }
        },
        "models": {
            "bert": {"checkpoint": {"local": "bert"}, "training": "none", "labels": LABELS},
            "behind": {"function": {"name": "mine:predict", "mask_token": "[MASK]"}, "teacher": "bert"},
            "graph": {"onnx": "graph/model.onnx", "labels": LABELS, "teacher": "bert"},
        },
        "explainers": dict.fromkeys(SHOWN),
        "metrics": {"deletion_k": [1], "overlap_k": [2], "random_draws": 1, "aopc_beam": 0, "resamples": 100},
        "reference": {"ladder": None},
    }
    made = Study(folder, config)
    result = made.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return made


def attributions(study, model, explainer="occlusion"):
    path = study.folder / f"results/any/explanations/moods/{model}/0/{explainer}.parquet"
    return tables.read(path, "explanations").to_pylist()


@pytest.mark.parametrize("model", ["behind", "graph"])
def test_a_model_that_is_asked_has_the_attributions_of_its_folder(study, model):
    for asked, known in zip(attributions(study, model), attributions(study, "bert"), strict=True):
        assert asked["words"] == known["words"]
        assert (
            np.abs(np.array(asked["values"]) - known["values"]).max() < 1e-4 * np.abs(known["values"]).max()
        )


def test_what_needs_gradients_is_of_the_folder_only(study):
    found = sorted(
        path.parts[-3] for path in study.folder.glob("results/any/explanations/**/input_x*.parquet")
    )
    assert found == ["bert"]
    drift = tables.read(study.folder / "results/any/metrics/drift.parquet", "drift").to_pandas()
    assert set(drift["explainer"]) == {"occlusion"} and set(drift["student"]) == {"behind", "graph"}
    spearman = drift[drift["metric"] == "spearman"].set_index("student")
    assert_same(spearman["agreement"].to_numpy(), np.ones(2))


def test_words_are_removed_from_all_alike_and_the_page_says_what_is_left_out(study):
    page = (study.folder / "results/any/report/index.html").read_text("utf-8")
    assert "becomes the model’s mask token" in page or "becomes the model&#39;s mask token" in page
    assert "behind: input_x_gradient is left out: needs gradients, and it is only asked" in page
    assert "graph: size and speed are left out: it is only asked" in page
    deleted = study.folder / "results/any/deletions/moods"
    found = {}
    for model in ("behind", "bert"):
        rows = tables.read(deleted / model / "0.parquet", "deletions").to_pandas()
        own = rows[(rows["explainer"] == "occlusion") & (rows["ranking"] == "own")]
        found[model] = np.stack(own["logits_after"])
    margins = [logits[:, 1] - logits[:, 0] for logits in (found["behind"], found["bert"])]
    assert_same(*margins)


def test_nothing_is_made_twice_and_an_edit_of_the_function_makes_its_branch_again(study, tmp_path):
    assert study.jobs() == []
    copy = study.copy(tmp_path / "copy")
    (copy.folder / "mine.py").write_text(MODULE + "\n# an edit\n")
    jobs = copy.jobs()
    assert "connect_model moods behind 0" in jobs and "predict moods behind 0" in jobs
    assert not [job for job in jobs if "graph" in job.split() or "bert" in job.split()]
