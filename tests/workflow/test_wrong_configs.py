"""Configs that are wrong: refused before the graph, in one line that says where and what to write."""

# ruff: noqa: E501

import json
import re
import subprocess

import pytest
import yaml

from tests import preloaded
from tests.workflow.conftest import ROOT, tiny_config
from tests.workflow.documented import documents, names

T, M = "tasks/moods", "models/student"


def text(old, new):
    """An edit of the YAML itself."""
    return lambda config: re.subn(old, new, yaml.safe_dump(config, sort_keys=False), count=1, flags=re.M)[0]


# name: (path, value) of one edit, and what has to be said.
CASES = {
    "a key that is not there": ("seeed", 3, "unknown key 'seeed'; did you mean 'seed'?"),
    "a misspelt explainer": ("explainers/shapp", None, "explainers.shapp: no method 'shapp'; did you mean 'shap'?"),
    "a misspelt perturbation": ("perturbations/keybord", None, "did you mean 'keyboard'?"),
    "a misspelt option": ("explainers/lime", {"sample": 9}, "explainers.lime: unknown key 'sample'; did you mean"),
    "a misspelt method": (f"{M}/training/method", "finetune", "did you mean 'fine_tune'?"),
    "a misspelt metric": (f"{T}/metrics", ["acuracy"], "did you mean 'accuracy'?"),
    "a misspelt device": ("device", "gpu", "device: 'gpu' is not one of auto, cpu, cuda"),
    "a misspelt teacher": (f"{M}/teacher", "techer", "models.student.teacher: no model 'techer'; did you mean 'teacher'?"),
    "a misspelt checkpoint": (f"{M}/checkpoint", "tinny", "no checkpoint 'tinny'; did you mean 'tiny'?"),
    "a misspelt probe": (f"{T}/probes", ["contrasts"], "no probe 'contrasts'; did you mean 'contrast'?"),
    "a probe by an explainer that is not there": ("probes/contrast/explainers", ["shap"], "no explainer 'shap'"),
    "a misspelt baseline": ("baselines", ["studnet"], "baselines: no model 'studnet'; did you mean 'student'?"),
    "a baseline that is no student": ("baselines", ["teacher"], "'teacher' is a teacher; name one of its students"),
    "no study": ("study", ..., "'study' is a required property"),
    "no models": ("models", {}, "models: {} should be non-empty"),
    "no training": (f"{M}/training", ..., "'training' is a required property"),
    "no labels": (f"{T}/labels", [], "tasks.moods.labels"),
    "no column for the label": (f"{T}/columns/label", ..., "'label' is a required property"),
    "a name with a slash": ("models/a/b", None, None),
    "a name that leaves the results": ("study", "../elsewhere", "'../elsewhere' is not a name: lower-case letters"),
    "a name with a blank": ("explainers/two words", {"method": "random"}, "'two words' is not a name"),
    "a name beyond ASCII": ("tasks/größe", {}, "'größe' is not a name"),
    "a name with a line break": ("study", "tiny\n", "is not a name"),
    "a name that is hidden": ("study", ".tiny", "'.tiny' is not a name"),
    "a name that is too long": ("study", "a" * 61, "is too long"),
    "a name that is taken": ("perturbations/none", {"method": "swap"}, "perturbations.none: `none` stands for"),
    "a name that YAML takes for a number": ("study", 2026, "study: 2026 is not of type 'string'; put it in quotes"),
    "labels that YAML takes for truth": (f"{T}/labels", [True, False, "maybe"], "is not of type 'string'; put it in quotes"),
    "a number in quotes": (f"{M}/training/learning_rate", "2e-5", "; write 2.0e-05, without quotes"),
    "not a number": (f"{M}/training/learning_rate", float("nan"), "nan is no number to compute with"),
    "infinity": (f"{M}/training/epochs", float("inf"), "inf is no number to compute with"),
    "a learning rate of 0": (f"{M}/training/learning_rate", 0, "models.student.training.learning_rate"),
    "a share above 1": (f"{M}/training/warmup_ratio", 1.5, "models.student.training.warmup_ratio: 1.5 is"),
    "a batch of 0": (f"{M}/training/batch_size", 0, "0 is less than the minimum of 1"),
    "a negative seed": (f"{M}/seeds", [-1], "models.student.seeds.0: -1 is less than the minimum of 0"),
    "a seed twice": (f"{M}/seeds", [1, 1], "has non-unique elements"),
    "a list that is none": (f"{M}/seeds", 1, "models.student.seeds: 1 is not of type 'array', 'null'; write a list"),
    "a block that is none": ("models/student", "teacher", "is not of type 'object'"),
    "k of 0": ("metrics/overlap_k", [0], "metrics.overlap_k.0: 0 is less than the minimum of 1"),
    "no k": ("metrics/deletion_k", [], "metrics.deletion_k"),
    "no repeats": ("repeats", 0, "repeats: 0 is less than the minimum of 1"),
    "no parts": ("parts", 0, "parts: 0 is less than the minimum of 1"),
    "certainty": ("metrics/confidence_level", 1, "metrics.confidence_level: 1 is"),
    "too few resamples": ("metrics/resamples", 10, "metrics.resamples: 10 is less than the minimum of 100"),
    "no explained texts": (f"{T}/explain/per_class", 0, "tasks.moods.explain.per_class: 0 is less"),
    "weights that add up to nothing": (
        "models/student-kd/training", {"method": "soft_logits", "alpha": 0, "beta": 0}, "nothing is learned; give one"),
    "a negative weight": (
        "models/student-kd/training", {"method": "soft_logits", "alpha": -1}, "models.student-kd.training.alpha: -1 is less"),
    "its own teacher": (f"{M}/teacher", "student", "a model cannot be its own teacher"),
    "a cycle of teachers": ("models/teacher/teacher", "student", "is a student itself; name a model without a teacher"),
    "a distillation without a teacher": ("models/student-kd/teacher", ..., "soft_logits learns from a teacher; name one"),
    "a cycle of checkpoints": ("checkpoints/headed/pretrain/start", "aligned", "is itself made from"),
    "a layer twice": (f"{M}/layers", [0, 0], "models.student.layers: [0, 0] has non-unique elements"),
    "two sources at once": (f"{T}/source/hub", "org/name", "tasks.moods.source: needs exactly one of"),
    "a package without a version": ("checkpoints/tiny", {"package": "x", "sha256": "0" * 64, "member": ["a"]}, "checkpoints.tiny.package"),
    "a mirror that is not there": ("mirror", "/nowhere", "mirror: no folder /nowhere; name one that is there"),
    "a data set that is not there": (f"{T}/source/local", "no.csv", "tasks.moods.source.local: no file or folder no.csv"),
    "a checkpoint that is not there": ("checkpoints/tiny/local", "no", "checkpoints.tiny.local: no file or folder no"),
    "a published study that is not there": ("published/file", "no.yaml", "published.file: no file"),
    "a metric of another kind of task": (f"{T}/metrics", ["pearson"], "'pearson' does not suit a classification"),
    "a threshold too few": (f"{T}/cut", [0.5], "tasks.moods.cut: 3 labels need 2 thresholds"),
    "thresholds that fall": (f"{T}/cut", [1, 0], "tasks.moods.cut: thresholds must increase"),
    "half precision without torch": ("precision", "bfloat16", "precision: bfloat16 needs torch"),
    "a model twice": text("^  student:", "  teacher:"),
    "a task's key twice": text("^      label: mood", "      label: mood\n      label: id"),
}  # fmt: skip
SAID = {
    "a model twice": "models.teacher: stands twice in study.yaml, in line",
    "a task's key twice": "tasks.moods.columns.label: stands twice in study.yaml, in line",
    "a name with a slash": "models: 'a/b' is not a name: lower-case letters",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "config.json").write_text(json.dumps(tiny_config(folder)))
    return folder


