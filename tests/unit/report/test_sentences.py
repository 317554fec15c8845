"""Explained sentences: which run of the teacher a run is shown beside, and which class is explained."""

import base64

import numpy as np
import pandas as pd
import pytest

from distillens.report import sentences, study_data
from distillens.report.short_numbers import STEPS

TEXT = {"example_id": "a", "text_a": "not bad", "text_b": None, "label": 1.0, "label_name": "good"}
SPANS = [{"segment": 0, "start": 0, "end": 3}, {"segment": 0, "start": 4, "end": 7}]
LOGITS = {("bert", 1): [1.0, 0.0], ("bert", 2): [0.0, 1.0], ("bert", 3): [0.0, 1.0]}
MODELS = {
    "bert": {"seeds": [3, 1, 2]},
    "kd": {"seeds": [7, 5], "teacher": "bert", "teacher_seeds": [1, 2]},
    "gold": {"seeds": [5], "teacher": "bert"},
}


def explained(model, seed):
    own = {"example_id": "a", "spans": SPANS, "values": [[-0.2, 0.2], [0.5, -0.5]], "output": [0.0, 0.0]}
    own |= {"logits": LOGITS.get((model, seed), [0.0, 1.0]), "unseen": 0}
    return {"task": "t", "explainer": "shap", "model": model, "seed": seed}, [own]


@pytest.fixture(scope="module")
def view():
    task = {"type": "classification", "labels": ["bad", "good"]}
    study = study_data.study_of({"models": MODELS, "explainers": {"shap": {}}}, {"t": task})
    key = ("task", "explainer", "model", "seed", "against", "against_seed", "example_id", "metric", "value")
    pairs = [("t", "shap", "kd", 5, "bert", 2, "a", "spearman", 0.75)]
    pairs += [("t", "shap", "kd", 7, "bert", 1, "a", "spearman", 0.25)]
    files = [explained(run.model, run.seed) for run in study.runs]
    (found,) = sentences.views(study, "t", [TEXT], files, pd.DataFrame(pairs, columns=key))
    return found


def test_runs_stand_by_seed_and_each_beside_the_teacher_s_run_that_it_belongs_to(view):
    assert [(run.model, run.seed) for run in view.runs] == [
        ("bert", 1), ("bert", 2), ("bert", 3), ("kd", 5), ("kd", 7), ("gold", 5),
    ]  # fmt: skip
    about = [view.describe(run) for run in view.runs]
    assert [one["role"] for one in about] == ["teacher", "seed", "seed", "student", "student", "student"]
    assert [one["teacher"] for one in about] == [0, 0, 0, 1, 0, 0]
    assert {one["family"] for one in about} == {0}


def test_agreement_is_with_that_run(view):
    assert [view.agreement(run, TEXT) for run in view.runs[3:5]] == [0.75, 0.25]


def test_the_class_explained_is_that_of_most_of_the_teacher_s_runs(view):
    cells = view.row(TEXT)
    assert [cell["t"] for cell in cells] == ["good"] * 6
    assert [view.values(run, TEXT) for run in view.runs] == [[0.2, -0.5]] * 6
    # Two classes mirror each other, and one of them is stored.
    assert [cell["v"][0] for cell in cells] == [None] * 6
    for cell in cells:
        steps = np.frombuffer(base64.b64decode(cell["v"][1]), "<i2")
        assert steps / STEPS * cell["m"][1] == pytest.approx([0.2, -0.5], abs=0.5 / STEPS)
    assert cells[0]["p"] == "bad"  # the run with the lowest seed says otherwise
