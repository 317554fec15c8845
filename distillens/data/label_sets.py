"""Several labels for one text: how cells become a set of labels, and a set one number.

The number of a set has a binary digit for each label, the first label's the lowest: 0 is none of them. Cells:

1. one column for each label: 0 or 1, or a truth value, and nothing else; or
2. one column of lists, or of texts with a separator: names of labels, by the rule of `distillens.data.labels`
   (in lists also positions). A list without items has no labels; a cell of text only if it is what the config
   says of such (``none``).

What is missing is refused, not taken for no.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from distillens.data.errors import DataError
from distillens.data.labels import Label, LabelRule, is_missing, see, shown, unseen

NO_LABEL = "no label"
JOINED = ", "
_SAYS = {"0": False, "1": True, "false": False, "true": True}


def number_of(flags: Sequence[bool]) -> float:
    """The number of a set of labels.

    Examples
    --------
    >>> number_of([True, False, True])
    5.0
    """
    return float(sum(1 << place for place, flag in enumerate(flags) if flag))


def flags_of(numbers: ArrayLike, labels: int) -> NDArray[np.bool_]:
    """Which labels are in each of some sets.

    Parameters
    ----------
    numbers : array_like, shape (n,)
    labels : int
        How many labels there are.

    Returns
    -------
    ndarray of bool, shape (n, labels)

    Raises
    ------
    ValueError
        If a number is that of no set.

    Examples
    --------
    >>> flags_of([5.0, 0.0], labels=3).tolist()
    [[True, False, True], [False, False, False]]
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers < 2.0**labels) & (numbers % 1 == 0))
    if wrong.any():
        raise ValueError(f"{numbers[wrong][0]} is no set of {labels} labels")
    return (numbers.astype(np.int64)[:, None] >> np.arange(labels) & 1).astype(bool)


def name_of(flags: Sequence[bool], names: Sequence[str]) -> str:
    """A set of labels in words.

    Examples
    --------
    >>> name_of([True, False], ["toxic", "threat"]), name_of([False, False], ["toxic", "threat"])
    ('toxic', 'no label')
    """
    return JOINED.join(name for name, flag in zip(names, flags, strict=True) if flag) or NO_LABEL