def edited(config, path, value):
    *parents, last = path.split("/") if path != "models/a/b" else ["models", "a/b"]
    block = config
    for key in parents:
        block = block[key]
    if value is ...:
        del block[last]
    else:
        block[last] = config["models"]["student"] if last == "a/b" else value
    return yaml.safe_dump(config, sort_keys=False)


def dry_run(folder):
    """Exit code and output of ``snakemake -n``."""
    command = [preloaded.interpreter(), "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", "study.yaml", "--cores", "1"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def test_the_config_that_the_others_are_edits_of_is_right(folder):
    (folder / "study.yaml").write_text(yaml.safe_dump(json.loads((folder / "config.json").read_text())))
    code, said = dry_run(folder)
    assert code == 0, said
    assert "report" in said


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_config_is_refused(name, folder):
    config, case = json.loads((folder / "config.json").read_text()), CASES[name]
    expected = SAID.get(name) or case[2]
    (folder / "study.yaml").write_text(case(config) if callable(case) else edited(config, *case[:2]))
    code, said = dry_run(folder)
    (line,) = [line for line in said.splitlines() if line.startswith("config: ")]
    assert code == 1
    assert expected in line
    assert "Building DAG" not in said
    assert "Traceback" not in said
    shown = re.sub(
        r" \(below .*, or absolute\)|/\S*(?=/resources|/no\.yaml)", "", line.removeprefix("config: ")
    )
    documents("wrong configs", list(CASES), name, f"`{shown}`")


def test_there_are_at_least_forty_and_all_are_in_the_table():
    assert len(CASES) >= 40
    assert names("wrong configs") == list(CASES)
