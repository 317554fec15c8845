import copy
import json

import pytest
import yaml

from distillens.config.validate import ConfigError, complete
from distillens.provenance import ROOT

# Through JSON, so that blocks shared by a YAML anchor become copies.
QUICKSTART = json.loads(json.dumps(yaml.safe_load((ROOT / "config.yaml").read_text())))


def changed(path, value):
    config = copy.deepcopy(QUICKSTART)
    *parents, last = path.split("/")
    block = config
    for key in parents:
        block = block[key]
    if value is None:
        del block[last]
    else:
        block[last] = value
    return config


def test_defaults_are_filled_and_the_given_config_is_left_alone():
    given = copy.deepcopy(QUICKSTART)
    full = complete(given)
    assert given == QUICKSTART
    assert full["models"]["minilm-6"]["teacher"] is None
    assert full["models"]["minilm-6"]["training"]["warmup_ratio"] == 0.1
    assert full["explainers"]["integrated_gradients"]["max_steps"] == 400
    usual = {"unit": "word", "examples": None}
    assert full["explainers"]["random"] == {"method": "random", "draw": 0, **usual}
    assert full["tasks"]["snippets-5"]["type"] == "classification"


@pytest.mark.parametrize("metric", ["ndcg", "pair_agreement"])
def test_a_ranking_needs_the_column_of_its_queries(metric):
    config = changed("tasks/snippets-5/metrics", [metric])
    task = config["tasks"]["snippets-5"]
    task |= {"type": "regression", "flip": 0.5}
    for name in ("labels", "cut"):
        del task[name]
    task["explain"] = {"examples": 30}
    with pytest.raises(ConfigError, match=rf"{metric} compares the documents of a query; .*columns.group"):
        complete(config)
    task["columns"]["group"] = "query"
    assert complete(config)["tasks"]["snippets-5"]["metrics"] == [metric]


def test_a_regression_and_nothing_else_has_an_amount_by_which_it_flips():
    assert "flip" not in complete(QUICKSTART)["tasks"]["snippets-5"]
    config = changed("tasks/snippets-5/type", "regression")
    task = config["tasks"]["snippets-5"]
    del task["labels"], task["cut"]
    task["metrics"] = ["pearson"]
    assert complete(config)["tasks"]["snippets-5"]["flip"] == 0.5
    task["flip"] = 1
    assert complete(config)["tasks"]["snippets-5"]["flip"] == 1
    task["flip"] = 0
    with pytest.raises(ConfigError, match="tasks.snippets-5.flip: 0 is less than or equal to the minimum"):
        complete(config)


def test_half_precision_is_refused_for_onnx_runtime():
    config = {**QUICKSTART, "backend": "onnxruntime", "precision": "bfloat16"}
    with pytest.raises(ConfigError, match="precision: bfloat16 needs torch"):
        complete(config)


def test_the_products_of_a_gpu_are_refused_for_the_cpu():
    config = {**QUICKSTART, "device": "cpu", "precision": "tf32"}
    with pytest.raises(ConfigError, match="precision: tf32 is a GPU's; set device: auto or cuda"):
        complete(config)
    assert complete({**config, "device": "cuda"})["precision"] == "tf32"


def test_completing_a_complete_config_changes_nothing():
    full = complete(QUICKSTART)
    assert complete(full) == full


def test_one_method_can_stand_under_several_names():
    config = changed("explainers/lime-100", {"method": "lime", "samples": 100})
    assert complete(config)["explainers"]["lime-100"]["kernel_width"] == 25


CORPUS = {
    "source": {"hub": "org/text"},
    "splits": {"train": {"from": "train"}, "validation": {"from": "validation"}},
}
HEADED = {"method": "masked_head", "start": "minilm", "corpus": "wiki"}
ALIGNED = {"method": "attention_interchange", "start": "headed", "teacher": "headed", "corpus": "wiki"}


def beside(**block):
    """The quickstart, one student of which is trained on a corpus too."""
    config = {**copy.deepcopy(QUICKSTART), "corpora": {"wiki": {**copy.deepcopy(CORPUS), **block}}}
    student = next(m for m in config["models"].values() if m.get("teacher") and "training" in m)
    student["training"] = {**student["training"], "method": "masked_consistency", "corpus": "wiki"}
    return config, student["training"]


