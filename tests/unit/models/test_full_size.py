"""Every architecture that the studies name, at full size with random weights, through every stage.

The hub's weights cannot be had in a test; their shapes can. Each is saved as a mirror holds
it, TinyBERT pickled as on the hub, and taken through one step of training, a prediction
and one sentence of every explainer.
"""

import json
import shutil

import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    MobileBertConfig,
    MobileBertForPreTraining,
)

from distillens import registry, tables
from distillens.data import fetch
from distillens.models import predict
from distillens.training import fine_tune
from tests import jobs, tiny
from tests.rounding import assert_same

pytestmark = pytest.mark.slow

ENGINE = {"device": "cpu", "backend": "auto", "precision": "float32"}
SETTINGS = {
    "method": "fine_tune", "epochs": 1, "learning_rate": 1e-5, "batch_size": 4,
    "gradient_accumulation_steps": 1, "warmup_ratio": 0.0, "weight_decay": 0.01, "max_grad_norm": 1.0,
    "max_length": 128, "early_stopping_patience": 1, "precision": "float32",
}  # fmt: skip
TEXTS = ["A dull film, but the ending was joyful.", "Not bad at all", "The plot is dull", "Joyful of it"]
OPTIONS = {"shap": {"max_evals": 20}, "lime": {"samples": 20}}
OPTIONS["integrated_gradients"] = {"steps": 2, "max_steps": 2}


def tinybert(layers, width, inner):
    return BertForMaskedLM(
        BertConfig(
            num_hidden_layers=layers, hidden_size=width, intermediate_size=inner, num_attention_heads=12
        )
    )


ARCHITECTURES = {
    "bert-base": (lambda: BertForMaskedLM(BertConfig()), 110),
    "distilbert": (lambda: DistilBertForMaskedLM(DistilBertConfig()), 66),
    "mobilebert": (lambda: MobileBertForPreTraining(MobileBertConfig()), 25),
    "tinybert-4": (lambda: tinybert(4, 312, 1200), 14),
    "tinybert-6": (lambda: tinybert(6, 768, 3072), 67),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_is_trained_asked_and_explained(name, tmp_path):
    build, millions = ARCHITECTURES[name]
    folder = tmp_path / "mirror" / "org" / name
    torch.manual_seed(0)
    model = build()
    assert sum(p.numel() for p in model.base_model.parameters()) / 1e6 == pytest.approx(millions, rel=0.05)
    model.save_pretrained(folder)
    words = tiny.bert(tmp_path / "words")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(words / file, folder / file)
    if name.startswith("tinybert"):
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    del model
    checkpoint = tmp_path / "checkpoint"
    fetch.fetch_checkpoint(
        {"hub": f"org/{name}"}, name, str(tmp_path / "mirror"), checkpoint, tmp_path / "c.json"
    )

    rows = [
        {"example_id": str(i), "text_a": text, "label": float(i % 3), "label_name": "abc"[i % 3]}
        for i, text in enumerate(TEXTS)
    ]
    data, perturbed = tmp_path / "data.parquet", tmp_path / "perturbed.parquet"
    tables.write(data, "examples", rows, {"task": "t"})
    tables.write(perturbed, "perturbed", [], {"task": "t", "perturbation": "none yet"})
    identity = {"task": "t", "model": name, "seed": 1}
    jobs.train(
        fine_tune.FineTuning, splits={"train": data, "validation": data}, checkpoint=checkpoint,
        out=tmp_path / "model", identity=identity, layers=None, settings=SETTINGS, engine={"device": "cpu"},
        task={"type": "classification", "labels": ["a", "b", "c"]}, export_onnx=True,
    )  # fmt: skip
    card = json.loads((tmp_path / "model" / "training.json").read_text())
    assert card["best_validation_loss"] > 0
    job = jobs.model_job(identity, tmp_path / "model", ENGINE)
    predict.write_predictions(job, data, [perturbed], tmp_path / "p")
    logits = tables.read(tmp_path / "p", "predictions")["logits"].to_pylist()
    assert len(logits) == 4 and all(len(row) == 3 for row in logits)
    one = tmp_path / "one.parquet"
    tables.write(one, "examples", rows[:1], {"task": "t"})
    for method in registry.options("explainer").keys() - {"elsewhere"}:
        out = tmp_path / f"{method}.parquet"
        settings = {
            **{key: option["default"] for key, option in registry.options("explainer")[method].items()},
            **OPTIONS.get(method, {}),
            "method": method,
        }
        jobs.explain(
            one, tmp_path / "model", out, {**identity, "explainer": method}, settings, "margin", ENGINE, 0
        )
        (row,) = tables.read(out, "explanations").to_pylist()
        assert len(row["values"]) == len(row["words"]) == 10
        assert_same(row["logits"], logits[0])
