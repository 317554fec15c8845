"""A pilot gets more texts: as many as its noise asks for, none of them explained twice."""

import pytest
from rich.console import Console

from distillens import tables
from distillens.cli import pilot
from distillens.config import texts
from tests import tiny
from tests.workflow.conftest import Study, tiny_config

pytestmark = pytest.mark.slow

PILOT, MOST = 9, 30


def study_of(folder):
    """Two finished classifiers and texts without labels, nine of which are the pilot."""
    task = tiny_config(folder)["tasks"]["moods"]
    del task["probes"], task["perturb"]
    task["columns"]["label"] = None
    task |= {
        "splits": {"test": {"from": "all"}},
        "explain": {"examples": PILOT, "until": "told", "most": MOST},
    }
    models = {}
    for name, layers, seed in (("production", 2, 0), ("compressed", 1, 1)):
        tiny.bert(folder / name, layers=layers, seed=seed)
        models[name] = {"checkpoint": {"local": name}, "training": "none", "labels": task["labels"]}
    models["compressed"]["teacher"] = "production"
    ladder = {"prune": {"doses": [0.2, 0.5]}}
    metrics = {"faithfulness": False, "overlap_k": [2], "resamples": 200}
    made = {"study": "tiny", "device": "cpu", "tasks": {"moods": task}, "models": models, "metrics": metrics}
    reference = {"ladder": ladder, "accept": {"agreement": 0.5}}
    return Study(folder, {**made, "explainers": {"occlusion": None}, "reference": reference})


def rows(path, kind="explanations"):
    return tables.read(path, kind).to_pylist()


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """The study at its end; explanations and their parts as they were after the pilot."""
    study = study_of(tmp_path_factory.mktemp("extend"))
    results, before, parts = study.folder / "results/tiny", {}, {}

    def go(targets):
        result = study.snakemake("--nocolor", *targets)
        assert result.returncode == 0, result.stdout + result.stderr
        if not before:
            for kind in ("explanations", "rungs"):
                before.update({path: rows(path, kind) for path in results.glob(f"{kind}/*/*/*/*.parquet")})
            hidden = results.glob("[er]*/*/*/*/.occlusion.parts/*.parquet")
            parts.update({path: path.stat().st_mtime_ns for path in hidden})

    study.command()  # writes the config
    pilot.until_told(study.folder / "study.yaml", study.folder, go, Console(quiet=True))
    return study, results, before, parts


def test_more_texts_begin_with_the_pilots_and_none_is_explained_twice(extended):
    _, results, before, parts = extended
    planned = texts.read(results)["moods"]
    assert planned.before == {"examples": PILOT} and planned.stages[0] == PILOT
    assert PILOT < planned.after["examples"] <= MOST
    explained = [row["example_id"] for row in rows(results / "data/moods/explained.parquet", "examples")]
    assert len(explained) == planned.after["examples"]
    for path, own in before.items():
        kind = "rungs" if "rungs" in path.parts else "explanations"
        found = [row for row in rows(path, kind) if row["example_id"] in explained[:PILOT]]
        assert found == own
    assert len(parts) >= 4 and all(path.stat().st_mtime_ns == made for path, made in parts.items())


def test_the_verdict_is_of_all_of_them_and_a_later_run_has_nothing_to_do(extended):
    study, results, _, _ = extended
    planned = texts.read(results)["moods"]
    placed = rows(results / "metrics/moods/placements.parquet", "placements")
    assert max(row["n"] + row["n_undefined"] for row in placed) == planned.after["examples"]
    assert study.jobs() == []


def test_another_pilot_begins_anew(extended):
    study = extended[0]
    config = study.edited("tasks/moods/explain", {"examples": PILOT - 1})
    assert any(job.startswith("select_examples") for job in study.jobs(config))
