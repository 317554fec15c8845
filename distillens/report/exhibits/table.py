"""A table of scores, the paper's values beside this study's."""

from collections.abc import Mapping
from typing import Any

from distillens.report.exhibits import grid
from distillens.report.exhibits.exhibit import Shown
from distillens.report.exhibits.source import Source
from distillens.report.formatting import Cell, Head, Table

OPTIONS = {}


def show(number: str, settings: Mapping[str, Any], source: Source) -> Shown:
    """Show our scores, each beside what the paper printed."""
    cells = grid.fill(settings, source)
    head = [Head("", numeric=False)]
    printed = [any(line[at].paper is not None for line in cells) for at in range(len(settings["columns"]))]
    for column, known in zip(settings["columns"], printed, strict=True):
        head.append(Head(column["title"], "measured in this study"))
        if known:
            head.append(Head("the paper’s", f"{column['title']} as the paper prints it; not measured here"))
    lines = []
    for line in cells:
        row = [Cell(line[0].line.title, note=line[0].line.paper and f"for {line[0].line.paper}")]
        for found, known in zip(line, printed, strict=True):
            row += [grid.ours(found), *([grid.papers(found)] if known else [])]
        lines.append(row)
    table = Table(f"published-{number}", settings["caption"], head, lines)
    return Shown(grid.COLUMNS, grid.records(cells), table, notes=grid.notes(cells))
