"""The study of one teacher, made tiny: its models are as the config says, and other runs can be hidden."""

import pytest
import yaml

import distillens
from bench import one_teacher
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from tests.workflow.conftest import ROOT, Study, tiny_config

MODELS = ("teacher", "planted", "half-kd", "untrained")
MADE = yaml.safe_load((ROOT / "resources/studies/one-teacher-mini.yaml").read_text("utf-8"))


def tiny_study(folder):
    """Its models and reference on made-up sentences, with a random encoder and few rungs."""
    small = tiny_config(folder)
    models = {name: MADE["models"][name] for name in MODELS}
    for name, model in models.items():
        if "checkpoint" in model:
            model |= {"checkpoint": "tiny", **({"layers": [0]} if "layers" in model else {})}
        if name in ("teacher", "half-kd"):
            model["training"] = {**model["training"], "epochs": 3, "learning_rate": 1.0e-2}
    models["planted"]["compress"] = {"method": "mask_words", "words": ["dull", "joyful"]}
    task = small["tasks"]["moods"] | {"explain": {"per_class": 4}}
    del task["probes"], task["perturb"]
    ladder = {"prune": {"doses": [0.2, 0.4, 0.8]}}
    return {
        **MADE,
        "study": "tiny",
        "tasks": {"moods": task},
        "checkpoints": {"tiny": {"local": "checkpoint"}},
        "models": models,
        "reference": {"ladder": ladder, "accept": {"prune": 0.4}},
        "metrics": {**MADE["metrics"], "overlap_k": [2], "resamples": 200},
    }


@pytest.mark.slow
def test_other_runs_can_be_hidden_of_a_finished_study(tmp_path):
    study = Study(tmp_path, tiny_study(tmp_path))
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    results = distillens.load(tmp_path / "results" / "tiny")
    frame = one_teacher.hidden(results, [0.2, 0.4])
    assert len(frame) == 3 * 3 * 2 and set(frame["student"]) == set(MODELS) - {"teacher"}
    words = {DRIFTS, KEEPS, UNKNOWN, GATED}
    assert set(frame["one_teacher"]) <= words and set(frame["runs"]) <= words
    # A run alone is judged by its own ladder: what is accepted differs between runs, not between students.
    alone = frame.groupby(["run", "accept"])["accepted"].nunique()
    assert (alone == 1).all() and frame.groupby("accept")["accepted"].nunique().max() == 3
    # A run's own copy is compared with that run, as in the study's table of agreement.
    own = results.agreement.query("model == 'planted' and against == 'teacher' and metric == 'spearman'")
    own = own[own["explainer"] == "occlusion"].groupby("against_seed")["value"].mean()
    alone = frame[frame["student"] == "planted"].groupby("run")["agreement"].first()
    assert alone.tolist() == pytest.approx(own.loc[alone.index].tolist())


def test_verdicts_are_counted_by_what_both_say():
    row = {
        "task": "t",
        "student": "kd",
        "run": 1,
        "explainer": "occlusion",
        "agreement": 0.5,
        "accepted": 0.8,
    }
    pairs = [
        (DRIFTS, DRIFTS),
        (KEEPS, DRIFTS),
        (UNKNOWN, DRIFTS),
        (KEEPS, UNKNOWN),
        (UNKNOWN, UNKNOWN),
        (GATED, GATED),
    ]
    frame = one_teacher.pd.DataFrame(
        [{**row, "accept": 0.3, "one_teacher": one, "runs": other} for one, other in pairs]
    )
    assert one_teacher.by_accept(frame).splitlines()[-1] == "| prune 0.3 | 6 | 1 | 1 | 1 | 1 | 1 | 1 |"
    assert "2 no drift found, 2 not decided, 1 drift found, 1 gated" in one_teacher.by_student(frame)