class LabelSets:
    """Reads the cells of a task with several labels.

    Parameters
    ----------
    task : mapping
        The task's ``labels`` and ``columns``: ``label``, ``separator`` and ``none``.
    frame : DataFrame
        The file; its columns are there.

    Examples
    --------
    >>> columns = {"label": {"toxic": "is_toxic", "threat": "is_threat"}}
    >>> frame = pd.DataFrame({"is_toxic": ["1", "?"], "is_threat": [1, 0]})
    >>> sets = LabelSets({"labels": ["toxic", "threat"], "columns": columns}, frame)
    >>> sets.read(["1", 1]).name
    'toxic, threat'
    >>> sets.read(["?", 0])
    Traceback (most recent call last):
        ...
    distillens.data.errors.DataError: is_toxic is '?', which is neither 0 nor 1
    """

    def __init__(self, task: Mapping[str, Any], frame: pd.DataFrame) -> None:
        self.names, columns = list(task["labels"]), task["columns"]
        self._of_labels = columns["label"] if isinstance(columns["label"], Mapping) else None
        self._separator, self._none = columns.get("separator"), columns.get("none")
        self.columns = columns_of(task)
        if self._of_labels is None:
            # One item of each row, a name where it has one: that rows have names is known by them.
            rows = [self._listed(cell) or [None] for cell in frame[self.columns[0]]]
            items = [next((item for item in row if isinstance(item, str)), row[0]) for row in rows]
            self._rule = LabelRule({"type": "classification", "labels": self.names, "cut": None}, items)

    def read(self, cells: Sequence[Any]) -> Label:
        """The set of one row, from the cells of `columns`; a `DataError` says why it is none."""
        labels = self.labels_of(cells)
        flags = [name in labels for name in self.names]
        how = "column" if self._of_labels is not None else "list"
        return Label(number_of(flags), name_of(flags, self.names), how)

    def labels_of(self, cells: Sequence[Any]) -> dict[str, tuple[str, str]]:
        """The labels of one row, each with its cell or item and how that was read."""
        if self._of_labels is not None:
            by_column = dict(zip(self.columns, cells, strict=True))
            return {
                name: (str(by_column[column]), f"column {column}")
                for name, column in self._of_labels.items()
                if _says_yes(by_column[column], column)
            }
        (cell,), column = cells, self.columns[0]
        if is_missing(cell) or (isinstance(cell, str) and not cell.strip() and self._none is None):
            hint = "; say columns.none: '' if that is no label" if self._separator else ""
            raise DataError(f"{column} is empty{hint or '; an empty list has no labels'}")
        if self._separator is None and not isinstance(cell, list):
            raise DataError(
                f"{column} is {shown(cell)}, which is no list; say what stands between labels "
                "(columns.separator)"
            )
        if self._separator is not None and not isinstance(cell, str):
            raise DataError(
                f"{column} is {shown(cell)}, which is no text; leave columns.separator out of lists"
            )
        labels: dict[str, tuple[str, str]] = {}
        for item in self._listed(cell):
            label = self._rule.read(item)
            if self._separator is not None and label.read_as not in ("name", "number", "truth value"):
                raise DataError(f"{column} has {shown(item)}, which is none of {', '.join(self.names)}")
            if label.name in labels:
                raise DataError(f"{column} names {label.name!r} twice; once is enough")
            labels[str(label.name)] = (str(item), label.read_as)
        return labels

    def _listed(self, cell: Any) -> list[Any]:
        """The items of a cell; none of what will be refused."""
        if self._separator is None:
            return list(cell) if isinstance(cell, list) else []
        if not isinstance(cell, str) or cell.strip() == (self._none or "").strip():
            return []
        return [item.strip() for item in cell.split(self._separator)]


def columns_of(task: Mapping[str, Any]) -> list[str]:
    """The columns that labels are read from, in the order of the labels.

    Examples
    --------
    >>> columns_of({"labels": ["toxic"], "columns": {"label": {"toxic": "is_toxic"}}})
    ['is_toxic']
    >>> columns_of({"labels": ["toxic"], "columns": {"label": "labels"}})
    ['labels']
    """
    label = task["columns"]["label"]
    return [label[name] for name in task["labels"]] if isinstance(label, Mapping) else [label]


def report(frame: pd.DataFrame, task: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the labels of a frame, none of which is refused, were read as; see `labels.report`.

    Examples
    --------
    >>> task = {"labels": ["toxic", "threat"], "columns": {"label": "of"}}
    >>> report(pd.DataFrame({"of": [["toxic"], []]}), task)["toxic"]
    {'rows': 1, 'first_row': 1, 'read_as': ['name'], 'cells': ['toxic']}
    """
    sets = LabelSets(task, frame)
    about = {name: unseen() for name in sets.names}
    for row, cells in enumerate(frame[sets.columns].itertuples(index=False, name=None), start=1):
        for name, (cell, how) in sets.labels_of(list(cells)).items():
            see(about[name], row, how, cell)
    return about


def _says_yes(cell: Any, column: str) -> bool:
    if is_missing(cell) or (isinstance(cell, str) and not cell.strip()):
        raise DataError(f"{column} is empty; write 0 or 1")
    if isinstance(cell, str):
        said = _SAYS.get(cell.strip().casefold().removesuffix(".0"))
    else:
        said = bool(cell) if isinstance(cell, (bool, np.bool_, int, float)) and cell in (0, 1) else None
    if said is None:
        raise DataError(f"{column} is {shown(cell)}, which is neither 0 nor 1")
    return said
