"""Edits of a text by character span, and the one-word edit that most perturbations are.

The libraries split a text into tokens and join it again, which loses its spacing, case
and punctuation. Here they see one word at a time, and what they answer is spliced into
the text.
"""

import contextlib
import random
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from distillens.data.segmentation import spans

_LETTERS = frozenset(string.ascii_letters)
_APOSTROPHES = ("'", "’")
_CLITICS = frozenset({"s", "re", "ve", "ll", "d", "m", "t"})


@dataclass(frozen=True)
class Edit:
    """A replacement: at character ``start`` of the original text, ``before`` became ``after``."""

    start: int
    before: str
    after: str


@dataclass(frozen=True)
class Token:
    """A word that an edit may replace, and its part-of-speech tag where one is needed."""

    start: int
    text: str
    tag: str = ""


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with the edits made; whatever lies outside them stays as it is.

    From left to right: what stands before an edit is copied, then what replaces it, and so on
    from behind the edit. All positions are those of the original text, so none has to be shifted.

    Raises
    ------
    ValueError
        If an edit does not stand where it says, or if edits overlap.

    Examples
    --------
    >>> apply("A good film", [Edit(2, "good", "gold")])
    'A gold film'
    """
    pieces, position = [], 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        if edit.start < position or not text.startswith(edit.before, edit.start):
            raise ValueError(
                f"{edit} does not fit the text {text[:60]!r}: these edits belong to another text"
            )
        pieces += [text[position : edit.start], edit.after]
        position = edit.start + len(edit.before)
    return "".join(pieces) + text[position:]


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators, the only ones that nlpaug draws from, and put them back.

    Examples
    --------
    >>> with seeded(1):
    ...     one = random.random()
    >>> with seeded(1):
    ...     print(one == random.random())
    True
    """
    states = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def words(text: str, min_letters: int) -> list[Token]:
    """Find the shared words that have enough English letters to be edited.

    Punctuation is none of them, nor is what an apostrophe ties to the word before (``n't``,
    the ``s`` of ``it 's``).

    Examples
    --------
    >>> [token.text for token in words("It 's a really good film!", min_letters=4)]
    ['really', 'good', 'film']
    """
    return [
        Token(start, text[start:end])
        for start, end in spans(text)
        if sum(map(_LETTERS.__contains__, text[start:end])) >= min_letters and not is_clitic(text, start, end)
    ]


def is_clitic(text: str, start: int, end: int) -> bool:
    """Whether a shared word is the split-off end of the word before it.

    Examples
    --------
    >>> is_clitic("it 's good", 4, 5), is_clitic("it 's good", 6, 10)
    (True, False)
    """
    word = text[start:end].lower()
    after_apostrophe = text[max(start - 1, 0) : start] in _APOSTROPHES
    return word in ("n't", "n’t") or (after_apostrophe and word in _CLITICS)


def replace_one(tokens: Sequence[Token], seed: int, replace: Callable[[Token], str]) -> list[Edit]:
    """Replace one random token, drawn from those that can be replaced.

    Parameters
    ----------
    tokens : sequence of Token
        Where an edit is allowed.
    seed : int
        Seeds everything that ``replace`` draws.
    replace : callable
        Returns what replaces a token; the token itself if nothing does. Case is not its
        concern: the replacement takes over that of the token.

    Examples
    --------
    >>> replace_one([Token(2, "Good")], seed=1, replace=lambda token: "fine")
    [Edit(start=2, before='Good', after='Fine')]
    """
    with seeded(seed):
        # The first replaceable one in a random order is a uniform draw from all of them.
        for token in random.sample(tokens, len(tokens)):
            after = replace(token)
            if after.lower() != token.text.lower():
                return [Edit(token.start, token.text, in_case_of(token.text, after))]
    return []


def in_case_of(model: str, word: str) -> str:
    """Return the word with the case of another, letter by letter; a longer one goes on like its end.

    Examples
    --------
    >>> in_case_of("Good", "excellent"), in_case_of("GOOD", "excellent")
    ('Excellent', 'EXCELLENT')
    """
    return "".join(
        letter.upper() if like.isupper() else letter.lower()
        for letter, like in zip(word, model + model[-1] * len(word), strict=False)
    )
