"""Edits by character span."""

import random

import pytest

from distillens.perturbations.edits import Edit, apply, in_case_of, replace_one, seeded, words


def test_the_generators_are_put_back_after_an_error():
    state = random.getstate()
    with pytest.raises(RuntimeError), seeded(3):
        raise RuntimeError
    assert random.getstate() == state


def test_edits_that_belong_to_another_text_are_an_error():
    with pytest.raises(ValueError, match="belong to another text"):
        apply("a good film", [Edit(2, "bad", "sad")])
    with pytest.raises(ValueError, match="belong to another text"):
        apply("a good film", [Edit(2, "good", "fine"), Edit(4, "od", "o")])


def test_edits_are_applied_in_the_order_of_the_text():
    assert apply("a good film", [Edit(7, "film", "movie"), Edit(0, "a", "one")]) == "one good movie"


def test_one_replaceable_word_is_found_wherever_it_stands():
    tokens = words("none of these words work except here", 1)
    for seed in range(20):
        edits = replace_one(tokens, seed, lambda t: "there" if t.text == "here" else t.text.upper())
        assert edits == [Edit(32, "here", "there")]


@pytest.mark.parametrize(
    ("model", "word", "expected"),
    [("Film", "motion picture", "Motion picture"), ("FILM", "movie", "MOVIE"), ("film", "Movie", "movie")],
)
def test_case_is_taken_over(model, word, expected):
    assert in_case_of(model, word) == expected
