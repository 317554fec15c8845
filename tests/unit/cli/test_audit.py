"""The front door: what an audit looks at before it runs anything, and what it refuses."""

import json
import os

import pandas as pd
import pytest
import yaml
from rich.console import Console

from distillens.cli import audit, execute, main, run
from distillens.cli.errors import CommandError
from distillens.config.validate import complete
from tests import tiny


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A teacher, a smaller student with its outputs in another order, and reviews."""
    folder = tmp_path_factory.mktemp("audit")
    made = (("production", 2, 0, ["bad", "so-so", "good"]), ("compressed", 1, 1, ["good", "bad", "so-so"]))
    for name, layers, seed, labels in made:
        tiny.bert(folder / name, layers=layers, seed=seed)
        path = folder / name / "config.json"
        names = {"id2label": dict(enumerate(labels)), "label2id": {of: at for at, of in enumerate(labels)}}
        path.write_text(json.dumps({**json.loads(path.read_text()), **names}))
    rows = [{"review": f"A {word} film, and fun.", "mood": "bad"} for word in ("dull", "boring", "plain")]
    pd.DataFrame(rows).to_csv(folder / "reviews.csv", index=False)
    return folder


@pytest.fixture
def here(place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    return place


def arguments(here, *more, out):
    given = ["--teacher", "production", "--student", "compressed", "--data", "reviews.csv", "--out", str(out)]
    return ["audit", *given, "--dry-run", *more]


def test_a_dry_run_writes_a_config_and_says_what_it_costs(here, tmp_path, capsys):
    assert main(arguments(here, "--fast", "--texts", "2", out=tmp_path)) == 0
    said = capsys.readouterr().out
    assert "text 'review', label 'mood'; 2 texts" in said
    assert "forward passes" in said and "can decide" in said
    config = yaml.safe_load((tmp_path / "audit.yaml").read_text())
    assert complete(config)["models"]["compressed"]["teacher"] == "production"
    source = config["models"]["production"]["checkpoint"]["local"]
    assert os.path.samefile(tmp_path / source, here / "production")
    assert not (tmp_path / "results").exists()


def test_paths_in_the_config_lead_from_where_a_linked_folder_is(here, tmp_path):
    (tmp_path / "deep" / "down").mkdir(parents=True)
    out = tmp_path / "link"
    out.symlink_to(tmp_path / "deep" / "down")
    (tmp_path / "cached.csv").symlink_to(here / "reviews.csv")
    given = ["--data", os.path.relpath(tmp_path / "cached.csv")]
    assert main(arguments(here, *given, out=out)) == 0
    config = yaml.safe_load((out / "audit.yaml").read_text())
    assert os.path.samefile(out / config["models"]["production"]["checkpoint"]["local"], here / "production")
    (task,) = config["tasks"].values()
    named = task["source"]["local"]
    named = named if isinstance(named, str) else named["test"]
    assert os.path.samefile(out / named, here / "reviews.csv") and named.endswith("cached.csv")


def test_a_config_that_somebody_changed_is_not_replaced(here, tmp_path, capsys):
    assert main(arguments(here, out=tmp_path)) == 0
    assert main(arguments(here, "--fast", out=tmp_path)) == 0  # its own work it may replace
    path = tmp_path / "audit.yaml"
    path.write_text(path.read_text() + "seed: 7\n")
    assert main(arguments(here, out=tmp_path)) == 1
    assert "somebody changed it" in capsys.readouterr().err
    assert path.read_text().endswith("seed: 7\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--text", "txt"], "no column 'txt'"),
        (["--label", "stars"], "no column 'stars'"),
        (["--student", "nowhere"], "nowhere: no such folder"),
        (["--data", "nowhere.csv"], "--data: no file nowhere.csv"),
        (["--labels", "a,b"], "2 names, but production has 3 outputs"),
        (["--accept", "prun=0.3"], "prun"),
        (["--against", "nowhere.json"], "--against: no file nowhere.json"),
    ],
)
def test_broken_input_is_said_in_one_line_before_anything_runs(here, tmp_path, capsys, more, message):
    assert main(arguments(here, *more, out=tmp_path)) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


@pytest.mark.parametrize(
    "more", [["--allow", "drifts"], ["--texts", "0"], ["--accept", "prune"], ["--fast", "--thorough"]]
)
def test_a_wrong_option_has_a_status_of_its_own(here, tmp_path, capsys, more):
    with pytest.raises(SystemExit) as status:
        main(arguments(here, *more, out=tmp_path))
    assert status.value.code == 2


def test_swapped_models_and_the_same_folder_twice_are_said(here, tmp_path):
    request = audit.Request("compressed", ["production", "compressed"], "reviews.csv", out=str(tmp_path))
    prepared = audit.prepare(request)
    assert "are teacher and student swapped?" in prepared.remarks[0]
    assert any("same weights as its teacher" in remark for remark in prepared.remarks)
    assert list(prepared.config["models"]) == ["compressed", "production", "compressed-2"]


def test_two_texts_and_no_labels_are_an_audit(here, tmp_path):
    pd.DataFrame({"review": ["A dull film, and fun.", "It was a mess."]}).to_json(
        tmp_path / "two.jsonl", orient="records", lines=True
    )
    prepared = audit.prepare(
        audit.Request("production", ["compressed"], str(tmp_path / "two.jsonl"), out=str(tmp_path))
    )
    (task,) = complete(prepared.config)["tasks"].values()
    assert (task["columns"]["label"], task["explain"]["examples"]) == (None, 2)
    assert "nothing is gated" in prepared.remarks[0]


def test_a_workflow_that_stops_says_why_and_where_all_of_it_stands(here, tmp_path, monkeypatch):
    request = audit.Request("production", ["compressed"], "reviews.csv", out=str(tmp_path))
    said = "echo '1 of 4 steps (25%) done'; echo 'Error in rule explain:'; echo 'ModelError: broken'; exit 3"
    monkeypatch.setattr(execute, "snakemake", lambda *given: (["bash", "-c", said], {**os.environ}))
    with pytest.raises(CommandError, match=r"stopped in explain: broken; all of it: .*audit\.log"):
        audit.work(request, Console(quiet=True))


def test_python_takes_what_the_command_takes(here, tmp_path):
    with pytest.raises(CommandError, match="speed: 'quick' is not one of fast"):
        audit.audit("production", "compressed", "reviews.csv", speed="quick")
    with pytest.raises(TypeError, match="txt"):
        audit.audit("production", "compressed", "reviews.csv", txt="review")


@pytest.mark.parametrize(
    ("gpu", "given", "alone"),
    [
        (True, [], True),
        (False, [], False),
        (False, ["--resources", "gpu=1"], True),
        (False, ["--workflow-profile", "slurm"], True),
        (False, ["-e", "slurm"], True),
    ],
)
def test_where_there_is_no_gpu_its_jobs_do_not_wait_for_each_other(monkeypatch, gpu, given, alone):
    monkeypatch.setattr(run, "sees_a_gpu", lambda: gpu)
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    command, _ = run.snakemake(run.Path("mine.yaml"), *given)
    assert (f"gpu={os.cpu_count()}" in command) != alone
