"""What can be seen without running a job."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "resources" / "studies").glob("*.yaml"))]


def snakemake(*arguments, folder=ROOT):
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--cores",
        "2",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.parametrize("config", STUDIES, ids=lambda path: path.stem)
def test_the_graph_of_every_study_is_built_in_seconds(config, tmp_path):
    start = time.monotonic()
    result = snakemake("-n", "--quiet", "all", "--directory", str(tmp_path), "--configfile", str(config))
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.monotonic() - start < 20  # < 5 s on an idle machine; tests share theirs


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
