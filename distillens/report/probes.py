"""Tables about parts of the data: sentences made to probe a model, and texts by who is right."""

from collections.abc import Iterable, Sequence

import pandas as pd

from distillens.report import score_rows
from distillens.report.formatting import Cell, Table, score
from distillens.report.score_rows import Row
from distillens.report.study_data import Outline, ordered

VARIANTS = {
    "original": "as built",
    "without_but": "without “but”",
    "flipped": "clauses flipped",
    "affirmative": "affirmative",
    "negated": "negated",
    "double": "negated twice",
}
"""How a variant of a probe's sentences is called on the page; others appear under their own name."""


def probes(study: Outline, task: str, scores: pd.DataFrame) -> list[Table]:
    """Per probe, where attributions lie and what the models say."""
    rows = score_rows.of(scores, task)
    result = []
    for probe in ordered((row["probe"] for row in rows), list(study.settings["probes"])):
        own = [row for row in rows if row["probe"] == probe]
        result += [_attributions(study, task, probe, own), _answers(study, task, probe, own)]
    return [table for table in result if table is not None]


def variants(rows: Iterable[Row]) -> list[str]:
    """The variants that have rows, in a fixed order, each followed by its halves.

    Examples
    --------
    >>> variants([{"subset": "negated"}, {"subset": "affirmative"}, {"subset": "negated_positive"}])
    ['affirmative', 'negated', 'negated_positive']
    """
    names = {row["subset"] or "" for row in rows}
    order = ordered(map(_whole, names), list(VARIANTS))
    return sorted(names, key=lambda name: (order.index(_whole(name)), name))


def variant_name(name: str) -> str:
    """Name of a variant on the page; of a half of it, by how its items read at first.

    Examples
    --------
    >>> variant_name("without_but"), variant_name("negated_positive")
    ('without “but”', 'negated, of positive')
    """
    whole, half = _whole(name), name.removeprefix(_whole(name)).strip("_")
    return VARIANTS.get(whole, whole or "all") + (f", of {half}" if half else "")


def _whole(name: str) -> str:
    """The variant that a half belongs to."""
    return name.removesuffix("_positive").removesuffix("_negative")


def _attributions(study: Outline, task: str, probe: str, rows: Sequence[Row]) -> Table | None:
    rows = [row for row in rows if row["explainer"] is not None]
    cells = score_rows.grouped(
        rows, lambda row: (row["subset"] or "", row["explainer"], row["model"], row["seed"])
    )
    lines = [
        (
            [*map(Cell, (variant_name(variant), explainer, run.label))],
            cells[variant, explainer, run.model, run.seed],
        )
        for variant in variants(rows)
        for explainer in score_rows.explainers(study, rows)
        for run in score_rows.runs(study, {key[2:] for key in cells if key[:2] == (variant, explainer)})
    ]
    caption = f"Probe “{probe}” on {task}: where the attribution lies"
    labels = ("sentences", "explainer", "model")
    return score_rows.metric_table(f"probe-{probe}-{task}", caption, labels, lines, "probes")


def _answers(study: Outline, task: str, probe: str, rows: Sequence[Row]) -> Table | None:
    rows = [row for row in rows if row["explainer"] is None]
    cells = score_rows.grouped(rows, lambda row: (row["subset"] or "", row["model"], row["seed"]))
    lines = [
        ([Cell(variant_name(variant)), Cell(run.label)], cells[variant, run.model, run.seed])
        for variant in variants(rows)
        for run in score_rows.runs(study, {key[1:] for key in cells if key[0] == variant})
    ]

    def cell(row: Row | None, metric: score_rows.Metric) -> Cell:
        return score(row, signed=metric[0].endswith("_change"))

    caption, labels = f"Probe “{probe}” on {task}: what the models say", ("sentences", "model")
    return score_rows.metric_table(f"answers-{probe}-{task}", caption, labels, lines, "probes", cell)
