"""One score for each two models, as a coloured square."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from distillens.report import plot
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.source import Source
from distillens.report.formatting import capitalised, metric_name, number
from distillens.report.svg import INK

OPTIONS = {}

_COLUMNS = ("model", "against", "value", "spread", "chance", "n", "n_undefined", "missing")


def show(name: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Draw a square per ordered pair of the rows' models; a model agrees with itself wholly."""
    roles, records, reasons = settings["rows"], [], []
    values: dict[tuple[int, int], float | None] = {}
    for x, one in enumerate(roles):
        for y, other in enumerate(roles):
            if one == other:
                values[x, y] = 1.0
                continue
            row, why = source.find({**settings["select"], "model": one, "against": other})
            values[x, y] = None if row is None or row["value"] != row["value"] else row["value"]
            numbers = ("value", "spread", "chance", "n", "n_undefined")
            records.append(
                [
                    *(source.title(one), source.title(other)),
                    *(None if row is None else row[column] for column in numbers),
                    why,
                ]
            )
            reasons.append(why)
    notes = [f"{capitalised(why)}." for why in dict.fromkeys(filter(None, reasons))]
    if not any(value is not None for (x, y), value in values.items() if x != y):
        return Content(_COLUMNS, records, notes=notes)
    with mpl.rc_context(plot.STYLE):
        figure = _draw([source.title(role) for role in roles], values)
        svg = plot.svg(figure, f"published-{name}", settings["caption"])
    metric = metric_name(settings["select"].get("metric", "score"), settings["select"].get("k"))
    return Content(
        _COLUMNS, records, svg=svg, notes=[*notes, f"Mean {metric}; on the diagonal 1 by definition."]
    )


def _draw(titles: list[str], values: Mapping[tuple[int, int], float | None]) -> Figure:
    size = len(titles)
    figure = Figure(figsize=(plot.WIDTH, 0.6 + 0.62 * size), layout="constrained")
    axes = figure.subplots()
    for (x, y), value in values.items():
        # Orange is against, as everywhere on the page; darker is more.
        colour = plot.COLOURS[1 if (value or 0) < 0 else 0]
        shade = {"facecolor": colour, "alpha": 0.08 + 0.5 * min(abs(value or 0), 1), "linewidth": 0}
        axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, **shade))
        text = "–" if value is None else number(value)
        axes.annotate(text, (x, y), ha="center", va="center", color=INK, fontsize=8.25)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_xticks(range(size), [fill(title, 42 // size) for title in titles])
    axes.set_yticks(range(size), titles)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return figure
