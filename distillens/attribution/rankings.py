"""The orders in which words are removed from a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from distillens import tables
from distillens.attribution.saturation import says_nothing
from distillens.data.text import Example, Word, seed_of
from distillens.metrics.explained_output import predicted, towards

RANDOM = "random"


@dataclass(frozen=True)
class Rankings:
    """The words (or tokens) of each whole text, largest attribution of the predicted class first.

    ``limited`` says that the explainer was asked for fewer examples than there are.
    """

    in_tokens: bool
    words: dict[str, list[Word]]
    limited: bool = False

    @classmethod
    def read(cls, path: str | Path) -> "Rankings":
        """Rank the words of every example of a table of explanations."""
        words = {}
        for row in tables.read(path, "explanations").to_pylist():
            own = [Word(text, **span) for text, span in zip(row["words"], row["spans"], strict=True)]
            order = ranking(np.array(row["values"], dtype=np.float64), row["logits"])
            words[row["example_id"]] = [own[number] for number in order]
        origin = tables.provenance(path)
        return cls(origin.get("settings", {}).get("unit") == "token", words, "most" in origin)


def stored_as_given(path: str | Path) -> bool:
    """Whether positions are those of a file from elsewhere, which need not stand in the text."""
    origin = tables.provenance(path)
    return bool(origin.get("brought")) and origin["settings"]["unit"] == "token"


def ranking(values: np.ndarray, logits: Sequence[float] | None) -> list[int]:
    """Words by attribution of the predicted class, largest first; ties in their order, NaN last.

    Where all values are zero, or none is a number, nothing is ranked.

    Parameters
    ----------
    values : ndarray, shape (n_words, outputs)
    logits : sequence of float, shape (outputs,), or None
        See `distillens.metrics.explained_output.predicted`. Regression (one output) ranks by size: its
        score has no class to speak for.

    Examples
    --------
    >>> ranking(np.array([[0.1, -0.1], [0.7, -0.7]]), logits=[2.0, -1.0])
    [1, 0]
    """
    if not len(values) or np.isnan(values).all() or says_nothing(values, logits):
        return []
    column = towards(values, predicted(logits, values))
    return np.argsort(-(np.abs(column) if values.shape[1] == 1 else column), kind="stable").tolist()


def orders(
    example: Example, rankings: Mapping[tuple[str, str], Rankings], draws: int, seed: int
) -> Iterator[tuple[str | None, str, int, Example, list[int]]]:
    """Every order in which the words of an example are removed.

    Parameters
    ----------
    example : Example
        The part of the text that the model sees.
    rankings : mapping
        From (explainer, ``own`` or ``teacher``).
    draws : int
        Random orders: of the words, and of an explainer's tokens where it has some.
    seed : int
        Seed of the random orders, which are the same for every model.

    Yields
    ------
    explainer : str or None
        None for random words, which belong to no explainer.
    ranking : str
        ``own``, ``teacher`` or ``random``.
    draw : int
    units : Example
        The example in the units that are ranked.
    order : list of int
        Numbers of its units.

    Raises
    ------
    TableError
        If there is no explanation of the example.

    Examples
    --------
    >>> example = Example("a", "not bad")
    >>> own = Rankings(in_tokens=False, words={"a": [example.words[1], example.words[0]]})
    >>> [(name, order) for _, name, _, _, order in orders(example, {("shap", "own"): own}, 0, seed=0)]
    [('own', [1, 0])]
    """
    for (explainer, name), explained in rankings.items():
        if example.example_id not in explained.words:
            if explained.limited:
                continue
            raise tables.TableError(
                f"{explainer}: no {name} explanation of example {example.example_id!r}; run explain again"
            )
        places = explained.words[example.example_id]
        ranked = [word.moved(-example.begins[word.segment]) for word in places]
        in_units = example
        if explained.in_tokens:
            seen = [
                word for word in ranked if word.start >= 0 and word.end <= len(example.texts[word.segment])
            ]
            in_units = replace(example, units=tuple(sorted(seen, key=_place)))
        number = {_place(word): index for index, word in enumerate(in_units.words)}
        # Of a long text, a teacher may see words that its student does not.
        order = [number[_place(word)] for word in ranked if _place(word) in number]
        if in_units.words and not ranked:
            continue  # an attribution that says nothing removes nothing
        yield explainer, name, 0, in_units, order
        if explained.in_tokens and name == "own":
            yield from _random(explainer, in_units, draws, seed)
    yield from _random(None, example, draws, seed)


def _random(
    explainer: str | None, example: Example, draws: int, seed: int
) -> Iterator[tuple[str | None, str, int, Example, list[int]]]:
    for draw in range(draws):
        generator = np.random.default_rng(seed_of(seed, example.example_id, draw))
        yield explainer, RANDOM, draw, example, generator.permutation(len(example.words)).tolist()


def _place(word: Word) -> tuple[int, int]:
    return word.segment, word.start
