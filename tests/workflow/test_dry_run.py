"""What can be seen without running a job."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import any_model, preloaded
from tests.workflow.conftest import ROOT, small_config

STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "resources" / "studies").glob("*.yaml"))]


USUAL = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]


def run(*command, folder=ROOT):
    command = [preloaded.interpreter(), *map(str, command)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def snakemake(*arguments, folder=ROOT):
    return run("-m", "snakemake", *USUAL, *arguments, folder=folder)


def counted(what, folder, config):
    """What a dry run takes, as `tests.workflow.counting` counts it."""
    out = folder / "counts.json"
    given = ["-n", "--quiet", "all", "--directory", folder, "--configfile", config]
    result = run(Path(__file__).with_name("counting.py"), out, what, *USUAL, *given)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(out.read_text())


@pytest.mark.parametrize("config", STUDIES, ids=lambda path: path.stem)
def test_the_graph_of_every_study_is_built_and_sources_are_parsed_once(config, tmp_path):
    if config.stem == "any-model-mini":
        any_model.made_for_mini(tmp_path)
    sources = [path for folder in ("distillens", "scripts") for path in (ROOT / folder).rglob("*.py")]
    # For the digests of code; and plug-ins once more for each constant that is asked of them.
    assert 0 < counted("own", tmp_path, config)["parsed"] < 1.5 * len(sources)


def test_jobs_ask_for_their_workers_cores_where_there_is_a_gpu(tmp_path):
    config, asking = small_config(tmp_path), {}
    for device in ("cpu", "cuda"):
        study = {**config, "device": device, "backend": "torch"}
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
        shown = snakemake("-n", "--directory", tmp_path, "--configfile", tmp_path / "study.yaml")
        assert shown.returncode == 0, shown.stdout + shown.stderr
        jobs = re.findall(r"^rule (\w+):\n((?:    .*\n)*)", shown.stdout, flags=re.MULTILINE)
        asking[device] = {name for name, job in jobs if "threads: 2" in job}
    # They ask for four; the command above has two.
    extra = asking["cuda"] - asking["cpu"]
    assert {"explain", "delete"} <= extra <= {"explain", "explain_again", "explain_probe", "delete"}


def test_one_student_more_is_the_same_work_however_many_there_are(tmp_path):
    config, counts = small_config(tmp_path), []
    for students in (1, 2, 12):
        more = {f"more-{number}": config["models"]["student"] for number in range(students)}
        study = {**config, "models": {**config["models"], **more}}
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
        counts.append(counted("all", tmp_path, tmp_path / "study.yaml"))
    for what in ("calls", "steps"):
        one, two, twelve = (found[what] for found in counts)
        # Were it the square of their number, it would be (144 - 4) / 10 = 14 beside 4 - 1 = 3.
        assert 0 < (twelve - two) / 10 < 1.5 * (two - one), what


def test_nothing_that_the_snakefile_metrics_or_report_reach_imports_torch():
    light = ["registry", "joblog", "tables", "provenance", "config.job_params", "data.fetch", "data.select"]
    light += ["perturbations.perturb", "probes.build_probe", "metrics.agreement", "metrics.calibration"]
    light += ["evaluation.calibrate", "evaluation.agreement", "report.page", "report.results"]
    light += ["cli.cost_estimate"]
    code = f"""
import importlib, json, sys
for name in {light}: importlib.import_module("distillens." + name)
print(json.dumps([name for name in ("torch", "transformers", "shap", "captum") if name in sys.modules]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(result.stdout.splitlines()[-1]) == []


def test_the_dry_run_imports_no_torch(tmp_path):
    hook = tmp_path / "sitecustomize.py"
    hook.write_text(
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] in ('torch', 'transformers', 'shap'):\n"
        "            raise RuntimeError('the dry run imports ' + name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
    )
    command = [sys.executable, "-c", "import torch"]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": os.defpath}
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode != 0
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--quiet",
        "all",
        "--snakefile",
        str(ROOT / "Snakefile"),
    ]
    command += ["--configfile", str(ROOT / "config.yaml"), "--directory", str(tmp_path)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_another_config_replaces_the_quickstart_and_a_key_overrides(tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["study"] = "other"
    del config["models"]["minilm-3-kd"]
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(config))
    result = snakemake(
        "-n",
        "--configfile",
        str(tmp_path / "other.yaml"),
        "--config",
        "repeats=3",
        "--directory",
        str(tmp_path),
    )
    assert result.returncode == 0, result.stderr
    assert "results/other/report/index.html" in result.stdout
    assert "minilm-3-kd" not in result.stdout
    alone = snakemake("-n", "--config", "study=renamed", "--directory", str(tmp_path), folder=ROOT)
    assert "config.yaml" in alone.stdout + alone.stderr  # there is none in that folder


def test_keys_of_the_command_line_have_the_types_that_they_have_in_a_file(tmp_path):
    study = yaml.safe_load((ROOT / "config.yaml").read_text())
    study["study"], study["mirror"] = "typed", "nowhere"
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    given = ["--config", "allow_code=true", "mirror=null", "tasks={snippets-5: {perturb: {examples: 10}}}"]
    place = ["--directory", str(tmp_path), "--configfile", str(tmp_path / "study.yaml")]
    result = snakemake("-n", "--quiet", "all", *place, *given)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_wrong_config_is_refused_before_the_graph_in_one_line(tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["explainers"]["shapp"] = config["explainers"].pop("shap")
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(config))
    result = snakemake("-n", "--configfile", str(tmp_path / "wrong.yaml"), "--directory", str(tmp_path))
    assert result.returncode == 1
    lines = (result.stdout + result.stderr).splitlines()
    assert "config: explainers.shapp: no method 'shapp'; did you mean 'shap'?" in lines
    assert "Building DAG" not in result.stdout + result.stderr


def test_the_workflow_is_linted_and_formatted():
    lint = snakemake("--lint")
    assert lint.returncode == 0, lint.stdout + lint.stderr
    files = ["Snakefile", "workflow"]
    check = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", *files], capture_output=True, cwd=ROOT, check=False
    )
    assert check.returncode == 0, check.stderr


def test_conda_environments_and_the_lock_name_the_same_versions():
    lock = dict(
        line.split("==")
        for line in (ROOT / "envs" / "requirements.lock").read_text().lower().splitlines()
        if "==" in line
    )
    for path in sorted((ROOT / "envs").glob("*.yaml")):
        (pip,) = [
            part["pip"] for part in yaml.safe_load(path.read_text())["dependencies"] if isinstance(part, dict)
        ]
        for pin in pip:
            name, version = pin.lower().split("==")
            assert lock[name] == version, f"{path.name}: {pin}"
