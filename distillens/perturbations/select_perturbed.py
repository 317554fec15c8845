"""Texts before and after a perturbation, to be explained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.data.read import DataError
from distillens.data.text import Example, draw, examples, seed_of, segments
from distillens.provenance import digest

SEPARATOR = "::"
"""Between the id of a text and the name of the perturbation that its copy was made by."""


def select_perturbed(
    test: str | Path,
    perturbed: Sequence[str | Path],
    *,
    out: str | Path,
    name: str,
    count: int,
    max_words: int | None,
    seed: int,
) -> None:
    """Write texts as they were and after each perturbation's first repeat, as examples of one table.

    The id of an original ends in ``::``, that of a copy in ``::PERTURBATION``.

    Raises
    ------
    DataError
        If fewer than ``count`` of the perturbed texts have at most ``max_words`` words.

    Examples
    --------
    >>> row = {"example_id": "7", "text_a": "A good film"}
    >>> tables.write("test.parquet", "examples", [row], {})
    >>> row |= {"repeat": 0, "text_a": "A gold film", "changed": True, "edits": []}
    >>> tables.write("typo.parquet", "perturbed", [row], {"perturbation": "typo"})
    >>> more = {"out": "out.parquet", "name": "sst2", "count": 1, "max_words": None, "seed": 1}
    >>> select_perturbed("test.parquet", ["typo.parquet"], **more)
    >>> tables.read("out.parquet", "examples")["example_id"].to_pylist()
    ['7::', '7::typo']
    """
    originals = {example.example_id: example for example in examples(tables.read(test, "examples"))}
    copies = {
        tables.provenance(path)["perturbation"]: _first_repeat(path) for path in sorted(map(str, perturbed))
    }
    edited = set.intersection(*(set(texts) for texts in copies.values())) if copies else set()
    short = [i for i in sorted(edited) if len(originals[i].words) <= (max_words or len(originals[i].words))]
    if len(short) < count:
        raise DataError(
            f"stability.examples: asks for {count} texts, but of the perturbed ones of {name!r} "
            f"{len(short)} are short enough; lower it, or raise the task's perturb.examples"
        )
    rows = []
    for example_id in draw(short, seed_of(seed, name, "stability"))[:count]:
        example = originals[example_id]
        rows.append(_row(example, example.texts, ""))
        rows += [_row(example, copies[perturbation][example_id], perturbation) for perturbation in copies]
    source = {"task": name, "test_sha256": digest(test), "perturbed": digest(*perturbed), "seed": seed}
    tables.write(out, "examples", rows, source | {"count": count, "max_words": max_words})


def _first_repeat(path: str) -> dict[str, tuple[str, ...]]:
    return {
        row["example_id"]: segments(row["text_a"], row["text_b"])
        for row in tables.read(path, "perturbed").to_pylist()
        if row["repeat"] == 0 and row["changed"]
    }


def _row(example: Example, texts: tuple[str, ...], perturbation: str) -> dict[str, Any]:
    return {
        "example_id": f"{example.example_id}{SEPARATOR}{perturbation}",
        "text_a": texts[0],
        "text_b": texts[1] if len(texts) > 1 else None,
        "label": example.label,
        "label_name": example.label_name,
    }
