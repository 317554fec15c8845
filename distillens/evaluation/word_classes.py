"""What kind of word a word is: its part of speech, and whether it negates or judges.

Tags are those of pattern's tagger (Penn Treebank), polarity is that of its lexicon of
sentiment (De Smedt and Daelemans 2012, "Pattern for Python").
"""

from collections.abc import Sequence

from distillens.data.text import Word
from distillens.perturbations.lexicon import english, tagged

_NEGATORS = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "nobody",
        "nothing",
        "nowhere",
        "neither",
        "nor",
        "cannot",
        "without",
        "hardly",
        "scarcely",
        "barely",
    ]
)
_PARTS = {
    "NN": "noun",
    "VB": "verb",
    "JJ": "adjective",
    "RB": "adverb",
    "CD": "number",
    "UH": "interjection",
    "FW": "foreign word",
}


def kinds(texts: Sequence[str], words: Sequence[Word]) -> list[tuple[str, str]]:
    """The part of speech and the sense of each word.

    Returns
    -------
    list of (str, str)
        First ``noun``, ``verb``, ``adjective``, ``adverb``, ``number``, ``punctuation``,
        ``function word`` (everything else that has a tag: determiners, pronouns,
        prepositions, conjunctions, modals), ``interjection`` or ``foreign word``; then
        ``negator``, ``sentiment word`` (polarity not 0) or ``neutral word``.

    Examples
    --------
    >>> from distillens.data.text import Example
    >>> kinds(["not bad"], Example("a", "not bad").words)
    [('adverb', 'negator'), ('adjective', 'sentiment word')]
    """
    tags: list[dict[int, str]] = []
    for text in texts:
        tags.append(
            {
                place: token.tag
                for token in tagged(text)
                for place in range(token.start, token.start + len(token.text))
            }
        )
    return [(_part(word, tags[word.segment].get(word.start, "")), _sense(word.text)) for word in words]


def _part(word: Word, tag: str) -> str:
    if not any(character.isalnum() for character in word.text):
        return "punctuation"
    return _PARTS.get(tag[:2], "function word")


def _sense(text: str) -> str:
    lowered = text.lower().replace("’", "'")
    if lowered in _NEGATORS or lowered.endswith("n't"):
        return "negator"
    return "sentiment word" if english.sentiment(lowered)[0] else "neutral word"
