import copy
import json
import re
import shutil

import numpy as np
import pytest
import torch

from distillens import tables
from distillens.config.validate import complete
from distillens.data.text import examples
from distillens.models import classifier
from distillens.models.engine import Engine, EngineOptions
from distillens.models.tokenizer import Encoder, EncodingError
from distillens.training import callbacks, fine_tune, run_folders
from distillens.training.distillation.soft_logits import Distillation, soft_loss
from distillens.training.fine_tune import Source
from tests import jobs
from tests.rounding import assert_same
from tests.tiny import SENTENCES

CPU = {"device": "cpu", "backend": "torch"}
TASK = {"labels": ["bad", "middling", "good"], "type": "classification"}
ROWS = [
    {"example_id": str(n), "text_a": sentence, "label": float(n % 3), "label_name": TASK["labels"][n % 3]}
    for n, sentence in enumerate(SENTENCES * 3)
]


def settings(method="fine_tune", **given):
    models = {
        "teacher": {"checkpoint": "c", "training": {"method": "fine_tune"}},
        "m": {
            "checkpoint": "c",
            "teacher": "teacher",
            "training": {"method": method, "max_length": 32, **given},
        },
    }
    task = {
        "source": {"local": "x"},
        "columns": {"text_a": "a", "label": "b"},
        "labels": ["a", "b"],
        "splits": {split: {"from": "all"} for split in ("train", "validation", "test")},
    }
    config = complete(
        {"study": "s", "tasks": {"t": task}, "checkpoints": {"c": {"local": "x"}}, "models": models}
    )
    return config["models"]["m"]["training"]


@pytest.fixture
def splits(tmp_path):
    paths = {split: tmp_path / f"{split}.parquet" for split in ("train", "validation")}
    for path in paths.values():
        tables.write(path, "examples", ROWS, {})
    return paths


def train(splits, checkpoint, out, trainer=fine_tune.FineTuning, seed=1, **given):
    options = {
        "task": TASK,
        "layers": None,
        "settings": settings(epochs=1, batch_size=6),
        "engine": CPU,
        **given,
    }
    identity = {"task": "t", "model": "m", "seed": seed}
    jobs.train(trainer, splits=splits, checkpoint=checkpoint, out=out, identity=identity, **options)
    return json.loads((out / "training.json").read_text())


def test_training_lowers_the_loss_and_keeps_the_best_epoch(splits, bert, tmp_path):
    card = train(
        splits, bert, tmp_path / "m", settings=settings(epochs=6, learning_rate=3.0e-3, batch_size=6)
    )
    losses = [entry["eval_loss"] for entry in card["history"] if "eval_loss" in entry]
    assert losses[-1] < losses[0]
    assert card["best_validation_loss"] == min(losses)
    engine = Engine(tmp_path / "m", "cpu")
    logits = torch.tensor(engine.logits([(row["text_a"],) for row in ROWS]))
    loss = fine_tune.task_loss(logits, torch.tensor([row["label"] for row in ROWS]))
    assert_same(loss.item(), card["best_validation_loss"], logits)


def test_only_safetensors_are_saved_and_nothing_is_left_beside_them(splits, bert, tmp_path):
    train(splits, bert, tmp_path / "models" / "1")
    names = {path.name for path in (tmp_path / "models" / "1").iterdir()}
    assert {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    } <= names
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["1"]


def test_the_same_seed_gives_the_same_weights_and_another_one_others(splits, bert, tmp_path):
    weights = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(splits, bert, tmp_path / name, seed=seed)
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_a_batch_is_as_large_as_the_config_says_however_many_gpus_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    for device, used in (("cuda", 1), ("cpu", 0)):
        given = fine_tune.arguments(tmp_path, settings(batch_size=6), 1, torch.device(device))
        assert (given.n_gpu, given.train_batch_size, given.eval_batch_size) == (used, 6, 12)


def test_patience_ends_training_early(splits, bert, tmp_path):
    card = train(
        splits,
        bert,
        tmp_path / "m",
        settings=settings(epochs=30, early_stopping_patience=1, learning_rate=1.0),
    )
    assert max(entry["epoch"] for entry in card["history"]) < 30


@pytest.mark.parametrize(("training", "where"), [(True, "step 1: "), (False, "after step 1: ")])
def test_a_loss_that_is_no_number_stops_with_step_split_and_rows(
    splits, bert, tmp_path, monkeypatch, training, where
):
    terms = fine_tune.FineTuning.terms

    def broken(self, model, *parts):
        factor = float("nan") if model.training == training else 1.0
        return {name: factor * term for name, term in terms(self, model, *parts).items()}

    monkeypatch.setattr(fine_tune.FineTuning, "terms", broken)
    with pytest.raises(fine_tune.TrainingError) as caught:
        train(splits, bert, tmp_path / "m", settings=settings(batch_size=len(ROWS)))
    split = "training" if training else "validation"
    pattern = rf"{where}the loss is nan on {split} rows (.*) \(counted from 1\); lower the learning rate"
    rows = re.match(pattern, str(caught.value))[1].split(", ")
    assert sorted(map(int, rows)) == list(range(1, len(ROWS) + 1))
    assert not (tmp_path / "m").exists()


