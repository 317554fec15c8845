"""A ladder in a workflow: what it adds to a finished study, and what comes out."""

import pytest

import distillens

LADDER = {"prune": {"doses": [0.2, 0.5, 0.8]}, "noise": {"doses": [0.1, 0.5], "draws": 2}}
REFERENCE = {"ladder": LADDER, "accept": {"prune": 0.5}}


def rules(jobs):
    return [job.split()[0] for job in jobs]


def test_a_teacher_with_one_run_gets_a_ladder_unless_it_is_turned_off(tmp_path):
    from tests.workflow.conftest import Study, small_config

    study = Study(tmp_path, small_config(tmp_path))
    assert not {"explain_rungs", "place_students"} & set(rules(study.jobs()))
    asked = rules(study.jobs(study.edited("reference", {})))
    assert asked.count("explain_rungs") == asked.count("place_students") == 1


@pytest.mark.slow
def test_a_ladder_is_made_beside_a_finished_study(small, tmp_path):
    study = small.copy(tmp_path / "copy")
    config = study.edited("reference", REFERENCE)
    assert study.jobs(config) == [
        "all",
        "explain_rungs moods teacher 1 occlusion",
        "place_students moods",
        "report",
    ]
    before = study.files()
    result = study.snakemake(config=config)
    assert result.returncode == 0, result.stdout + result.stderr
    after = study.files()
    assert {path: after[path] for path in before} == before
    results = distillens.load(study.folder / "results" / "tiny")
    students = {"student", "student-kd"}
    assert set(results.placements["student"]) == students
    assert len(results.ladders.query("metric == 'spearman'")) == 5
    assert set(results.placements["reference"].dropna()) == {"prune 0.5"}
    page = (study.folder / "results" / "tiny" / "report" / "index.html").read_text("utf-8")
    assert 'id="ladder"' in page and "damaged copies of the teacher" in page
    # More rungs: only they are made, then places.
    more = study.edited("reference", {**REFERENCE, "ladder": {"prune": {"doses": [0.2, 0.5, 0.8, 0.9]}}})
    assert rules(study.jobs(more)) == ["all", "explain_rungs", "place_students", "report"]
