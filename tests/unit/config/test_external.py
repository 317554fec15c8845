"""What a study is given: finished models and attributions, in the config."""

import copy
from types import SimpleNamespace

import pytest

from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.validate import ConfigError, complete

CONFIG = {
    "study": "mine",
    "tasks": {
        "reviews": {
            "source": {"local": "reviews.csv"},
            "columns": {"text_a": "text", "label": "sentiment"},
            "labels": ["negative", "positive"],
        }
    },
    "models": {
        "production": {"checkpoint": {"local": "production"}, "training": "none"},
        "compressed": {"checkpoint": {"local": "compressed"}, "training": "none", "teacher": "production"},
    },
    "explainers": {"shap": None},
}


def changed(model, **keys):
    config = copy.deepcopy(CONFIG)
    block = {**config["models"].get(model, {}), **keys}
    config["models"][model] = {key: value for key, value in block.items() if value is not ...}
    return config


def of(model, seed=0):
    return SimpleNamespace(task="reviews", model=model, seed=str(seed), explainer="shap")


def test_short_forms_are_spelt_out():
    full = complete(CONFIG)
    assert full["models"]["production"]["training"] == {"method": "none", "max_length": None}
    assert full["models"]["production"]["checkpoint"] == "production"
    assert full["checkpoints"]["production"] == {"local": "production"}
    assert full["tasks"]["reviews"]["splits"] == {"test": {"from": "all", "examples": None, "plant": None}}
    assert complete(full) == full


def test_a_finished_model_is_neither_fine_tuned_nor_distilled():
    study = Study(complete(CONFIG))
    assert study.of_origin("imported") == ["production", "compressed"]
    assert study.of_origin("distilled", "fine_tuned") == []
    assert JobParams(study).import_model(of("compressed"))["labels"] is None


@pytest.mark.parametrize("labels", [["positive", "negative"], {"LABEL_0": "positive", "LABEL_1": "negative"}])
def test_outputs_are_named_in_their_order_or_by_their_names(labels):
    study = Study(complete(changed("compressed", labels=labels)))
    assert JobParams(study).import_model(of("compressed"))["labels"] == labels


def test_several_finished_runs_of_a_teacher_are_its_seeds():
    study = Study(complete(changed("production", checkpoint=[{"local": "a"}, {"local": "b"}])))
    assert study.runs() == [("production", 1), ("production", 2), ("compressed", 0)]
    assert [study.start(of("production", seed)) for seed in (1, 2)] == ["production-1", "production-2"]
    assert study.config["checkpoints"]["production-2"] == {"local": "b"}
    assert study.start(of("compressed")) == "compressed"


def test_a_model_may_be_known_by_its_attributions_only():
    config = changed("published", explanations="lime.jsonl", teacher="production")
    study = Study(complete(config))
    assert study.of_origin("attributions_only") == ["published"]
    assert study.imported_attributions() == ["published"]
    assert JobParams(study).explanations_file(of("published")) == "lime.jsonl"
    assert JobParams(study).import_explanations(of("published"))["name"] == "published"
    assert JobParams(study).score(of("published"))["attributions_only"] == ["published"]


def test_a_model_with_weights_may_bring_its_attributions():
    study = Study(complete(changed("compressed", explanations={"file": "own.parquet", "name": "theirs"})))
    assert study.of_origin("attributions_only") == []
    assert study.computed_attributions() == ["production"]
    assert JobParams(study).import_explanations(of("compressed"))["name"] == "theirs"


@pytest.mark.parametrize(
    ("model", "keys", "message"),
    [
        ("compressed", {"training": ...}, "models.compressed: 'training' is a required property"),
        (
            "compressed",
            {"checkpoint": ...},
            "models.compressed: give its checkpoint, or compress, or its explanations",
        ),
        ("compressed", {"checkpoint": "comprest"}, "no checkpoint 'comprest'"),
        ("compressed", {"training": "nnone"}, "models.compressed.training: 'nnone' is not of type"),
        ("compressed", {"training": {"method": "nune"}}, "no method 'nune'; did you mean 'none'"),
        (
            "compressed",
            {"training": {"method": "none", "epochs": 3}},
            "models.compressed.training: unknown key 'epochs': nothing is trained",
        ),
        (
            "compressed",
            {"layers": [0]},
            "models.compressed.layers: a model with training: none is taken as it is",
        ),
        ("compressed", {"seeds": [1, 2]}, "models.compressed.seeds: .* is one run, but there are 2 seeds"),
        (
            "compressed",
            {"training": {"method": "fine_tune"}},
            "tasks.reviews.splits: no 'train', which models.compressed is trained with",
        ),
        (
            "compressed",
            {"training": {"method": "fine_tune"}, "labels": ["negative", "positive"]},
            "models.compressed.labels: only of a model with training: none",
        ),
        (
            "compressed",
            {"training": {"method": "fine_tune"}, "checkpoint": [{"local": "a"}, {"local": "b"}]},
            "models.compressed.checkpoint: training starts from one checkpoint",
        ),
        (
            "published",
            {"explanations": "a.jsonl", "training": "none", "teacher": "production"},
            "models.published.training: there is no checkpoint, so nothing to train",
        ),
        (
            "compressed",
            {"explanations": {"path": "a.jsonl"}},
            "models.compressed.explanations: unknown key 'path'",
        ),
        (
            "compressed",
            {"explanations": {"file": "a.jsonl", "missing": "drop"}},
            "explanations.missing: 'drop' is not one of zero, intersection",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(model, keys, message):
    with pytest.raises(ConfigError, match=message) as caught:
        complete(changed(model, **keys))
    assert "\n" not in str(caught.value)


def test_a_checkpoint_written_in_place_does_not_hide_another():
    config = {**copy.deepcopy(CONFIG), "checkpoints": {"compressed": {"local": "elsewhere"}}}
    with pytest.raises(
        ConfigError, match="models.compressed.checkpoint: there is another one under checkpoints"
    ):
        complete(config)


def test_a_distillation_cannot_ask_a_teacher_that_has_no_checkpoint():
    config = changed("production", checkpoint=..., training=..., explanations="a.jsonl")
    config["models"]["compressed"]["training"] = {"method": "soft_logits"}
    with pytest.raises(ConfigError, match="teacher: soft_logits asks its teacher, and 'production' has no"):
        complete(config)


def test_probes_need_a_model_that_can_be_asked():
    config = changed("production", checkpoint=..., training=..., explanations="a.jsonl")
    config["models"]["compressed"] = {"explanations": "b.jsonl", "teacher": "production"}
    config["probes"] = {"contrast": {"explainers": ["shap"]}}
    config["tasks"]["reviews"]["probes"] = ["contrast"]
    with pytest.raises(
        ConfigError, match="tasks.reviews.probes: no model has a checkpoint that could be asked"
    ):
        complete(config)


def test_an_explainer_that_is_not_ours_is_brought_by_every_model():
    config = changed("compressed", explanations="a.jsonl")
    config["explainers"] = {"grad-cam": {"method": "elsewhere"}}
    with pytest.raises(
        ConfigError, match="explainers.grad-cam: .* but models.production has no explanations"
    ):
        complete(config)
    config["models"]["production"]["explanations"] = "a.jsonl"
    usual = {"unit": "word", "examples": None}
    assert complete(config)["explainers"]["grad-cam"] == {"method": "elsewhere", **usual}
    config["probes"] = {"contrast": {"explainers": ["grad-cam"]}}
    with pytest.raises(ConfigError, match="probes.contrast.explainers: 'grad-cam' is computed elsewhere"):
        complete(config)
