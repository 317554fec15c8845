"""Chooses the examples that are explained: seeded, balanced over the classes, nested."""

import logging
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.data.label_sets import flags_of
from distillens.data.read import DataError, rows
from distillens.data.repeats import repeats
from distillens.data.segmentation import versions
from distillens.data.text import Example, draw, examples, seed_of
from distillens.provenance import digest

_LOG = logging.getLogger("distillens")


def select(
    pool: list[Example],
    per_class: int | None,
    max_words: int | None,
    labels: list[str],
    seed: int,
    in_all: int | None = None,
) -> list[Example]:
    """Return ``per_class`` examples of every class: one of each, then another of each, and so on.

    A larger ``per_class`` begins with what a smaller one chose, None takes all. ``in_all`` takes so many
    whatever their class instead. Where there are no classes (a regression), or no example has a label,
    ``per_class`` for each output are taken in all. Texts without a word, or longer than ``max_words``, are
    not eligible.

    Raises
    ------
    DataError
        If a class has fewer eligible examples.

    Examples
    --------
    >>> pool = [Example(str(n), "A film", label_name="bad" if n < 5 else "good") for n in range(10)]
    >>> [one.label_name for one in select(pool, 2, None, ["bad", "good"], seed=1)]
    ['bad', 'good', 'bad', 'good']
    >>> len(select(pool, 2, None, ["bad", "good"], seed=1, in_all=3))
    3
    """
    eligible, labelled = _eligible(pool, max_words, labels)
    key, count = "per_class", per_class
    if in_all is not None:
        key, count, labelled = "examples", in_all, False
    elif not labelled and per_class is not None:
        count = per_class * (len(labels) or 1)
    classes: dict[str | None, list[str]] = defaultdict(list)
    for example in eligible:
        classes[example.label_name if labelled else None].append(example.example_id)
    ranks: dict[str, int] = {}
    for label in labels if labelled else [None]:
        if len(classes[label]) < (count or 1):
            raise DataError(
                f"explain.{key}: asks for {count or 'some'} examples, but the test split has "
                f"{len(classes[label])} that can be explained{f' of class {label!r}' if label else ''}"
            )
        drawn = draw(classes[label], seed)[:count]
        ranks |= {example_id: rank for rank, example_id in enumerate(drawn)}
    # Those of one rank are of different classes; without classes no two have one rank.
    order = {label: place for place, label in enumerate(labels)}
    chosen = [example for example in pool if example.example_id in ranks]
    return sorted(chosen, key=lambda one: (ranks[one.example_id], order.get(one.label_name, 0)))


def select_sets(
    pool: list[Example], per_class: int, max_words: int | None, labels: list[str], seed: int
) -> list[Example]:
    """Of examples with several labels, ``per_class`` that have each: one of each, then another of each.

    An example that has two labels may be drawn for both. A larger ``per_class`` begins with what a smaller
    one chose.

    Raises
    ------
    DataError
        If fewer eligible examples have a label.

    Examples
    --------
    >>> pool = [Example(str(n), "A film", label=float(n)) for n in range(4)]  # none, a, b, a and b
    >>> [one.example_id for one in select_sets(pool, 2, None, ["a", "b"], seed=1)]
    ['3', '2', '1']
    """
    eligible, _ = _eligible(pool, max_words, labels)
    flags = flags_of([one.label for one in eligible], len(labels))
    ranks: dict[str, tuple[int, int]] = {}
    for number, label in enumerate(labels):
        own = [one.example_id for one, has in zip(eligible, flags[:, number], strict=True) if has]
        if len(own) < per_class:
            raise DataError(
                f"explain.per_class: asks for {per_class} examples, but the test split has {len(own)} that "
                f"can be explained and have the label {label!r}"
            )
        for rank, example_id in enumerate(draw(own, seed)[:per_class]):
            ranks[example_id] = min(ranks.get(example_id, (rank, number)), (rank, number))
    return sorted((one for one in eligible if one.example_id in ranks), key=lambda one: ranks[one.example_id])


def most_texts(pool: list[Example], max_words: int | None, labels: list[str], by_class: bool) -> int:
    """How many texts `select` could choose: in all, or as many of each class.

    Examples
    --------
    >>> pool = [Example(str(n), "A film", label_name="bad" if n < 2 else "good") for n in range(10)]
    >>> most_texts(pool, None, ["bad", "good"], True), most_texts(pool, None, ["bad", "good"], False)
    (4, 10)
    """
    eligible, labelled = _eligible(pool, max_words, labels)
    if not (by_class and labelled):
        return len(eligible)
    counts = Counter(one.label_name for one in eligible)
    return len(labels) * min(counts[label] for label in labels)


def _eligible(pool: list[Example], max_words: int | None, labels: list[str]) -> tuple[list[Example], bool]:
    """The texts that can be explained, and whether their classes are known."""
    eligible = [one for one in pool if 1 <= len(one.words) <= (max_words or len(one.words))]
    return eligible, bool(labels) and any(one.label_name is not None for one in eligible)


def select_examples(test: str | Path, out: str | Path, name: str, task: dict[str, Any], seed: int) -> None:
    """Write the part of a task's test split that is explained.

    ``stages`` among what the task says of it are noted: see `distillens.config.texts`.

    Examples
    --------
    >>> pool = [{"example_id": name, "text_a": "A film", "label_name": name} for name in ("bad", "good")]
    >>> tables.write("test.parquet", "examples", pool, {})
    >>> task = {"labels": ["bad", "good"], "explain": {"per_class": 1, "max_words": None}}
    >>> select_examples("test.parquet", "explained.parquet", "films", task, seed=1)
    >>> tables.read("explained.parquet", "examples")["example_id"].to_pylist()
    ['bad', 'good']
    """
    pool = examples(tables.read(test, "examples"))
    asked, own_seed = task["explain"], seed_of(seed, name, "explain")
    several = task.get("type") == "multi_label" and any(one.label is not None for one in pool)
    if several and asked.get("examples") is None and asked["per_class"] is not None:
        chosen = select_sets(pool, asked["per_class"], asked["max_words"], task["labels"], own_seed)
    else:
        chosen = select(
            pool,
            asked["per_class"],
            asked["max_words"],
            in_all=asked.get("examples"),
            labels=[] if several else task["labels"],
            seed=own_seed,
        )
    provenance = {"task": name, "test_sha256": digest(test), "seed": seed, **task["explain"]}
    if cutter := versions(text for example in pool for text in example.texts):
        provenance["versions"] = cutter
    written = rows(chosen)
    tables.write(out, "examples", written, provenance)
    if said := repeats(name, {"explained": written}):
        _LOG.warning("%s", said)
