"""What stands in each section of the page: figures and tables, task by task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.report import buckets, classes, gap_closed, ladder, probes, tables, word_shifts
from distillens.report.figures import Drawing
from distillens.report.formatting import Table
from distillens.report.study_data import Outline

TITLES = {
    "decision": "Decision",
    "verdict": "Evidence",
    "map": "Answers and reasons",
    "tradeoff": "Loss and saving",
    "three": "Cases",
    "ladder": "Ladder",
    "performance": "Performance",
    "classes": "Classes",
    "robustness": "Robustness",
    "agreement": "Agreement",
    "gap_closed": "Drift closed",
    "faithfulness": "Faithfulness",
    "probes": "Probes",
    "buckets": "Buckets",
    "cases": "All cases",
    "published": "The published study",
    "sentences": "Sentences",
    "files": "Take it along",
    "making": "How it was made",
}
"""The sections of the page in their order, and how its contents call them."""


# What each section is made of is named once, where it is called.
def sections(
    study: Outline,
    scores: Mapping[str, pd.DataFrame],
    by_class: Mapping[str, classes.Classes],
    drift: pd.DataFrame,
    shifts: pd.DataFrame,
    closing: pd.DataFrame,
    gap_inputs: gap_closed.GapInputs,
    drawings: Sequence[Drawing],
    ladders: ladder.Ladders,
) -> dict[str, list[dict[str, Any]]]:
    """Per section and task, the figures and tables; a task without any is left out."""
    builders: dict[str, Callable[[str], list[Table | None]]] = {
        "performance": lambda task: [tables.performance(study, task, scores["performance"])],
        "classes": lambda task: list(classes.tables_of(task, by_class[task])),
        "robustness": lambda task: [
            tables.changes(study, task, scores["robustness"]),
            tables.robustness(study, task, scores["robustness"]),
            tables.stability(study, task, scores["stability"]),
        ],
        "agreement": lambda task: [
            tables.drift(study, task, drift),
            word_shifts.kinds(study, task, shifts),
            word_shifts.words(study, task, shifts),
            tables.drift_by_metric(study, task, drift),
            tables.agreement(study, task, scores["agreement"]),
            tables.explainers(study, task, scores["explainers"]),
        ],
        "ladder": lambda task: [*ladder.tables_of(study, task, ladders, drift)],
        "gap_closed": lambda task: list(gap_closed.tables_of(study, task, closing, gap_inputs)),
        "faithfulness": lambda task: [
            tables.faithfulness(study, task, scores["faithfulness"]),
            tables.curves(study, task, scores["faithfulness"]),
        ],
        "probes": lambda task: list(probes.probes(study, task, scores["probes"])),
        "buckets": lambda task: list(buckets.buckets(study, task, scores["buckets"])),
    }
    return {name: _section(study, name, build, drawings) for name, build in builders.items()}


def _section(
    study: Outline, name: str, build: Callable[[str], list[Table | None]], drawings: Sequence[Drawing]
) -> list[dict[str, Any]]:
    parts = [
        {
            "task": task,
            "figures": [drawing for drawing in drawings if (drawing.section, drawing.task) == (name, task)],
            "tables": [table for table in build(task) if table is not None],
        }
        for task in study.tasks
    ]
    return [part for part in parts if part["figures"] or part["tables"]]
