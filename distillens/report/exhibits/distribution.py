"""How the values of single texts spread: a row of boxes per row, a box per column."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from distillens.report import plot
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.grid import line_of
from distillens.report.exhibits.source import Source
from distillens.report.formatting import capitalised
from distillens.report.svg import INK

OPTIONS = {}

_QUANTILES = {"low": 0.05, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "high": 0.95}
_COLUMNS = ("row", "column", *_QUANTILES, "n", "missing")

Box = dict[str, float]


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Draw the quartiles, and from where to where nine tenths of the texts lie."""
    lines = [line_of(entry, source) for entry in settings["rows"]]
    records, reasons = [], {}
    boxes: dict[tuple[int, int], Box] = {}
    for place, line in enumerate(lines):
        for at, column in enumerate(settings["columns"]):
            values, why = source.singles({**settings["select"], **line.select, **column["select"]})
            if values:
                quantiles = np.quantile(values, list(_QUANTILES.values()))
                boxes[place, at] = dict(zip(_QUANTILES, map(float, quantiles), strict=True))
            numbers = list(boxes.get((place, at), dict.fromkeys(_QUANTILES)).values())
            records.append([line.title, column["title"], *numbers, len(values), why])
            reasons[why] = None
    notes = [f"{capitalised(why)}." for why in reasons if why]
    if not boxes:
        return Content(_COLUMNS, records, notes=notes)
    with mpl.rc_context(plot.STYLE):
        figure = _draw([line.title for line in lines], settings["columns"], boxes)
        svg = plot.svg(figure, f"published-{number}", settings["caption"])
    notes.append("Boxes hold half of the texts, lines nine tenths; the mark is the median.")
    return Content(_COLUMNS, records, svg=svg, notes=notes)


def _draw(
    titles: Sequence[str], columns: Sequence[Mapping[str, Any]], boxes: Mapping[tuple[int, int], Box]
) -> Figure:
    height = 0.7 + len(titles) * (0.1 + 0.09 * len(columns)) + 0.17 * len(columns) / 2
    figure = Figure(figsize=(plot.WIDTH, height), layout="constrained")
    axes = figure.subplots()
    offsets = plot.offsets(len(columns))
    for (place, at), box in boxes.items():
        colour, y = plot.COLOURS[at % len(plot.COLOURS)], place + offsets[at]
        axes.plot([box["low"], box["high"]], [y, y], color=colour, linewidth=0.9)
        axes.plot([box["quarter"], box["three_quarters"]], [y, y], color=colour, linewidth=3.2, alpha=0.55)
        axes.plot([box["median"]], [y], "o", color=colour, markersize=3)
    axes.axvline(0, color=INK, alpha=0.55, linewidth=0.8)
    plot.rows(axes, titles)
    keys = [
        Patch(color=plot.COLOURS[at % len(plot.COLOURS)], label=column["title"], linewidth=0)
        for at, column in enumerate(columns)
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=2)
    return figure
