"""What all probes share: the sentence, the word lists, the balanced draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import yaml

from distillens.data.text import draw
from distillens.provenance import ROOT


class ProbeError(ValueError):
    """A probe cannot be built; the message names it and says what to do."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a probe.

    Attributes
    ----------
    example_id : str
        Unique in the probe.
    text : str
    item : str
        What its variants share.
    variant : str
        How the item is put; the first variant of an item is what the others are compared with.
    expected : int
        Direction of the sentiment that a reader gets: 1, -1, or 0 where nothing is expected.
    cue : tuple of int, or None
        Characters (start, end) of the word that the probe is about, end exclusive.
    """

    example_id: str
    text: str
    item: str
    variant: str
    expected: int
    cue: tuple[int, int] | None


def resource(name: str) -> dict[str, Any]:
    """Templates and words of a probe, from ``resources/probes``.

    Examples
    --------
    >>> sorted(resource("negation"))
    ['negative', 'positive', 'templates']
    """
    return yaml.safe_load((ROOT / "resources" / "probes" / f"{name}.yaml").read_text("utf-8"))


def balanced(strata: Sequence[Sequence[str]], items: int, seed: int, first: Sequence[str] = ()) -> list[str]:
    """Draw item names from strata of one size in turn, so that a larger draw begins with the smaller one.

    Parameters
    ----------
    strata : sequence of sequences of str
        Of equal length.
    items : int
        How many in all.
    seed : int
        Of the draw; it depends on nothing else but the names.
    first : sequence of str
        Names that come first in their stratum.

    Raises
    ------
    ProbeError
        If there are fewer.

    Examples
    --------
    >>> first, second = balanced([["good", "fine"], ["bad", "dull"]], items=2, seed=1)
    >>> first in ("good", "fine"), second in ("bad", "dull")
    (True, True)
    """
    orders = [sorted(draw(names, seed), key=lambda name: name not in first) for names in strata]
    names = list(chain.from_iterable(zip(*orders, strict=True)))
    if items > len(names):
        raise ProbeError(
            f"items: asks for {items}, the templates and words in resources/probes give {len(names)}"
        )
    return names[:items]


def capitalised(text: str) -> str:
    """The text with its first letter in upper case, the rest as it is.

    Examples
    --------
    >>> capitalised("the DVD was good")
    'The DVD was good'
    """
    return text[:1].upper() + text[1:]


def polar_words(words: Mapping[str, Any], *more: Mapping[str, Any]) -> dict[int, list[str]]:
    """Adjectives by polarity (1, -1) of a word list and of what adds to it.

    Examples
    --------
    >>> polar_words({"positive": ["good"], "negative": ["bad"]}, {"positive": ["warm"], "negative": []})
    {1: ['good', 'warm'], -1: ['bad']}
    """
    return {
        polarity: [word for block in (words, *more) for word in block[name]]
        for polarity, name in ((1, "positive"), (-1, "negative"))
    }
