"""Every verb becomes, at random, itself or another of its forms.

The only perturbation with more than one edit per text. Negated forms ("isn't") are
none of a verb's forms here: they would turn the text's meaning round.
"""

import random
from functools import cache

from distillens.perturbations.edits import Edit, in_case_of, seeded
from distillens.perturbations.lexicon import english, tagged

OPTIONS = {}


def perturb(text: str, seed: int) -> list[Edit]:
    """Conjugate every verb at random, at least one of them differently.

    Modal verbs, contractions (``'s``) and verbs that pattern's lexicon lacks stay.

    Examples
    --------
    >>> perturb("The film was really good.", seed=1)
    [Edit(start=9, before='was', after='are')]
    """
    verbs = [(token, _forms(token.text.lower())) for token in tagged(text) if token.tag.startswith("VB")]
    verbs = [(token, forms) for token, forms in verbs if len(forms) > 1]
    edits: list[Edit] = []
    with seeded(seed):
        while verbs and not edits:
            drawn = [(token, random.choice(forms)) for token, forms in verbs]
            edits = [
                Edit(token.start, token.text, in_case_of(token.text, form))
                for token, form in drawn
                if form != token.text.lower()
            ]
    return edits


@cache
def _forms(verb: str) -> tuple[str, ...]:
    return tuple(form for form in english.lexeme(verb, parse=False) if form.isalpha())
