import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, pipeline

from distillens import tables
from distillens.data.text import Example
from distillens.models import classifier, forward_pass
from distillens.models.engine import Engine
from distillens.models.tokenizer import Encoder, EncodingError
from distillens.provenance import ROOT
from tests import jobs
from tests.rounding import assert_same
from tests.tiny import SENTENCES

TEXTS = [(sentence,) for sentence in SENTENCES]
PAIRS = [(a, b) for a, b in zip(SENTENCES, reversed(SENTENCES), strict=True)]
FAMILIES = ["bert", "distilbert", "roberta"]


@pytest.fixture(params=FAMILIES)
def folder(request):
    return request.getfixturevalue(request.param)


def test_logits_are_those_of_a_stock_pipeline(folder):
    stock = pipeline("text-classification", model=str(folder), top_k=None, function_to_apply="none")
    expected = []
    for (text,) in TEXTS:
        answers = {answer["label"]: answer["score"] for answer in stock([text])[0]}
        expected.append([answers[f"LABEL_{number}"] for number in range(3)])
    assert_same(Engine(folder, "cpu").logits(TEXTS), expected)


def test_pairs_are_those_of_the_model_called_by_hand(folder):
    engine, tokenizer = Engine(folder, "cpu"), AutoTokenizer.from_pretrained(folder)
    expected = []
    for pair in PAIRS:
        inputs = tokenizer(*pair, return_tensors="pt")
        with torch.no_grad():
            answer = engine.backend.model(**{name: inputs[name] for name in engine.encoder.inputs})
        expected.append(answer.logits[0].numpy())
    assert_same(engine.logits(PAIRS), expected)


def test_encodings_are_those_of_the_stock_tokenizer(folder):
    tokenizer, encoder = AutoTokenizer.from_pretrained(folder), Engine(folder, "cpu").encoder
    for texts in (*TEXTS, *PAIRS, ("a " * 100,), ("a " * 80, "the film " * 40)):
        expected = tokenizer(*texts, truncation=True)
        (found,) = encoder.encode([texts])
        assert found == {name: expected[name] for name in encoder.inputs}


