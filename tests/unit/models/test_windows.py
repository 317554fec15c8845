"""Texts beyond a model's longest input: windows, against transformers' own and against sums by hand."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from distillens.data.text import Example
from distillens.models import classifier
from distillens.models.engine import Engine, EngineOptions
from distillens.models.errors import ModelError
from distillens.models.masks import Masks
from distillens.models.windowed import Windowed, combined, windows_of
from tests import tiny
from tests.rounding import assert_same

WORDS = ["film", "movie", "plot", "is", "was", "dull", "but", "ending", "joyful", "not", "bad", "at", "all"]
SHORT = [(sentence,) for sentence in tiny.SENTENCES]


def words(count, seed=0):
    """Words of the vocabulary, a piece each."""
    return " ".join(np.random.default_rng(seed).choice(WORDS, count))


def windowed(folder, combine="mean", overlap=10, rule="mask", **options):
    return EngineOptions("cpu", rule=rule, windows={"combine": combine, "overlap": overlap}, **options).load(
        folder
    )


@pytest.fixture(scope="module")
def folder(bert, tmp_path_factory):
    """A model that sees 24 pieces."""
    return limited(bert, tmp_path_factory.mktemp("windows") / "bert", 24)


def limited(source, folder, length, **more):
    shutil.copytree(source, folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": length} | more))
    return folder


def of_windows(folder, text, length, stride):
    """Logits of the windows as transformers cuts them."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    given = tokenizer(
        text, truncation=True, max_length=length, stride=stride, return_overflowing_tokens=True,
        padding=True, return_tensors="pt",
    )  # fmt: skip
    given.pop("overflow_to_sample_mapping")
    with torch.no_grad():
        return model(**given).logits.numpy()


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("combine", "by_hand"), [("mean", np.mean), ("max", np.max), ("first", None)])
def test_windows_of_whole_words_are_those_of_transformers(side, combine, by_hand, bert, tmp_path):
    folder = limited(bert, tmp_path / "model", 24, truncation_side=side)
    text = words(100)
    expected = of_windows(folder, text, 24, 10)
    assert len(expected) == 8  # 22 pieces each, 12 of them new
    expected = expected[0] if by_hand is None else by_hand(expected, axis=0)
    assert_same(windowed(folder, combine).logits([(text,)])[0], expected)


def test_texts_within_the_limit_are_answered_bit_for_bit_as_without_windows(folder):
    plain, reads = Engine(folder, "cpu"), windowed(folder)
    fitting = [text for text in SHORT if not plain.encoder.cuts(text)]
    assert len(fitting) > 3
    assert np.array_equal(plain.logits(fitting), reads.logits(fitting))
    asked = [Masks.without(Example("a", *text), [[], [0], [0, 1]]) for text in fitting if " " in text[0]]
    assert np.array_equal(plain.masked(asked), reads.masked(asked))


@pytest.mark.parametrize("family", ["bert", "roberta", "llama"])
def test_each_window_fits_has_its_overlap_and_together_they_leave_out_no_word(family, request, tmp_path):
    source = tiny.llama(tmp_path / "source") if family == "llama" else request.getfixturevalue(family)
    engine = windowed(limited(source, tmp_path / "model", 30), overlap=8)
    text = " ".join(tiny.SENTENCES * 3) + "  " + "x" * 90 + " \U0001f44d我喜欢 end"
    (parts,) = engine.windows.parts([(text,)])
    assert len(parts) > 3
    assert max(len(one["input_ids"]) for one in engine.encoder.encode(parts)) <= 30
    own = windows_of(engine, Example("a", text))
    spans = engine.windows._places[text]
    assert sorted({number for one in own for number in one.words}) == list(
        range(len(Example("a", text).words))
    )
    offsets = engine.encoder.tokenized([(text,)])[0].offsets
    for (start, end), (begin, stop) in zip(spans, spans[1:], strict=False):
        assert start < begin and end < stop
        shared = sum(begin < last <= end for _, last in offsets)
        # The long word leaves no room for more.
        assert shared >= 8 or "xxx" in text[start:stop]


def test_a_masked_copy_has_the_windows_of_the_whole_text(folder):
    text = words(60)
    example, engine = Example("a", text), windowed(folder)
    own = windows_of(engine, example)
    assert len(own) > 2
    removed = [3, 20, 40]
    plain = Engine(folder, "cpu")
    expected = []
    for one in own:
        there = [
            " ".join(
                "[MASK]" if n in removed else word
                for n, word in zip(one.words, one.example.text_a.split(), strict=True)
            )
        ]
        expected.append(plain.logits([tuple(there)])[0])
    found = engine.masked([Masks.without(example, [removed, []])])
    assert_same(found[0], np.mean(expected, axis=0))
    assert_same(found[1], engine.logits([(text,)])[0])


