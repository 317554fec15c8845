"""Inputs put together from pieces are those that tokenizing the masked text gives, for every tokenizer."""

import json
import shutil
from itertools import product

import numpy as np
import pyarrow.parquet as pq
import pytest

from distillens.data.text import Example, seed_of
from distillens.models.assembly import _compared, assembled, learn
from distillens.models.black_box import BlackBox
from distillens.models.copies import Copies, sequences
from distillens.models.engine import Engine
from distillens.models.errors import ModelError
from distillens.models.fields import remember
from distillens.models.masks import Masks
from distillens.models.tokenizer import Encoder
from distillens.models.windowed import read_in_windows
from tests.families import family
from tests.tiny import SENTENCES

HOSTILE = [
    "", " ", "Fun", "...", "\u200b", "a\u200bb \u200b c", "it's  two   blanks ", "\tlines\nand\r\nlines",
    "Café naïve n\u0303 \u0301alone", "👩‍👩‍👧 and 😀😀 !!!", "日本語のテキスト と English", "שלום עולם",
    "[MASK] and <mask> and [SEP] stand there", "</s> <s> [CLS]", "a\x00b \x1c c\x1cd",
    "no\u00a0break\u2028line", "a  ", "( a ) [ b ]",
    "well-made, (so-called) 'film'...", "1/2/2020-3 €€€a$$$b#c", "ﬁ ligature ① ½ ǅ İstanbul ẞ", "x" * 120,
    "a,b,c,d,e,f,g,h,i,j", "e.g. U.S.A. don't can’t", "_under_score_ __init__", "▁meta▁space ##piece Ġbyte",
    "film . film , film", "the the the the", "unsatisfying unsatisfying-ly",
]  # fmt: skip


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """An encoder of each family that has a vocabulary of its own."""
    place = tmp_path_factory.mktemp("families")
    names = ("bert", "roberta", "deberta-v3", "albert", "modernbert", "minilm-multilingual")
    return {name: Encoder(family(name, place / name)) for name in names}


def masks(example, most=256):
    """All masks of a short text, and many of a long one: few words gone, half, and few left."""
    words = len(example.words)
    if 2**words <= most:
        return np.array(list(product([False, True], repeat=words)), dtype=bool).reshape(2**words, words)
    rng = np.random.default_rng(seed_of(*example.texts))
    drawn = rng.random((most, words)) < rng.random((most, 1))
    return np.concatenate([drawn, ~np.eye(words, dtype=bool), np.eye(words, dtype=bool)])


def rows(inputs):
    """The inputs text by text."""
    return [
        {name: pieces[start : start + length].tolist() for name, pieces in inputs.columns.items()}
        for start, length in zip(inputs.starts, inputs.lengths, strict=True)
    ]


def disagreements(encoder, examples):
    """Copies put together otherwise than tokenized; how many examples are put together at all."""
    wrong, fast = [], [pair for pair in zip(examples, learn(encoder, examples), strict=True) if pair[1]]
    for example, assembly in fast:
        keep = masks(example)
        texts = encoder.without(example, keep)
        every = zip(texts, rows(assembled([(assembly, keep)])), rows(encoder.sequences(texts)), strict=True)
        # What is longer than the model sees is not put together.
        wrong += [
            text for text, one, two in every if len(one["input_ids"]) <= encoder.max_length and one != two
        ]
    return wrong, len(fast)


def of_both_units(encoder, examples):
    return [*examples, *(encoder.in_tokens(one) for one in examples)]


@pytest.mark.parametrize(
    "name", ["bert", "roberta", "deberta-v3", "albert", "modernbert", "minilm-multilingual"]
)
def test_what_is_put_together_is_what_the_tokenizer_gives(name, encoders):
    encoder = encoders[name]
    texts = [*SENTENCES, *HOSTILE]
    singles = [Example(str(n), text) for n, text in enumerate(texts)]
    pairs = [Example(f"p{n}", *two) for n, two in enumerate(zip(texts, texts[3:] + texts[:3], strict=True))]
    wrong, fast = disagreements(encoder, of_both_units(encoder, [*singles, *pairs]))
    assert wrong == []
    assert fast > len(texts)  # most of them: else nothing would have been tested


