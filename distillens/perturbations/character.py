"""A random letter of a random word becomes another letter."""

from distillens.perturbations.augmenters import ONE_WORD, RandomCharAug, altered
from distillens.perturbations.edits import Edit, replace_one, words

OPTIONS = {
    "min_letters": {
        "description": "Words of fewer letters are left alone.",
        "type": "integer",
        "minimum": 1,
        "default": 4,
    },
}


class _LetterAug(RandomCharAug):
    """Substitutes English letters only, not the digits or the apostrophe of a word."""

    def skip_aug(self, token_idxes: list[int], tokens: list[str]) -> list[int]:
        return [index for index in token_idxes if tokens[index].isascii() and tokens[index].isalpha()]


_AUGMENTER = _LetterAug(
    action="substitute",
    aug_char_max=1,
    min_char=1,
    include_upper_case=False,
    include_numeric=False,
    spec_char="",
    **ONE_WORD,
)


def perturb(text: str, seed: int, min_letters: int = OPTIONS["min_letters"]["default"]) -> list[Edit]:
    """Substitute one letter of one word; its case is kept.

    Examples
    --------
    >>> perturb("The film was really good.", seed=1)
    [Edit(start=4, before='film', after='fily')]
    """
    return replace_one(words(text, min_letters), seed, lambda token: altered(_AUGMENTER, token.text))
