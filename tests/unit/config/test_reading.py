"""Units and windows of a study: what they cannot be had together with, and what jobs are told of them."""

from types import SimpleNamespace as Wildcards

import pytest

from distillens.config import reading
from distillens.config.errors import ConfigError
from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.validate import complete

TASK = {
    "source": {"local": "a.csv"},
    "columns": {"text_a": "text", "label": "label"},
    "labels": ["bad", "good"],
}
MODELS = {"teacher": {"checkpoint": {"local": "bert"}, "training": "none"}}
RUN = Wildcards(task="t", model="teacher", seed="0", explainer="occlusion")


def study(task=TASK, **more):
    base = {"study": "s", "tasks": {"t": task}, "models": MODELS, "explainers": {"occlusion": None}}
    return complete({**base, **more})


def test_a_study_without_them_tells_its_jobs_nothing_new():
    params = JobParams(Study(study()))
    assert "unit" not in params.select_examples(RUN)["task"]["explain"]
    assert params.explaining(RUN) == {
        "device": "auto", "backend": "auto", "precision": "float32", "rule": "mask",
    }  # fmt: skip
    assert reading.in_words(study()) == []


def test_finished_models_read_windows_and_trainings_do_not():
    config = study(unit="sentence", windows={"combine": "max"})
    params = JobParams(Study(config))
    assert params.select_examples(RUN)["task"]["explain"]["unit"] == "sentence"
    for settings in (params.engine(RUN), params.explaining(RUN)):
        assert settings["windows"] == {"combine": "max", "overlap": 32}
    assert "windows" not in params.training_engine(RUN)
    unit, windows = reading.in_words(config)
    assert unit.startswith("Each sentence gets one value") and "each of its logits is the largest" in windows


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"unit": "chapter"}, "unit: 'chapter' is not one of"),
        ({"windows": {"overlap": 8}}, "windows: 'combine' is a required property"),
        ({"windows": {"combine": "median"}}, "windows.combine: 'median' is not one of"),
        ({"windows": {"combine": "mean", "overlap": -1}}, "windows.overlap: -1 is less than"),
        (
            {"unit": "line", "stability": {"explainers": ["occlusion"]}, "perturbations": {"swap": None}},
            "stability.explainers: compares the words that an edit leaves as they were, and of lines few are",
        ),
        (
            {"windows": {"combine": "mean"}, "task": {**TASK, "columns": {**TASK["columns"], "text_b": "b"}}},
            "windows: tasks.t has pairs",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(more, message):
    with pytest.raises(ConfigError, match=message):
        study(**more)