@pytest.mark.parametrize("name", ["bert", "roberta", "deberta-v3"])
def test_real_sentences_are_put_together(name, encoders, mirror):
    texts = pq.read_table(mirror / "SetFit/sst5/default/test.parquet")["text"].to_pylist()[:200]
    assert len(texts) == 200
    encoder = encoders[name]
    wrong, fast = disagreements(encoder, [Example(str(n), text) for n, text in enumerate(texts)])
    assert wrong == []
    # The tiny vocabularies have a piece for every few letters, so that many texts are cut off.
    whole = sum(not encoder.cuts((text,)) for text in texts)
    assert fast > 0.8 * whole >= 40


def test_only_bert_s_tokenizers_are_known_to_cut_at_blanks(encoders):
    assert {name for name, encoder in encoders.items() if encoder.local} == {"bert"}


@pytest.mark.parametrize("name", ["bert", "roberta", "albert"])
@pytest.mark.parametrize("neutral", ["some thing", " thing", "some\tthing", "some\u2009thing", "..."])
def test_with_a_neutral_text_no_field_gets_another_s_pieces(name, neutral, encoders, tmp_path):
    encoder = Encoder(family(name, tmp_path), rule={"neutral": neutral})
    # Texts of one to three words, of which a random copy keeps all often enough.
    texts = {" ".join(text.split()[:words]) for text in SENTENCES for words in (1, 2, 3)}
    wrong, fast = disagreements(encoder, [Example(text, text) for text in sorted(texts)])
    assert wrong == []
    assert fast or neutral != "..."


def test_in_each_copy_that_is_compared_a_word_is_removed(encoders):
    examples = [Example(str(n), text) for n, text in enumerate(["Fun", "Not bad", *map(str, range(40))])]
    assert not any(_compared(encoders["bert"], example).all() for example in examples)


def test_fields_without_words_and_no_fields_at_all_are_remembered(encoders):
    encoder = encoders["bert"]
    remember(encoder, [])
    remember(encoder, [("...", ())])
    assert encoder.fields["...", ()] == [encoder.alone(["..."])[0]]


def changed(bert, folder, **parts):
    """An encoder whose tokenizer has other parts."""
    shutil.copytree(bert, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**tokenizer, **parts}))
    return Encoder(folder)


def test_of_a_tokenizer_that_looks_across_blanks_nothing_is_put_together(bert, tmp_path):
    normalizer = json.loads((bert / "tokenizer.json").read_text())["normalizer"]
    across = {"type": "Replace", "pattern": {"Regex": "the (?=plot)"}, "content": "all "}
    encoder = changed(
        bert, tmp_path / "m", normalizer={"type": "Sequence", "normalizers": [normalizer, across]}
    )
    assert not encoder.local
    touched, other = Example("1", "is the plot dull or not"), Example("2", "is the film dull or not")
    slow, fast = learn(encoder, [touched, other])
    assert slow is None and fast is not None
    both = [(Copies(encoder, example), masks(example)) for example in (touched, other, touched)]
    texts = [text for copies, keep in both for text in encoder.without(copies.example, keep)]
    assert rows(sequences(encoder, both)) == rows(encoder.sequences(texts))


def test_a_mask_that_swallows_the_blank_behind_it_is_found_out(roberta, tmp_path):
    tokenizer = json.loads((roberta / "tokenizer.json").read_text())
    added = [{**one, "rstrip": one["content"] == "<mask>"} for one in tokenizer["added_tokens"]]
    encoder = changed(roberta, tmp_path / "m", added_tokens=added)
    wrong, fast = disagreements(encoder, [Example(str(n), text) for n, text in enumerate(SENTENCES)])
    assert wrong == []
    assert fast == 1  # the one of a single word


