"""A random word changes places with the word beside it."""

import random
from itertools import pairwise

from distillens.data.segmentation import spans
from distillens.perturbations.augmenters import RandomWordAug
from distillens.perturbations.edits import Edit, is_clitic, seeded

OPTIONS = {}

_AUGMENTER = RandomWordAug(action="swap", aug_max=1, tokenizer=str.split, reverse_tokenizer=list)
_OPENING = " \t\n\r\"'“‘([{<-–—*"


def perturb(text: str, seed: int) -> list[Edit]:
    """Swap two words with nothing but space between them; that space stays.

    A capital at the beginning of a sentence stays at its beginning.

    Examples
    --------
    >>> perturb("The film was really good.", seed=1)
    [Edit(start=4, before='film was', after='was film')]
    """
    pairs = [pair for pair in pairwise(spans(text)) if _swappable(text, *pair)]
    if not pairs:
        return []
    with seeded(seed):
        (start, middle), (next_start, end) = random.choice(pairs)
        one, other = text[start:middle], text[next_start:end]
        if one[0].isupper() and _begins_sentence(text, start):
            swapped = _AUGMENTER.augment(f"{one} {other}")[0]
        else:
            # To nlpaug the two are a whole sentence and get its capital; here each keeps its own case.
            swapped = [other, one]
    return [Edit(start, text[start:end], text[middle:next_start].join(swapped))]


def _swappable(text: str, first: tuple[int, int], second: tuple[int, int]) -> bool:
    one, other = text[slice(*first)], text[slice(*second)]
    return (
        one[0].isalnum()
        and other[0].isalnum()
        and text[first[1] : second[0]].isspace()
        and one.casefold() != other.casefold()
        and not is_clitic(text, *first)
        and not is_clitic(text, *second)
    )


def _begins_sentence(text: str, start: int) -> bool:
    earlier = text[:start].rstrip(_OPENING)
    return not earlier or earlier[-1] in ".!?"
