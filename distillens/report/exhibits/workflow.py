"""How everything was made: the rules of the workflow, each below what it needs."""

from collections.abc import Mapping
from typing import Any

from distillens.report import graph
from distillens.report.exhibits.exhibit import Shown
from distillens.report.exhibits.source import Source

OPTIONS = {}

_COLUMNS = ("rule", "is_needed_by")


def show(number: str, settings: Mapping[str, Any], source: Source) -> Shown:
    """Draw the rules' graph, as Snakemake gives it."""
    if not source.graph:
        return Shown(_COLUMNS, [], notes=["The workflow’s graph was not among the inputs."])
    svg = graph.draw(source.graph, settings["caption"])
    note = "Left out are lines between rules that a longer way joins as well; the CSV file has them all."
    return Shown(_COLUMNS, source.graph, svg=svg, notes=[note])
