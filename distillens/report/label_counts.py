"""The labels of a task's splits, counted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.data.labels import in_words
from distillens.report.formatting import Cell, Head, Table
from distillens.report.sentences import gold
from distillens.report.study_data import Outline
from distillens.tables import TableError

SPLITS = ("train", "validation", "test")
Splits = Mapping[tuple[str, str], list[dict[str, Any]]]


def read(paths: Sequence[str | Path]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Read tables of examples by (task, split), as their provenance names them.

    Raises
    ------
    TableError
        If a file does not name its task and split.
    """
    splits = {}
    for path in paths:
        source = tables.provenance(path)
        if not {"task", "split"} <= source.keys():
            raise TableError(f"{path}: its provenance does not name its task and split")
        splits[source["task"], source["split"]] = tables.read(path, "examples").to_pylist()
    return splits


def outcomes(paths: Sequence[str | Path]) -> dict[tuple[str, str], str]:
    """Say in few words what was read as each label, by (task, label); nothing of tables that do not tell.

    Examples
    --------
    >>> about = {"rows": 2, "first_row": 1, "read_as": ["position"], "cells": ["1"]}
    >>> tables.write("test.parquet", "examples", [], {"task": "toy", "labels": {"yes": about}})
    >>> outcomes(["test.parquet"])
    {('toy', 'yes'): '1 by position'}
    """
    said: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        source = tables.provenance(path)
        for label, about in source.get("labels", {}).items():
            words = said.setdefault((source["task"], label), [])
            if about["rows"] and in_words(about) not in words:
                words.append(in_words(about))
    return {key: "; ".join(words) for key, words in said.items()}


def counts(options: Mapping[str, Any], splits: Splits, task: str) -> dict[str, dict[str, int]]:
    """Texts of a task per label and split; nothing for a regression, which has no classes.

    Examples
    --------
    >>> rows = [{"label": 0.0, "label_name": None}, {"label": 1.0, "label_name": None}]
    >>> options = {"type": "classification", "labels": ["no", "yes"]}
    >>> counts(options, {("toy", "train"): rows, ("toy", "test"): rows[:1]}, "toy")
    {'no': {'train': 1, 'test': 1}, 'yes': {'train': 1}}
    """
    if options["type"] != "classification":
        return {}
    by_label: dict[str, dict[str, int]] = {label: {} for label in options["labels"]}
    for split in SPLITS:
        for row in splits.get((task, split), ()):
            by_split = by_label.setdefault(gold(row, options) or "without a label", {})
            by_split[split] = by_split.get(split, 0) + 1
    return by_label if any(by_label.values()) else {}


def table(study: Outline, splits: Splits, read_as: Mapping[tuple[str, str], str]) -> Table | None:
    """Show how many texts each split has, and of which labels; and what was read as a label.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> study = Fake(tasks={"toy": {"type": "classification", "labels": ["no", "yes"]}})
    >>> splits = {("toy", "test"): [{"label": 1.0, "label_name": None}]}
    >>> sizes = table(study, splits, {("toy", "yes"): "1 by position"})
    >>> [" ".join(cell.text for cell in row) for row in sizes.rows]
    ['toy no 0 0 0 0 ', 'toy yes 0 0 1 1 1 by position', 'toy all 0 0 1 1 ']
    """
    lines = []
    for task, options in study.tasks.items():
        by_label = counts(options, splits, task)
        sizes = {split: len(splits[task, split]) for split in SPLITS if (task, split) in splits}
        lines += [
            _line(task, label, by_split, read_as.get((task, label), ""))
            for label, by_split in by_label.items()
        ]
        lines += [_line(task, "all", sizes, read_as.get((task, "score"), ""))] if sizes else []
    head = [
        *(Head(name, numeric=False) for name in ("task", "label")),
        *map(Head, (*SPLITS, "all")),
        Head("read from", numeric=False),
    ]
    return Table("labels", "Texts of each split", head, lines, 2, folded=True) if lines else None


def _line(task: str, label: str, by_split: Mapping[str, int], read_as: str) -> list[Cell]:
    numbers = [*(by_split.get(split, 0) for split in SPLITS), sum(by_split.values())]
    return [Cell(task), Cell(label), *(Cell(str(count), count) for count in numbers), Cell(read_as)]
