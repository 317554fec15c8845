"""A finished study gets more texts: as many as its noise asks for, none of them explained twice."""

import pytest
from rich.console import Console

from distillens import tables
from distillens.cli import pilot
from distillens.config import texts
from tests.workflow.test_ladder import REFERENCE

pytestmark = pytest.mark.slow


def rows(path, kind="explanations"):
    return tables.read(path, kind).to_pylist()


@pytest.fixture(scope="module")
def extended(small, tmp_path_factory):
    """The study before and after, and the parts of its explanations."""
    study = small.copy(tmp_path_factory.mktemp("extend") / "copy")
    config = study.edited("reference", REFERENCE)
    before = {
        path: rows(path) for path in study.folder.glob("results/tiny/explanations/*/*/*/occlusion.parquet")
    }
    parts = {
        path: path.stat().st_mtime_ns
        for path in study.folder.glob("results/tiny/explanations/**/.occlusion*/*")
    }

    def go(targets):
        result = study.snakemake("--nocolor", *targets, config=config)
        assert result.returncode == 0, result.stdout + result.stderr

    study.command(config=config)  # writes the config
    pilot.until_told(study.folder / "study.yaml", study.folder, go, Console(quiet=True), most=24)
    return study, config, before, parts


def test_more_texts_begin_with_the_pilots_and_their_explanations_are_the_same(extended):
    study, _, before, parts = extended
    planned = texts.read(study.folder / "results/tiny")["moods"]
    assert planned.before == {"per_class": 3} and planned.stages[0] == 9
    assert 3 < planned.after["per_class"] <= 8
    assert before and all(rows(path)[:9] == own for path, own in before.items())
    assert all(len(rows(path)) == 3 * planned.after["per_class"] for path in before)
    assert parts and all(path.stat().st_mtime_ns == made for path, made in parts.items())


def test_the_verdict_is_of_all_of_them_and_a_later_run_has_nothing_to_do(extended):
    study, config, _, _ = extended
    planned = texts.read(study.folder / "results/tiny")["moods"]
    placed = rows(study.folder / "results/tiny/metrics/moods/placements.parquet", "placements")
    most = {row["n"] + row["n_undefined"] for row in placed}
    assert most == {3 * planned.after["per_class"]}
    assert study.jobs(config) == []


def test_another_pilot_begins_anew(extended):
    study, config, _, _ = extended
    config = {**config, "tasks": {"moods": {**config["tasks"]["moods"], "explain": {"per_class": 2}}}}
    assert any(job.startswith("select_examples") for job in study.jobs(config))
