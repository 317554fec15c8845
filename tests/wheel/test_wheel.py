"""What is installed from a wheel does in any folder what a clone does."""

import json
import os
import re
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from functools import partial

import pytest
import yaml

from distillens.provenance import code
from tests.fixtures import made_up_results
from tests.wheel.conftest import ROOT
from tests.workflow.conftest import Study, small_config, tiny_config

PARTS = ("Snakefile", "config.yaml", "workflow", "scripts", "envs", "resources", "profiles")


def files(folder, parts):
    """Content by path; compiled files aside."""
    paths = [path for part in parts for path in [folder / part, *(folder / part).rglob("*")]]
    kept = [path for path in paths if path.is_file() and path.suffix != ".pyc"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


def write(folder, config, name="study.yaml"):
    (folder / name).write_text(yaml.safe_dump(config, sort_keys=False))


def ready(folder, configure):
    """A folder with a study, its data and its checkpoint, all by relative paths."""
    folder.mkdir(parents=True, exist_ok=True)
    config = configure(folder)
    write(folder, config)
    return config


def jobs(said):
    """Rule, inputs, outputs and log of every job of a dry run."""
    found = set()
    for block in re.split(r"\n(?=\[|(?:local)?rule )", said):
        if head := re.match(r"(?:local)?rule (\w+):", block):
            lines = (re.search(rf"(?m)^    {key}: (.*)$", block) for key in ("input", "output", "log"))
            paths = (line.group(1).split(", ") if line else [] for line in lines)
            found.add((head.group(1), *(tuple(sorted(of)) for of in paths)))
    return found


# what is in it


def test_a_wheel_has_every_file_of_the_workflow_and_of_the_package(installed):
    assert files(installed.project, PARTS) == files(ROOT, PARTS)
    there = files(installed.packages, ["distillens"])
    package = files(ROOT, ["distillens"])
    assert {path: there.get(path) for path in package} == package
    assert {path for path in there if "/_project/" not in path} == set(package)
    assert os.access(installed.project / "profiles/slurm/cancel.sh", os.X_OK)


def test_reading_results_asks_for_neither_torch_nor_snakemake(wheel):
    with zipfile.ZipFile(wheel) as content:
        (path,) = (name for name in content.namelist() if name.endswith(".dist-info/METADATA"))
        about = HeaderParser().parsestr(content.read(path).decode())
    assert about.get_all("Provides-Extra") == ["adapters", "dev", "run", "scripts"]
    asked = {extra: set() for extra in ("base", "adapters", "dev", "run", "scripts")}
    for line in about.get_all("Requires-Dist"):
        extra = re.search(r"extra == '(\w+)'", line)
        asked[extra.group(1) if extra else "base"].add(re.match(r"[\w.-]+", line).group().lower())
    assert {"torch", "snakemake", "transformers", "onnxruntime", "captum"} <= asked["run"]
    assert {"pytest", "hatchling", "shap", "lime"} <= asked["dev"]
    assert not asked["base"] & (asked["run"] | asked["dev"])
    assert len(about.get_all("Classifier")) > 3
    assert len(about.get_all("Project-URL")) > 2


def test_code_has_the_same_digests_in_a_clone_and_in_a_wheel(installed, tmp_path):
    ask = """
import json
from distillens import registry
from distillens.config.job_code import report_code
from distillens.provenance import ROOT, code
scripts = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
digests = [code(f"scripts/{name}.py") for name in scripts]
digests += [code("scripts/explain.py", registry.module_name("explainer", "shap")), report_code()]
print(json.dumps(digests))
"""
    clone = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(installed.run("python", "-c", ask, folder=tmp_path)) == json.loads(clone.stdout)
    assert code("scripts/explain.py") in clone.stdout


# what it takes to read results


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    return made_up_results.write(tmp_path_factory.mktemp("made-up"))


def test_results_are_read_and_the_verdict_printed_without_torch_and_snakemake(reader, made_up, tmp_path):
    ask = f"""
import importlib.util
heavy = "torch", "snakemake", "transformers", "onnxruntime", "matplotlib"
assert not any(map(importlib.util.find_spec, heavy))
import distillens
results = distillens.load({str(made_up)!r})
print(len(results.drift), len(results.scores), len(results.attributions), len(results.predictions))
"""
    assert all(map(int, reader.run("python", "-c", ask, folder=tmp_path).split()))
    assert "drift found" in reader.run("distillens", "verdict", made_up, folder=tmp_path)
    assert "commands:" in reader.run("distillens", "--help", folder=tmp_path)


@pytest.mark.parametrize("command", ["run", "check config.yaml", "explain --study x --text y"])
def test_a_command_that_needs_more_says_so_in_a_line(reader, tmp_path, command):
    name, *rest = command.split()
    said = reader.run("distillens", name, *rest, folder=tmp_path, code=1)
    assert re.fullmatch(rf"error: {name} needs \w+: pip install 'distillens\[run\]'\n", said)


# any folder


@pytest.mark.slow
def test_commands_work_in_the_user_s_own_folder(installed, tmp_path):
    data = tmp_path / "data"
    config = ready(data, small_config)
    config["tasks"]["moods"]["source"]["local"] = "data/data.csv"
    config["checkpoints"]["tiny"]["local"] = "data/checkpoint"
    (tmp_path / "studies").mkdir()
    write(tmp_path / "studies", config, "mine.yaml")
    said = installed.run("distillens", "run", "studies/mine.yaml", "-n", folder=tmp_path)
    assert "results/tiny/report/index.html" in said
    assert "profiles/default" in said
    assert not (tmp_path / "results").exists()
    said = installed.run("distillens", "check", "studies/mine.yaml", folder=tmp_path)
    assert re.search(r"in all +(\d{2}) +\1\b", said)
    said = installed.run("distillens", "run", "../studies/mine.yaml", "-n", folder=data, code=1)
    assert f"no file or folder data/data.csv (below {data}, or absolute)" in said


@pytest.mark.slow
def test_the_quickstart_and_the_shipped_studies_are_there(installed, tmp_path):
    assert "minilm-3-kd" in installed.run("distillens", "run", "-n", folder=tmp_path)
    shipped = "resources/studies/sst5.yaml"
    assert "results/sst5/" in installed.run("distillens", "run", shipped, "-n", folder=tmp_path)
    said = installed.run("distillens", "run", "mien.yaml", folder=tmp_path, code=1)
    assert said == "error: mien.yaml: no such file; the study comes first, then Snakemake's options\n"


@pytest.mark.slow
def test_options_and_targets_are_snakemake_s_and_so_is_the_exit_status(installed, tmp_path):
    ready(tmp_path, small_config)
    target = "results/tiny/data/moods/explained.parquet"
    run = partial(installed.run, "distillens", "run", "study.yaml", folder=tmp_path)
    assert "Provided cores: 1 " in run(target, "--cores", "1")
    assert (tmp_path / target).is_file()
    assert "No rule to produce nothing" in run("nothing", code=1)
    assert "Params have changed" in run("--config", "seed=8", "-n", "--", target)


# the whole way


@pytest.fixture(scope="module")
def finished(installed, tmp_path_factory):
    """A teacher and a student, run to the end from the wheel."""

    def configure(folder):
        config = small_config(folder)
        del config["models"]["student-kd"], config["explainers"]["random"]
        return config

    folder = tmp_path_factory.mktemp("finished")
    config = ready(folder, configure)
    installed.run("distillens", "run", "study.yaml", "--quiet", "all", folder=folder)
    return Study(folder, config)


@pytest.mark.slow
def test_a_study_runs_to_its_verdict_and_a_clone_would_do_nothing_more(installed, finished):
    assert finished.jobs() == []
    said = installed.run("distillens", "verdict", "results/tiny", folder=finished.folder)
    assert "student" in said
    text = ["--text", "A dull film, but joyful."]
    said = installed.run("distillens", "explain", "--study", "results/tiny", *text, folder=finished.folder)
    assert "Spearman" in said


# a module of another workflow

PARENT = """
from distillens.provenance import ROOT

configfile: "parent.yaml"

module one:
    snakefile: str(ROOT / "Snakefile")
    prefix: "drift"
    config: config["one"]

module two:
    snakefile: str(ROOT / "Snakefile")
    config: config["two"]

use rule * from one as one_*
use rule * from two as two_*

rule both:
    default_target: True
    input: rules.one_all.input, rules.two_all.input
    output: "both.txt"
    shell: "touch {output}"
"""


@pytest.mark.slow
def test_it_is_a_module_of_another_workflow(installed, tmp_path):
    one = ready(tmp_path, tiny_config)
    alone = jobs(installed.run("distillens", "run", "study.yaml", "-n", folder=tmp_path))
    two = {**small_config(tmp_path), "study": "small", "parts": 2}
    write(tmp_path, {"one": one, "two": two, "more": "of the parent's"}, "parent.yaml")
    (tmp_path / "Snakefile").write_text(PARENT)

    def snakemake(*arguments):
        return installed.run("python", "-m", "snakemake", "--cores", "2", *arguments, folder=tmp_path)

    def bare(paths):
        return tuple(sorted(path.removeprefix("drift/") for path in paths))

    said = jobs(snakemake("-n"))
    ones = {job for job in said if job[0].startswith("one_")}
    assert {(name.removeprefix("one_"), *map(bare, paths)) for name, *paths in ones} == {
        job for job in alone if job[0] != "all"
    }
    assert all(path.startswith("drift/") for _, _, outputs, logs in ones for path in [*outputs, *logs])
    report = {path for name, _, outputs, _ in said for path in outputs if name == "two_report"}
    assert "results/small/report/index.html" in report
    explained = "drift/results/tiny/data/moods/explained.parquet"
    snakemake(explained)
    assert (tmp_path / explained).is_file()
    assert not (tmp_path / "results").exists()


# beside a clone


@pytest.mark.slow
def test_a_clone_s_scripts_import_the_clone_s_package_where_a_wheel_is_installed(installed, tmp_path):
    config = ready(tmp_path / "study", small_config)
    study = Study(tmp_path / "study", config).with_code(
        tmp_path / "clone", "distillens/data/fetch.py", lambda text: f"{text}\nprint('from', __file__)\n"
    )
    target = "results/tiny/data/moods/test.parquet"
    log = study.folder / "logs/tiny/fetch_dataset/moods.log"
    arguments = ["--snakefile", study.project / "Snakefile", "--configfile", "study.yaml", "--cores", "1"]
    installed.run("python", "-m", "snakemake", *arguments, "--", target, folder=study.folder)
    assert f"from {study.project}/distillens/data/fetch.py" in log.read_text()
    # And the installed command is not led astray by a clone that it is called in.
    (study.folder / "results").rename(study.folder / "before")
    (study.project / "study.yaml").write_bytes((study.folder / "study.yaml").read_bytes())
    arguments = ["study.yaml", "--directory", study.folder, "--", target]
    installed.run("distillens", "run", *arguments, folder=study.project)
    assert "from" not in log.read_text()
