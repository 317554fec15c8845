"""Writes the sentences of a probe as examples, and beside them what is asked of each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from distillens import registry, tables
from distillens.data.read import rows
from distillens.data.text import Example, examples, seed_of
from distillens.probes.sentences import ProbeError, Sentence
from distillens.provenance import digest


def build_probe(
    test: str | Path,
    sentences: str | Path,
    design: str | Path,
    name: str,
    method: str,
    task: str,
    options: Mapping[str, Any],
    seed: int,
) -> None:
    """Write the tables ``examples`` (the sentences) and ``probes`` (the design) of a probe.

    Parameters
    ----------
    test : str or Path
        The task's test split; real texts of it keep their id, label and group, built sentences have none.
    sentences, design : str or Path
        Target files; both have the same rows in the same order.
    name : str
        The probe's name in the study; with the seed it decides what is drawn, so that all
        tasks of a study get the same built sentences.
    method : str
        A file of ``distillens/probes``.
    task : str
        Whose probe it is.
    options : mapping
        Options of the method.
    seed : int
        The study's seed.

    Raises
    ------
    ProbeError
        If there is no sentence, or two have the same id.

    Examples
    --------
    >>> text = {"example_id": "7", "text_a": "It was slow but so good."}
    >>> tables.write("test.parquet", "examples", [text], {})
    >>> more = {"task": "sst2", "options": {"examples": None}, "seed": 1}
    >>> build_probe("test.parquet", "sentences.parquet", "design.parquet", name="but", method="but", **more)
    >>> tables.read("design.parquet", "probes").to_pylist()[0]["cue_start"]
    12
    """
    module = registry.load("probe", method)
    pool = examples(tables.read(test, "examples"))
    try:
        built = module.build(pool, dict(options), seed_of(seed, name))
    except ProbeError as error:
        raise ProbeError(f"probes.{name}: {error}") from error
    if not built:
        raise ProbeError(
            f"tasks.{task}.probes: {name!r} finds no sentence in {test}; take it out of the task's probes"
        )
    twice = [sentence for sentence, times in Counter(s.example_id for s in built).items() if times > 1]
    if twice:
        raise ProbeError(f"probes.{name}: two sentences are {twice[0]!r}; is a word listed twice?")
    provenance = {
        "task": task,
        "probe": name,
        "method": method,
        "cue": module.CUE,
        "options": dict(options),
        "test_sha256": digest(test),
        "seed": seed,
    }
    by_id = {example.example_id: example for example in pool}
    tables.write(sentences, "examples", rows(_example(s, by_id) for s in built), provenance)
    tables.write(design, "probes", map(_design, built), provenance)


def _example(sentence: Sentence, pool: Mapping[str, Example]) -> Example:
    example = Example(sentence.example_id, sentence.text)
    own = pool.get(sentence.example_id)
    if own is None or own.text_a != sentence.text:
        return example
    return replace(example, label=own.label, label_name=own.label_name, group=own.group)


def _design(sentence: Sentence) -> dict[str, Any]:
    start, end = sentence.cue or (None, None)
    return {
        "example_id": sentence.example_id,
        "item": sentence.item,
        "variant": sentence.variant,
        "expected": sentence.expected,
        "cue_start": start,
        "cue_end": end,
    }
