"""Signed attributions of the words of one sentence of a probe, for several models."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from distillens.report import plot
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.probe_item import TEXT, ProbeItem, find_item
from distillens.report.exhibits.source import Source
from distillens.report.formatting import capitalised
from distillens.report.study_data import Run
from distillens.report.svg import INK

OPTIONS = {"text": {"type": "string", "default": "", "description": "The sentence; else its probe's first."}}

_COLUMNS = ("text", "model", "place", "word", "attribution")


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Draw a bar per word and model; values are for the class that the teacher predicts."""
    item, notes = find_item(settings, source)
    missing = [source.missing({"model": role}) for role in settings["rows"]]
    notes += [f"{capitalised(why)}." for why in dict.fromkeys(filter(None, missing))]
    runs = [run for run in map(source.run, settings["rows"]) if run is not None]
    example = item.variants.get(settings["select"].get("subset", "original")) if item else None
    if item is None or example is None or not runs:
        return Content(_COLUMNS, [], notes=notes or ["The probe has no such variant here."])
    words, records = _words(item, example), []
    for run in runs:
        values = item.view.values(run, example)
        if len(values) != len(words):
            notes.append(f"{run.model} does not see the same words; its values are left out.")
            values = [math.nan] * len(words)
        named = enumerate(zip(words, values, strict=True))
        records += [[example[TEXT], run.model, place, word, value] for place, (word, value) in named]
    with mpl.rc_context(plot.STYLE):
        figure = _draw(words, runs, records, source)
        svg = plot.svg(figure, f"published-{number}", settings["caption"])
    cell = item.view.cell(runs[0], example)
    notes.append(f"“{example[TEXT]}”" + (f"; explained class: {cell['t']}." if cell else "."))
    return Content(_COLUMNS, records, svg=svg, notes=notes)


def _words(item: ProbeItem, example: Mapping[str, Any]) -> list[str]:
    return [piece for segment in item.view.pieces(example) for piece in segment[1::2]]


def _draw(
    words: Sequence[str], runs: Sequence[Run], records: Sequence[Sequence[Any]], source: Source
) -> Figure:
    looks = plot.looks(source.study, ())
    height = 0.6 + len(words) * (0.08 + 0.1 * len(runs)) + 0.17 * len(runs)
    figure = Figure(figsize=(plot.WIDTH, height), layout="constrained")
    axes = figure.subplots()
    for run, offset in zip(runs, plot.offsets(len(runs)), strict=True):
        values = [record[4] for record in records if record[1] == run.model]
        places = [place + offset for place in range(len(words))]
        axes.barh(
            places, values, height=0.68 / len(runs), color=looks[run.model, run.seed].colour, linewidth=0
        )
    axes.axvline(0, color=INK, alpha=0.55, linewidth=0.8)
    plot.rows(axes, words)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("against  ←  attribution  →  for the explained class")
    keys = [Patch(color=looks[run.model, run.seed].colour, linewidth=0, label=run.model) for run in runs]
    figure.legend(handles=keys, loc="outside lower center", ncols=2)
    return figure
