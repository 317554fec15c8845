"""Attributions whose ids belong to other texts are refused; whatever a tokenizer does to its text is not."""

import pytest

from distillens.attribution.text_fit import Pieces, misplaced
from distillens.attribution.token_alignment import standing
from tests.families import FAMILIES, family

TEXTS = {
    "1": ("A gorgeous, witty film.",),
    "2": ("The plot is dull, the film is not",),
    "3": ("It doesn't work", "not at all"),
    "4": ("Naïve, über-long: 90 minutes of it!",),
    "5": ("A gorgeous, witty play.",),
}
WORDS = {name: " ".join(texts).lower().split() for name, texts in TEXTS.items()}


def rows(of=WORDS, form="tokens"):
    return [Pieces(number, name, form, pieces) for number, (name, pieces) in enumerate(of.items(), start=1)]


def rotated(by):
    names = list(WORDS)
    return {name: WORDS[names[(place + by) % len(names)]] for place, name in enumerate(names)}


def test_rows_in_their_place_pass():
    assert misplaced(rows(), TEXTS, numbered=True) == []
    assert misplaced(rows(form="mapping"), TEXTS, numbered=True) == []


@pytest.mark.parametrize("form", ["tokens", "words", "mapping"])
@pytest.mark.parametrize("by", [1, -1, 2, -2])
def test_a_rotation_is_refused_with_the_first_row_and_what_would_fit(by, form):
    wrong = misplaced(rows(rotated(by), form), TEXTS, numbered=False)
    assert wrong[0].startswith("row 1: ")
    assert "in the text of example '1', such as '" in wrong[0]
    way = "on" if by > 0 else "back"
    places = "1 place" if abs(by) == 1 else "2 places"
    assert (
        f"the rows fit the texts {places} further {way} in the order of the file: are the ids shifted?"
        in (wrong[0])
    )


def test_ids_that_start_at_0_are_said_to_start_at_1():
    names = list(WORDS)
    shifted = {name: WORDS[after] for name, after in zip(names, names[1:], strict=False)}
    wrong = misplaced(rows(shifted), TEXTS, numbered=True)
    assert "1 place further on in the order of the data" in wrong[0]
    assert "ids are the numbers of the data's rows, from 1" in wrong[0]
    assert "numbers" not in misplaced(rows(shifted), TEXTS, numbered=False)[0]


def test_a_shift_among_texts_that_differ_in_one_word_does_not_pass():
    """Most tokens of every row stand in the wrong text; more of them stand in the right one."""
    texts = {str(n): (f"The {word} film is not a {word} one at all",) for n, word in enumerate("abcdefgh")}
    names = list(texts)
    pieces = {name: texts[names[(n + 1) % len(names)]][0].split() for n, name in enumerate(names)}
    wrong = misplaced(rows(pieces), texts, numbered=False)
    assert len(wrong) == len(texts)
    assert "1 place further on" in wrong[0]


def test_a_single_row_about_another_text_is_refused_without_a_guess():
    wrong = misplaced(rows({**WORDS, "2": ["an", "utterly", "joyless", "hour"]}), TEXTS, numbered=False)
    assert wrong == [
        "row 2: 4 of 4 tokens do not stand in the text of example '2', such as 'an'",
    ]


def test_words_that_do_not_stand_at_their_spans_are_refused():
    row = Pieces(1, "1", "tokens", ["[CLS]", "gorgeous", "witty"], ["", "A gorgeo", "us, wi"])
    assert misplaced([row], TEXTS, numbered=False)[0].startswith("row 1: 2 of 3 tokens do not stand at their")
    right = Pieces(1, "1", "tokens", ["[CLS]", "gorgeous", "witty"], ["", "gorgeous", "witty"])
    assert misplaced([right], TEXTS, numbered=False) == []


@pytest.mark.parametrize("name", FAMILIES)
def test_tokens_of_every_family_stand_in_their_text(name, tmp_path):
    import transformers

    folder = family(name, tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for texts in [*TEXTS.values(), ("Ein größeres Stück — 3,5 Stunden…",), ("WOW!!! So good :-)",)]:
        ids = tokenizer(*texts)["input_ids"]
        stand = standing(texts, tokenizer.convert_ids_to_tokens(ids))
        assert False not in stand, (texts, tokenizer.convert_ids_to_tokens(ids))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Naïve film", ["naive", "film"]),
        ("好电影", ["å¥½", "çĶµå½±"]),
        ("好电影", ["▁好", "<0xE7>", "<0x94>", "<0xB5>", "影"]),
        ("ﬁne ½ film", ["fine", "1⁄2", "film"]),
        ("A [film]", ["A", "[UNK]", "film", "]"]),
        ("STRAẞE", ["strasse"]),
    ],
)
def test_what_normalisation_makes_of_a_text_still_stands_in_it(text, pieces):
    assert False not in standing([text], pieces)
