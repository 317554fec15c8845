"""A task with several labels for a text from end to end: trained and explained once, a verdict for each."""

import itertools
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import expit
from sklearn.metrics import average_precision_score, f1_score

from distillens import tables
from tests import tiny
from tests.workflow.conftest import Study
from tests.workflow.injecting import with_fault

pytestmark = pytest.mark.slow

LABELS = ["rude", "Off topic"]
VIEWS = ["comments--rude", "comments--off-topic"]
SAYS = {"rude": "dull", "Off topic": "plot"}
RUNS = [(model, seed) for model in ("teacher", "student") for seed in (1, 2)]


def made_up(folder):
    """A word for each label: a text has the labels of its words."""
    fillers = ["the film", "a movie", "it was at all", "and of it", "but the ending", "joyful is it"]
    ends = ["", " not", " bad", " and all"]
    rows = []
    for number, (flags, filler, end) in enumerate(itertools.product(range(4), fillers, ends)):
        has = [bool(flags >> place & 1) for place in range(2)]
        words = " ".join(SAYS[label] for label, flag in zip(LABELS, has, strict=True) if flag)
        row = {"id": f"{number}", "text": f"{filler} {words}{end}".strip()}
        rows.append(row | {column: int(flag) for column, flag in zip("ro", has, strict=True)})
    pd.DataFrame(rows).to_csv(folder / "comments.csv", index=False)
    return {
        "type": "multi_label",
        "source": {"local": "comments.csv"},
        "labels": LABELS,
        "columns": {"example_id": "id", "text_a": "text", "label": dict(zip(LABELS, "ro", strict=True))},
        "splits": {
            "train": {"from": "all"},
            "validation": {"from": "all", "examples": 16},
            "test": {"from": "all", "examples": 32},
        },
        "explain": {"examples": 16},
        "perturb": {"examples": 6},
    }


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    tiny.learner(folder / "checkpoint")
    training = {
        "method": "fine_tune", "epochs": 20, "learning_rate": 5.0e-3, "batch_size": 8, "max_length": 32,
        "early_stopping_patience": 20,
    }  # fmt: skip
    config = {
        "study": "tiny",
        "device": "cpu",
        "backend": "onnxruntime",
        "tasks": {"comments": made_up(folder)},
        "checkpoints": {"tiny": {"local": "checkpoint"}},
        "models": {
            "teacher": {"checkpoint": "tiny", "training": training, "seeds": [1, 2]},
            "student": {
                "checkpoint": "tiny",
                "layers": [0],
                "teacher": "teacher",
                "training": {**training, "method": "soft_logits", "epochs": 30},
                "seeds": [1, 2],
            },
        },
        "perturbations": {"swap": None},
        "repeats": 1,
        "explainers": {"occlusion": None},
        "reference": {"ladder": {"prune": {"doses": [0.1, 0.3, 0.6]}}},
        "metrics": {"overlap_k": [1], "deletion_k": [1], "random_draws": 2, "resamples": 200},
    }
    made = Study(folder, config)
    result = made.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return made


def read(study, path, kind):
    return tables.read(study.folder / "results/tiny" / path, kind).to_pandas()


def truth(study):
    frame = pd.read_csv(study.folder / "comments.csv", dtype={"id": str}).set_index("id")
    names = read(study, "data/comments/test.parquet", "examples")["example_id"]
    return frame.loc[names, ["r", "o"]].to_numpy(bool)


def logits(study, task, model, seed):
    found = read(study, f"predictions/{task}/{model}/{seed}.parquet", "predictions")
    return np.stack(found[found["perturbation"] == "none"]["logits"].to_list())


def test_a_label_of_a_text_is_that_of_its_column(study):
    flags = truth(study)
    for number, view in enumerate(VIEWS):
        rows = read(study, f"data/{view}/test.parquet", "examples")
        assert rows["label"].tolist() == flags[:, number].astype(float).tolist()
        assert set(rows["label_name"]) == {LABELS[number], f"not {LABELS[number]}"}


def test_a_view_has_the_logit_of_its_label_beside_zero(study):
    whole = logits(study, "comments", "student", 2)
    assert whole.shape == (32, 2)
    for number, view in enumerate(VIEWS):
        own = logits(study, view, "student", 2)
        assert (own[:, 0] == 0).all() and (own[:, 1] == whole[:, number]).all()