def test_a_bert_pair_has_token_types_and_a_distilbert_pair_has_none(bert, distilbert):
    assert 1 in Engine(bert, "cpu").encoder.encode(PAIRS[:1])[0]["token_type_ids"]
    assert "token_type_ids" not in Engine(distilbert, "cpu").encoder.encode(PAIRS[:1])[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_onnx_runtime_gives_what_torch_gives(family, request, tmp_path):
    folder = shutil.copytree(request.getfixturevalue(family), tmp_path / "model")
    classifier.export_onnx(classifier.load_classifier(folder), folder)
    onnx, torched = Engine(folder, "cpu", "onnxruntime"), Engine(folder, "cpu")
    texts = [*TEXTS, *PAIRS, ("a " * 100,)]
    assert_same(onnx.logits(texts), torched.logits(texts))
    assert onnx.provenance()["backend"] == "onnxruntime"
    assert onnx.backend.trimmed
    assert onnx.backend.shared
    assert onnx.encoder.inputs == torched.encoder.inputs


def test_auto_takes_torch_for_a_gpu_or_half_precision_and_else_onnx_runtime(monkeypatch):
    for gpu in (False, True):
        monkeypatch.setattr(forward_pass, "sees_a_gpu", lambda gpu=gpu: gpu)
        assert forward_pass.choose("auto", "auto", "float32") == ("torch" if gpu else "onnxruntime")
        assert forward_pass.choose("cpu", "auto", "float32") == "onnxruntime"
        assert forward_pass.choose("cuda", "auto", "float32") == "torch"
        assert forward_pass.choose("cpu", "auto", "bfloat16") == "torch"
        assert forward_pass.choose("cpu", "torch", "float32") == "torch"


def test_a_machine_without_a_driver_sees_no_gpu(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(forward_pass.ctypes, "CDLL", missing)
    assert not forward_pass.sees_a_gpu()


def test_half_precision_is_near_and_said_in_the_metadata(bert):
    half, full = Engine(bert, "cpu", precision="bfloat16"), Engine(bert, "cpu")
    assert half.provenance()["precision"] == "bfloat16"
    found, expected = half.logits(TEXTS), full.logits(TEXTS)
    assert 0 < np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_an_explanation_in_half_precision_says_how_far_it_is_from_full(bert, tmp_path):
    rows = [{"example_id": str(n), "text_a": text} for n, text in enumerate(SENTENCES)]
    tables.write(tmp_path / "texts", "examples", rows, {})
    identity = {"task": "t", "model": "m", "seed": 0, "explainer": "occlusion"}
    said = {}
    for precision in ("float32", "bfloat16"):
        where = {"device": "cpu", "backend": "torch", "precision": precision}
        jobs.explain(
            tmp_path / "texts",
            bert,
            tmp_path / precision,
            identity,
            {"method": "occlusion"},
            "margin",
            where,
            3,
        )
        said[precision] = tables.provenance(tmp_path / precision).get("precision_difference")
    half, full = Engine(bert, "cpu", precision="bfloat16"), Engine(bert, "cpu")
    assert said == {
        "float32": None,
        "bfloat16": float(np.abs(half.logits(TEXTS) - full.logits(TEXTS)).max()),
    }


def test_the_products_of_a_gpu_are_not_to_be_had_on_a_cpu(bert):
    with pytest.raises(classifier.ModelError, match="precision: tf32 is a GPU's"):
        Engine(bert, "cpu", precision="tf32")


class Standing:
    """In a GPU's stead: two lanes, lengths of eight, and memory for so many batches that are tried."""

    out_of_memory = MemoryError
    at_once, tokens, lanes, speed, multiple, workers = 8, 4096, 2, 1e9, 8, 1
    trimmed = shared = False

    def __init__(self, backend, room=1e9):
        self._room, self.shapes, self.inputs, self._backend = room, [], backend.inputs, backend
        self.meeting = None

    def forward(self, batch):
        self.shapes.append(batch["input_ids"].shape)
        if self.meeting:
            self.meeting.wait()
        return self._backend.forward(batch)

    def room(self, batch):
        return self._room


def test_a_batch_is_filled_and_launched_while_another_is_computed(bert):
    stand = Standing(Engine(bert, "cpu").backend)
    stand.meeting = Barrier(2, timeout=60)  # is broken unless both lanes come
    engine = Engine(bert, "cpu", stand)
    assert engine.logits(TEXTS).shape == (6, 3)
    assert len(stand.shapes) == 2


def test_lengths_are_few_and_no_longer_than_the_model_sees(bert):
    plain, stand = Engine(bert, "cpu"), Standing(Engine(bert, "cpu").backend)
    engine = Engine(bert, "cpu", stand)
    texts = [("a " * length,) for length in (1, 3, 9, 20, 57, 58, 80)]
    found = np.concatenate([engine.logits([text]) for text in texts])
    assert_same(found, np.concatenate([plain.logits([text]) for text in texts]))
    assert [length for _, length in stand.shapes] == [8, 8, 16, 24, 60, 60, 60]  # it sees 60


def test_batches_are_as_large_as_the_memory_allows(bert):
    backend = Engine(bert, "cpu").backend
    budgets = [Engine(bert, "cpu", Standing(backend, room)).tokens for room in (1e9, 2.0, 0.5)]
    assert budgets == [4096, 2048, 512]  # of 68 texts of 60 pieces 0.8, for two lanes: powers of two


def test_batches_are_shared_out_among_the_lanes(bert, tmp_path, monkeypatch):
    folder = shutil.copytree(bert, tmp_path / "model")
    classifier.export_onnx(classifier.load_classifier(folder), folder)
    sizes, answers = {}, {}
    for lanes in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", lanes)
        engine = Engine(folder, "cpu", "onnxruntime")
        forward, own = engine.backend.forward, sizes.setdefault(lanes, [])
        monkeypatch.setattr(
            engine.backend, "forward", lambda b, f=forward, s=own: s.append(len(b["input_ids"])) or f(b)
        )
        answers[lanes] = engine.logits(TEXTS)
        assert sum(own) == len(TEXTS)
    assert len(sizes["1"]) == 1
    assert len(sizes["3"]) >= 3
    assert_same(answers["1"], answers["3"])


def test_the_work_per_token_is_that_of_the_matrices(bert):
    # Two layers of 4 x 16 x 16 + 2 x 16 x 32, the pooler's 16 x 16 and the classifier's 3 x 16.
    assert Engine(bert, "cpu").flop_per_token == 2 * (2 * (4 * 256 + 2 * 512) + 256 + 48)


def test_onnx_runtime_needs_no_torch(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "model")
    classifier.export_onnx(classifier.load_classifier(folder), folder)
    code = f"""
import sys
from distillens.attribution import delete, explain
from distillens.attribution.explainers import lime, occlusion, random, shap
from distillens.models import predict
from distillens.models.engine import Engine
print(Engine({str(folder)!r}, "cpu", "onnxruntime").logits([("Fun",)]).shape)
print([name for name in ("torch", "transformers") if name in sys.modules])
"""
    root = ROOT
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert result.stdout.splitlines() == ["(1, 3)", "[]"]


def test_answers_do_not_depend_on_batches_or_order(folder):
    one_by_one, together = Engine(folder, "cpu"), Engine(folder, "cpu")
    one_by_one.tokens = 1
    expected = one_by_one.logits(TEXTS)
    assert_same(together.logits(TEXTS[::-1])[::-1], expected)


def test_each_distinct_text_is_computed_once(bert, monkeypatch):
    engine = Engine(bert, "cpu")
    seen = []
    forward = engine.backend.forward
    monkeypatch.setattr(engine.backend, "forward", lambda b: seen.extend(b["input_ids"]) or forward(b))
    engine.logits(TEXTS + TEXTS)
    engine.logits(TEXTS[:2])
    assert len(seen) == len(TEXTS)


def test_the_cache_is_bounded(bert):
    engine = Engine(bert, "cpu", remembered=2)
    np.testing.assert_array_equal(engine.logits(TEXTS), Engine(bert, "cpu").logits(TEXTS))
    assert len(engine._cache) == 2


def test_running_out_of_memory_halves_the_batch(bert, monkeypatch):
    texts = [(f"{number} {sentence}",) for sentence in SENTENCES for number in range(6)]
    expected = Engine(bert, "cpu").logits(texts)
    engine = Engine(bert, "cpu")
    engine.tokens = 240
    forward = engine.backend.forward

    def small(batch):
        if batch["input_ids"].size > 60:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return forward(batch)

    monkeypatch.setattr(engine.backend, "forward", small)
    assert_same(engine.logits(texts), expected)
    # However many batches failed, the budget is about what fits.
    assert 20 <= engine.tokens <= 60


def test_batches_of_torch_may_be_asked_for_side_by_side(bert):
    engine = Engine(bert, "cpu")
    assert engine.backend.trimmed
    texts = [(f"{number} {sentence}",) for sentence in SENTENCES for number in range(20)]
    engine.tokens = 100
    expected = engine.logits(texts)
    engine.forget()
    engine._lanes = ThreadPoolExecutor(4)
    np.testing.assert_array_equal(engine.logits(texts), expected)


def test_no_texts_give_no_rows(bert):
    assert len(Engine(bert, "cpu").logits([])) == 0


def test_pieces_of_two_tokenizers_line_up_on_the_same_words(bert, roberta):
    for sentence in SENTENCES:
        example = Example("1", sentence, "And a second one, unsurprisingly.")
        for folder in (bert, roberta):
            owners = [owner for owner in Encoder(folder).owners(example) if owner >= 0]
            assert sorted(set(owners)) == list(range(len(example.words)))
            assert owners == sorted(owners)


def test_words_beyond_the_limit_own_no_piece(bert):
    encoder, example = Encoder(bert), Example("1", " ".join(["fun"] * 100))
    owners = encoder.owners(example)
    assert len(owners) == len(encoder.encode([example.texts])[0]["input_ids"]) == 60
    assert max(owners) < 99


def test_a_tokenizer_that_cannot_be_used_is_an_error_that_names_it(bert, tmp_path):
    with pytest.raises(EncodingError, match=f"{tmp_path}: no tokenizer.json"):
        Encoder(tmp_path)
    folder = shutil.copytree(bert, tmp_path / "maskless")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "mask_token": None}))
    with pytest.raises(EncodingError, match="maskless: its tokenizer has no mask token"):
        Encoder(folder).require_mask(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "pad_token": None}))
    with pytest.raises(EncodingError, match="maskless: its tokenizer has no pad token"):
        Encoder(folder)


@pytest.mark.parametrize(
    ("capabilities", "said"),
    [
        ({"avx2": True, "avx512_bf16": False}, True),
        ({"avx512_bf16": True}, False),
        ({"neon": True, "bf16": True}, False),
        ({"neon": True}, True),
    ],
)
def test_half_precision_without_instructions_for_it_is_said_to_be_slow(
    bert, monkeypatch, caplog, capabilities, said
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    Engine(bert, "cpu", precision="bfloat16").logits(TEXTS[:1])
    assert ("precision: bfloat16, compress: half" in caplog.text) is said