def test_a_copy_that_is_too_long_is_cut_by_the_tokenizer(bert):
    encoder, put_together = Encoder(bert), 0
    for words in range(50, 58):
        # What the tokenizer drops is no piece, until a mask stands in its place.
        example = Example("1", " ".join(["film"] * words + ["\ufffd"] * 8))
        keep = masks(example)
        expected = encoder.sequences(encoder.without(example, keep))
        assert rows(sequences(encoder, [(Copies(encoder, example), keep)])) == rows(expected)
        assert expected.lengths.max() == 60
        if (assembly := learn(encoder, [example])[0]) is not None:
            put_together += (assembled([(assembly, keep)]).lengths > 60).sum()
    assert put_together


class Even:
    """A model that is only asked, with a tokenizer that is known."""

    gives, labels, mask, at_once = "logits", None, "[MASK]", 8

    def __init__(self, folder):
        self.encoder = Encoder(folder)

    def answers(self, texts):
        return np.zeros((len(texts), 2))


def read_by(kind, bert, rule):
    """A model that sees 60 pieces."""
    if kind == "asked":
        return BlackBox(Even(bert), {"type": "classification", "labels": ["bad", "good"]}, rule=rule)
    engine = Engine(bert, "cpu", rule=rule)
    windows = {"combine": "mean", "overlap": 4} if kind == "windows" else None
    return read_in_windows(engine, windows, rule)


@pytest.mark.parametrize("kind", ["folder", "windows", "asked"])
def test_a_neutral_text_that_pushes_words_out_is_refused_by_the_example(kind, bert):
    # "..." is three pieces: with as many words of one piece the copy without them is thrice as long.
    fitting, growing = (Example(f"{words} words", " ".join(["film"] * words)) for words in (19, 20))
    model = read_by(kind, bert, {"neutral": "..."})
    assert np.isfinite(model.masked([Masks.ends(fitting)])).all()
    with pytest.raises(
        ModelError, match="'...', of 3 pieces, .* example '20 words' grows .*set removal: mask"
    ):
        model.masked([Masks.ends(growing)])
    for rule in ("mask", "delete", {"neutral": "-"}):
        assert np.isfinite(read_by(kind, bert, rule).masked([Masks.ends(growing)])).all()


def test_a_mask_token_that_leaves_the_blank_before_it_behind_is_refused_where_it_pushes_words_out(tmp_path):
    folder = family("roberta", tmp_path)
    fits = [n for n in range(1, 60) if not Encoder(folder).cuts((" ".join(["film"] * n),))]
    example = Example("as long as can be", " ".join(["film"] * fits[-1]))
    assert len(fits) > 40  # a word is a piece
    with pytest.raises(ModelError, match="removal: with '<mask>', of 2 pieces, .* set removal: delete, or"):
        Engine(folder, "cpu").masked([Masks.ends(example)])
    short = Example("short", "film film")
    assert np.isfinite(Engine(folder, "cpu").masked([Masks.ends(short)])).all()
    # The published one takes the blank along.
    parts = json.loads((folder / "tokenizer.json").read_text())
    (mask,) = [one for one in parts["added_tokens"] if one["content"] == "<mask>"]
    mask["lstrip"] = True
    (folder / "tokenizer.json").write_text(json.dumps(parts))
    assert np.isfinite(Engine(folder, "cpu").masked([Masks.ends(example)])).all()


def test_a_neutral_text_is_tokenized_once_however_often_a_model_is_asked(bert, monkeypatch):
    tokenized, alone = [], Encoder.alone
    monkeypatch.setattr(Encoder, "alone", lambda self, parts: tokenized.extend(parts) or alone(self, parts))
    model = read_by("asked", bert, {"neutral": "..."})
    for text in ("Not bad", "A film", "Not bad"):
        model.masked([Masks.ends(Example(text, text))])
    assert tokenized.count("a ...") == 1


def test_a_window_that_grows_is_refused_like_a_text(bert):
    example = Example("long", " ".join(["film"] * 200))
    with pytest.raises(ModelError, match="'long' grows beyond the longest input of .* .60 pieces."):
        read_by("windows", bert, {"neutral": "..."}).masked([Masks.ends(example)])


