"""The rows of a table as data: the page draws them when it is opened, and of a long one a part at a time."""

import math
from typing import Any

from distillens.report.formatting import Cell, Table

DRAWN = 50
"""A table that is not folded and has no more rows than these stands on the page as it is."""


def is_data(table: Table) -> bool:
    """Whether a table's rows are written as data, and not as elements.

    Examples
    --------
    >>> is_data(Table("t", "few", [], [[Cell("kd")]])), is_data(Table("t", "few", [], [], folded=True))
    (False, True)
    """
    return table.folded or len(table.rows) > DRAWN


def packed(table: Table) -> dict[str, Any]:
    """Write a table's rows as JSON wants them.

    Returns
    -------
    dict
        ``labels``, how many cells of a row name it, and ``rows``: a cell is its text, or where there is
        more to it ``[text, value, note, style, hint, unit, link]``, without what is empty at its end.

    Examples
    --------
    >>> cells = [Cell("kd"), Cell("0.50", 0.5), Cell("0.1", 0.1, hint="few")]
    >>> packed(Table("t", "c", [], [cells]))
    {'labels': 1, 'rows': [['kd', ['0.50', 0.5], ['0.1', 0.1, '', '', 'few']]]}
    """
    return {"labels": table.labels, "rows": [[_cell(cell) for cell in row] for row in table.rows]}


def _cell(cell: Cell) -> str | list[Any]:
    value = cell.value if cell.value is not None and math.isfinite(cell.value) else None
    whole: list[Any] = [cell.text, value, cell.note, cell.style, cell.hint, cell.unit, cell.link]
    while not whole[-1] and len(whole) > 1 and whole[-1] != 0:
        whole.pop()
    return whole if len(whole) > 1 else cell.text