def test_a_corpus_without_labels_can_stand_beside_a_task():
    config, _ = beside()
    assert complete(config)["corpora"]["wiki"]["column"] == "text"


def test_a_corpus_beside_a_task_is_single_texts_that_are_not_tested_on():
    config, training = beside()
    training["corpus"] = "wikki"
    with pytest.raises(ConfigError, match="training.corpus: no corpus 'wikki'.*'wiki'"):
        complete(config)
    task = next(iter(QUICKSTART["tasks"].values()))
    drawn, name = {"from": task["splits"]["test"]["from"]}, next(iter(QUICKSTART["tasks"]))
    config, _ = beside(source=task["source"], splits={"train": drawn, "validation": drawn})
    with pytest.raises(ConfigError, match=f"'wiki' is drawn from what '{name}' is tested on"):
        complete(config)
    config, _ = beside()
    config["tasks"][name]["columns"]["text_b"] = "other"
    with pytest.raises(ConfigError, match=f"'{name}' has pairs"):
        complete(config)


def pretrained(**checkpoints):
    config = {**copy.deepcopy(QUICKSTART), "corpora": {"wiki": copy.deepcopy(CORPUS)}}
    config["checkpoints"] |= {name: {"pretrain": block} for name, block in checkpoints.items()}
    return config


