"""The first texts of the explained part of a task, with their labels."""

from collections.abc import Mapping
from typing import Any

from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.source import Source
from distillens.report.formatting import MISSING, Cell, Head, Table, capitalised
from distillens.report.sentences import gold

OPTIONS = {"first": {"type": "integer", "minimum": 1, "default": 8, "description": "How many texts."}}

_COLUMNS = ("example_id", "text", "text_b", "label", "label_name")


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Show the first explained texts.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> row = {"example_id": "a", "text_a": "Fine.", "text_b": None, "label": 1, "label_name": "yes"}
    >>> study = Fake(tasks={"toy": {"type": "classification", "labels": ["no", "yes"]}})
    >>> source = Fake(task_of=lambda select: ("toy", ""), explained={"toy": [row]}, study=study)
    >>> show("table-1", {"select": {}, "first": 8, "caption": ""}, source).notes
    ['The first 1 of 1 explained texts.']
    """
    task, why = source.task_of(settings["select"])
    texts = source.explained.get(task, [])
    if why or not texts:
        return Content(_COLUMNS, [], notes=[f"{capitalised(why or f'no text of {task} is shown here')}."])
    first_texts = texts[: settings["first"]]
    labels = [gold(row, source.study.tasks[task]) for row in first_texts]
    records = [
        [row["example_id"], row["text_a"], row["text_b"], row["label"], label]
        for row, label in zip(first_texts, labels, strict=True)
    ]
    lines = [
        [Cell(" / ".join(filter(None, record[1:3])), style="prose"), Cell(record[4] or MISSING)]
        for record in records
    ]
    head = [Head("text", numeric=False), Head("gold label", numeric=False)]
    table = Table(f"published-{number}", settings["caption"], head, lines, 0)
    return Content(
        _COLUMNS, records, table, notes=[f"The first {len(first_texts)} of {len(texts)} explained texts."]
    )
