"""A random character of a random word becomes one of its neighbours on the keyboard.

One character of the text, unlike nlpaug's default of up to ten words, so that the
typing slip is as strong as the other perturbations.
"""

from functools import cache

from distillens.perturbations.augmenters import ONE_WORD, KeyboardAug, altered
from distillens.perturbations.edits import Edit, replace_one, words

OPTIONS = {
    "min_letters": {
        "description": "Words of fewer letters are left alone.",
        "type": "integer",
        "minimum": 1,
        "default": 4,
    },
    "digits": {
        "description": "Digits count as neighbours of the upper row of letters.",
        "type": "boolean",
        "default": True,
    },
    "symbols": {
        "description": "Punctuation and shifted digits count too, which cuts words in two; nlpaug's default.",
        "type": "boolean",
        "default": False,
    },
}


@cache
def _augmenter(digits: bool, symbols: bool) -> KeyboardAug:
    augmenter = KeyboardAug(
        aug_char_max=1, min_char=1, include_numeric=digits, include_special_char=symbols, **ONE_WORD
    )
    neighbours = augmenter.model.model
    for key in neighbours:
        # nlpaug's table holds a " t".
        neighbours[key] = [neighbour for neighbour in neighbours[key] if len(neighbour) == 1]
    return augmenter


def perturb(
    text: str,
    seed: int,
    min_letters: int = OPTIONS["min_letters"]["default"],
    digits: bool = OPTIONS["digits"]["default"],
    symbols: bool = OPTIONS["symbols"]["default"],
) -> list[Edit]:
    """Hit the key next to the right one, once; the case is kept.

    Examples
    --------
    >>> perturb("The film was really good.", seed=1)
    [Edit(start=4, before='film', after='filn')]
    """
    augmenter = _augmenter(digits, symbols)
    return replace_one(words(text, min_letters), seed, lambda token: altered(augmenter, token.text))
