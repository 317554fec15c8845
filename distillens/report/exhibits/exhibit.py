"""What every kind of exhibit gives: the table behind it, and how the page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distillens.report.formatting import Table


@dataclass(frozen=True)
class Content:
    """An exhibit as it is shown.

    Attributes
    ----------
    columns, records : sequences
        The exact numbers, for its CSV file.
    table : Table or None
        As the page shows it.
    svg : str
        Its figure; empty where it has none.
    notes : sequence of str
        What is missing, and why; what a reader must know.
    """

    columns: Sequence[str]
    records: Sequence[Sequence[Any]]
    table: Table | None = None
    svg: str = ""
    notes: Sequence[str] = ()
