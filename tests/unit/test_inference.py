import numpy as np
import pytest
import torch
from transformers import pipeline

from distillens.encoding import encode, piece_words
from distillens.inference import Engine
from distillens.text import Example
from tests.tiny import SENTENCES

TEXTS = [(sentence,) for sentence in SENTENCES]
PAIRS = [(a, b) for a, b in zip(SENTENCES, reversed(SENTENCES), strict=True)]
FAMILIES = ["bert", "distilbert", "roberta"]


@pytest.fixture(params=FAMILIES)
def folder(request):
    return request.getfixturevalue(request.param)


def test_logits_are_those_of_a_stock_pipeline(folder):
    stock = pipeline("text-classification", model=str(folder), top_k=None, function_to_apply="none")
    engine = Engine(folder, "cpu")
    for (text,), row in zip(TEXTS, engine.logits(TEXTS), strict=True):
        expected = {answer["label"]: answer["score"] for answer in stock([text])[0]}
        assert row == pytest.approx([expected[f"LABEL_{number}"] for number in range(3)], abs=1e-5)


def test_pairs_are_those_of_the_model_called_by_hand(folder):
    engine = Engine(folder, "cpu")
    for pair, row in zip(PAIRS, engine.logits(PAIRS), strict=True):
        with torch.no_grad():
            inputs = engine.tokenizer(*pair, return_tensors="pt")
            inputs = {name: inputs[name] for name in engine.tokenizer.model_input_names}
            expected = engine.model(**inputs).logits[0].numpy()
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_a_bert_pair_has_token_types_and_a_distilbert_pair_has_none(bert, distilbert):
    assert 1 in Engine(bert, "cpu").encode(PAIRS[:1])[0]["token_type_ids"]
    assert "token_type_ids" not in Engine(distilbert, "cpu").encode(PAIRS[:1])[0]


def test_answers_do_not_depend_on_batches_or_order(folder):
    one_by_one, together = Engine(folder, "cpu"), Engine(folder, "cpu")
    one_by_one.tokens = 1
    expected = one_by_one.logits(TEXTS)
    np.testing.assert_allclose(together.logits(TEXTS[::-1])[::-1], expected, atol=1e-5)


def test_each_distinct_text_is_computed_once(bert, monkeypatch):
    engine = Engine(bert, "cpu")
    seen = []
    forward = engine._forward
    monkeypatch.setattr(engine, "_forward", lambda batch: seen.extend(batch) or forward(batch))
    engine.logits(TEXTS + TEXTS)
    engine.logits(TEXTS[:2])
    assert len(seen) == len(TEXTS)


def test_the_cache_is_bounded(bert):
    engine = Engine(bert, "cpu", remembered=2)
    np.testing.assert_array_equal(engine.logits(TEXTS), Engine(bert, "cpu").logits(TEXTS))
    assert len(engine._cache) == 2


def test_running_out_of_gpu_memory_halves_the_batch(bert, monkeypatch):
    engine = Engine(bert, "cpu")
    expected = engine.logits(TEXTS)
    engine, model = Engine(bert, "cpu"), Engine(bert, "cpu").model

    def small(**inputs):
        if len(inputs["input_ids"]) > 2:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return model(**inputs)

    monkeypatch.setattr(engine, "model", small)
    before = engine.tokens
    np.testing.assert_allclose(engine.logits(TEXTS), expected, atol=1e-5)
    assert engine.tokens < before


def test_no_texts_give_no_rows(bert):
    assert Engine(bert, "cpu").logits([]).shape == (0, 3)


def test_pieces_of_two_tokenizers_line_up_on_the_same_words(bert, roberta):
    for sentence in SENTENCES:
        example = Example("1", sentence, "And a second one, unsurprisingly.")
        spans = [(word.segment, word.start, word.end) for word in example.words]
        for folder in (bert, roberta):
            owners = piece_words(Engine(folder, "cpu").tokenizer, example.texts, spans)
            assert sorted(set(owners) - {-1}) == list(range(len(example.words)))
            assert [owner for owner in owners if owner >= 0] == sorted(
                owner for owner in owners if owner >= 0
            )


def test_words_beyond_the_limit_own_no_piece(bert):
    tokenizer = Engine(bert, "cpu").tokenizer
    example = Example("1", " ".join(["fun"] * 100))
    owners = piece_words(tokenizer, example.texts, [(w.segment, w.start, w.end) for w in example.words])
    assert len(owners) == len(encode(tokenizer, [example.texts])[0]["input_ids"]) == 60
    assert max(owners) < 99
