from types import SimpleNamespace

import pytest
import yaml

from distillens import provenance
from distillens.config.job_code import JobCode
from distillens.config.job_params import JobParams, ordered
from distillens.config.study import Study
from distillens.config.validate import complete
from distillens.provenance import ROOT


@pytest.fixture
def study():
    return Study(complete(yaml.safe_load((ROOT / "config.yaml").read_text())))


@pytest.fixture
def job_params(study):
    return JobParams(study)


def of(**wildcards):
    return SimpleNamespace(**{"task": "snippets-5", **wildcards})


def test_a_job_depends_on_its_own_model_only(study, job_params):
    before = job_params.train(of(model="minilm-3")), job_params.train(of(model="minilm-6"))
    study.config["models"]["minilm-3"]["training"] = {"method": "fine_tune", "learning_rate": 1.0}
    after = job_params.train(of(model="minilm-3")), job_params.train(of(model="minilm-6"))
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_fine_tuning_does_not_depend_on_how_finished_models_run_and_distilling_does(study, job_params):
    of_both = [of(model=name) for name in ("minilm-6", "minilm-3-kd")]
    before = [job_params.training_engine(one) for one in of_both]
    study.config["precision"] = "bfloat16"
    after = [job_params.training_engine(one) for one in of_both]
    assert [new == old for new, old in zip(after, before, strict=True)] == [True, False]


def test_runs_teachers_and_methods_come_from_the_config(study):
    assert study.runs() == [
        ("minilm-6", 1),
        ("minilm-6", 2),
        ("minilm-6", 3),
        ("minilm-3", 1),
        *(("minilm-3-kd", seed) for seed in (1, 2, 3)),
    ]
    assert study.teacher("minilm-3-kd", 1) == ("minilm-6", 1)
    assert study.teacher("minilm-6", 1) is None
    assert study.of_origin("distilled") == ["minilm-3-kd"]


def test_params_hold_only_what_snakemake_compares(study, job_params):
    def check(value):
        assert isinstance(value, dict | list | str | int | float | bool | None)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    wildcards = of(model="minilm-3", explainer="shap", perturbation="swap", checkpoint="minilm", seed="1")
    names = "fetch_dataset fetch_checkpoint select_examples perturb train engine explain delete score report"
    for name in names.split():
        check(getattr(job_params, name)(wildcards))


def test_local_and_mirrored_files_are_inputs_and_downloads_have_none(study, job_params, tmp_path):
    assert job_params.source_files(of()) == []
    assert job_params.source_files(SimpleNamespace(checkpoint="minilm")) == []
    mirrored = tmp_path / "org" / "set" / "default" / "train.parquet"
    mirrored.parent.mkdir(parents=True)
    mirrored.touch()
    study.config["mirror"] = str(tmp_path)
    study.config["tasks"]["snippets-5"]["source"] = {"hub": "org/set", "config": "default"}
    assert job_params.source_files(of()) == [str(mirrored)]
    study.config["tasks"]["snippets-5"]["source"] = {"local": {"train": "a.csv", "test": "b.csv"}}
    assert job_params.source_files(of()) == ["a.csv", "b.csv"]
    study.config["checkpoints"]["minilm"] = {"local": str(mirrored.parent)}
    assert job_params.source_files(SimpleNamespace(checkpoint="minilm")) == [str(mirrored)]


def test_files_deep_in_folders_of_a_function_or_an_adapter_are_inputs(study, job_params, tmp_path):
    deep = tmp_path / "weights" / "layers" / "first.npy"
    for file in (deep, tmp_path / "weights" / "__pycache__" / "mine.cpython-311.pyc"):
        file.parent.mkdir(parents=True)
        file.touch()
    folder = str(tmp_path / "weights")
    model = study.config["models"]["minilm-6"]
    model |= {"function": {"name": "mine:predict", "files": [folder]}, "adapter": folder}
    wildcards = of(model="minilm-6")
    assert job_params.asked_files(wildcards) == job_params.adapter_files(wildcards) == [str(deep)]
    before = provenance.digest(folder)
    deep.write_text("other")
    assert provenance.digest(folder) != before


def test_a_mirror_is_a_param_of_what_comes_from_the_hub_alone(study, job_params):
    study.config["mirror"] = "folder"
    checkpoint = SimpleNamespace(checkpoint="minilm")
    assert job_params.fetch_dataset(of())["mirror"] is None
    assert job_params.fetch_checkpoint(checkpoint)["mirror"] is None
    study.config["tasks"]["snippets-5"]["source"] = {"hub": "org/set", "config": "default"}
    study.config["checkpoints"]["minilm"] = {"hub": "org/model"}
    assert job_params.fetch_dataset(of())["mirror"] == "folder"
    assert job_params.fetch_checkpoint(checkpoint)["mirror"] == "folder"


@pytest.mark.parametrize(
    ("rule", "model", "changes"),
    [
        *((rule, "asked", True) for rule in ("connect_model", "predict", "explain", "delete")),
        *((rule, "minilm-3", False) for rule in ("predict", "explain", "delete")),
        ("distil", "minilm-3-kd", True),  # it learns from the one that is asked
    ],
)
def test_the_code_of_a_backend_is_part_of_what_asks_its_models(rule, model, changes, study, monkeypatch):
    models, read = study.config["models"], provenance.Path.read_text
    models["asked"] = {**models["minilm-6"], "http": {"url": "http://127.0.0.1:9/nobody", "most_calls": 9}}
    models["minilm-3-kd"]["teacher"] = "asked"

    def edited(path, *args):
        return read(path, *args) + ("\nX = 1" if path.match("backends/http.py") else "")

    def digest():
        provenance.code.cache_clear()
        return getattr(JobCode(study), rule)(of(model=model, explainer="shap"))

    before = digest()
    monkeypatch.setattr(provenance.Path, "read_text", edited)
    assert (digest() != before) == changes
    provenance.code.cache_clear()


def test_a_reordered_block_reads_the_same():
    assert repr(ordered({"b": [{"z": 1, "y": 2}], "a": 3})) == repr({"a": 3, "b": [{"y": 2, "z": 1}]})


def test_the_code_of_one_explainer_is_no_part_of_another(study, monkeypatch):
    job_code = JobCode(study)
    shap, lime = (job_code.explain(of(model="minilm-3", explainer=name)) for name in ("shap", "lime"))
    assert shap != lime
    read = provenance.Path.read_text

    def edited(path, *args):
        source = read(path, *args)
        return source.replace("ridge", "rigde") + ("\nX = 1" if "lime_text" in source else "")

    provenance.code.cache_clear()
    monkeypatch.setattr(provenance.Path, "read_text", edited)
    assert job_code.explain(of(model="minilm-3", explainer="shap")) == shap
    assert job_code.explain(of(model="minilm-3", explainer="lime")) != lime
    provenance.code.cache_clear()


def test_comments_formatting_and_docstrings_are_no_change_of_code(tmp_path, monkeypatch):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "distillens").mkdir()
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "distillens")
    script, module = tmp_path / "scripts" / "a.py", tmp_path / "distillens" / "b.py"
    script.write_text("import sys\nfrom distillens import b\n")
    digests = []
    for text in (
        "def f(x):\n    return x\n",
        '"""About."""\n\n\ndef f(x):  # twice\n    """Give x."""\n    return (x)\n',
        "def f(x):\n    return x + 1\n",
    ):
        module.write_text(text)
        provenance.code.cache_clear()
        digests.append(provenance.code("scripts/a.py"))
    provenance.code.cache_clear()
    assert digests[0] == digests[1] != digests[2]
