"""A plain judgement, the same negated, and negated twice.

Variants: ``affirmative`` ("The film was good."), ``negated`` ("The film was not good.") and ``double``
("It is not true that the film was not good."). The cue is the negator, of ``double`` the outer one;
a contraction is one word with its verb. What is expected of a negated negative adjective is a positive
answer; "not bad" is faint praise, so its neutral answers are counted beside.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from distillens.data.text import Example
from distillens.probes.sentences import ProbeError, Sentence, balanced, polar_words, resource

OPTIONS = {
    "items": {
        "type": "integer",
        "minimum": 1,
        "default": 100,
        "description": "Judgements, half of them positive; each gives three sentences.",
    },
}
CUE = "negates"

_EXPECTED = {"affirmative": 1, "negated": -1, "double": 1}  # times the adjective's polarity
_MARKED = re.compile(r"([^\[\]]*)\[([^\[\]]+)\]([^\[\]]*)")


def build(pool: list[Example], options: dict[str, Any], seed: int) -> list[Sentence]:
    """Draw items from templates and adjectives, positive and negative ones in turn.

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
        If there are not so many items, or a template does not mark one negator.

    Examples
    --------
    >>> [sentence.text for sentence in build([], {"items": 2}, seed=1)][:2]
    ['The film was believable.', 'The film was not believable.']
    """
    words = resource("negation")
    items: dict[int, dict[str, list[Sentence]]] = {
        polarity: {
            name: list(_sentences(name, form, polarity, subject, adjective))
            for (template, form), adjective in product(words["templates"].items(), adjectives)
            for subject in form["subjects"]
            for name in [f"{template}-{subject}-{adjective}"]
        }
        for polarity, adjectives in polar_words(words).items()
    }
    drawn = balanced([list(names) for names in items.values()], options["items"], seed)
    every = {name: sentences for part in items.values() for name, sentences in part.items()}
    return [sentence for name in drawn for sentence in every[name]]


def _sentences(
    item: str, form: dict[str, Any], polarity: int, subject: str, adjective: str
) -> Iterator[Sentence]:
    article = "an" if adjective[0] in "aeiou" else "a"
    for variant, sign in _EXPECTED.items():
        text = form[variant].format(subject=subject, adjective=adjective, a=article)
        cue = None
        if variant != "affirmative":
            marked = _MARKED.fullmatch(text)
            if not marked:
                raise ProbeError(f"resources/probes/negation.yaml: {form[variant]!r} marks no negator by [ ]")
            text = "".join(marked.groups())
            cue = (marked.start(2) - 1, marked.end(2) - 1)
        yield Sentence(f"{item}-{variant}", text, item, variant, sign * polarity, cue)
