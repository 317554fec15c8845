"""Tables about parts of the data: sentences made to probe a model, and texts by who is right."""

from collections.abc import Iterable, Sequence

import pandas as pd

from distillens.report import score_rows
from distillens.report.formatting import Cell, Head, Table, metric_head, score
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
    found = []
    for probe in ordered((row["probe"] for row in rows), list(study.settings["probes"])):
        own = [row for row in rows if row["probe"] == probe]
        found += [_attributions(study, task, probe, own), _answers(study, task, probe, own)]
    return [table for table in found if table is not None]


def variants(rows: Iterable[Row]) -> list[str]:
    """The variants that have rows, in a fixed order, each followed by its halves.

    Examples
    --------
    >>> variants([{"subset": "negated"}, {"subset": "affirmative"}, {"subset": "negated_positive"}])
    ['affirmative', 'negated', 'negated_positive']
    """
    found = {row["subset"] or "" for row in rows}
    order = ordered(map(_whole, found), list(VARIANTS))
    return sorted(found, key=lambda name: (order.index(_whole(name)), name))


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
    if not rows:
        return None
    cells = score_rows.grouped(
        rows, lambda row: (row["subset"] or "", row["explainer"], row["model"], row["seed"])
    )
    metrics, lines = score_rows.metrics(rows), []
    for variant in variants(rows):
        for explainer in score_rows.explainers(study, rows):
            for run in score_rows.runs(study, {key[2:] for key in cells if key[:2] == (variant, explainer)}):
                found = score_rows.by_metric(cells[variant, explainer, run.model, run.seed])
                names = [variant_name(variant), explainer, run.label]
                lines.append([*map(Cell, names), *(score(found.get(metric)) for metric in metrics)])
    head = [Head(name, numeric=False) for name in ("sentences", "explainer", "model")]
    head += [metric_head(*metric) for metric in metrics]
    caption = f"Probe “{probe}” on {task}: where the attribution lies"
    return Table(f"probe-{probe}-{task}", caption, head, lines, 3, "probes", True)


def _answers(study: Outline, task: str, probe: str, rows: Sequence[Row]) -> Table | None:
    rows = [row for row in rows if row["explainer"] is None]
    if not rows:
        return None
    cells = score_rows.grouped(rows, lambda row: (row["subset"] or "", row["model"], row["seed"]))
    metrics, lines = score_rows.metrics(rows), []
    for variant in variants(rows):
        for run in score_rows.runs(study, {key[1:] for key in cells if key[0] == variant}):
            found = score_rows.by_metric(cells[variant, run.model, run.seed])
            values = [score(found.get(metric), signed=metric[0].endswith("_change")) for metric in metrics]
            lines.append([Cell(variant_name(variant)), Cell(run.label), *values])
    head = [Head(name, numeric=False) for name in ("sentences", "model")]
    head += [metric_head(*metric) for metric in metrics]
    caption = f"Probe “{probe}” on {task}: what the models say"
    return Table(f"answers-{probe}-{task}", caption, head, lines, 2, "probes", True)
