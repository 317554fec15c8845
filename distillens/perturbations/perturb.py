"""Perturbs the examples of a task: one table for all repeats, the same for every model."""

import logging
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from distillens import provenance, registry, tables
from distillens.data.segmentation import versions
from distillens.data.text import Example, draw, seed_of
from distillens.data.text import examples as examples_of
from distillens.joblog import Progress
from distillens.perturbations.edits import apply

_LOG = logging.getLogger("distillens")
_LIBRARIES = ("nlpaug", "PatternLite", "nltk")


def perturb_examples(
    examples: Iterable[Example], name: str, method: str, repeats: int, seed: int, options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield one row of a ``perturbed`` table per example and repeat.

    Parameters
    ----------
    examples : iterable of Example
        Of a pair, one text is edited: the one that is drawn or, where nothing in it can
        be edited, the other.
    name : str
        The perturbation's name in the study; it and the seed, the example and the repeat
        are all that a row depends on.
    method : str
        A file of ``distillens/perturbations``.
    repeats : int
        Random repetitions of every example.
    seed : int
        The study's seed.
    options : mapping
        Options of the method.

    Examples
    --------
    >>> rows = perturb_examples([Example("7", "A good film")], "swap", "swap", repeats=1, seed=1, options={})
    >>> [row["text_a"] for row in rows]
    ['A film good']
    """
    perturb = registry.load("perturbation", method).perturb
    for example in examples:
        for repeat in range(repeats):
            row_seed = seed_of(seed, name, example.example_id, repeat)
            texts = list(example.texts)
            edits, segment = [], 0
            # A stream of its own: the edit's is seeded with the row's seed, and would begin alike.
            order = random.Random(seed_of(row_seed, "segment"))
            for segment in order.sample(range(len(texts)), len(texts)):
                try:
                    edits = perturb(texts[segment], row_seed, **options)
                except Exception as error:
                    error.add_note(f"example {example.example_id!r}, repeat {repeat}, perturbation {name!r}")
                    raise
                if edits:
                    texts[segment] = apply(texts[segment], edits)
                    break
            yield {
                "example_id": example.example_id,
                "repeat": repeat,
                "text_a": texts[0],
                "text_b": texts[1] if len(texts) > 1 else None,
                "changed": bool(edits),
                "edits": [{"segment": segment, **asdict(edit)} for edit in edits],
            }


@dataclass(frozen=True)
class PerturbationPlan:
    """What the config says of a perturbation.

    Attributes
    ----------
    name, method, options, repeats, seed
        As for `perturb_examples`.
    limit : int, optional
        How many examples, drawn with the seed; all of them by default. A larger draw
        holds the smaller one. They keep the order of the table.
    """

    name: str
    method: str
    options: Mapping[str, Any]
    repeats: int
    seed: int
    limit: int | None = None


def fewer_than_asked(task: str, limit: int | None, texts: int) -> str:
    """Say that a test split has fewer texts than are to be perturbed; nothing where it has enough.

    Examples
    --------
    >>> fewer_than_asked("films", 500, 300)
    'tasks.films.perturb.examples: asks for 500 texts, but the test split has 300; all of them are perturbed'
    >>> fewer_than_asked("films", None, 300)
    ''
    """
    if limit is None or limit <= texts:
        return ""
    return (
        f"tasks.{task}.perturb.examples: asks for {limit} texts, but the test split has {texts}; "
        "all of them are perturbed"
    )


def write_perturbed(examples: str | Path, out: str | Path, task: str, plan: PerturbationPlan) -> None:
    """Perturb a table of examples and write the table ``perturbed``.

    Parameters
    ----------
    examples, out : str or Path
        The tables that are read and written.
    task : str
        Whose examples they are.
    plan : PerturbationPlan

    Examples
    --------
    >>> tables.write("in.parquet", "examples", [{"example_id": "7", "text_a": "A good film"}], {})
    >>> plan = PerturbationPlan("swap", "swap", {}, repeats=2, seed=1)
    >>> write_perturbed("in.parquet", "out.parquet", "sst2", plan)
    >>> tables.read("out.parquet", "perturbed")["changed"].to_pylist()
    [True, True]
    """
    table = tables.read(examples, "examples")
    if said := fewer_than_asked(task, plan.limit, len(table)):
        _LOG.warning("%s", said)
    drawn = set(draw(table["example_id"].to_pylist(), plan.seed)[: plan.limit])
    chosen = [example for example in examples_of(table) if example.example_id in drawn]
    rows = []
    with Progress(len(chosen) * plan.repeats, f"perturb {plan.name}", "text") as progress:
        for row in perturb_examples(chosen, plan.name, plan.method, plan.repeats, plan.seed, plan.options):
            rows.append(row)
            progress.advance()
    settings = asdict(plan)
    source = {
        "task": task,
        "perturbation": settings.pop("name"),
        **settings,
        "examples": provenance.digest(examples),
        "versions": provenance.versions(*_LIBRARIES) | versions(text for one in chosen for text in one.texts),
    }
    tables.write(out, "perturbed", rows, source)