def test_attributions_are_those_of_the_label_s_own_logit(study):
    whole = read(study, "explanations/comments/teacher/1/occlusion.parquet", "explanations")
    for number, view in enumerate(VIEWS):
        own = read(study, f"explanations/{view}/teacher/1/occlusion.parquet", "explanations")
        for one, other in zip(whole.itertuples(), own.itertuples(), strict=True):
            of_label = np.stack(one.values)[:, number]
            assert np.array_equal(np.stack(other.values), np.stack([-of_label, of_label], axis=1))
            # An occlusion is what the logit loses with the word, so all of it for the text's own output.
            assert other.output[1] == one.logits[number]


def test_performance_of_all_labels_together_is_scikit_learn_s(study):
    scores = read(study, "metrics/comments/performance.parquet", "scores")
    flags = truth(study)
    for model, seed in RUNS:
        own = scores[(scores["model"] == model) & (scores["seed"] == seed)].set_index("metric")["value"]
        z = logits(study, "comments", model, seed)
        assert own["micro_f1"] == pytest.approx(f1_score(flags, z > 0, average="micro"))
        assert own["macro_f1"] == pytest.approx(f1_score(flags, z > 0, average="macro"))
        assert own["map"] == pytest.approx(average_precision_score(flags, expit(z.astype(float))))
    constant = scores[scores["model"].isna()].set_index("metric")["value"]
    assert constant["map"] == pytest.approx(flags.mean())
    assert constant["macro_f1"] == pytest.approx(f1_score(flags, np.ones_like(flags), average="macro"))


def test_agreement_is_over_texts_to_which_teacher_or_student_gives_the_label(study):
    drift = read(study, "metrics/drift.parquet", "drift")
    assert set(drift["task"]) == set(VIEWS)
    explained = read(study, "data/comments/explained.parquet", "examples")["example_id"]
    for number, view in enumerate(VIEWS):
        says = {}
        for model in ("teacher", "student"):
            runs = [
                read(study, f"explanations/comments/{model}/{seed}/occlusion.parquet", "explanations")
                for seed in (1, 2)
            ]
            given = np.stack([np.stack(run["logits"].to_list())[:, number] > 0 for run in runs])
            says[model] = given.mean(axis=0) >= 0.5
        expected = int((says["teacher"] | says["student"]).sum())
        rows = drift[(drift["task"] == view) & (drift["metric"] == "spearman")]
        assert 0 < expected < len(explained) and (rows["n_gated_runs"] == 0).all()
        assert (rows["n"] + rows["n_undefined"] == expected).all()


def test_students_stand_on_the_ladder_of_each_label(study):
    for view in VIEWS:
        rows = read(study, f"metrics/{view}/placements.parquet", "placements")
        own = rows[(rows["metric"] == "spearman") & rows["kind"].isna() & (rows["student"] == "student")]
        assert len(own) == 1 and own["verdict"].isin(["drift found", "no drift found", "not decided"]).all()
        # One explainer, one student, and two labels that are one question.
        assert own["p_adjusted"].tolist() == pytest.approx(np.minimum(1, 2 * own["p_drift"]).tolist())


def test_the_page_says_what_is_of_all_labels_and_what_of_each(study):
    folder = study.folder / "results/tiny/report"
    page = (folder / "index.html").read_text("utf-8")
    assert (
        "All 2 labels of comments together" in page and "A text of comments may have several labels" in page
    )
    assert all(view in page for view in VIEWS)
    summary = (folder / "summary.md").read_text("utf-8")
    assert "of 16 texts to which teacher or student gives the label" in summary.replace("\n", " ")
    verdict = json.loads((folder / "verdict.json").read_text("utf-8"))
    assert {cell["task"] for cell in verdict["students"]} == set(VIEWS)


def test_the_study_beside_the_page_can_be_run_again(study):
    config = yaml.safe_load((study.folder / "results/tiny/report/study.yaml").read_text("utf-8"))
    assert list(config["tasks"]) == ["comments"] and config["tasks"]["comments"]["type"] == "multi_label"
    assert study.jobs() == []


def test_labels_whose_cutting_is_killed_are_cut_again(study, tmp_path):
    before = study.files()
    cut = [study.folder / f"results/tiny/predictions/{view}/teacher/1.parquet" for view in VIEWS]
    for path in cut:
        path.unlink()
    one = replace(study, python=sys.executable)
    dead = subprocess.run(
        one.command("--jobs", "1", *(str(path.relative_to(study.folder)) for path in cut)),
        capture_output=True,
        text=True,
        cwd=study.folder,
        env=with_fault(tmp_path, rule="cut_labels", event="os.rename", path=r"off-topic.*\.part$"),
        start_new_session=True,
    )
    assert dead.returncode == -9, dead.stdout + dead.stderr
    assert not cut[1].exists()
    for arguments in (["--unlock"], []):
        result = study.snakemake(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
    assert study.files() == before
