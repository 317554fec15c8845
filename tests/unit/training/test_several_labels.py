"""Training with several labels for a text: the losses by hand, and a tiny model that learns them."""

import json

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import log_loss

from distillens import tables
from distillens.data.label_sets import flags_of
from distillens.models.engine import Engine
from distillens.training.distillation import masked_consistency, soft_logits
from distillens.training.distillation.soft_logits import soft_loss
from distillens.training.fine_tune import FineTuning, task_loss
from distillens.training.soft_labels import SoftLabels
from tests import jobs, tiny
from tests.unit.training.test_fine_tune import CPU, settings

TASK = {"type": "multi_label", "labels": ["dull", "film", "bad"]}
WORDS = ["a {} plot", "the {} ending", "it was {} at all"]
SETS = ["", "dull", "film", "dull film", "bad", "bad dull", "film bad", "bad film dull"]
ROWS = [
    {
        "example_id": f"{number}-{place}",
        "text_a": text.format(words).replace("  ", " "),
        "label": float(sum((word in words) << bit for bit, word in enumerate(TASK["labels"]))),
    }
    for place, text in enumerate(WORDS)
    for number, words in enumerate(SETS)
]


@pytest.fixture
def splits(tmp_path):
    paths = {split: tmp_path / f"{split}.parquet" for split in ("train", "validation")}
    for path in paths.values():
        tables.write(path, "examples", ROWS, {})
    return paths


def train(splits, out, trainer, given, **options):
    identity = {"task": "t", "model": "m", "seed": 1}
    checkpoint = tiny.learner(out.parent / "checkpoint")
    jobs.train(
        trainer, splits=splits, checkpoint=checkpoint, out=out, identity=identity, task=TASK, layers=None,
        settings=given, engine=CPU, **options,
    )  # fmt: skip
    return json.loads((out / "training.json").read_text())


def test_the_loss_is_binary_cross_entropy_of_each_label():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(5, 3)), rng.integers(0, 2, (5, 3))
    expected = np.mean([log_loss(labels[:, n], expit(logits[:, n]), labels=[0, 1]) for n in range(3)])
    found = task_loss(torch.tensor(logits), torch.tensor(labels, dtype=torch.float32))
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_soft_loss_is_the_divergence_of_yes_and_no_of_each_label(temperature):
    rng = np.random.default_rng(1)
    student, teacher = rng.normal(size=(2, 4, 3))
    p, q = (expit(z / temperature) for z in (teacher, student))
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    found = soft_loss(torch.tensor(student), torch.tensor(teacher), temperature, several=True)
    assert found.item() == pytest.approx(temperature**2 * divergence.mean())
    assert soft_loss(torch.tensor(teacher), torch.tensor(teacher), temperature, several=True).item() == 0


def test_a_model_learns_several_labels_at_once(splits, tmp_path):
    given = settings(epochs=30, batch_size=6, learning_rate=5e-3, early_stopping_patience=30)
    card = train(splits, tmp_path / "run", FineTuning, given)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert list(config["id2label"].values()) == TASK["labels"]
    logits = Engine(tmp_path / "run", "cpu").logits([(row["text_a"],) for row in ROWS])
    truth = flags_of([row["label"] for row in ROWS], 3)
    assert ((logits > 0) == truth).mean() > 0.9
    loss = np.mean(
        [log_loss(truth[:, n], expit(logits[:, n].astype(float)), labels=[0, 1]) for n in range(3)]
    )
    assert card["best_validation_loss"] == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("method", ["soft_logits", "masked_consistency"])
def test_a_student_learns_its_teacher_s_logits(splits, tmp_path, method):
    teacher = tiny.bert(tmp_path / "teacher", seed=4)
    given = settings(method, epochs=30, batch_size=6, learning_rate=5e-3, early_stopping_patience=30)
    given |= {"alpha": 0, "beta": 1, "temperature": 1}
    trainer = {"soft_logits": soft_logits, "masked_consistency": masked_consistency}[method].Distillation
    train(splits, tmp_path / "run", trainer, given, teacher=teacher)
    texts = [(row["text_a"],) for row in ROWS]
    wanted, found = (Engine(folder, "cpu").logits(texts) for folder in (teacher, tmp_path / "run"))
    before = Engine(tmp_path / "checkpoint", "cpu").logits(texts)
    off = [np.abs(expit(one) - expit(wanted)).mean() for one in (found, before)]
    assert off[0] < off[1] / 2


def test_soft_labels_of_several_labels_need_not_sum_to_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "soft.csv").write_text("text,a,b\nA film,0.9,0.5\n")
    options = {"file": "soft.csv", "text_a": "text", "text_b": None, "probabilities": {"x": "a", "y": "b"}}
    found = SoftLabels(options, ["x", "y"], several=True).logits([("A film",)])
    assert expit(found) == pytest.approx(np.array([[0.9, 0.5]]))
