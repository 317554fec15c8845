"""The one style of all figures, and the marks that they are drawn with."""

import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from distillens.report.study_data import Outline, Run
from distillens.report.svg import INK, inline

WIDTH = 3.75
"""One width for all, in inches, so that figures flow on wide and narrow screens alike."""

STYLE = {
    "font.size": 8.25,
    "axes.titlesize": 8.25,
    "axes.labelsize": 8.25,
    "legend.fontsize": 7.75,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.4,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.unicode_minus": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",
}

CHANCE = (0, (1.5, 1.5))

# Each has a contrast of at least 3.6 with the page's light and its dark background. There is one marker more,
# so that eight models can be told by markers alone, and 56 by both.
COLOURS = ("#2f7fc1", "#c8641b", "#1a9274", "#b4569b", "#94740f", "#6f6fc7", "#5d8a99")
_MARKERS = ("s", "^", "D", "v", "P", "X", "h", "<")
_TEACHERS = ("o", "*", "p")
_GATED = "#8b9094"

Row = Mapping[str, Any]
Key = tuple[str, int]


@dataclass(frozen=True)
class Look:
    """How a model is drawn: a teacher in the colour of text, a gated student in grey."""

    colour: str
    marker: str
    label: str


def looks(study: Outline, gated: Collection[str]) -> dict[Key, Look]:
    """Choose how each run is drawn; the seeds of a model look alike, gated students grey.

    Examples
    --------
    >>> from distillens.report.study_data import study_of
    >>> models = {"teacher": {"seeds": [1]}, "student": {"seeds": [1], "teacher": "teacher"}}
    >>> [look.label for look in looks(study_of({"models": models}, {}), gated=["student"]).values()]
    ['teacher', 'student (gated)']
    """
    teachers = [name for name in study.models if not study.settings["models"][name].get("teacher")]
    students = [name for name in study.models if name not in teachers]
    by_run = {}
    for run in study.runs:
        key = (run.model, run.seed)
        if run.teacher is None:
            by_run[key] = Look(INK, _TEACHERS[teachers.index(run.model) % len(_TEACHERS)], run.model)
            continue
        index = students.index(run.model)
        marker = _MARKERS[index % len(_MARKERS)]
        if run.model in gated:
            by_run[key] = Look(_GATED, marker, f"{run.model} (gated)")
        else:
            by_run[key] = Look(COLOURS[index % len(COLOURS)], marker, run.model)
    return by_run


def axes(height: float, legend: int = 0) -> tuple[Figure, Axes]:
    """Begin a figure of rows; ``legend`` is the number of entries that need room below.

    Examples
    --------
    >>> figure, drawn = axes(1.0, legend=3)
    >>> figure.get_size_inches().round(2).tolist()
    [3.75, 1.34]
    """
    figure = Figure(figsize=(WIDTH, height + 0.17 * math.ceil(legend / 2)), layout="constrained")
    drawn = figure.subplots()
    drawn.xaxis.set_major_locator(MaxNLocator(5))
    return figure, drawn


def rows(drawn: Axes, labels: Sequence[str], lines: bool = True) -> None:
    """Name the rows, from the top, with thin lines between them.

    Examples
    --------
    >>> _, drawn = axes(1.0)
    >>> rows(drawn, ["teacher", "student"])
    >>> [label.get_text() for label in drawn.get_yticklabels()]
    ['teacher', 'student']
    """
    drawn.set_yticks(range(len(labels)), labels)
    drawn.set_ylim(len(labels) - 0.5, -0.5)
    drawn.grid(visible=False, axis="y")
    for edge in range(1, len(labels)) if lines else ():
        drawn.axhline(edge - 0.5, color=INK, alpha=0.12, linewidth=0.6)


def offsets(count: int) -> list[float]:
    """Where ``count`` marks of one row stand, above and below its middle.

    Examples
    --------
    >>> [round(offset, 2) for offset in offsets(2)]
    [-0.19, 0.19]
    """
    step = 0.76 / count
    return [(index - (count - 1) / 2) * step for index in range(count)]


def point(drawn: Axes, look: Look, value: float, low: float, high: float, height: float) -> None:
    """Draw a value with its interval.

    Examples
    --------
    >>> _, drawn = axes(1.0)
    >>> point(drawn, Look("black", "o", "teacher"), 0.5, 0.4, 0.6, height=0)
    >>> [line.get_xdata().tolist() for line in drawn.get_lines()]
    [[0.4, 0.6], [0.5]]
    """
    if not math.isnan(value):
        drawn.plot(bounds(value, low, high), [height, height], color=look.colour, linewidth=1.4)
        drawn.plot([value], [height], look.marker, color=look.colour, linestyle="none")


def chance(drawn: Axes, value: float, place: int) -> None:
    """Mark the level that a row's values would have by chance.

    Examples
    --------
    >>> _, drawn = axes(1.0)
    >>> chance(drawn, 0.3, place=0)
    >>> drawn.collections[0].get_segments()[0].round(2).tolist()
    [[0.3, -0.42], [0.3, 0.42]]
    """
    style = {"colors": INK, "linestyles": [CHANCE], "alpha": 0.6, "linewidth": 1.2}
    drawn.vlines(value, place - 0.42, place + 0.42, **style)


def curve(drawn: Axes, look: Look, points: Sequence[tuple[float, ...]], style: Any, strong: bool) -> None:
    """Draw values over k; a strong curve has marks and a band.

    Examples
    --------
    >>> _, drawn = axes(1.0)
    >>> points = [(1, 0.2, 0.1, 0.3), (3, 0.4, 0.3, 0.5)]
    >>> curve(drawn, Look("black", "o", "teacher"), points, "-", strong=False)
    >>> drawn.get_lines()[0].get_ydata().tolist()
    [0.2, 0.4]
    """
    k, value, _, _ = zip(*points, strict=True)
    marker, width = (look.marker, 1.5) if strong else (None, 1.1)
    drawn.plot(k, value, color=look.colour, linestyle=style, linewidth=width, marker=marker)
    if strong:
        low, high = zip(*(bounds(*values) for _, *values in points), strict=True)
        drawn.fill_between(k, low, high, color=look.colour, alpha=0.13, linewidth=0)


def bounds(value: float, low: float, high: float) -> tuple[float, float]:
    """Both ends of an interval; the value itself where one is missing.

    Examples
    --------
    >>> bounds(0.5, math.nan, 0.7)
    (0.5, 0.7)
    """
    return (value if math.isnan(low) else low), (value if math.isnan(high) else high)


def legend(
    figure: Figure, by_run: Mapping[Key, Look], runs: Iterable[Run], more: Sequence[Line2D] = ()
) -> None:
    """Explain the marks below the figure.

    Examples
    --------
    >>> figure, _ = axes(1.0, legend=1)
    >>> run = Run("teacher", 1, None, "teacher")
    >>> legend(figure, {("teacher", 1): Look("black", "o", "teacher")}, [run])
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['teacher']
    """
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, label=look.label)
        for look in dict.fromkeys(by_run[run.model, run.seed] for run in runs)
    ]
    figure.legend(handles=[*handles, *more], loc="outside lower center", ncols=2)


def svg(figure: Figure, name: str, title: str) -> str:
    """Write a figure as an element for the page; the same figure gives the same text.

    Examples
    --------
    >>> one, other = (svg(Figure(figsize=(1, 1)), "empty", "An empty figure") for _ in range(2))
    >>> one == other, 'aria-label="An empty figure"' in one
    (True, True)
    """
    drawn = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    return inline(drawn.getvalue(), name, title)
