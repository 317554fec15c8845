"""The whole audit, as docs/audit.md has it in a build: a release without drift, and a worse one after it."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import jsonschema
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import distillens
from distillens.cli import main
from distillens.metrics.verdict import KEEPS
from distillens.provenance import ROOT
from tests import preloaded, tiny

pytestmark = pytest.mark.slow

BLOCKS = [
    yaml.safe_load(text)
    for text in re.findall(r"```yml\n(.*?)```", (ROOT / "docs/audit.md").read_text("utf-8"), re.DOTALL)
]
ACTION = next(block for block in BLOCKS if "jobs" in block)
HOOK = next(block for block in BLOCKS if "repos" in block)["repos"][0]["hooks"][0]["entry"]
STEPS = [step["run"] for step in ACTION["jobs"]["audit"]["steps"] if "run" in step]
AUDIT = next(line for line in STEPS if line.startswith("distillens audit"))
WORDS = "dull boring joyful witty bad fun gorgeous"


def run(line, *more):
    """A command of the page, its interpreter one whose libraries are loaded already."""
    program, *arguments = shlex.split(line)
    assert program == "distillens"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "executable", preloaded.interpreter())
        return main([*arguments, *more])


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A teacher, a student that is the teacher in half precision, 20 texts without labels; and the status."""
    folder = tmp_path_factory.mktemp("release")
    tiny.bert(folder / "production")
    shutil.copytree(folder / "production", folder / "compressed")
    weights = load_file(folder / "production/model.safetensors")
    rounded = {name: values.to(torch.bfloat16).to(values.dtype) for name, values in weights.items()}
    save_file(rounded, folder / "compressed/model.safetensors", metadata={"format": "pt"})
    texts = [f"A {one} film, but the plot is {other} and it was {one}!" for one in WORDS.split()
             for other in ("not bad", "a mess", "fun at all")]  # fmt: skip
    pd.DataFrame({"id": range(20), "text": texts[:20]}).to_csv(folder / "reviews.csv", index=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        return folder, run(AUDIT)


@pytest.fixture
def here(release, monkeypatch):
    monkeypatch.chdir(release[0])
    return release[0]


def test_a_student_that_is_the_rounded_teacher_passes(release, here):
    record = json.loads((here / "audit.json").read_text())
    jsonschema.validate(record, yaml.safe_load((ROOT / "workflow/schemas/outcome.schema.yaml").read_text()))
    (one,) = record["students"]
    assert (release[1], one["verdict"], one["reference"]) == (0, KEEPS, "prune 0.3")
    assert one["performance"] is None and record["about"]["labelled"] == {"reviews": False}
    assert {row["explainer"]: row["n"] for row in one["explainers"]} == {
        "occlusion": 20,
        "integrated_gradients": 20,
    }
    assert 'failures="0"' in (here / "audit.xml").read_text()


def test_two_texts_and_a_teacher_with_one_answer_decide_nothing_and_it_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, layers, seed in (("production", 2, 0), ("compressed", 1, 7)):
        tiny.bert(tmp_path / name, layers=layers, seed=seed)
    weights = load_file("production/model.safetensors")
    weights["classifier.bias"] = torch.tensor([99.0, 0.0, 0.0])
    save_file(weights, "production/model.safetensors", metadata={"format": "pt"})
    pd.DataFrame({"text": ["A dull film, and a mess.", "It was fun at all!"]}).to_csv(
        "reviews.csv", index=False
    )
    assert run(AUDIT, "--allow", "nothing-measured") == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "compressed: not decided" in said
    assert "2 texts were compared" in said
    assert "production gives one answer (LABEL_0) to 100 % of the texts" in said
    assert "compressed is not shown to agree with its teacher beyond chance" in said


def test_the_page_is_there_and_says_that_performance_is_not_known(here):
    page = (here / "results/audit/report/index.html").read_text("utf-8")
    assert "not known" in page and "Without labels: reviews" in page


def test_nothing_was_paid_for_that_nobody_asked_for(here):
    assert not (here / "results/audit/deletions").exists()
    assert not (here / "results/audit/explanations_again").exists()


def test_results_are_frames_with_answers_and_without_gold_labels(here):
    results = distillens.load("results/audit")
    assert len(results.predictions) == 40
    assert results.predictions["gold"].isna().all() and results.predictions["correct"].isna().all()


def test_the_summary_step_shows_the_table(here, tmp_path):
    step = next(line for line in STEPS if "GITHUB_STEP_SUMMARY" in line)
    summary = tmp_path / "summary.md"
    subprocess.run(
        ["bash", "-c", step], check=True, env={"GITHUB_STEP_SUMMARY": str(summary), "PATH": "/usr/bin:/bin"}
    )
    assert "| reviews | compressed | no drift found | prune 0.3 |" in summary.read_text("utf-8")


def test_the_hook_looks_at_the_input_and_runs_nothing(here, capsys):
    before = (here / "audit.yaml").read_text()
    assert run(HOOK, "--out", "elsewhere") == 0
    assert "forward passes" in capsys.readouterr().out
    assert not (here / "elsewhere/results").exists()
    assert (here / "audit.yaml").read_text() == before


def test_the_gate_gives_the_same_status_again(here, capsys):
    assert run("distillens gate results/audit --against audit.json") == 0
    assert "not shown to be worse" in capsys.readouterr().out


def test_a_release_that_agrees_less_is_worse_than_the_one_before(here, tmp_path):
    shutil.copytree(here, tmp_path / "next", ignore=shutil.ignore_patterns(".snakemake"))
    tiny.bert(tmp_path / "next/compressed", layers=1, seed=7)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path / "next")
        status = run(AUDIT, "--against", str(here / "audit.json"), "--allow", "drift-found,not-decided")
    assert status == 6
    (one,) = json.loads((tmp_path / "next/audit.json").read_text())["students"]
    assert one["verdict"] != KEEPS
