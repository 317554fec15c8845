"""Folders, homes and networks that nobody expects: the study runs, or says in one line why it does not."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from distillens import tables
from tests.workflow.conftest import ROOT, Study, small_config
from tests.workflow.documented import documents, names

RUNS = {
    "spaces": "my own study",
    "Unicode": "größe 日本 ไทย",
    "percent": "100%s %(x)s",
    "an apostrophe": "it's",
    "quotation marks": 'a "b"',
    "a hash": "a#b",
    "a dollar": "a $HOME $(touch x)",
    "a semicolon": "a; b & c",
    "brackets and stars": "(a)[b]*?",
    "a backslash": "a\\nb",
    "a line break": "a\nb",
    "a hyphen first": "-n",
    "a colon, a comma": "a:b,c=d",
    "a tilde": "~a",
    "an emoji": "🙂",
}
BRACES = {
    "`{1}` in the folder of the run": ("run", "a{1}b"),
    "`{task}` in the folder of the run": ("run", "{task}"),
    "`{1}` in a data set's path": ("data", "a{1}b"),
    "`{{1}}` in a data set's path": ("data", "a{{1}}b"),
    "`{1}` in a checkpoint's path": ("checkpoint", "a{1}b"),
    "a brace in a checkpoint's file": ("file", "notes{x}.txt"),
}
CONFIG = "`{1}` in the config's path"
PROJECT, PATTERN = "spaces and quotes in the project's path", "`{1}` in the project's path"
ELSEWHERE, DIRECTORY = "run from another folder", "`--directory`"
CLOSED, UNSET, CACHE = "a home that cannot be written to", "no HOME", "no home and a closed XDG_CACHE_HOME"
OFFLINE, HUB = "no network, local files", "no network, a data set of the hub"
NAMES = [*RUNS, *BRACES, CONFIG, PROJECT, PATTERN, ELSEWHERE, DIRECTORY, CLOSED, UNSET, CACHE, OFFLINE, HUB]
JOBS = ("--until", "select_examples", "fetch_checkpoint", "perturb")
MADE = ("data/moods/explained.parquet", "checkpoints/tiny.json", "perturbed/moods/swap.parquet")
RUN = "the jobs run"


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A study's data and checkpoint, to be copied."""
    folder = tmp_path_factory.mktemp("given")
    return folder, small_config(folder)


def placed(given, folder):
    """A study of its own in a folder."""
    source, config = given
    shutil.copytree(source, folder)
    return Study(folder, yaml.safe_load(yaml.safe_dump(config)))


def runs(study, *arguments, **options):
    """Whether the first jobs of a study run for real."""
    result = study.snakemake(*JOBS, *arguments, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    for path in MADE:
        assert (study.folder / "results/tiny" / path).is_file()


def refusal(result):
    """The one line that says why."""
    assert result.returncode == 1, result.stdout + result.stderr
    said = result.stdout + result.stderr
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("config: ")]
    return line


