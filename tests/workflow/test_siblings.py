"""A finished teacher and a base checkpoint: its siblings are trained, and the verdict is by its runs."""

import json

import pytest

import distillens
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from tests import tiny
from tests.workflow.conftest import MOODS, Study, tiny_config


def study_of(folder):
    """Two finished classifiers, the checkpoint that the teacher was made from, and labelled texts."""
    small = tiny_config(folder)
    for name, layers, seed in (("production", 2, 0), ("compressed", 1, 1)):
        tiny.bert(folder / name, layers=layers, seed=seed)
        path = folder / name / "config.json"
        names = {"id2label": dict(enumerate(MOODS)), "label2id": {mood: at for at, mood in enumerate(MOODS)}}
        path.write_text(json.dumps({**json.loads(path.read_text()), **names}))
    task = small["tasks"]["moods"]
    del task["probes"], task["perturb"]
    training = {"method": "fine_tune", "epochs": 2, "learning_rate": 3.0e-3, "batch_size": 4}
    models = {
        "production": {
            "checkpoint": {"local": "production"},
            "training": "none",
            "siblings": {"checkpoint": {"local": "checkpoint"}, "training": training},
        },
        "compressed": {"checkpoint": {"local": "compressed"}, "training": "none", "teacher": "production"},
    }
    metrics = {"faithfulness": False, "overlap_k": [2], "resamples": 200}
    made = {"study": "tiny", "device": "cpu", "tasks": {"moods": task}, "models": models, "metrics": metrics}
    return Study(folder, {**made, "explainers": {"occlusion": None}, "reference": {"siblings": 2}})


def test_the_own_run_is_taken_in_and_the_siblings_are_trained(tmp_path):
    jobs = study_of(tmp_path).jobs()
    made = sorted(
        job for job in jobs if job.split()[0] in ("import_model", "import_teacher") or "sibling" in job
    )
    assert made == [
        "import_model moods compressed 0",
        "import_teacher moods production 0",
        "train_sibling moods production 1",
        "train_sibling moods production 2",
    ]
    assert not any(job.startswith("explain_rungs") for job in jobs)


@pytest.mark.slow
def test_the_verdict_is_by_three_runs_of_the_teacher(tmp_path):
    study = study_of(tmp_path)
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    results = distillens.load(tmp_path / "results" / "tiny")
    drift = results.drift
    counted = drift["n_teacher_runs"] + drift["n_gated_runs"]
    assert set(drift["student"]) == {"compressed"} and counted.max() >= 3
    assert set(drift["verdict"]) <= {DRIFTS, KEEPS, UNKNOWN, GATED}
    own = results.predictions.query("model == 'production' and perturbation == 'none'")
    confidence = own.groupby("seed")["confidence"].apply(tuple)
    assert sorted(confidence.index) == [0, 1, 2] and len(set(confidence)) == 3  # three models
