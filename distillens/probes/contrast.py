"""Two clauses of opposite sentiment, joined by "but": the one behind it should win.

Variants: ``original``; ``without_but``, the same clauses as two sentences; ``flipped``, the clauses
in the other order. A full stop stands for "but" since a comma alone would leave an ill-formed splice
and another conjunction would be a cue of its own; the clauses stay as they are, word by word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from distillens.data.text import Example
from distillens.probes.sentences import ProbeError, Sentence, balanced, capitalised, polar_words, resource

OPTIONS = {
    "items": {
        "type": "integer",
        "minimum": 1,
        "default": 100,
        "description": "Pairs of clauses, half of them with the good one last; each gives three sentences.",
    },
}
CUE = "divides"


@dataclass(frozen=True)
class _Item:
    name: str
    frame: str
    but: str
    clauses: tuple[str, str]
    polarity: int  # of the second clause

    def sentences(self) -> Iterator[Sentence]:
        one, other = self.clauses
        yield self._sentence("original", one + self.but + other, self.polarity)
        yield self._sentence("without_but", f"{one}. {capitalised(other)}", 0)
        yield self._sentence("flipped", other + self.but + one, -self.polarity)

    def _sentence(self, variant: str, clauses: str, expected: int) -> Sentence:
        text = capitalised(self.frame.format(clauses))
        start = text.find(" but ") + 1
        cue = (start, start + len("but")) if start else None
        return Sentence(f"{self.name}-{variant}", text, self.name, variant, expected, cue)


def build(pool: list[Example], options: dict[str, Any], seed: int) -> list[Sentence]:
    """Draw items from templates and adjectives, both orders of sentiment in turn.

    Parameters
    ----------
    pool : list of Example
        Not used.
    options : dict
        ``items``.
    seed : int

    Raises
    ------
    ProbeError
        If there are not so many items, or the one that comes first is not among them.

    Examples
    --------
    >>> [sentence.text for sentence in build([], {"items": 2}, seed=1)][:2]
    ['The movie was weak but the ending was joyful.', 'The movie was weak. The ending was joyful.']
    """
    words = resource("contrast")
    items = {item.name: item for item in _items(words)}
    strata = [[name for name, item in items.items() if item.polarity == polarity] for polarity in (1, -1)]
    first = [name for name, item in items.items() if next(item.sentences()).text == words["first"]]
    if not first:
        raise ProbeError(f"resources/probes/contrast.yaml: no template and words give {words['first']!r}")
    drawn = balanced(strata, options["items"], seed, first)
    return [sentence for name in drawn for sentence in items[name].sentences()]


def _items(words: dict[str, Any]) -> Iterator[_Item]:
    for (template, form), pair in product(words["templates"].items(), words["pairs"]):
        adjectives = polar_words(words, pair)
        for polarity in (1, -1):
            for chosen in product(adjectives[-polarity], adjectives[polarity]):
                named = list(zip(pair["aspects"], chosen, strict=True))
                clauses = [form["clause"].format(aspect=aspect, adjective=word) for aspect, word in named]
                name = "-".join([template, *(part.replace(" ", "-") for both in named for part in both)])
                yield _Item(name, form["frame"], form["but"], (clauses[0], clauses[1]), polarity)
