"""How a config names models that are only asked, what it must allow, and what is left out for them."""

import json
from types import SimpleNamespace as Wildcards

import pytest

from distillens.config import black_box
from distillens.config.errors import ConfigError
from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.validate import complete
from tests import tiny

TASK = {
    "source": {"local": "a.csv"},
    "columns": {"text_a": "text", "label": "label"},
    "labels": ["bad", "good"],
}
FUNCTION = {"function": "mine:predict"}
TEACHER = {"checkpoint": {"local": "bert"}, "training": "none"}


def study(models, allow_code=True, **more):
    explainers = {"occlusion": None, "integrated_gradients": None, "lime": {"unit": "token"}}
    base = {"study": "s", "tasks": {"t": TASK}, "allow_code": allow_code, "explainers": explainers}
    return complete({**base, **more, "models": models})


def test_only_a_model_behind_a_network_computes_nothing_here():
    http = {"http": {"url": "http://127.0.0.1:9/nobody", "most_calls": 9}}
    asked = Study(study({"mine": FUNCTION, "theirs": http, "bert": TEACHER}, explainers={"occlusion": None}))
    assert [asked.answers_elsewhere(name) for name in ("mine", "theirs", "bert")] == [False, True, False]


def test_a_text_is_the_short_form_of_a_kind():
    config = study({"mine": FUNCTION}, explainers={"occlusion": None})
    assert config["models"]["mine"]["function"]["name"] == "mine:predict"
    assert config["models"]["mine"]["function"]["gives"] == "probabilities"
    assert Study(config).of_origin("asked") == ["mine"]
    assert Study(config).with_weights() == [] and Study(config).can_answer() == ["mine"]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"mine": {"function": "mine.predict"}}, r"models.mine.function.name: 'mine.predict' does not fit"),
        (
            {"mine": {"function": {"nam": "a:b"}}},
            "models.mine.function: unknown key 'nam'; did you mean 'name'",
        ),
        ({"mine": {"onnx": {}}}, "models.mine.onnx: 'file' is a required property"),
        ({"mine": {**FUNCTION, "onnx": "a.onnx"}}, "models.mine: .* and .* are two models; keep one"),
        ({"mine": {**FUNCTION, "checkpoint": {"local": "b"}}}, "function and checkpoint are two models"),
        ({"mine": {**FUNCTION, "training": {"method": "fine_tune"}}}, "only asked is not trained"),
        ({"mine": {**FUNCTION, "seeds": [1, 2]}}, "models.mine.seeds: .*one run"),
        ({"mine": {"funktion": "a:b"}}, "unknown key 'funktion'; did you mean 'function'"),
        ({"mine": {"teacher": None}}, "give its checkpoint, or compress, or its explanations, or one of: "),
        (
            {"mine": FUNCTION, "kd": {**TEACHER, "training": {"method": "hidden_states"}, "teacher": "mine"}},
            "hidden_states looks into its teacher, and 'mine' is only asked",
        ),
        (
            {"mine": FUNCTION, "small": {"compress": {"method": "int8"}, "teacher": "mine"}},
            "'mine' has no checkpoint to compress",
        ),
        (
            {"mine": {**TEACHER, "adapter": "a", "training": {"method": "fine_tune"}}},
            "belongs to one finished",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(models, message):
    with pytest.raises(ConfigError, match=message):
        study(models, explainers={"occlusion": None})


def test_code_is_run_only_where_that_is_said():
    with pytest.raises(
        ConfigError, match="models.mine.function: names code .* allow_code: true .* --allow-code"
    ):
        study({"mine": FUNCTION}, allow_code=False, explainers={"occlusion": None})
    assert study({"mine": {"onnx": "a.onnx"}}, allow_code=False, explainers={"occlusion": None})


def test_logits_of_probabilities_are_not_explained():
    with pytest.raises(ConfigError, match="explained_output: logit, but models.mine gives probabilities"):
        study({"mine": FUNCTION}, explained_output="logit", explainers={"occlusion": None})


def test_a_student_is_explained_by_what_it_and_its_teacher_allow():
    models = {
        "bert": TEACHER,
        "mine": {**FUNCTION, "teacher": "bert"},
        "small": {**TEACHER, "teacher": "bert"},
    }
    config = study(models)
    found = {name: Study(config).explainers_of(name) for name in models}
    assert found == {
        "bert": ["occlusion", "integrated_gradients", "lime"],
        "mine": ["occlusion"],
        "small": ["occlusion", "integrated_gradients", "lime"],
    }
    assert Study(config).not_explained() == {"mine": ["integrated_gradients", "lime"]}
    assert black_box.left_out(config) == [
        "mine: integrated_gradients is left out: needs gradients, and it is only asked",
        "mine: lime is left out: needs known tokens, and it is only asked",
        "mine: size and speed are left out: it is only asked",
    ]
    swapped = {"mine": FUNCTION, "bert": {**TEACHER, "teacher": "mine"}}
    config = study(swapped, explainers={"occlusion": None})
    config["explainers"]["ig"] = {"method": "integrated_gradients"}
    assert Study(config).explainers_of("bert") == ["occlusion"]
    assert black_box.why_not(config, "ig", "bert").endswith("it is only asked (of its teacher mine)")


def test_an_explainer_that_no_model_allows_is_refused():
    with pytest.raises(ConfigError, match="explainers.integrated_gradients: needs gradients.*no model"):
        study({"mine": FUNCTION})


def test_the_ladder_is_of_teachers_with_weights_and_of_explainers_that_all_have():
    models = {"bert": TEACHER, "mine": {**FUNCTION, "teacher": "bert"}}
    ladder = study(models)["reference"]["ladder"]
    assert (ladder["teachers"], ladder["explainers"]) == (["bert"], ["occlusion"])
    assert study({"mine": FUNCTION}, explainers={"occlusion": None})["reference"]["ladder"] is None


# ---- removal ----


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny.bert(tmp_path / "bert")
    tiny.llama(tmp_path / "llama")
    tiny.t5(tmp_path / "t5")
    (tmp_path / "bert" / "model.onnx").touch()
    (tmp_path / "llama" / "onnx").mkdir()


def of(**models):
    return study({"bert": TEACHER, **models}, explainers={"occlusion": None})


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({**TEACHER, "teacher": "bert"}, "mask"),
        ({**FUNCTION, "teacher": "bert"}, "delete"),
        ({"function": {"name": "mine:predict", "mask_token": "[MASK]"}, "teacher": "bert"}, "mask"),
        ({"onnx": "bert/model.onnx", "teacher": "bert"}, "mask"),
        ({"onnx": "llama/onnx/model.onnx", "teacher": "bert"}, "delete"),
        ({"onnx": {"file": "a.onnx", "tokenizer": "llama"}, "teacher": "bert"}, "delete"),
        ({"checkpoint": {"local": "llama"}, "training": "none", "teacher": "bert"}, "delete"),
        ({"checkpoint": {"local": "t5"}, "training": "none", "teacher": "bert"}, "delete"),
        ({"checkpoint": {"hub": "org/later"}, "training": "none", "teacher": "bert"}, "mask"),
        ({"explanations": "mine.jsonl", "teacher": "bert"}, "mask"),
    ],
)
def test_words_are_masked_where_all_models_can(folders, model, expected):
    assert of(other=model)["removal"] == expected


