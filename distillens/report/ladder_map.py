"""The map of the ladder: equal answers against agreement of reasons, a curve for each kind of damage."""

import math
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from distillens.metrics import verdict
from distillens.report import plot
from distillens.report.figures import Drawing
from distillens.report.ladder import Ladders, Row, headline
from distillens.report.study_data import Outline
from distillens.report.svg import INK

_LINES = ("-", (0, (4, 1.6)), (0, (1, 1.6)))


def drawings(study: Outline, ladders: Ladders) -> list[Drawing]:
    """The map of each task and explainer: equal answers against agreement of reasons."""
    result = []
    for task in study.tasks:
        rows = [row for row in headline(ladders.placements, task) if not row["kind"]]
        pairs = dict.fromkeys((row["explainer"], row["teacher"]) for row in rows)
        several = len({teacher for _, teacher in pairs}) > 1
        for explainer, teacher in pairs:
            both = [
                [row for row in some if (row["explainer"], row["teacher"]) == (explainer, teacher)]
                for some in (rows, headline(ladders.rungs, task))
            ]
            name = "-".join(["ladder", task, explainer, *([teacher] if several else [])])
            title = f"Same answers, same reasons? {task}, by {explainer}; lines: damaged copies of {teacher}"
            with mpl.rc_context(plot.STYLE):
                drawn = plot.svg(_map(study, *both), name, title)
            result.append(Drawing("ladder", task, name, title, drawn))
    return result


def _map(study: Outline, rows: Sequence[Row], rungs: Sequence[Row]) -> Figure:
    gated = {row["student"] for row in rows if row["verdict"] == verdict.GATED}
    looks = {model: look for (model, _), look in plot.looks(study, gated).items()}
    kinds = list(dict.fromkeys(row["kind"] for row in rungs))
    shown = [row for row in rows if not math.isnan(row["equal_answers"])]
    entries = len(shown) + len(kinds)
    figure = Figure(figsize=(plot.WIDTH, 2.6 + 0.17 * math.ceil(entries / 2)), layout="constrained")
    axes = figure.subplots()
    keys = []
    for kind, style in zip(kinds, _LINES * len(kinds), strict=False):
        own = sorted((row for row in rungs if row["kind"] == kind), key=lambda row: row["dose"])
        points = [(1.0, 1.0, 1.0, 1.0)]
        points += [tuple(row[n] for n in ("equal_answers", "agreement", "agreement_low", "agreement_high"))
                   for row in own]  # fmt: skip
        equal, value, low, high = zip(*points, strict=True)
        axes.plot(equal, value, color=INK, linestyle=style, linewidth=1, marker=".", markersize=3, alpha=0.7)
        axes.fill_between(equal, low, high, color=INK, alpha=0.08, linewidth=0)
        keys.append(Line2D([], [], color=INK, alpha=0.7, linestyle=style, label=f"damaged: {kind}"))
    for row in shown:
        look = looks[row["student"]]
        at = {name: plot.bounds(*(row[f"{name}{end}"] for end in ("", "_low", "_high")))
              for name in ("equal_answers", "agreement")}  # fmt: skip
        x, y = row["equal_answers"], row["agreement"]
        axes.plot(at["equal_answers"], [y, y], color=look.colour, linewidth=1.2)
        axes.plot([x, x], at["agreement"], color=look.colour, linewidth=1.2)
        axes.plot([x], [y], look.marker, color=look.colour, linestyle="none")
        label = f"{look.label}: other runs" if row["student"] == row["teacher"] else look.label
        keys.append(Line2D([], [], color=look.colour, marker=look.marker, linestyle="none", label=label))
    axes.set_xlabel("share of equal answers")
    axes.set_ylabel("agreement of reasons")
    figure.legend(handles=keys, loc="outside lower center", ncols=2)
    return figure
