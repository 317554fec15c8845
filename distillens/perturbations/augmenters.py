"""nlpaug's augmenters for one word at a time, imported without torch and transformers.

nlpaug imports both if it finds them, for augmenters that are not used here.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

_UNWANTED = ("torch", "transformers")


class _Hidden:
    """A finder that finds nothing, and stops the search for some packages."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        if name.partition(".")[0] in _UNWANTED:
            raise ModuleNotFoundError(f"No module named {name!r} while nlpaug is imported", name=name)


@contextlib.contextmanager
def _hidden() -> Iterator[None]:
    sys.meta_path.insert(0, _Hidden)
    try:
        yield
    finally:
        sys.meta_path.remove(_Hidden)


with _hidden():
    from nlpaug.augmenter.char import KeyboardAug, RandomCharAug
    from nlpaug.augmenter.word import RandomWordAug, SpellingAug, SynonymAug
    from nlpaug.model.word_dict import Spelling, WordNet

__all__ = ["ONE_WORD", "KeyboardAug", "RandomCharAug", "RandomWordAug", "Spelling", "SpellingAug"]
__all__ += ["SynonymAug", "WordNet", "altered"]

# What an augmenter is given is one word, whatever characters are in it.
ONE_WORD = {"tokenizer": lambda word: [word], "reverse_tokenizer": "".join}


def altered(augmenter: KeyboardAug | RandomCharAug, word: str) -> str:
    """Draw until the word, which needs an English letter, differs by more than case.

    Examples
    --------
    >>> augmenter = KeyboardAug(aug_char_max=1, min_char=1, include_numeric=False, **ONE_WORD)
    >>> altered(augmenter, "film") != "film"
    True
    """
    after = word
    while after.lower() == word.lower():
        after = augmenter.augment(word)[0]
    return after