def test_texts_are_planted_for_training_and_not_for_validation(splits, bert, monkeypatch, tmp_path):
    seen = {}

    def features(cls, texts, source):
        seen[source.training] = [one.text_a for one in texts]
        return {}

    monkeypatch.setattr(fine_tune.FineTuning, "features", classmethod(features))
    plant = {"method": "shortcut", "word": "verily", "label": "good", "share": 1.0}
    train(splits, bert, tmp_path / "m", settings={**settings(epochs=1, batch_size=6), "plant": plant})
    starts = {row["text_a"] for row in ROWS if row["label_name"] == "good"}
    assert seen[False] == [row["text_a"] for row in ROWS]
    assert {text[7:] for text in seen[True] if text.startswith("verily ")} == starts


def test_a_killed_run_goes_on_from_its_last_checkpoint(splits, bert, tmp_path, monkeypatch):
    options = settings(epochs=3, batch_size=6)
    train(splits, bert, tmp_path / "undisturbed", settings=options)
    steps = []
    step = fine_tune.FineTuning.training_step

    def dying(self, *args, **kwargs):
        steps.append(self.state.global_step)
        if len(steps) == 5:  # in the second epoch
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(fine_tune.FineTuning, "training_step", dying)
        with pytest.raises(KeyboardInterrupt):
            train(splits, bert, tmp_path / "killed", settings=options)
        train(splits, bert, tmp_path / "killed", settings=options)
    assert steps[5:] == [3, 4, 5, 6, 7, 8]  # not 0, 1, 2 again
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("undisturbed", "killed")]
    assert weights[0] == weights[1]


def test_what_a_killed_run_left_beside_the_model_is_removed(tmp_path):
    left = tmp_path / ".m.whole-abc"
    left.mkdir()
    (left / "model.safetensors").touch()
    with classifier.whole_folder(tmp_path / "m") as whole:
        (whole / "file").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["m", "file"]


@pytest.mark.parametrize("kills", [(2,), (0, 2), (0, 1, 3)])
def test_a_run_that_is_killed_within_an_epoch_goes_on_there(splits, bert, tmp_path, monkeypatch, kills):
    options = settings(epochs=3, batch_size=4)
    batches, deaths = [], []
    step = fine_tune.FineTuning.training_step

    def dying(self, model, inputs, *args, **kwargs):
        if self.state.global_step in deaths:
            deaths.remove(self.state.global_step)
            raise KeyboardInterrupt
        batches.append((self.state.global_step, inputs["row"].tolist()))
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(fine_tune.FineTuning, "training_step", dying)
    card = train(splits, bert, tmp_path / "undisturbed", settings=options)
    undisturbed, per_epoch = batches.copy(), len(batches) // 3
    assert per_epoch >= 4
    batches.clear()
    deaths += [per_epoch + kill for kill in kills]
    monkeypatch.setattr(callbacks, "_SAVE_SECONDS", 0)
    monkeypatch.setattr(callbacks, "_SAVE_SHARE", 0)
    for _ in kills:
        with pytest.raises(KeyboardInterrupt):
            train(splits, bert, tmp_path / "killed", settings=options)
    resumed = train(splits, bert, tmp_path / "killed", settings=options)
    assert batches == undisturbed
    # The weights are those of the best epoch only, the losses are of each.
    losses = [[e["eval_loss"] for e in one["history"] if "eval_loss" in e] for one in (card, resumed)]
    assert losses[0] == losses[1]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("undisturbed", "killed")]
    assert weights[0] == weights[1]


def test_a_checkpoint_that_a_kill_cut_short_is_passed_over(splits, bert, tmp_path):
    run = tmp_path / ".m.run" / "any"
    for step in (3, 6):
        (run / f"checkpoint-{step}").mkdir(parents=True)
    (run / "checkpoint-3" / "trainer_state.json").write_text("{}")
    assert run_folders.last_checkpoint(run) == str(run / "checkpoint-3")
    assert not (run / "checkpoint-6").exists()
    assert run_folders.last_checkpoint(tmp_path / "nowhere") is None


def test_weights_stored_in_half_precision_are_trained_in_full(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "half")
    classifier.load_classifier(bert).half().save_pretrained(folder)
    assert {p.dtype for p in classifier.new_classifier(folder, TASK, None).parameters()} == {torch.float32}