def test_a_copy_asks_only_the_windows_that_it_changes(folder):
    example, engine = Example("a", words(60)), windowed(folder)
    own = windows_of(engine, example)
    asked = []
    compute = engine.model._computed
    engine.model._computed = lambda inputs, progress=None: (asked.append(len(inputs)), compute(inputs))[1]
    engine.masked([Masks.without(example, [[number] for number in range(60)])])
    changed = sum(len(one.words) for one in own)
    assert sum(asked) <= changed + len(own) < 60 * len(own)


def test_where_words_are_deleted_windows_are_chosen_anew(folder):
    text = words(60)
    example, engine = Example("a", text), windowed(folder, rule="delete")
    kept = text.split()[40:]
    found = engine.masked([Masks.without(example, [range(40), []])])
    assert_same(found[0], Engine(folder, "cpu").logits([(" ".join(kept),)])[0])
    assert_same(found[1], engine.logits([(text,)])[0])


def test_long_and_short_texts_beside_each_other_keep_their_rows(folder):
    engine, plain = windowed(folder), Engine(folder, "cpu")
    texts = [("Fun",), (words(60),), ("not bad",), (words(70, 1),), ("Fun",)]
    found = engine.logits(texts)
    assert_same(found[[0, 2, 4]], plain.logits([("Fun",), ("not bad",), ("Fun",)]))
    assert_same(
        found[[1, 3]], np.concatenate([windowed(folder).logits([text]) for text in (texts[1], texts[3])])
    )
    examples = [Example("a", *texts[1]), Example("b", "not bad"), Example("c", *texts[3])]
    masks = [
        Masks.without(examples[0], [[0], [1]]),
        Masks.without(examples[1], []),
        Masks.without(examples[2], [[5]]),
    ]
    both = engine.masked(masks)
    assert both.shape == (3, 3)
    assert_same(both[2:], windowed(folder).masked(masks[2:]))


def test_a_sentence_in_two_windows_goes_in_both(folder):
    text = " . ".join(words(12, seed) for seed in range(5)) + " ."
    text = ". ".join(part.capitalize() for part in text.split(" . "))
    example, engine = Example("a", text, unit="sentence"), windowed(folder)
    own = windows_of(engine, example)
    assert len(example.words) == 5
    inside = [one for one in own if 1 in one.words]
    assert len(inside) > 1
    found = engine.masked([Masks.without(example, [[1]])])[0]
    plain, expected = Engine(folder, "cpu"), []
    for one in own:
        unit = dict(zip(one.words, one.example.words, strict=True)).get(1)
        part = one.example.text_a
        expected.append((part[: unit.start] + "[MASK]" + part[unit.end :],) if unit else (part,))
    assert_same(found, plain.logits(expected).mean(axis=0))


def test_a_window_without_any_unit_is_asked_as_it_is(folder):
    text = "Bad film.\n" + "<br /> " * 40 + "\nNot bad."
    example, engine = Example("a", text, unit="sentence"), windowed(folder)
    assert any(not len(one.words) for one in windows_of(engine, example))
    found = engine.masked([Masks.without(example, [[], [0], [0, 1]])])
    assert found.shape == (3, 3) and np.isfinite(found).all()
    assert_same(found[0], engine.logits([(text,)])[0])


def test_an_overlap_that_leaves_nothing_new_is_refused(folder):
    with pytest.raises(ModelError, match="windows.overlap: 22 pieces leave nothing new in windows of 24"):
        windowed(folder, overlap=22)
    assert windowed(folder, overlap=21).logits([(words(40),)]).shape == (1, 3)


def test_a_model_without_a_limit_reads_texts_whole(bert, tmp_path):
    endless = limited(bert, tmp_path / "endless", 10**30)
    assert not isinstance(windowed(endless), Windowed)


def test_nothing_but_characters_that_nobody_sees_is_one_window(folder):
    engine = windowed(folder)
    assert len(engine.windows.parts([("\u200b" * 100 + "a",)])[0]) == 1


def test_onnx_runtime_reads_windows_as_torch_does(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    classifier.export_onnx(classifier.load_classifier(copy), copy)
    texts = [(words(60),), ("Fun",)]
    assert_same(windowed(copy, backend="onnxruntime").logits(texts), windowed(copy).logits(texts))


def test_progress_counts_texts_and_provenance_says_windows(folder):
    counted = []

    class Counting:
        def advance(self, count=1):
            counted.append(count)

    engine = windowed(folder)
    engine.logits([(words(60, seed),) for seed in range(9)], Counting())
    assert sum(counted) == 9
    assert engine.provenance()["windows"] == {"combine": "mean", "overlap": 10}
    assert engine.seconds([(words(60),)])[0] > 2 * engine.seconds([(words(20),)])[0]


def test_the_mean_of_windows_is_exact_to_float32():
    assert combined(np.full((3, 1, 2), 0.1, np.float32), "mean").dtype == np.float32
