"""Whether the planted words come out on top of the words whose share of the attribution moved."""

from collections.abc import Mapping

import pandas as pd

from bench.detection.power import NULLS, Plant

PLACES = (1, 3, 10)


def first_words(word_shifts: pd.DataFrame, known: Mapping[str, Plant]) -> pd.DataFrame:
    """For each planted word its place among a student's words, by how sure their shift is; 1 is the first.

    How sure: the shift over the width of its interval.
    """
    rows = []
    words = word_shifts[word_shifts["kind"] == "word"]
    for (student, explainer), own in words.groupby(["student", "explainer"]):
        sure = (own["shift"] / (own["shift_high"] - own["shift_low"])).abs()
        place = dict(zip(own["name"], sure.rank(ascending=False, method="min"), strict=True))
        for word in known[student].kind.split() if known[student].kind not in NULLS else ():
            if word in place:
                rows.append((student, known[student].size, explainer, word, place[word], len(own)))
    return pd.DataFrame(rows, columns=["student", "size", "explainer", "word", "place", "words"])


def precision(words: pd.DataFrame) -> pd.DataFrame:
    """How many planted words come first, among the first three and the first ten, in percent."""
    rows = [
        (explainer, size, len(own), *(round(100 * (own["place"] <= first).mean()) for first in PLACES))
        for (explainer, size), own in words.groupby(["explainer", "size"])
    ]
    head = ["explainer", "size", "words", *(f"in the first {first}, %" for first in PLACES)]
    return pd.DataFrame(rows, columns=head)
