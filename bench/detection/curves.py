"""Power against the size of a plant, drawn: a panel for each kind, a line for each measure."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bench.detection.power import ALARMS, NULLS, POWER
from distillens.metrics.calibration import HEADLINE
from distillens.report import plot
from distillens.report.svg import INK, standalone

_STYLES = ("-", (0, (4, 1.6)), (0, (1, 1.6)))
_MARKS = "osD^vPX*"


def write(curves: pd.DataFrame, measures: list[str], folder: Path) -> list[Path]:
    """One figure for each number of texts; none if no kind of plant has several sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    planted = curves[~curves["plant"].isin(NULLS)]
    graded = planted.groupby("plant")["size"].nunique()
    planted = planted[planted["plant"].isin(graded[graded > 1].index)]
    for texts, own in planted.groupby("texts"):
        name = f"detection-{texts}"
        title = f"How often a planted drift is found with {texts} texts"
        with mpl.rc_context(plot.STYLE):
            figure = plot.svg(_draw(own, measures), name, title)
        paths.append(folder / f"{name}.svg")
        paths[-1].write_text(standalone(figure), "utf-8")
    return paths


def shown(curves: pd.DataFrame) -> list[str]:
    """What is drawn: each explainer under Spearman, and all other measures."""
    names = list(dict.fromkeys(curves["measure"]))
    return [name for name in names if ", " not in name or name.endswith(f", {HEADLINE}")]


def _draw(curves: pd.DataFrame, measures: list[str]) -> Figure:
    kinds = list(dict.fromkeys(curves["plant"]))
    figure = Figure(figsize=(2 * plot.WIDTH, 2.9 + 0.17 * len(measures) / 3), layout="constrained")
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for panel, kind in zip(panels, kinds, strict=True):
        own = curves[curves["plant"] == kind]
        for number, measure in enumerate(measures):
            line = own[own["measure"] == measure].sort_values("size")
            is_explainer = measure.endswith(f", {HEADLINE}")
            panel.plot(
                line["size"],
                line["power"],
                color=plot.COLOURS[number % len(plot.COLOURS)],
                linestyle=_STYLES[0] if is_explainer else _STYLES[1 + number // len(plot.COLOURS)],
                marker=_MARKS[number % len(_MARKS)],
                linewidth=1.6 if is_explainer else 1,
                label=measure.removesuffix(f", {HEADLINE}"),
            )
        for level in (ALARMS, POWER):
            panel.axhline(level, color=INK, alpha=0.5, linewidth=0.6, linestyle=plot.CHANCE)
        sizes = sorted(set(own["size"]))
        panel.set_xscale("log")
        panel.set_xticks(sizes, [f"{size:g}" for size in sizes])
        panel.minorticks_off()
        panel.set_title(kind.replace(" (", "\n("))
        panel.set_xlabel("size of the plant")
        panel.set_ylim(-0.03, 1.03)
    panels[0].set_ylabel("power")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