def distillens(study, *arguments, environment, folder=None):
    """The command of the same name."""
    (study.folder / "study.yaml").write_text(yaml.safe_dump(study.config))
    command = [sys.executable, "-m", "distillens", "run", str(study.folder / "study.yaml"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder or study.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_study_runs_in_a_folder_of_any_name(name, given, tmp_path):
    study = placed(given, tmp_path / RUNS[name] / "run")
    inner = study.folder / RUNS[name]
    inner.mkdir()
    for part, block in (("data.csv", ("tasks", "moods", "source")), ("checkpoint", ("checkpoints", "tiny"))):
        shutil.move(study.folder / part, inner / part)
        holder = study.config
        for key in block:
            holder = holder[key]
        holder["local"] = f"{RUNS[name]}/{part}"
    runs(study)
    documents("places", NAMES, name, f"{RUN}, in folders and with data and checkpoint of that name")


@pytest.mark.parametrize("name", BRACES)
def test_a_brace_is_refused_in_one_line(name, given, tmp_path):
    kind, part = BRACES[name]
    study = placed(given, tmp_path / (part if kind == "run" else "run"))
    if kind == "file":
        (study.folder / "checkpoint" / part).touch()
    elif kind != "run":
        moved = {"data": "data.csv", "checkpoint": "checkpoint"}[kind]
        (study.folder / part).mkdir()
        shutil.move(study.folder / moved, study.folder / part / moved)
        block = (
            study.config["tasks"]["moods"]["source"]
            if kind == "data"
            else study.config["checkpoints"]["tiny"]
        )
        block["local"] = f"{part}/{moved}"
    line = refusal(study.snakemake("-n"))
    assert part in line and "has a brace" in line
    documents("places", NAMES, name, f"refused: `{line.replace(str(tmp_path), '…')}`")


def test_a_link_without_braces_is_the_way_on(given, tmp_path):
    study = placed(given, tmp_path / "run")
    (study.folder / "a{1}b").mkdir()
    shutil.move(study.folder / "data.csv", study.folder / "a{1}b" / "data.csv")
    (study.folder / "data.csv").symlink_to("a{1}b/data.csv")
    runs(study)


def test_the_config_may_lie_anywhere(given, tmp_path):
    study = placed(given, tmp_path / "run")
    config = tmp_path / "a {1} $x" / "it's.yaml"
    config.parent.mkdir()
    config.write_text(yaml.safe_dump(study.config))
    command = [str(config) if part.endswith("study.yaml") else part for part in study.command(*JOBS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=study.folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (study.folder / "results/tiny" / MADE[-1]).is_file()
    documents("places", NAMES, CONFIG, RUN)
    documents("places", NAMES, ELSEWHERE, f"{RUN}; paths are relative to that folder, not to the config's")


def test_the_project_may_lie_anywhere(given, tmp_path):
    study = placed(given, tmp_path / "run")
    edit = ("Snakefile", lambda text: f"# copied\n{text}")
    runs(study.with_code(tmp_path / 'it\'s a "project" $x #1 ü', *edit))
    documents("places", NAMES, PROJECT, RUN)
    line = refusal(study.with_code(tmp_path / "a{1}b", *edit).snakemake("-n"))
    assert line.startswith("config: the project's folder: ")
    documents("places", NAMES, PATTERN, f"refused: `{line.replace(str(tmp_path), '…')}`")


def test_a_folder_may_be_named(given, tmp_path):
    study = placed(given, tmp_path / "my run")
    other = tmp_path / "other"
    other.mkdir()
    arguments = ["--cores", "1", "--directory", str(study.folder), "-n", "--quiet"]
    result = distillens(study, *arguments, environment={"HOME": str(tmp_path)}, folder=other)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not (other / "results").exists()
    documents("places", NAMES, DIRECTORY, "what is to be done there is found from another folder")


@pytest.mark.parametrize(
    ("name", "environment"),
    [(CLOSED, {"HOME": "/proc"}), (UNSET, {}), (CACHE, {"XDG_CACHE_HOME": "/proc/none"})],
)
def test_no_home_is_needed(name, environment, given, tmp_path):
    study = placed(given, tmp_path / "run")
    result = distillens(study, "--cores", "1", "--until", "fetch_dataset", environment=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    table = study.folder / "results/tiny/data/moods/test.parquet"
    assert tables.read(table, "examples").num_rows == 24
    way = "" if name == UNSET else "; caches lie in `.snakemake/cache` then"
    documents("places", NAMES, name, f"{RUN} (`distillens run`){way}")


def test_no_network_is_needed_for_local_files(given, tmp_path):
    study = placed(given, tmp_path / "run")
    runs(study, env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "none")})
    documents("places", NAMES, OFFLINE, RUN)


def test_without_a_network_the_hub_is_named(given, tmp_path):
    study = placed(given, tmp_path / "run")
    block = study.config["tasks"]["moods"]
    block["source"] = {"hub": "someone/moods", "config": "default", "revision": "0" * 40}
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "none")}
    result = study.snakemake("--until", "fetch_dataset", env=offline)
    assert result.returncode == 1
    log = (study.folder / "logs/tiny/fetch_dataset/moods.log").read_text()
    line = log.strip().splitlines()[-1]
    assert "someone/moods" in line and "mirror" in line
    documents("places", NAMES, HUB, f"refused: `{line}`")


def test_the_table_of_places_has_these_rows():
    assert names("places") == NAMES
    assert len(NAMES) >= 30
