"""Agreement with the teacher while a student trains: 1 for the teacher itself, and no draw is lost."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

from distillens.attribution.agreement_callback import AgreementCallback
from distillens.attribution.explainers import lime
from distillens.config.errors import ConfigError
from tests import tiny

TEXTS = [*tiny.SENTENCES[:3], "...", ""]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("callback")
    return tiny.bert(place / "teacher"), tiny.bert(place / "student", layers=1, seed=5)


def trained(folder, tmp_path, *callbacks):
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = [{**tokenizer(text, padding="max_length", max_length=16, truncation=True), "labels": at % 3}
            for at, text in enumerate(tiny.SENTENCES)]  # fmt: skip
    arguments = TrainingArguments(
        tmp_path / "out",
        num_train_epochs=2,
        per_device_train_batch_size=3,
        learning_rate=1e-3,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(model, arguments, train_dataset=rows, eval_dataset=rows, callbacks=list(callbacks))
    trainer.train()
    return trainer


def callback(folders, explainer="occlusion", **more):
    tokenizer = AutoTokenizer.from_pretrained(folders[1])
    return AgreementCallback(folders[0], TEXTS, tokenizer, explainer, device="cpu", **more)


def test_every_evaluation_has_the_agreement_and_training_is_as_without_it(folders, tmp_path):
    with_it, without = trained(folders[1], tmp_path, callback(folders)), trained(folders[1], tmp_path)
    logged = [entry["eval_agreement"] for entry in with_it.state.log_history if "eval_loss" in entry]
    assert len(logged) == 2
    assert np.isfinite(logged).all() and all(-1 <= value <= 1 for value in logged)
    assert "eval_agreement" in with_it.evaluate()
    for one, other in zip(with_it.model.parameters(), without.model.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("explainer", ["occlusion", "input_x_gradient"])
def test_the_teacher_agrees_with_itself(folders, tmp_path, explainer):
    model = AutoModelForSequenceClassification.from_pretrained(folders[0])
    metrics = {"eval_loss": 1.0}
    state = type("State", (), {"is_world_process_zero": True, "log_history": [], "global_step": 0})
    callback(folders, explainer).on_evaluate(None, state, None, model=model, metrics=metrics)
    assert metrics["eval_agreement"] == pytest.approx(1.0)


def seeds_and_texts(callback, monkeypatch):
    """What the teacher's explainer and a student's are called with."""
    asked, explain = [], lime.explain

    def noted(examples, engine, output, options, seed):
        asked.append((seed, examples))
        return explain(examples, engine, output, options, seed)

    monkeypatch.setattr(lime, "explain", noted)
    model = AutoModelForSequenceClassification.from_pretrained(callback._teacher)
    state = type("State", (), {"is_world_process_zero": True, "log_history": [], "global_step": 0})
    for _ in range(2):
        callback.on_evaluate(None, state, None, model=model, metrics={"eval_loss": 1.0})
    return zip(*asked, strict=True)


def test_models_draw_apart_as_in_a_study_and_alike_at_every_evaluation(folders, monkeypatch):
    for common in (False, True):
        own = callback(folders, "lime", options={"samples": 10, "common_masks": common})
        (teacher, first, second), _ = seeds_and_texts(own, monkeypatch)
        assert first == second
        assert (teacher == first) is common


def test_options_that_all_explainers_have_hold_while_a_student_trains(folders, monkeypatch):
    own = callback(folders, "lime", options={"samples": 10, "unit": "token", "examples": 2})
    _, texts = seeds_and_texts(own, monkeypatch)
    for few in texts:
        assert [example.text_a for example in few] == TEXTS[:2]
        assert all(example.units for example in few)


def test_texts_without_words_and_unknown_explainers_are_refused(folders):
    with pytest.raises(ValueError, match="none of them has a word"):
        AgreementCallback(folders[0], [" ", ""], None)
    with pytest.raises(ConfigError, match="did you mean 'occlusion'"):
        AgreementCallback(folders[0], TEXTS, None, explainer="oclusion")
