"""Chooses the sentences: real ones, spread over lengths as the data are, the same in every run."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from distillens import tables
from distillens.data.text import Example, examples

_SPLITS = ("train", "validation", "test")


def load(data: str | Path) -> list[Example]:
    """The examples of a file or, of a task's folder, those of all its splits."""
    data = Path(data)
    files = [data / f"{split}.parquet" for split in _SPLITS] if data.is_dir() else [data]
    by_id = {one.example_id: one for file in files for one in examples(tables.read(file, "examples"))}
    return sorted(by_id.values(), key=_place)


def spread(
    every: Sequence[Example], count: int, words: tuple[int, int], fits: Callable[[Example], bool]
) -> list[Example]:
    """Sentences of a range of lengths, spread within it as the data are.

    Parameters
    ----------
    every : sequence of Example
    count : int
        How many; the candidates, ordered by length, are cut into so many equal runs, and
        the one with the smallest hash of its id is taken from each.
    words : tuple of two int
        Fewest and most words.
    fits : callable
        Whether the model sees the whole of a text.
    """
    within = [one for one in every if words[0] <= len(one.words) <= words[1] and fits(one)]
    within.sort(key=lambda one: (len(one.words), _hash(one.example_id)))
    if len(within) < count:
        raise ValueError(f"{len(within)} sentences of {words[0]} to {words[1]} words; {count} are needed")
    runs = [within[len(within) * n // count : len(within) * (n + 1) // count] for n in range(count)]
    return [min(run, key=lambda one: _hash(one.example_id)) for run in runs]


def long(
    every: Sequence[Example], count: int, words: tuple[int, int], fits: Callable[[Example], bool]
) -> tuple[list[Example], bool]:
    """Texts of at least so many words; where the data have too few, neighbours are joined.

    Returns
    -------
    list of Example
    bool
        Whether they are joined: neighbouring snippets of the source (nearly always of
        one film) one behind the other until they are long enough, no snippet twice.
    """
    try:
        return spread(every, count, words, fits), False
    except ValueError:
        joined = [one for one in _joined(every, words[0]) if len(one.words) <= words[1] and fits(one)]
        if len(joined) < count:
            raise
        return sorted(joined, key=lambda one: _hash(one.example_id))[:count], True


def _joined(every: Sequence[Example], least: int) -> list[Example]:
    joined, parts = [], []
    for example in every:
        parts.append(example)
        if sum(len(part.words) for part in parts) >= least:
            name = "+".join(part.example_id for part in parts)
            text = " ".join(part.text_a for part in parts)
            joined.append(replace(example, example_id=name, text_a=text, label=None, label_name=None))
            parts = []
    return joined


def first(every: Sequence[Example], count: int, fits: Callable[[Example], bool]) -> list[Example]:
    """So many examples in the order of the hashes of their ids: a larger draw holds the smaller."""
    return [one for one in sorted(every, key=lambda one: _hash(one.example_id)) if fits(one)][:count]


def write(path: Path, chosen: Sequence[Example]) -> Path:
    """Write examples for another process."""
    columns = ("example_id", "text_a", "text_b", "label", "label_name")
    tables.write(path, "examples", [{name: getattr(one, name) for name in columns} for one in chosen], {})
    return path


def _place(example: Example) -> tuple[int, str]:
    """The order of the source, where ids are numbers."""
    name = example.example_id
    return (int(name) if name.isdigit() else 0, name)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