def test_the_longest_copy_decides_not_the_one_without_any_word(bert):
    # Long words make room when they go; without the short ones alone the text is longer than it was.
    example = Example("mixed", " ".join(["unsatisfying"] * 2 + ["film"] * 14))
    assert not Encoder(bert).cuts(example.masked([False] * 16, "..."))
    with pytest.raises(ModelError, match="'mixed' grows beyond"):
        read_by("folder", bert, {"neutral": "..."}).masked([Masks.ends(example)])


def test_of_a_text_that_is_cut_off_anyway_a_neutral_text_may_push_words_out(bert):
    example = Example("long", " ".join(["film"] * 80))
    assert len(read_by("folder", bert, {"neutral": "..."}).masked([Masks.ends(example)])) == 2


@pytest.mark.parametrize("name", ["bert", "roberta", "albert"])
def test_the_model_is_given_what_tokenized_texts_would_give_it(name, tmp_path, monkeypatch):
    engine = Engine(family(name, tmp_path), "cpu")
    examples = [Example(str(n), text) for n, text in enumerate(SENTENCES)]
    examples += [Example("p", *SENTENCES[:2]), engine.encoder.in_tokens(examples[4])]
    given, forward = [], engine.backend.forward
    monkeypatch.setattr(engine.backend, "forward", lambda batch: given.append(batch) or forward(batch))
    asked = [Masks(example, masks(example)) for example in examples]
    found = engine.masked(asked)
    seen = {
        tuple(row[: int(on.sum())])
        for b in given
        for row, on in zip(b["input_ids"].tolist(), b["attention_mask"], strict=True)
    }
    texts = [text for one in asked for text in engine.encoder.without(one.example, one.keep)]
    assert seen == {tuple(one["input_ids"]) for one in engine.encoder.encode(texts)}
    engine.forget()
    np.testing.assert_allclose(found, engine.logits(texts), atol=1e-4 * np.abs(found).max(), rtol=0)


def test_copies_that_are_alike_are_computed_once(bert, monkeypatch):
    engine, sizes = Engine(bert, "cpu"), []
    forward = engine.backend.forward
    monkeypatch.setattr(engine.backend, "forward", lambda b: sizes.append(len(b["input_ids"])) or forward(b))
    example = Example("1", SENTENCES[0])
    keep = masks(example)
    first = engine.masked([Masks(example, np.concatenate([keep, keep])), Masks(example, keep[:7])])
    assert sum(sizes) == len(keep)
    np.testing.assert_array_equal(first[: len(keep)], first[len(keep) : 2 * len(keep)])
    again = engine.masked([Masks(example, keep[5:9])])
    assert sum(sizes) == len(keep)
    np.testing.assert_array_equal(again, first[5:9])
    engine.forget()
    whole = engine.logits([example.texts])
    np.testing.assert_array_equal(engine.masked([Masks(example, np.ones((1, len(keep[0])), bool))]), whole)
    assert sum(sizes) == len(keep) + 1


def test_so_many_copies_are_remembered(bert):
    engine = Engine(bert, "cpu", remembered=40)
    examples = [Example(str(n), text) for n, text in enumerate(SENTENCES)]
    for example in examples:
        engine.masked([Masks(example, masks(example)[:20])])
    assert sum(map(len, engine._copies.values())) <= 40


def test_after_an_error_nothing_is_remembered_that_was_not_computed(bert, monkeypatch):
    engine = Engine(bert, "cpu")
    asked = [Masks.ends(Example("1", SENTENCES[0]))]
    expected = engine.masked(asked)
    engine.forget()

    def broken(batch):
        raise RuntimeError("device lost")

    with monkeypatch.context() as patch:
        patch.setattr(engine.backend, "forward", broken)
        with pytest.raises(RuntimeError, match="device lost"):
            engine.masked(asked)
    np.testing.assert_array_equal(engine.masked(asked), expected)
