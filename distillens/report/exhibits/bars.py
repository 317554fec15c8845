"""Bars of scores with their intervals, the paper's values marked on them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from distillens.report import plot
from distillens.report.exhibits import grid
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.grid import GridCell
from distillens.report.exhibits.source import Source
from distillens.report.svg import INK

OPTIONS = {}


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Draw a panel per column, a bar per row."""
    cells = grid.fill(settings, source)
    with mpl.rc_context(plot.STYLE):
        figure = _draw(settings["columns"], cells, source)
        svg = plot.svg(figure, f"published-{number}", settings["caption"])
    return Content(grid.COLUMNS, grid.records(cells), svg=svg, notes=grid.notes(cells))


def _draw(
    columns: Sequence[Mapping[str, Any]], cells: Sequence[Sequence[GridCell]], source: Source
) -> Figure:
    figure = Figure(figsize=(plot.WIDTH, 1.25 + 0.3 * len(cells)), layout="constrained")
    looks = plot.looks(source.study, ())
    panels = figure.subplots(1, len(columns), squeeze=False, sharey=True)[0]
    for at, (axes, column) in enumerate(zip(panels, columns, strict=True)):
        for place, line in enumerate(cells):
            run = source.run(line[at].line.select.get("model", ""))
            alone = run is not None and "against" not in line[at].line.select
            colour = looks[run.model, run.seed].colour if alone else plot.COLOURS[0]
            _bar(axes, line[at], place, colour)
        axes.set_title(column["title"], loc="left")
        axes.grid(visible=False, axis="y")
        axes.axvline(0, color=INK, alpha=0.55, linewidth=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(3))
    panels[0].set_yticks(range(len(cells)), [line[0].line.title.replace(" and ", "\nand ") for line in cells])
    panels[0].set_ylim(len(cells) - 0.5, -0.5)
    keys: list[Any] = [Patch(color=INK, alpha=0.35, linewidth=0, label="this study")]
    if any(cell.paper is not None for line in cells for cell in line):
        keys.append(Line2D([], [], **_PAPER, label="the paper’s, not measured here"))
    figure.legend(handles=keys, loc="outside lower center", ncols=2)
    return figure


_PAPER = {
    "marker": "D",
    "color": INK,
    "markerfacecolor": "none",
    "markersize": 5,
    "markeredgewidth": 1.1,
    "linestyle": "none",
}


def _bar(axes: Axes, cell: GridCell, place: int, colour: str) -> None:
    if cell.row is not None and not math.isnan(cell.row["value"]):
        value = cell.row["value"]
        axes.barh([place], [value], height=0.56, color=colour, alpha=0.35, linewidth=0)
        ends = plot.bounds(value, cell.row["low"], cell.row["high"])
        axes.plot(ends, [place, place], color=colour, linewidth=1.4)
    else:
        axes.annotate("not measured", (0, place), (3, 0), textcoords="offset points", va="center", fontsize=7)
    if cell.paper is not None:
        axes.plot([cell.paper], [place], clip_on=False, **_PAPER)
