"""What a config may say of a task with several labels, and what is refused in words."""

import pytest

from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.validate import ConfigError, complete
from distillens.tables import SCHEMA_VERSION


class Wildcards:
    def __init__(self, **values):
        vars(self).update(values)


def config(task=None, model=None, **more):
    own = {
        "type": "multi_label",
        "source": {"local": "comments.csv"},
        "labels": ["toxic", "threat"],
        "columns": {"text_a": "text", "label": ["toxic", "threat"]},
        **(task or {}),
    }
    teacher = {"checkpoint": {"local": "tagger"}, "training": "none"}
    models = {"teacher": teacher, **({"student": {"teacher": "teacher", **model}} if model else {})}
    return {
        "study": "toy",
        "tasks": {"comments": own},
        "models": models,
        "explainers": {"occlusion": None},
        **more,
    }


TRAINED = {
    "splits": {
        "train": {"from": "all"},
        "validation": {"from": "all", "examples": 5},
        "test": {"from": "all", "examples": 5},
    }
}


def trained(method, **more):
    return {"checkpoint": {"local": "bert"}, "training": {"method": method, **more}}


def test_a_list_of_columns_are_those_of_the_labels():
    task = complete(config())["tasks"]["comments"]
    assert task["columns"]["label"] == {"toxic": "toxic", "threat": "threat"}
    assert task["metrics"] == ["micro_f1", "macro_f1", "map"] and "flip" not in task
    assert complete(complete(config())) == complete(config())


def test_each_label_is_judged_as_a_task_of_two_classes():
    study = Study(complete(config()))
    assert list(study.judged) == ["comments--toxic", "comments--threat"]
    assert study.asked_task("comments--threat") == "comments"
    params = JobParams(study)
    (score,) = [params.score(Wildcards(task="comments--threat"))]
    assert score["task_settings"] == {
        "type": "classification",
        "labels": ["not threat", "threat"],
        "metrics": ["f1", "accuracy"],
        "of": {"task": "comments", "label": "threat", "number": 1, "labels": ["toxic", "threat"]},
    }
    assert params.delete(Wildcards(task="comments--threat"))["label"] == 1
    assert params.explain(Wildcards(task="comments", explainer="occlusion"))["output"] == "logit"
    families = {"comments--toxic": "comments", "comments--threat": "comments"}
    assert params.decide_verdicts["families"] == families


def test_jobs_of_other_tasks_depend_on_what_they_did():
    given = config()
    given["tasks"]["moods"] = {
        "source": {"local": "m.csv"}, "labels": ["a", "b"], "columns": {"text_a": "text", "label": "mood"},
    }  # fmt: skip
    params = JobParams(Study(complete(given)))
    moods = Wildcards(task="moods", explainer="occlusion")
    assert "of" not in params.score(moods)["task_settings"] and "label" not in params.delete(moods)
    assert "type" not in params.select_examples(moods)["task"]
    assert "separator" not in params.fetch_dataset(moods)["task"]["columns"]
    assert params.explain(moods)["output"] == "margin"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"labels": []}, "labels: "),
        ({"labels": [f"l{n}" for n in range(51)]}, "51 are more than 50"),
        ({"cut": [0.5]}, "cut: makes one class"),
        ({"flip": 0.5}, "only a regression has it"),
        ({"metrics": ["accuracy"]}, "'accuracy' does not suit a multi_label"),
        ({"columns": {"text_a": "text", "label": ["toxic"]}}, "no column for the label 'threat'"),
        ({"columns": {"text_a": "text", "label": ["toxic", "threat", "spm"]}}, "no label 'spm'"),
        ({"columns": {"text_a": "text", "label": {"toxic": "a", "threat": "a"}}}, "'a' is the column of two"),
        (
            {"columns": {"text_a": "t", "label": ["toxic", "threat"], "separator": ";"}},
            "separator: is for one",
        ),
        ({"columns": {"text_a": "t", "label": "tags", "none": ""}}, "none: goes with separator"),
        (
            {"columns": {"text_a": "t", "label": "tags", "separator": ";", "none": "toxic"}},
            "is one of the labels",
        ),
        ({"explain": {"until": "told", "most": 90}}, "explain.until: is not planned for several labels"),
        ({"splits": {"test": {"from": "all", "plant": {"method": "first_half"}}}}, "plant"),
        (
            {"type": "classification"},
            "label: several columns are those of several labels; say type: multi_label",
        ),
        (
            {"type": "classification", "columns": {"text_a": "t", "label": "y", "separator": ";"}},
            "separator: is for several labels",
        ),
        ({"probes": ["contrast"]}, "probes ask for a sentiment class; several labels are none"),
    ],
)
def test_what_does_not_fit_is_said(changed, said):
    more = {"probes": {"contrast": {"explainers": ["occlusion"]}}} if "probes" in changed else {}
    with pytest.raises(ConfigError, match="comments") as error:
        complete(config(changed, **more))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        (trained("saliency"), {}, "saliency learns from the one class"),
        (trained("integrated_gradients"), {}, "integrated_gradients learns from the one class"),
        (trained("masked_consistency+saliency"), {}, "take soft_logits or masked_consistency"),
        ({"explanations": "theirs.jsonl"}, {}, "explanations: tasks.comments has several labels"),
        (
            {"http": {"url": "http://localhost", "chat": "llm", "most_calls": 9}},
            {},
            "http.chat: shares probability among the labels",
        ),
        (None, {"explained_output": "probability"}, "explained_output: tasks.comments has several labels"),
        (
            None,
            {"stability": {"explainers": ["occlusion"]}, "perturbations": {"swap": None}},
            "stability.explainers: tasks.comments has several labels",
        ),
    ],
)
def test_what_does_not_apply_is_said(model, more, said):
    with pytest.raises(ConfigError) as error:
        complete(config(TRAINED, model, **more))
    assert said in str(error.value)


@pytest.mark.parametrize("method", ["soft_logits", "masked_consistency", "hidden_states", "fine_tune"])
def test_the_other_trainings_are_for_several_labels_too(method):
    complete(config(TRAINED, trained(method)))


def test_a_task_may_not_be_called_as_a_label_is():
    given = config()
    given["tasks"]["comments--toxic"] = {
        "source": {"local": "x.csv"}, "labels": ["a", "b"], "columns": {"text_a": "text", "label": "y"},
    }  # fmt: skip
    with pytest.raises(ConfigError, match="stands for a label of 'comments'"):
        complete(given)


def test_no_table_has_another_schema():
    assert SCHEMA_VERSION == "5"
