"""From a file of a task with several labels to that of one label, as of a task with two classes.

The logit z of the label becomes 0 and z, an attribution v to z becomes -v and v: that of the margin, which
for two classes is z less 0. Texts and their edits stay as they are.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from distillens import registry, tables
from distillens.data.label_sets import flags_of
from distillens.evaluation.inputs import FilePath
from distillens.tables import TableError

Row = dict[str, Any]


def cut_label(whole: FilePath, out: FilePath, *, view: str, of: Mapping[str, Any]) -> None:
    """Write the file of one label.

    Parameters
    ----------
    whole : path
        A table of the task: ``examples``, ``perturbed``, ``predictions``, ``explanations`` or ``rungs``.
    out : path
        The same kind, of the label's task.
    view : str
        Its name.
    of : mapping
        ``task``, ``label``, its ``number`` and all ``labels``; see `distillens.config.label_views.views`.

    Raises
    ------
    TableError
        If the file is of another kind, of another task, or has another number of outputs than labels.

    Examples
    --------
    >>> row = {"example_id": "a", "perturbation": "none", "repeat": 0, "logits": [0.5, -2.0]}
    >>> tables.write("whole.parquet", "predictions", [row], {"task": "comments"})
    >>> of = {"task": "comments", "label": "threat", "number": 1, "labels": ["toxic", "threat"]}
    >>> cut_label("whole.parquet", "cut.parquet", view="comments--threat", of=of)
    >>> tables.read("cut.parquet", "predictions")["logits"].to_pylist()
    [[0.0, -2.0]]
    """
    kind = tables.kind_of(whole)
    if kind not in _CUT:
        raise TableError(f"{whole}: a table of kind {kind!r} has no labels to cut; run the workflow again")
    origin = tables.provenance(whole)
    if origin.get("task", of["task"]) != of["task"]:
        raise TableError(f"{whole}: is about task {origin['task']!r}, not {of['task']!r}")
    # What a control says is not about one output: it is the same for yes and no.
    sign = 1 if origin.get("settings", {}).get("method") in registry.controls() else -1
    label = _Label(of["number"], list(of["labels"]), sign)
    try:
        rows = [_CUT[kind](row, label) for row in tables.read(whole, kind).to_pylist()]
    except ValueError as error:
        raise TableError(f"{whole}: {error}; delete it and run the workflow again") from error
    if "task" in origin:
        origin["task"] = view
    if isinstance(origin.get("labels"), dict):  # what was read as each label, of a split
        origin["labels"] = {name: about for name, about in origin["labels"].items() if name == of["label"]}
    tables.write(out, kind, rows, {**origin, "of": {"task": of["task"], "label": of["label"]}})


class _Label(NamedTuple):
    """The number of a label, all labels, and the sign of an attribution to no beside that to yes."""

    number: int
    every: list[str]
    sign: int


def _example(row: Row, label: _Label) -> Row:
    if row["label"] is None:
        return row
    flag = bool(flags_of([row["label"]], len(label.every))[0, label.number])
    name = label.every[label.number]
    return {**row, "label": float(flag), "label_name": name if flag else f"not {name}"}


def _prediction(row: Row, label: _Label) -> Row:
    if len(row["logits"]) != len(label.every):
        raise ValueError(f"{len(row['logits'])} outputs, the task has {len(label.every)} labels")
    return {**row, "logits": [0.0, row["logits"][label.number]]}


def _explanation(row: Row, label: _Label) -> Row:
    cut = _prediction(row, label)
    cut["values"] = [_both(of_word, label) for of_word in row["values"]]
    for column in ("base", "output"):
        if row.get(column) is not None:
            cut[column] = _both(row[column], label)
    for column in ("lime_r2", "ig_delta"):  # how well it fits or adds up: the same for both
        if row.get(column) is not None:
            cut[column] = _both(row[column], label._replace(sign=1))
    return cut


def _unchanged(row: Row, label: _Label) -> Row:
    return row


_CUT: dict[str, Callable[[Row, _Label], Row]] = {
    "examples": _example,
    "perturbed": _unchanged,
    "predictions": _prediction,
    "explanations": _explanation,
    "rungs": _explanation,
}


def _both(values: list[float | None], label: _Label) -> list[float | None]:
    """A number of a label as that of no and of yes."""
    if len(values) != len(label.every):
        raise ValueError(f"{len(values)} values for a word, the task has {len(label.every)} labels")
    own = values[label.number]
    return [None if own is None else label.sign * own, own]
