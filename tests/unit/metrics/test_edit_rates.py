"""How much of a text an edit changes."""

import subprocess
import sys
from itertools import product

import pytest
from nltk.metrics.distance import edit_distance

from distillens import registry
from distillens.data.text import Example
from distillens.metrics.edit_rates import Extent, extent
from distillens.perturbations.perturb import perturb_examples

SENTENCES = [
    "The film tells a simple story with great warmth.",
    "She didn't believe the ending, and neither did we.",
    "Children will love it, their mothers may not.",
]


def edit(start, before, after, segment=0):
    return {"segment": segment, "start": start, "before": before, "after": after}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        # a, fat, kitten and the full stop.
        ([], Extent(0, 4, 0, 13)),
        # kitten, sitting: two substitutions and an insertion.
        ([edit(6, "kitten", "sitting")], Extent(1, 4, 3, 14)),
        # Both words of a swap; "a " goes, " a" comes.
        ([edit(0, "a fat", "fat a")], Extent(2, 4, 4, 13)),
        # A shorter text counts as long as it was.
        ([edit(6, "kitten", "cat")], Extent(1, 4, 5, 13)),
        ([edit(0, "a", "the"), edit(6, "kitten", "kittens")], Extent(2, 4, 4, 16)),
    ],
)
def test_words_and_characters_by_hand(edits, expected):
    assert extent(Example("e", "a fat kitten."), edits) == expected


def test_of_a_pair_both_texts_count_and_words_of_the_other_are_not_edited():
    assert extent(Example("e", "a cat", "a dog"), [edit(2, "dog", "god", 1)]) == Extent(1, 4, 2, 10)


def test_a_text_without_words_has_nothing_to_edit():
    assert extent(Example("e", "  "), []) == Extent(0, 0, 0, 2)


@pytest.mark.parametrize("method", registry.options("perturbation"))
def test_the_distance_is_that_of_the_whole_texts(method):
    examples = [Example(str(n), *texts) for n, texts in enumerate(product(SENTENCES, [*SENTENCES, None]))]
    by_id = {one.example_id: one for one in examples}
    for row in perturb_examples(examples, method, method, 3, 0, {}):
        original = by_id[row["example_id"]].texts
        perturbed = [row["text_a"], row["text_b"]][: len(original)]
        found = extent(by_id[row["example_id"]], row["edits"])
        assert found.edited_characters == sum(map(edit_distance, original, perturbed))
        assert found.characters == sum(max(map(len, pair)) for pair in zip(original, perturbed, strict=True))


def test_scores_of_what_needs_no_edits_do_not_wait_for_nltk():
    modules = "distillens.evaluation.agreement, distillens.evaluation.performance"
    code = f"import sys, {modules}; print('nltk' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
