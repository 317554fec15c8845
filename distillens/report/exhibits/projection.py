"""Models as points of a plane: those whose attributions point the same way lie close together."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from distillens.report import plot
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.source import Source
from distillens.report.formatting import capitalised
from distillens.report.study_data import PROJECTION, Run
from distillens.report.svg import INK

OPTIONS = {}

_COLUMNS = ("model", "seed", "example_id", *PROJECTION)


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Draw every run of the rows' models: its point, and behind it a dot per text."""
    select = {"subject": "projection", **settings["select"]}
    missing = [source.missing({**select, "model": role}) for role in settings["rows"]]
    notes = [f"{capitalised(why)}." for why in dict.fromkeys(filter(None, missing))]
    models = [source.models[role] for role in settings["rows"] if role in source.models]
    runs = [run for run in source.study.runs if run.model in models]
    task, explainer = select.get("task", source.task), source.explainer(select.get("explainer", ""))
    points = _points(source.scores["projection"], task, explainer)
    clouds = _points(source.examples["projection"], task, explainer)
    runs = [run for run in runs if (run.model, run.seed, None) in points]
    run_keys = {(run.model, run.seed) for run in runs}
    items = sorted(((key, at) for key, at in {**points, **clouds}.items() if key[:2] in run_keys), key=_order)
    records = [[*key, *at] for key, at in items]
    if not runs:
        return Content(_COLUMNS, records, notes=notes or ["Attributions were not projected here."])
    with mpl.rc_context(plot.STYLE):
        figure = _draw(runs, points, clouds, source)
        svg = plot.svg(figure, f"published-{number}", settings["caption"])
    notes.append("Dots are texts, large marks their means: one for each run; axes have no unit.")
    return Content(_COLUMNS, records, svg=svg, notes=notes)


def _points(
    frame: pd.DataFrame, task: str | None, explainer: str
) -> dict[tuple[Any, ...], tuple[float, float]]:
    """Both coordinates by (model, seed, example), where they are defined."""
    axes: list[dict[tuple[Any, ...], float]] = [{}, {}]
    for row in frame.to_dict("records"):
        if (row["task"], row["explainer"]) == (task, explainer) and not math.isnan(row["value"]):
            axes[PROJECTION.index(row["metric"])][row["model"], row["seed"], row["example_id"]] = row["value"]
    return {key: (axes[0][key], axes[1][key]) for key in axes[0] if key in axes[1]}


def _draw(
    runs: Sequence[Run],
    points: Mapping[tuple[Any, ...], tuple[float, float]],
    clouds: Mapping[tuple[Any, ...], tuple[float, float]],
    source: Source,
) -> Figure:
    looks = plot.looks(source.study, ())
    figure = Figure(figsize=(plot.WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    for run in runs:
        look = looks[run.model, run.seed]
        cloud = sorted(at for key, at in clouds.items() if key[:2] == (run.model, run.seed))
        if cloud:
            x, y = zip(*cloud, strict=True)
            dots = {"markersize": 1.8, "alpha": 0.5, "linestyle": "none", "markeredgewidth": 0}
            axes.plot(x, y, "o", color=look.colour, **dots)
    for run in runs:
        look = looks[run.model, run.seed]
        x, y = points[run.model, run.seed, None]
        axes.plot([x], [y], look.marker, color=look.colour, markersize=8, linestyle="none")
    axes.axhline(0, color=INK, alpha=0.25, linewidth=0.6)
    axes.axvline(0, color=INK, alpha=0.25, linewidth=0.6)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("first axis")
    axes.set_ylabel("second axis")
    plot.legend(figure, looks, runs)
    return figure


def _order(item: tuple[tuple[Any, ...], Any]) -> tuple[Any, ...]:
    model, seed, example = item[0]
    return model, seed, example or ""
