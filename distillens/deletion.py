"""Removes the words that an explanation names, and asks the model again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from distillens import tables
from distillens.explanation import seen_part
from distillens.inference import Engine
from distillens.provenance import digest
from distillens.runlog import Progress
from distillens.text import Example, Word, examples, seed_of


def write_deletions(
    explained: str | Path,
    explanations: Sequence[str | Path],
    teachers: Sequence[str | Path],
    model: str | Path,
    out: str | Path,
    identity: dict[str, Any],
    ks: list[int],
    draws: int,
    engine: dict[str, str],
    seed: int,
) -> None:
    """Delete top-k words by several rankings and write the table of kind ``deletions``.

    Rankings: for each explainer ``own`` (the model's attribution of its predicted class,
    largest first) and ``teacher`` (the teacher's, of the teacher's predicted class:
    cross-model deletion); and ``random``, which belongs to no explainer, unless that
    explains tokens: then as many random tokens are removed. A removed word
    becomes the mask token. A text of k words or fewer has no row for k: nothing would
    be left of it.

    Parameters
    ----------
    explained : str or Path
        The examples.
    explanations : sequence of paths
        The model's own explanations of them, one file per explainer.
    teachers : sequence of paths
        The teacher's; none for a model without one.
    ks : list of int
        Numbers of words to remove.
    draws : int
        Random rankings per text; the same ones for every model.
    model, out, identity, engine, seed
        As in `distillens.explanation.write_explanations`.
    """
    engine = Engine(model, **engine)
    chosen = [seen_part(example, engine)[0] for example in examples(tables.read(explained, "examples"))]
    before = engine.logits([example.texts for example in chosen])
    rankings = {
        (tables.provenance(path)["explainer"], name): _read_rankings(path)
        for name, paths in (("own", explanations), ("teacher", teachers))
        for path in paths
    }
    own_seed = seed_of(seed, identity["task"], "deletion")
    plan, texts = [], []
    for row, example in enumerate(chosen):
        for explainer, name, draw, of, order in _orders(example, rankings, draws, own_seed):
            for k in ks:
                if len(of.words) > k <= len(order):
                    plan.append((row, explainer, name, draw, k, order[:k]))
                    texts.append(_without(of, order[:k], engine.mask))
    with Progress(len(texts), "delete", "text") as progress:
        after = engine.logits(texts, progress)
    rows = (
        {
            "example_id": chosen[row].example_id,
            "explainer": explainer,
            "ranking": name,
            "draw": draw,
            "k": k,
            "target": int(before[row].argmax()),
            "removed": removed,
            "logits_before": before[row].tolist(),
            "logits_after": after[number].tolist(),
        }
        for number, (row, explainer, name, draw, k, removed) in enumerate(plan)
    )
    provenance = {
        **identity,
        "k": ks,
        "draws": draws,
        "study_seed": seed,
        "explanations_sha256": [digest(path) for path in explanations],
        "teacher_explanations_sha256": [digest(path) for path in teachers],
        **engine.provenance(),
    }
    tables.write(out, "deletions", rows, provenance)


@dataclass(frozen=True)
class _Rankings:
    """The words of each example, largest attribution of the predicted class first."""

    in_tokens: bool
    words: dict[str, list[Word]]


def _read_rankings(path: str | Path) -> _Rankings:
    words = {}
    for row in tables.read(path, "explanations").to_pylist():
        own = [Word(text, **span) for text, span in zip(row["words"], row["spans"], strict=True)]
        order = ranking(np.array(row["values"]), np.array(row["logits"]))
        words[row["example_id"]] = [own[number] for number in order]
    return _Rankings(tables.provenance(path).get("settings", {}).get("unit") == "token", words)


def ranking(values: np.ndarray, logits: np.ndarray) -> list[int]:
    """Words by attribution of the predicted class, largest first; ties in their order.

    Parameters
    ----------
    values : ndarray, shape (n_words, outputs)
    logits : ndarray, shape (outputs,)
        Regression (one output) ranks by size: its score has no class to speak for.
    """
    column = values[:, int(np.argmax(logits))]
    return np.argsort(-(np.abs(column) if values.shape[1] == 1 else column), kind="stable").tolist()


def _orders(
    example: Example, rankings: dict[tuple[str, str], _Rankings], draws: int, seed: int
) -> Iterator[tuple[str | None, str, int, Example, list[int]]]:
    """Explainer, ranking and draw, the example in the units that are ranked, and their order."""
    for (explainer, name), of in rankings.items():
        if example.example_id not in of.words:
            raise tables.TableError(
                f"{explainer}: no {name} explanation of example {example.example_id!r}; run explain again"
            )
        ranked = of.words[example.example_id]
        in_units = example
        if of.in_tokens:
            seen = [word for word in ranked if word.end <= len(example.texts[word.segment])]
            in_units = replace(example, units=tuple(sorted(seen, key=_place)))
        number = {_place(word): index for index, word in enumerate(in_units.words)}
        # Of a long text, a teacher may see words that its student does not.
        order = [number[_place(word)] for word in ranked if _place(word) in number]
        yield explainer, name, 0, in_units, order
        if of.in_tokens and name == "own":
            yield from _random(explainer, in_units, draws, seed)
    yield from _random(None, example, draws, seed)


def _random(
    explainer: str | None, example: Example, draws: int, seed: int
) -> Iterator[tuple[str | None, str, int, Example, list[int]]]:
    for draw in range(draws):
        generator = np.random.default_rng(seed_of(seed, example.example_id, draw))
        yield explainer, "random", draw, example, generator.permutation(len(example.words)).tolist()


def _place(word: Word) -> tuple[int, int]:
    return word.segment, word.start


def _without(example: Example, removed: list[int], mask: str) -> tuple[str, ...]:
    keep = np.ones(len(example.words), dtype=bool)
    keep[removed] = False
    return example.masked(keep, mask)
