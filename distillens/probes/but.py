"""Real texts of the task with one "but" inside, where it joins what is contrasted."""

import re
from typing import Any

from distillens.data.segmentation import spans
from distillens.data.text import Example, draw
from distillens.probes.sentences import Sentence

OPTIONS = {
    "examples": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "At most so many of the texts; null for all.",
    },
}
CUE = "divides"

# Where "but" means "except" or "only", or belongs to an idiom; words are joined by one blank.
_IDIOM = re.compile(
    r"\b(?:(?:no|any|every)(?:thing| ?one|body)|none|all|help) but\b"
    r"|\bbut for\b|\blast (?:, )?but not least\b"
)
_QUOTES = frozenset("\"'`“”‘’()[]{}*_")
_LEAST = 2  # words on both sides


def build(pool: list[Example], options: dict[str, Any], seed: int) -> list[Sentence]:
    """Find the texts that have one conjunction "but" inside a sentence, in their order.

    Left out are texts with more than one "but"; with fewer than two words (not marks) on one
    side of it; "but" at the beginning of a sentence; and "nothing but", "anything but", "all
    but" and their like, "help but", "but for", "last but not least".

    Parameters
    ----------
    pool : list of Example
        The test split of the task.
    options : dict
        ``examples``.
    seed : int
        Decides which are drawn; a larger draw holds the smaller one.

    Examples
    --------
    >>> pool = [Example("7", "It was slow but so good."), Example("8", "It was good.")]
    >>> [sentence.example_id for sentence in build(pool, {"examples": None}, seed=1)]
    ['7']
    """
    texts = {example.example_id: (example.text_a, cue) for example in pool if (cue := cue_of(example.text_a))}
    drawn = set(draw(texts, seed)[: options["examples"]])
    return [
        Sentence(name, text, name, "original", 0, cue) for name, (text, cue) in texts.items() if name in drawn
    ]


def cue_of(text: str) -> tuple[int, int] | None:
    """Characters of the one contrasting "but" of a text; None where there is not exactly one.

    Examples
    --------
    >>> cue_of("It was slow but so good."), cue_of("It was nothing but noise.")
    ((12, 15), None)
    """
    places = spans(text)
    words = [text[start:end].lower() for start, end in places]
    if words.count("but") != 1:
        return None
    at = words.index("but")
    before, after = words[:at], words[at + 1 :]
    if any(sum(word[0].isalnum() for word in side) < _LEAST for side in (before, after)):
        return None
    if _IDIOM.search(" ".join(words)) or _begins_sentence(before, text[slice(*places[at])]):
        return None
    return places[at]


def _begins_sentence(before: list[str], but: str) -> bool:
    last = next((word for word in reversed(before) if word[0] not in _QUOTES), "")
    # An ellipsis ends a sentence only if a capital follows.
    return last[:1] in ("!", "?") or last == "." or (last[:1] == "." and but[0].isupper())
