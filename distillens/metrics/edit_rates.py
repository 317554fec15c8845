"""How much of a text a perturbation edits: of its words, and of its characters.

A word is edited where an edit touches it, both of two that are swapped. Characters are
counted by Levenshtein's distance (1966; as `nltk` has it), normalised by the longer of the two
texts; that of a text is the sum over its edits, for what lies outside them stays.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from distillens.data.text import Example
from distillens.perturbations.edits import Edit, apply


class Extent(NamedTuple):
    """Counts of one perturbed example, of a pair in both texts: what is edited, and of how much."""

    edited_words: int
    words: int
    edited_characters: int
    characters: int


def extent(example: Example, edits: Sequence[Mapping[str, Any]]) -> Extent:
    """Count what edits change.

    Parameters
    ----------
    example : Example
        As it was before.
    edits : sequence of mappings
        Rows of ``edits`` of a table ``perturbed``: segment, start, before, after.

    Raises
    ------
    ValueError
        If the edits belong to another text.

    Examples
    --------
    >>> edits = [{"segment": 0, "start": 2, "before": "good", "after": "gold"}]
    >>> extent(Example("1", "a good film"), edits)
    Extent(edited_words=1, words=3, edited_characters=1, characters=11)
    """
    places = [(edit["segment"], edit["start"], edit["start"] + len(edit["before"])) for edit in edits]
    touched = [
        any(word.segment == where and word.start < end and start < word.end for where, start, end in places)
        for word in example.words
    ]
    by_segment = [(edit["segment"], Edit(edit["start"], edit["before"], edit["after"])) for edit in edits]
    perturbed = [
        apply(text, [edit for where, edit in by_segment if where == segment])
        for segment, text in enumerate(example.texts)
    ]
    return Extent(
        sum(touched),
        len(example.words),
        sum(_distance(edit["before"], edit["after"]) for edit in edits),
        sum(max(map(len, pair)) for pair in zip(example.texts, perturbed, strict=True)),
    )


@lru_cache(maxsize=1 << 16)
def _distance(before: str, after: str) -> int:
    """Levenshtein's distance; the same edit is made many times."""
    from nltk.metrics.distance import edit_distance  # takes a second to import

    return edit_distance(before, after)
