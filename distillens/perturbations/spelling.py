"""A random word becomes one of its common misspellings."""

import re
from functools import cache

from distillens.perturbations.augmenters import ONE_WORD, Spelling, SpellingAug
from distillens.perturbations.edits import Edit, replace_one, words

OPTIONS = {
    "min_letters": {
        "description": "Words of fewer letters are left alone: their misspellings are mostly other words.",
        "type": "integer",
        "minimum": 1,
        "default": 4,
    },
}

_ONE_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class _Misspellings(Spelling):
    """nlpaug's table by lower-case word, its scraps (``P?lina``, ``10``) left out.

    nlpaug makes lists out of sets, in an order that changes with every process: sorted.
    """

    def read(self, model_path: str) -> None:
        super().read(model_path)
        table: dict[str, set[str]] = {}
        for word, variants in self.dict.items():
            misspellings = table.setdefault(word.lower(), set())
            misspellings.update(wrong.lower() for wrong in variants if _ONE_WORD.fullmatch(wrong))
        self.dict = {word: sorted(wrong - {word}) for word, wrong in table.items()}


class _SpellingAug(SpellingAug):
    # nlpaug's own get_model hands out whichever table was first read in this process.
    def get_model(self, force_reload: bool) -> _Misspellings:
        return _Misspellings(self.dict_path, include_reverse=False)


@cache
def _augmenter() -> _SpellingAug:
    return _SpellingAug(aug_max=1, **ONE_WORD)


def perturb(text: str, seed: int, min_letters: int = OPTIONS["min_letters"]["default"]) -> list[Edit]:
    """Misspell one word that the table has; its case is kept.

    Examples
    --------
    >>> perturb("The film was really good.", seed=1)
    [Edit(start=4, before='film', after='filme')]
    """
    return replace_one(
        words(text, min_letters), seed, lambda token: _augmenter().augment(token.text.lower())[0]
    )
