"""Removes the words that an explanation names, and asks the model again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distillens import tables
from distillens.explanation import seen_part
from distillens.inference import Engine
from distillens.provenance import digest
from distillens.runlog import Progress
from distillens.text import Example, examples, seed_of


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
    cross-model deletion); and ``random``, which belongs to no explainer. A removed word
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
        (tables.provenance(path)["explainer"], name): _rankings(path)
        for name, paths in (("own", explanations), ("teacher", teachers))
        for path in paths
    }
    own_seed = seed_of(seed, identity["task"], "deletion")
    plan = [
        (row, explainer, name, draw, k, order[:k])
        for row, example in enumerate(chosen)
        for explainer, name, draw, order in _orders(example, rankings, draws, own_seed)
        for k in ks
        if len(example.words) > k <= len(order)
    ]
    texts = [_without(chosen[row], removed, engine.mask) for row, *_, removed in plan]
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


Place = tuple[int, int]


def _rankings(path: str | Path) -> dict[str, list[Place]]:
    """Where the words of each example stand, largest attribution of the predicted class first."""
    rankings = {}
    for row in tables.read(path, "explanations").to_pylist():
        places = [(span["segment"], span["start"]) for span in row["spans"]]
        order = ranking(np.array(row["values"]), np.array(row["logits"]))
        rankings[row["example_id"]] = [places[word] for word in order]
    return rankings


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
    example: Example, rankings: dict[tuple[str, str], dict[str, list[Place]]], draws: int, seed: int
) -> Iterator[tuple[str | None, str, int, list[int]]]:
    number = {(word.segment, word.start): index for index, word in enumerate(example.words)}
    for (explainer, name), orders in rankings.items():
        if example.example_id not in orders:
            raise tables.TableError(
                f"{explainer}: no {name} explanation of example {example.example_id!r}; run explain again"
            )
        # Of a long text, a teacher may see words that its student does not.
        order = [number[place] for place in orders[example.example_id] if place in number]
        yield explainer, name, 0, order
    for draw in range(draws):
        generator = np.random.default_rng(seed_of(seed, example.example_id, draw))
        yield None, "random", draw, generator.permutation(len(number)).tolist()


def _without(example: Example, removed: list[int], mask: str) -> tuple[str, ...]:
    keep = np.ones(len(example.words), dtype=bool)
    keep[removed] = False
    return example.masked(keep, mask)