def test_other_settings_do_not_go_on_from_an_old_checkpoint(splits, bert, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(fine_tune.classifier, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train(splits, bert, tmp_path / "m")
    card = train(splits, bert, tmp_path / "m", settings=settings(epochs=1, batch_size=9))
    assert max(entry["step"] for entry in card["history"]) == 2


def test_layers_are_dropped(splits, bert, tmp_path):
    train(splits, bert, tmp_path / "m", layers=[1])
    model = classifier.load_classifier(tmp_path / "m")
    assert model.config.num_hidden_layers == len(model.bert.encoder.layer) == 1
    kept = classifier.new_classifier(bert, TASK, [1]).bert.encoder.layer[0].state_dict()
    original = classifier.load_classifier(bert).bert.encoder.layer[1].state_dict()
    assert all(torch.equal(kept[name], original[name]) for name in kept)


def test_a_layer_that_is_not_there_is_an_error(bert):
    with pytest.raises(classifier.ModelError, match="layer 2 is asked for, but it has layers 0 to 1"):
        classifier.new_classifier(bert, TASK, [0, 2])


def test_regression_learns_one_score(splits, bert, tmp_path):
    for path in splits.values():
        tables.write(
            path, "examples", [{**row, "label_name": None, "label": row["label"] * 1.5} for row in ROWS], {}
        )
    train(splits, bert, tmp_path / "m", task={"labels": [], "type": "regression"})
    assert Engine(tmp_path / "m", "cpu").logits([("Fun",)]).shape == (1, 1)


def test_the_soft_loss_is_the_one_worked_by_hand():
    # T = 2. Teacher logits (2 ln 3, 0): softened to (ln 3, 0), p = (3/4, 1/4).
    # Student logits (0, 0): p = (1/2, 1/2). KL = 3/4 ln(3/2) + 1/4 ln(1/2); times T^2 = 4.
    teacher, student = torch.tensor([[2 * np.log(3), 0.0]]), torch.zeros(1, 2, dtype=torch.float64)
    expected = 4 * (0.75 * np.log(1.5) + 0.25 * np.log(0.5))
    assert soft_loss(student, teacher, 2.0).item() == pytest.approx(expected)
    assert soft_loss(teacher, teacher, 2.0).item() == pytest.approx(0)
    assert soft_loss(torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [4.0]]), 2.0).item() == pytest.approx(
        2.5
    )


def test_every_student_parameter_gets_a_gradient_from_the_soft_loss_alone(bert, tmp_path):
    student, teacher = classifier.new_classifier(bert, TASK, [0]), Engine(bert, "cpu")
    encoder = Encoder(bert)
    batch = teacher.backend.tensors(encoder.pad(encoder.encode([(s,) for s in SENTENCES])))
    target = torch.tensor(teacher.logits([(s,) for s in SENTENCES]))
    soft_loss(student(**batch).logits, target, 2.0).backward()
    silent = [n for n, p in student.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def source(teacher):
    options = EngineOptions(**CPU)
    return Source(encoder=None, teacher=teacher, engine=options, options={}, seed=0, training=True)


def test_distillation_reads_the_teacher_through_its_own_tokenizer(splits, bert, roberta, tmp_path):
    teacher = tmp_path / "teacher"
    train(splits, roberta, teacher)
    texts = examples(tables.read(splits["train"], "examples"))
    expected = Engine(teacher, "cpu").logits([one.texts for one in texts])
    found = Distillation.features(texts, source(teacher))["teacher_logits"]
    np.testing.assert_array_equal(found, expected)
    before = copy.deepcopy((teacher / "model.safetensors").read_bytes())
    card = train(
        splits,
        bert,
        tmp_path / "student",
        Distillation,
        settings=settings("soft_logits", epochs=8, learning_rate=3.0e-2, alpha=0, beta=1),
        teacher=teacher,
    )
    losses = [entry["eval_loss"] for entry in card["history"] if "eval_loss" in entry]
    assert losses[-1] < losses[0]
    assert (teacher / "model.safetensors").read_bytes() == before
    assert card["teacher_sha256"] is not None


def test_a_checkpoint_without_a_mask_token_is_refused_before_training(splits, roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "maskless")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["mask_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(EncodingError, match="no mask token"):
        train(splits, folder, tmp_path / "m")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_onnx_graph_is_left_for_a_study_that_wants_one(splits, bert, tmp_path, precision):
    engine = {"device": "cpu", "backend": "onnxruntime"}
    options = settings(precision=precision)
    train(splits, bert, tmp_path / "m", engine=engine, export_onnx=True, settings=options)
    texts = [(sentence,) for sentence in SENTENCES]
    found, expected = (
        Engine(tmp_path / "m", **engine).logits(texts),
        Engine(tmp_path / "m", **CPU).logits(texts),
    )
    assert_same(found, expected)


def test_the_clock_of_a_run_that_goes_on_counts_both_parts(monkeypatch):
    now = {"monotonic": 100.0, "process_time": 10.0}
    for name in now:
        monkeypatch.setattr(callbacks.time, name, lambda name=name: now[name])

    def passes(seconds):
        now["monotonic"] += seconds
        now["process_time"] += seconds / 2

    clock = callbacks.Clock()
    passes(7)  # before the training begins
    clock.on_train_begin(None, None, None)
    passes(60)
    saved = clock.state()
    passes(20)  # lost: the run is killed and goes on from what was saved
    other = callbacks.Clock(**saved["args"])
    other.on_train_begin(None, None, None)
    passes(30)
    other.on_train_end(None, None, None)
    assert (other.wall, other.cpu) == (90, 45)
