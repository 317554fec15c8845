"""A finished teacher with siblings: which runs it has, what each is made from, and what is refused."""

import copy

import pytest

from distillens.cli.cost_estimate import passes
from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.validate import ConfigError, complete

HOW = {"checkpoint": {"local": "base"}, "training": {"method": "fine_tune", "epochs": 2}}
TASK = {
    "source": {"local": "x.csv"},
    "columns": {"text_a": "text", "label": "mood"},
    "labels": ["bad", "good"],
    "splits": {
        "train": {"from": "all", "examples": 50},
        "validation": {"from": "all"},
        "test": {"from": "all"},
    },
}


class Run:
    task, model = "films", "production"

    def __init__(self, seed):
        self.seed = str(seed)


def config(siblings=2, how=HOW, task=TASK, **teacher):
    production = {"checkpoint": {"local": "production"}, "training": "none", **teacher}
    if how is not None:
        production["siblings"] = how
    models = {
        "production": production,
        "compressed": {"checkpoint": {"local": "c"}, "training": "none", "teacher": "production"},
        "int8": {"teacher": "production", "compress": {"method": "int8"}},
    }
    made = {"study": "s", "tasks": {"films": task}, "models": models, "explainers": {"occlusion": None}}
    return copy.deepcopy(made | ({} if siblings is None else {"reference": {"siblings": siblings}}))


def test_the_teachers_own_run_counts_as_one_and_its_siblings_follow():
    study = Study(complete(config()))
    assert study.config["models"]["production"]["seeds"] == [0, 1, 2]
    assert [study.start(Run(seed)) for seed in (0, 1, 2)] == [
        "production",
        "production-base",
        "production-base",
    ]
    assert study.used_checkpoints() == ["compressed", "production", "production-base"]
    assert study.config["reference"]["ladder"] is None  # three runs are a reference
    models = study.config["models"]
    assert models["compressed"]["seeds"] == [0] and models["compressed"]["teacher_seeds"] is None
    assert models["int8"]["teacher_seeds"] == [0, 1, 2]  # a copy of each run


def test_one_sibling_is_no_scale_so_there_is_a_ladder_too():
    assert complete(config(siblings=1))["reference"]["ladder"]["teachers"] == ["production"]


def test_a_sibling_is_trained_as_its_block_says_and_the_own_run_is_not():
    study = Study(complete(config(how={**HOW, "layers": [0, 2]})))
    params = JobParams(study)
    assert params.train(Run(2))["settings"]["epochs"] == 2 and params.train(Run(2))["layers"] == [0, 2]
    assert params.training_engine(Run(2)) == {"device": "auto"}
    assert "settings" not in params.import_model(Run(0))


@pytest.mark.parametrize(
    ("own", "block", "expected"),
    [("none", {}, None), ({"max_length": 64}, {}, 64), ("none", {"max_length": 32}, 32)],
)
def test_siblings_see_as_much_of_a_text_as_the_teacher_does(own, block, expected):
    training = own if own == "none" else {"method": "none", **own}
    how = {**HOW, "training": {**HOW["training"], **block}}
    study = Study(complete(config(how=how, training=training)))
    assert JobParams(study).train(Run(1))["settings"]["max_length"] == expected


def test_what_training_costs_is_said(tmp_path):
    (row,) = [row for row in passes(complete(config()), tmp_path) if row.rule == "train"]
    assert (row.what, row.runs, row.passes) == ("siblings of production", 2, 2 * 50 * 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"how": None}, "reference.siblings: no model says how it was trained; say models.TEACHER.siblings"),
        ({"siblings": None}, "models.production.siblings: say how many, too"),
        ({"seeds": [3]}, "its own run has seed 0; remove seeds"),
        ({"training": {"method": "fine_tune"}}, "only of one finished model"),
        ({"checkpoint": [{"local": "a"}, {"local": "b"}]}, "only of one finished model"),
        ({"how": {**HOW, "checkpoint": "bse"}}, "siblings.checkpoint: no checkpoint 'bse'"),
        ({"how": {**HOW, "checkpoint": "production"}}, "that is the finished model itself"),
        ({"how": {**HOW, "training": {"method": "soft_logits"}}}, "siblings learn from gold labels"),
        ({"how": {**HOW, "training": {"method": "fine_tune", "epoch": 1}}}, "unknown key 'epoch'"),
        ({"how": {"training": HOW["training"]}}, "'checkpoint' is a required property"),
        ({"task": {**TASK, "splits": {"test": {"from": "all"}}}}, "no 'train', which models.production is"),
        (
            {"task": {**TASK, "columns": {"text_a": "text", "label": None}}},
            "models.production is trained here",
        ),
    ],
)
def test_siblings_that_cannot_be_made_are_refused(changed, message):
    with pytest.raises(ConfigError, match=message):
        complete(config(**changed))


def test_a_student_has_none():
    made = config(how=None)
    made["models"]["compressed"]["siblings"] = HOW
    with pytest.raises(ConfigError, match="compressed.siblings: it is a student"):
        complete(made)
