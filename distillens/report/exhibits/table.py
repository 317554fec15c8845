"""A table of scores, the paper's values beside this study's."""

from collections.abc import Mapping
from typing import Any

from distillens.report.exhibits import grid
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.source import Source
from distillens.report.formatting import Cell, Head, Table

OPTIONS = {}


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Show our scores, each beside what the paper printed."""
    cells = grid.fill(settings, source)
    head = [Head("", numeric=False)]
    printed = [any(line[at].paper is not None for line in cells) for at in range(len(settings["columns"]))]
    for column, has_paper in zip(settings["columns"], printed, strict=True):
        head.append(Head(column["title"], "measured in this study"))
        if has_paper:
            head.append(Head("the paper’s", f"{column['title']} as the paper prints it; not measured here"))
    lines = []
    for line in cells:
        row = [Cell(line[0].line.title, note=line[0].line.paper and f"for {line[0].line.paper}")]
        for cell, has_paper in zip(line, printed, strict=True):
            row += [grid.ours(cell), *([grid.papers(cell)] if has_paper else [])]
        lines.append(row)
    table = Table(f"published-{number}", settings["caption"], head, lines)
    return Content(grid.COLUMNS, grid.records(cells), table, notes=grid.notes(cells))
