"""Every word that can be seen owns pieces of every kind of tokenizer, or is counted as not seen."""

from collections import defaultdict
from types import SimpleNamespace as Fake

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from distillens.attribution.explain import seen_part
from distillens.data.segmentation import SegmentationError
from distillens.data.text import Example
from distillens.models.tokenizer import Encoder
from tests.families import family
from tests.rounding import assert_same
from tests.unit.data.test_segmentation import EMOJI, INVISIBLE, TEXTS, WITH_SPACES, WITHOUT_SPACES, visible

KINDS = {"WordPiece": "bert", "byte-level BPE": "roberta", "SentencePiece unigram": "deberta-v3"}
SCRIPTS = {
    **{name: text for name, (text, _) in (WITHOUT_SPACES | WITH_SPACES).items()},
    **{name: " ".join(signs) for name, signs in EMOJI.items()},
    **{name: f"dull{sign}est {sign} film{sign}!" for name, sign in INVISIBLE.items()},
    "punctuation side by side": 'He said "no!" (yes...).',
}


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    made = {kind: Encoder(family(name, tmp_path_factory.mktemp(name))) for kind, name in KINDS.items()}
    for encoder in made.values():
        encoder._tokenizer.no_truncation()  # a letter of some scripts is three pieces
    return made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_every_word_owns_a_piece(name, kind, encoders):
    example, encoder = Example("1", SCRIPTS[name]), encoders[kind]
    assert encoder.shares(example).seen == set(range(len(example.words)))
    assert seen_part(example, Fake(encoder=encoder)) == (example, 0)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(text=TEXTS)
def test_pieces_tile_the_words_of_every_text(kind, encoders, text):
    encoder, example = encoders[kind], Example("1", text)
    try:
        words = example.words
    except SegmentationError:
        return
    shares, owners = encoder.shares(example), encoder.owners(example)
    offsets = encoder._tokenizer.encode(text).offsets
    parts = defaultdict(float)
    for piece, word, weight in zip(*shares, strict=True):
        start, end = offsets[piece]
        assert 0 < weight <= 1 and start < words[word].end and words[word].start < end
        parts[piece] += weight
    for piece, (start, end) in enumerate(offsets):
        assert (owners[piece] >= 0) == (piece in parts)
        if piece in parts:
            assert_same(parts[piece], 1.0)
        else:
            assert not any(map(visible, text[start:end])), "a piece of no word has nothing to be seen"
    _, unseen = seen_part(example, Fake(encoder=encoder))
    assert unseen == len(words) - len(shares.seen)


def test_what_a_tokenizer_drops_is_counted_as_not_seen(encoders):
    example = Example("1", "A \ue000 film \ufffd.")
    counted = {kind: seen_part(example, Fake(encoder=encoder))[1] for kind, encoder in encoders.items()}
    assert counted == {"WordPiece": 2, "byte-level BPE": 0, "SentencePiece unigram": 0}


def test_a_piece_of_several_words_is_divided_by_their_characters(encoders, monkeypatch):
    encoder, example = encoders["WordPiece"], Example("1", "ab! c")
    encoded = Fake(sequence_ids=[None, 0, 0, None], offsets=[(0, 0), (0, 3), (3, 5), (0, 0)])
    monkeypatch.setattr(encoder, "_tokenizer", Fake(encode=lambda *texts: encoded))
    shares = encoder.shares(example)
    assert [shares.pieces.tolist(), shares.words.tolist()] == [[1, 1, 2], [0, 1, 2]]
    assert_same(shares.weights, np.array([2 / 3, 1 / 3, 1.0]))
    assert encoder.owners(example) == [-1, 0, 2, -1]