def test_what_is_said_holds_and_is_refused_where_it_cannot(folders):
    models = {"bert": TEACHER, "mine": {**FUNCTION, "teacher": "bert"}}
    with pytest.raises(ConfigError, match="removal: mask, but models.mine has no mask token; take delete"):
        study(models, removal="mask", explainers={"occlusion": None})
    for rule in ("delete", {"neutral": "..."}):
        assert study(models, removal=rule, explainers={"occlusion": None})["removal"] == rule
    for wrong in ("drop", {"neutral": ""}, {"natural": "..."}):
        with pytest.raises(ConfigError, match="^removal"):
            study(models, removal=wrong, explainers={"occlusion": None})
    config = study(models, explainers={"occlusion": None})
    assert black_box.removal_in_words(config).endswith("for all models alike (mine: no mask token).")


def test_only_what_removes_words_is_made_again(folders):
    models = {"bert": TEACHER}
    one, other = (JobParams(Study(study(models, removal=rule))) for rule in ("mask", "delete"))
    run = Wildcards(task="t", model="bert", seed="0", explainer="occlusion")
    assert one.explaining(run) != other.explaining(run)
    assert one.engine(run) == other.engine(run)


def test_a_decoder_has_gradients_and_an_encoder_decoder_none(folders):
    explainers = {"occlusion": None, "integrated_gradients": None, "attention_rollout": None}
    config = study(
        {
            "bert": TEACHER,
            "llama": {"checkpoint": {"local": "llama"}, "training": "none"},
            "t5": {"checkpoint": {"local": "t5"}, "training": "none"},
        },
        explainers=explainers,
    )
    assert Study(config).explainers_of("llama") == ["occlusion", "integrated_gradients"]
    assert Study(config).explainers_of("t5") == ["occlusion"]


def test_an_adapter_s_folder_names_its_base(folders, tmp_path):
    (tmp_path / "lora").mkdir()
    said = {"base_model_name_or_path": "bert"}
    (tmp_path / "lora" / "adapter_config.json").write_text(json.dumps(said))
    model = {"checkpoint": {"local": "lora"}, "training": "none"}
    config = study({"tuned": model}, explainers={"occlusion": None})
    assert (
        config["checkpoints"]["tuned"]["local"] == "bert" and config["models"]["tuned"]["adapter"] == "lora"
    )
    (tmp_path / "lora" / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/far"}))
    with pytest.raises(
        ConfigError, match="lora is an adapter for org/far, which is no folder here; name both"
    ):
        study({"tuned": model}, explainers={"occlusion": None})
