"""Tables of docs/operations.md that are made by tests; ``make operations`` writes them, the tests compare."""

import os
import tempfile
from pathlib import Path

from filelock import FileLock

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
WRITES = "DISTILLENS_WRITE_TABLES"
LOCK = Path(tempfile.gettempdir()) / "distillens-operations.lock"


def lines(table: str) -> list[str]:
    """The rows of a table as they stand in the page."""
    _, _, rest = PAGE.read_text("utf-8").partition(f"<!-- {table} -->\n")
    return [line for line in rest.partition("<!-- end -->")[0].splitlines() if line.startswith("|")][2:]


def documents(table: str, every: list[str], *cells: str) -> None:
    """Compare a row with the page, or write it there.

    Parameters
    ----------
    table : str
        Its name in the page.
    every : list of str
        First cells of all rows, in order.
    *cells : str
        This row; the first cell names it.
    """
    row = "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    if WRITES not in os.environ:
        assert row in lines(table), f"docs/operations.md is stale; run `make operations`. Now it is:\n{row}"
        return
    with FileLock(LOCK):
        rows = {line.split("|")[1].strip(): line for line in lines(table)} | {cells[0]: row}
        head, mark, rest = PAGE.read_text("utf-8").partition(f"<!-- {table} -->\n")
        body, end, tail = rest.partition("<!-- end -->")
        title = body.splitlines()[:2]
        body = "\n".join([*title, *(rows[name] for name in every if name in rows)]) + "\n"
        PAGE.write_text(head + mark + body + end + tail, "utf-8")


def names(table: str) -> list[str]:
    """First cells of a table's rows."""
    return [line.split("|")[1].strip() for line in lines(table)]
