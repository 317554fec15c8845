"""Whether the measure finds what was put there: copies of a model, noisy ones, strangers, half blind ones."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from distillens import tables
from distillens.evaluation.calibrate import calibrate
from distillens.evaluation.decide_verdicts import decide_verdicts
from distillens.evaluation.inputs import Settings
from distillens.evaluation.word_shifts import score_word_shifts
from distillens.metrics import verdict
from tests import jobs, tiny
from tests.rounding import slack

CPU = {"device": "cpu", "backend": "torch", "precision": "float32"}
BLIND = ("was", "movie", "the")  # words that weigh much in the teacher
SEEDS = (1, 2, 3, 4)


def texts():
    """Sixty texts of six of the tokenizer's whole words, two of them those that a student will not see."""
    rng = np.random.default_rng(0)
    words = ["a", "film", "plot", "is", "but", "ending", "it", "and", "of", "dull", "joyful", "bad"]
    for _ in range(60):
        chosen = [*rng.choice(words, 4, replace=False), *rng.choice(BLIND, 2, replace=False)]
        yield " ".join(rng.permutation(chosen))


def variant(folder, of, *, noise=0.0, seed=0, blind=()):
    """A copy of a model: its weights a little off, or some words' embeddings those of [MASK]."""
    shutil.copytree(of, folder)
    weights = load_file(folder / "model.safetensors")
    torch.manual_seed(seed)
    for name, value in weights.items():
        weights[name] = value + noise * value.std(unbiased=False) * torch.randn_like(value)
    vocabulary = AutoTokenizer.from_pretrained(of).get_vocab()
    embeddings = weights["bert.embeddings.word_embeddings.weight"]
    for word in blind:
        embeddings[vocabulary[word]] = embeddings[vocabulary["[MASK]"]]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validity")
    first = tiny.bert(folder / "first", labels=2)
    models = {("teacher", 1): first}
    models |= {
        ("teacher", seed): variant(folder / f"t{seed}", first, noise=0.015, seed=seed) for seed in SEEDS[1:]
    }
    models |= {("copy", seed): models["teacher", seed] for seed in SEEDS}
    models |= {("twin", seed): variant(folder / f"w{seed}", first, noise=0.015, seed=seed) for seed in (8, 9)}
    models |= {("planted", 0): variant(folder / "p", first, blind=BLIND)}
    models |= {("stranger", seed): tiny.bert(folder / f"s{seed}", labels=2, seed=seed) for seed in (5, 6, 7)}
    explained = folder / "explained.parquet"
    rows = [{"example_id": f"e{i:02}", "text_a": text, "label": 1.0} for i, text in enumerate(texts())]
    tables.write(explained, "examples", rows, {"task": "films"})
    explanations = {}
    for (model, seed), where in models.items():
        out = folder / f"{model}-{seed}.parquet"
        about = {"task": "films", "model": model, "seed": seed, "explainer": "occlusion"}
        jobs.explain(explained, where, out, about, {"method": "occlusion"}, "margin", CPU, 3)
        explanations[model, seed] = out
    performance = folder / "performance.parquet"
    scores = [{"task": "films", "metric": "majority", "value": 0.5}]
    scores += [
        {"task": "films", "model": m, "seed": s, "metric": "accuracy", "value": 0.9, "low": 0.8}
        for m, s in models
    ]
    tables.write(performance, "scores", scores, {"task": "films"})
    names = list(dict.fromkeys(model for model, _ in models))
    settings = {
        "task": "films",
        "task_settings": {"type": "classification", "labels": ["bad", "good"], "metrics": ["accuracy"]},
        "metrics": {"confidence_level": 0.95, "tolerance": 0.05, "margin": 0.5, "overlap_k": [1]},
        "teachers": {name: None if name == "teacher" else "teacher" for name in names},
        "seeds": {name: [seed for model, seed in models if model == name] for name in names},
        "seed": 0,
        "teacher_seeds": {"copy": SEEDS},
    }
    settings, files = Settings(**settings), list(explanations.values())
    again = [explanations["teacher", 1]]
    outputs = {"out": folder / "calibration.parquet", "by_text": folder / "texts.parquet"}
    calibrate(performance, files, again, explained, **outputs, settings=settings)
    judged = {"confidence_level": 0.95, "controls": []}
    decide_verdicts([folder / "calibration.parquet"], out=folder / "drift.parquet", **judged)
    score_word_shifts(explained, files, out=folder / "shifts.parquet", settings=settings)
    drift = tables.read(folder / "drift.parquet", "drift").to_pandas()
    drift = drift[drift["metric"] == "spearman"].set_index("student")
    return drift, tables.read(folder / "shifts.parquet", "word_shifts").to_pandas()


def test_a_copy_of_the_teacher_agrees_fully_and_keeps_its_reasoning(study):
    row = study[0].loc["copy"]
    assert row["agreement"] == pytest.approx(1) and row["normalised"] > 1
    assert row["verdict"] == verdict.KEEPS


def test_more_runs_of_the_teacher_do_not_drift(study):
    assert study[0].loc["twin"]["verdict"] != verdict.DRIFTS
    assert study[0].loc["twin"]["n_runs"] == 2


def test_random_weights_have_a_normalised_agreement_about_zero(study):
    row = study[0].loc["stranger"]
    assert abs(row["normalised"]) < 0.25 and row["normalised_low"] < 0.1
    assert row["verdict"] == verdict.DRIFTS


def test_a_student_blind_for_some_words_drifts_and_they_come_out_on_top(study):
    drift, shifts = study
    assert drift.loc["planted"]["verdict"] == verdict.DRIFTS
    own = shifts[(shifts["student"] == "planted") & (shifts["kind"] == "word")]
    own = own.sort_values("shift")
    assert set(own["name"][: len(BLIND)]) == set(BLIND)
    top = own.iloc[: len(BLIND)]
    assert (top["share_student"] < slack(1)).all() and (top["shift_high"] < 0).all()
    twin = shifts[(shifts["student"] == "twin") & (shifts["kind"] == "word")]
    assert ((twin["shift_low"] < 0) & (twin["shift_high"] > 0)).all()
