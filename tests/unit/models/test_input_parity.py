"""What a model is trained on is what it is asked with: the same numbers, for every family.

Both are looked at where they enter the model, and compared with what the checkpoint's own
tokenizer says in ``transformers``.
"""

from itertools import product

import numpy as np
import pytest
from transformers import AutoTokenizer

from distillens import tables
from distillens.models.engine import Engine
from distillens.training import fine_tune
from tests import jobs
from tests.tiny import SENTENCES

FAMILIES = {
    "bert": {"input_ids", "attention_mask", "token_type_ids"},
    "distilbert": {"input_ids", "attention_mask"},
    "mobilebert": {"input_ids", "attention_mask", "token_type_ids"},
    "roberta": {"input_ids", "attention_mask"},
}
MAX_LENGTH = 32
SHORT, OTHER, LONG = SENTENCES[3], "Café: it's – naïve 😀", " ".join(SENTENCES)
TEXTS = [
    (SHORT,), (OTHER,), ("Fun",), (LONG,),
    (SHORT, OTHER), (OTHER, SHORT), ("Fun", LONG), (LONG, "Fun"), (LONG, LONG[::-1]), (SHORT, SHORT),
]  # fmt: skip
SETTINGS = {
    "method": "fine_tune", "epochs": 1, "learning_rate": 1e-5, "batch_size": 3,
    "gradient_accumulation_steps": 1, "warmup_ratio": 0.0, "weight_decay": 0.0, "max_grad_norm": 1.0,
    "max_length": MAX_LENGTH, "early_stopping_patience": 1, "precision": "float32",
}  # fmt: skip


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def trained(family, request, tmp_path, monkeypatch):
    """A model's folder, its checkpoint's, and the padded rows that it was given by number of text."""
    checkpoint = request.getfixturevalue(family)
    rows = [
        {"example_id": str(n), **dict(zip(("text_a", "text_b"), texts, strict=False)), "label": 0.0}
        for n, texts in enumerate(TEXTS)
    ]
    tables.write(tmp_path / "data", "examples", rows, {})
    fed, original = {}, fine_tune.FineTuning.compute_loss

    def watching(self, model, inputs, **kwargs):
        batch = {name: values.numpy().copy() for name, values in inputs.items()}
        for n, number in enumerate(batch["row"].tolist()):
            fed.setdefault(number, []).append(
                {name: values[n] for name, values in batch.items() if name not in ("row", "labels")}
            )
        return original(self, model, inputs, **kwargs)

    monkeypatch.setattr(fine_tune.FineTuning, "compute_loss", watching)
    jobs.train(
        fine_tune.FineTuning, splits={"train": tmp_path / "data", "validation": tmp_path / "data"},
        checkpoint=checkpoint, out=tmp_path / "model", identity={"task": "t", "model": family, "seed": 1},
        task={"type": "classification", "labels": ["a", "b", "c"]}, layers=None, settings=SETTINGS,
        engine={"device": "cpu"}, export_onnx=True,
    )  # fmt: skip
    return tmp_path / "model", checkpoint, fed


def asked(engine, texts):
    """The row that enters the model for one text or pair."""
    batches, forward = [], engine.backend.forward
    engine.backend.forward = lambda batch: (batches.append(batch), forward(batch))[1]
    engine.logits([texts])
    engine.backend.forward = forward
    (batch,) = batches
    return {name: values[0] for name, values in batch.items()}


def test_training_and_both_backends_are_given_the_same_numbers(family, trained):
    folder, checkpoint, fed = trained
    engines = [Engine(folder, "cpu", backend) for backend in ("torch", "onnxruntime")]
    stock = AutoTokenizer.from_pretrained(checkpoint)
    assert set(fed) == set(range(len(TEXTS)))
    for number, texts in enumerate(TEXTS):
        expected = stock(*texts, truncation=True, max_length=MAX_LENGTH)
        assert (len(stock(*texts)["input_ids"]) > MAX_LENGTH) >= (LONG in texts)
        inputs = [*fed[number], *(asked(engine, texts) for engine in engines)]
        assert len(inputs) == 2 + 2  # trained on and validated once
        for one in inputs:
            assert set(one) == FAMILIES[family]
            length = int(one["attention_mask"].sum())
            for name, values in one.items():
                assert values.dtype == np.int64
                assert values[:length].tolist() == expected[name], (name, texts)
            # What is beyond it is padding.
            assert set(one["input_ids"][length:].tolist()) <= {stock.pad_token_id}
            assert not one["attention_mask"][length:].any()


def test_the_two_texts_of_a_pair_are_told_apart(family, trained):
    folder, checkpoint, fed = trained
    stock = AutoTokenizer.from_pretrained(checkpoint)
    for number, texts in enumerate(TEXTS):
        (one, _) = fed[number]
        ids = one["input_ids"][one["attention_mask"].astype(bool)].tolist()
        separators = [n for n, piece in enumerate(ids) if piece == stock.sep_token_id]
        assert ids[0] == stock.cls_token_id and separators[-1] == len(ids) - 1
        # RoBERTa puts two between a pair's texts, the others one.
        assert len(separators) == (1 if len(texts) == 1 else 3 if family == "roberta" else 2)
        if "token_type_ids" in one:
            first = separators[0] + 1
            kinds = one["token_type_ids"][: len(ids)].tolist()
            assert kinds == [0] * first + [1] * (len(ids) - first)


def test_a_pair_s_order_and_its_boundary_reach_the_model(trained):
    folder, *_ = trained
    for backend in ("torch", "onnxruntime"):
        engine = Engine(folder, "cpu", backend)
        texts = [(SHORT, OTHER), (OTHER, SHORT), (f"{SHORT} {OTHER}",)]
        logits = engine.logits(texts)
        for one, other in product(range(3), range(3)):
            assert one == other or np.abs(logits[one] - logits[other]).max() > 1e-4
