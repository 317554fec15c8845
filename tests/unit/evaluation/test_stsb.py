"""Real rows of STS-B through every stage, with the task's block of the study and a tiny random encoder."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from scipy import stats

from distillens import tables
from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.validate import complete
from distillens.data.fetch import fetch_dataset
from distillens.evaluation.inputs import Settings
from distillens.evaluation.performance import score_performance
from distillens.evaluation.robustness import score_robustness
from distillens.models import predict
from distillens.models.engine import Engine
from distillens.perturbations import perturb
from distillens.provenance import ROOT
from distillens.training import fine_tune
from distillens.training.distillation.soft_logits import Distillation
from tests import jobs
from tests.rounding import assert_same

pytestmark = pytest.mark.slow

COUNTS = {"train": 160, "validation": 40, "test": 60}
ENGINE = {"device": "cpu", "backend": "torch", "precision": "float32"}
TRAINING = {"method": "fine_tune", "epochs": 4, "learning_rate": 5.0e-4, "batch_size": 16, "max_length": 60}


def config_of_the_study():
    config = yaml.safe_load((ROOT / "resources/studies/glue-mini.yaml").read_text())
    task = config["tasks"]["stsb"]
    for split, count in COUNTS.items():
        task["splits"][split]["examples"] = count
    distilled = {**TRAINING, "method": "soft_logits", "alpha": 0, "beta": 1}
    student = {"checkpoint": "minilm", "teacher": "teacher", "training": distilled}
    models = {"teacher": {"checkpoint": "minilm", "training": TRAINING}, "student": student}
    return complete({**config, "tasks": {"stsb": task}, "models": models, "published": None})


def test_scores_are_read_learnt_distilled_perturbed_explained_and_scored(mirror, bert, tmp_path):
    config = config_of_the_study()
    task, about = config["tasks"]["stsb"], SimpleNamespace(task="stsb")
    data = {split: tmp_path / f"{split}.parquet" for split in COUNTS}
    fetch_dataset(task, "stsb", str(mirror), 42, data)
    rows = {split: tables.read(path, "examples").to_pylist() for split, path in data.items()}
    for split, count in COUNTS.items():
        labels = np.array([row["label"] for row in rows[split]])
        assert len(labels) == count and labels.min() >= 0 and labels.max() <= 5 and len(set(labels)) > 10
        assert all(row["text_a"] and row["text_b"] and row["label_name"] is None for row in rows[split])
    pairs = [(row["text_a"], row["text_b"]) for row in rows["validation"]]
    gold = np.array([row["label"] for row in rows["validation"]])

    folders = {}
    for name, trainer in (("teacher", fine_tune.FineTuning), ("student", Distillation)):
        folders[name] = tmp_path / name
        jobs.train(
            trainer, splits={split: data[split] for split in ("train", "validation")}, checkpoint=bert,
            out=folders[name], identity={"task": "stsb", "model": name, "seed": 0}, task=task, layers=None,
            settings=config["models"][name]["training"], engine=ENGINE,
            teacher=folders["teacher"] if name == "student" else None,
        )  # fmt: skip
    scores = {name: Engine(folder, **ENGINE).logits(pairs) for name, folder in folders.items()}
    assert {found.shape for found in scores.values()} == {(COUNTS["validation"], 1)}
    for name, target in (("teacher", gold), ("student", scores["teacher"][:, 0])):
        card = json.loads((folders[name] / "training.json").read_text())
        losses = [entry["eval_loss"] for entry in card["history"] if "eval_loss" in entry]
        assert min(losses) < losses[0]
        mean_square = np.mean((scores[name][:, 0] - target) ** 2)
        assert card["best_validation_loss"] == pytest.approx(mean_square, rel=1e-3)

    perturbed = tmp_path / "keyboard"
    plan = perturb.PerturbationPlan("keyboard", "keyboard", {}, repeats=2, seed=42, limit=30)
    perturb.write_perturbed(data["test"], perturbed, "stsb", plan)
    files = []
    for name, folder in folders.items():
        files.append(tmp_path / f"{name}.parquet")
        identity = {"task": "stsb", "model": name, "seed": 0}
        job = jobs.model_job(identity, folder, ENGINE)
        predict.write_predictions(job, data["test"], [perturbed], files[-1])
    settings = Settings(**JobParams(Study(config)).score(about))
    score_performance(data["test"], files, out=tmp_path / "performance", settings=settings)
    score_robustness(data["test"], [perturbed], files, out=tmp_path / "robustness", settings=settings)
    performance, robustness = (
        tables.read(tmp_path / name, "scores").to_pandas() for name in ("performance", "robustness")
    )
    truth = {row["example_id"]: row["label"] for row in rows["test"]}
    for name, file in zip(folders, files, strict=True):
        found = {
            (row["perturbation"], row["repeat"], row["example_id"]): row["logits"][0]
            for row in tables.read(file, "predictions").to_pylist()
        }
        original = [found["none", 0, i] for i in truth]
        row = performance[performance["model"] == name].set_index("metric")["value"]
        assert row["pearson"] == pytest.approx(stats.pearsonr(list(truth.values()), original).statistic)
        assert row["spearman"] == pytest.approx(stats.spearmanr(list(truth.values()), original).statistic)
        moved = [abs(v - found["none", 0, i]) for (p, _, i), v in found.items() if p == "keyboard"]
        row = robustness[robustness["model"] == name].set_index("metric")["value"]
        assert len(moved) == 60
        assert row["consistency"] == pytest.approx(np.mean(np.array(moved) <= 0.5))

    explained = tmp_path / "explained"
    tables.write(explained, "examples", rows["test"][:4], {"task": "stsb"})
    identity = {"task": "stsb", "model": "student", "seed": 0, "explainer": "occlusion"}
    jobs.explain(
        explained, folders["student"], tmp_path / "values", identity, {"method": "occlusion"},
        config["explained_output"], ENGINE, 0,
    )  # fmt: skip
    student = Engine(folders["student"], **ENGINE)
    described = tables.read(tmp_path / "values", "explanations").to_pylist()
    for row, example in zip(described, rows["test"], strict=False):
        assert {span["segment"] for span in row["spans"]} == {0, 1}
        assert_same(row["output"], row["logits"])
        # What the first word's mask takes away from the score itself.
        start, end = (row["spans"][0][key] for key in ("start", "end"))
        text = example["text_a"]
        if not row["unseen"]:
            masked = (f"{text[:start]}{student.encoder.mask}{text[end:]}", example["text_b"])
            gone = student.logits([(text, example["text_b"]), masked])[:, 0]
            assert_same(row["values"][0][0], gone[0] - gone[1], gone)
    assert len(described) == 4 and not all(row["unseen"] for row in described)