def test_checkpoints_can_be_made_from_others():
    full = complete(pretrained(headed=HEADED, aligned={**ALIGNED, "layers": [0, 2, 4]}))
    made = full["checkpoints"]["aligned"]["pretrain"]
    assert (made["block_size"], made["mlm_probability"], made["weight_att"], made["batch_size"]) == (
        128,
        0.15,
        1.0,
        32,
    )
    assert full["corpora"]["wiki"]["column"] == "text"
    assert "teacher" not in full["checkpoints"]["headed"]["pretrain"]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            {"headed": {**HEADED, "method": "masked_haed"}},
            "headed.pretrain.method: .*did you mean 'masked_head'",
        ),
        ({"headed": {**HEADED, "corpus": "wikki"}}, "headed.pretrain.corpus: no corpus 'wikki'.*'wiki'"),
        ({"headed": {**HEADED, "start": "minilmm"}}, "pretrain.start: no checkpoint 'minilmm'.*'minilm'"),
        ({"headed": {**HEADED, "teacher": "minilm"}}, "headed.pretrain: unknown key 'teacher'"),
        (
            {"headed": HEADED, "aligned": {**ALIGNED, "teacher": ...}},
            "aligned.pretrain: 'teacher' is a required",
        ),
        (
            {"a": {**HEADED, "start": "b"}, "b": {**HEADED, "start": "a"}},
            "a.pretrain.start: 'b' is itself made",
        ),
        ({"a": {**HEADED, "start": "a"}}, "a.pretrain.start: 'a' is itself made from 'a'"),
        ({"headed": {**HEADED, "epoch": 1}}, "headed.pretrain: unknown key 'epoch'; did you mean 'epochs'"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_made_here_is_said(blocks, message):
    cleaned = {name: {k: v for k, v in block.items() if v is not ...} for name, block in blocks.items()}
    with pytest.raises(ConfigError, match=message):
        complete(pretrained(**cleaned))


def test_a_task_is_not_pretrained():
    config = pretrained(headed=HEADED)
    config["tasks"]["snippets-5"]["source"] = {"pretrain": HEADED}
    with pytest.raises(ConfigError, match="tasks.snippets-5.source: only checkpoints are pretrained"):
        complete(config)


T, M = "tasks/snippets-5", "models"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("study", None, "top level: 'study' is a required property"),
        ("study", "../elsewhere", "study: '../elsewhere' is not a name"),
        ("seeed", 3, "top level: unknown key 'seeed'; did you mean 'seed'?"),
        ("seed", -1, "seed: -1 is less than the minimum of 0"),
        ("seed", "one", "seed: 'one' is not of type 'integer'"),
        ("device", "gpu", "device: 'gpu' is not one of auto, cpu, cuda"),
        ("repeats", 0, "repeats: 0 is less than the minimum of 1"),
        ("explained_output", "margins", "explained_output: .*did you mean 'margin'"),
        ("tasks", {}, "tasks: "),
        ("tasks/a task", QUICKSTART["tasks"]["snippets-5"], "tasks: 'a task' is not a name"),
        (f"{T}/source/sha256", "abc", "tasks.snippets-5.source.sha256"),
        (f"{T}/source/hub", "org/name", "tasks.snippets-5.source: needs exactly one of"),
        (f"{T}/source/package", "vaderSentiment", "tasks.snippets-5.source.package"),
        (f"{T}/columns/label", None, "tasks.snippets-5.columns: 'label' is a required"),
        (f"{T}/labels", ["bad", "good"], "tasks.snippets-5.cut: 2 labels need 1 thresholds"),
        (f"{T}/labels", ["a", "a", "b", "c", "d"], "tasks.snippets-5.labels"),
        (f"{T}/cut", [1, 0, 2, 3], "tasks.snippets-5.cut: thresholds must increase"),
        (f"{T}/type", "regression", "a regression has neither labels nor cut"),
        (f"{T}/flip", 0.5, "tasks.snippets-5.flip: a class changes or does not; only a regression has it"),
        (f"{T}/metrics", ["pearson"], "'pearson' does not suit a classification"),
        (f"{T}/metrics", ["ndcg"], "'ndcg' does not suit a classification"),
        (f"{T}/metrics", ["f1"], "f1 is for two classes"),
        (f"{T}/metrics", ["acuracy"], "did you mean 'accuracy'"),
        (f"{T}/splits/test", None, "'test' is a required property"),
        (f"{T}/splits/test/examples", 0, "tasks.snippets-5.splits.test.examples"),
        (f"{T}/explain/per_class", 0, "tasks.snippets-5.explain.per_class"),
        (f"{T}/explain/perclass", 6, "did you mean 'per_class'"),
        (
            f"{M}/minilm-3/teacher",
            "minilm6",
            "models.minilm-3.teacher: no model 'minilm6'; did you mean 'minilm-6'?",
        ),
        (f"{M}/minilm-3/teacher", "minilm-3", "cannot be its own teacher"),
        (f"{M}/minilm-3-kd/teacher", "minilm-3", "'minilm-3' is a student itself"),
        (f"{M}/minilm-3-kd/teacher", None, "soft_logits learns from a teacher; name one"),
        (f"{M}/minilm-3/checkpoint", "minilmm", "no checkpoint 'minilmm'; did you mean 'minilm'"),
        (f"{M}/minilm-3/layers", [], "models.minilm-3.layers"),
        (f"{M}/minilm-3/layers", [0, 0], "models.minilm-3.layers"),
        (f"{M}/minilm-3/seeds", [], "models.minilm-3.seeds"),
        (f"{M}/minilm-3/seeds", [1, 1], "models.minilm-3.seeds"),
        (f"{M}/minilm-3/training/method", "finetune", "did you mean 'fine_tune'"),
        (f"{M}/minilm-3/training/learning_rate", "2e-5", "models.minilm-3.training.learning_rate"),
        (f"{M}/minilm-3/training/learning_rate", 0, "models.minilm-3.training.learning_rate"),
        (f"{M}/minilm-3/training/temperature", 2, "unknown key 'temperature'"),
        (f"{M}/minilm-3-kd/training/temprature", 2, "did you mean 'temperature'"),
        (f"{M}/minilm-3-kd/training/temperature", 0, "models.minilm-3-kd.training.temperature"),
        ("explainers/shapp", {}, "explainers.shapp: no method 'shapp'; did you mean 'shap'?"),
        ("explainers/lime", {"sample": 10}, "explainers.lime: unknown key 'sample'; did you mean 'samples'?"),
        ("explainers/lime", {"samples": 0}, "explainers.lime.samples"),
        ("perturbations/typos", {"method": "keybord"}, "did you mean 'keyboard'"),
        ("metrics/overlap_k", [0], "metrics.overlap_k.0: 0 is less than the minimum of 1"),
        ("metrics/deletion_k", [], "metrics.deletion_k"),
        ("metrics/confidence_level", 1, "metrics.confidence_level"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(path, value, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(").replace("?", r"\?")) as caught:
        complete(changed(path, value))
    assert "\n" not in str(caught.value)
