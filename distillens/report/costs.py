"""What a student loses for what it saves: score, robustness and drift beside size and latency."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from distillens import tables
from distillens.report import score_rows
from distillens.report.formatting import (
    MISSING,
    Cell,
    Head,
    Table,
    interval,
    metric_name,
    number,
    percent,
    score,
)
from distillens.report.study_data import Outline, Run
from distillens.report.tables import verdict as in_words
from distillens.report.verdict import Verdict

Costs = Mapping[tuple[str, str, int], Mapping[str, Any]]
"""A row of a table of kind ``costs`` by task, model and seed."""

_MEASURED = tuple(name for name in tables.SCHEMAS["costs"].names if name not in ("task", "model", "seed"))
COLUMNS = (
    *("task", "model", "seed", "teacher", "metric", "value", "low", "high"),
    *("perturbations", "mean_change", "worst_change", "worst_perturbation"),
    *("explainer", "drift", "drift_low", "drift_high", "verdict"),
    *_MEASURED,
)
"""Columns of the CSV file, in order."""


def read(paths: Sequence[str | Path]) -> Costs:
    """Read tables of kind ``costs``."""
    rows = [row for path in paths for row in tables.read(path, "costs").to_pylist()]
    return {(row["task"], row["model"], row["seed"]): row for row in rows}


def records(
    study: Outline, said: Sequence[Verdict], subjects: Mapping[str, pd.DataFrame], costs: Costs
) -> tuple[Sequence[str], list[list[Any]]]:
    """Columns and rows of the CSV file: a row per task and run."""
    found = [
        _gathered(study, task, run, said, subjects, costs)
        for task in study.tasks
        for run in study.runs
        if (task, run.model, run.seed) in costs
    ]
    return COLUMNS, [[row.get(column) for column in COLUMNS] for row in found]


def tables_of(
    study: Outline, task: str, said: Sequence[Verdict], subjects: Mapping[str, pd.DataFrame], costs: Costs
) -> list[Table]:
    """The table of a task; none where nothing was measured."""
    runs = [run for run in study.runs if (task, run.model, run.seed) in costs]
    if not runs:
        return []
    rows = {run: _gathered(study, task, run, said, subjects, costs) for run in runs}
    explainer = next((row["explainer"] for row in rows.values() if row.get("explainer")), None)
    lines = []
    for run in runs:
        teacher = rows.get(study.first(run.teacher)) if run.teacher else None
        role = f"student of {run.teacher}" if run.teacher else "teacher"
        lines.append([Cell(run.label, note=role), *_lost(rows[run]), *_saved(rows[run], teacher)])
    head = [
        Head("model", numeric=False),
        Head(metric_name(study.lead(task)), "with its confidence interval"),
        Head("under edits", "its mean change over the perturbations; below it the worst of them"),
        Head(f"D by {explainer}" if explainer else "D", "drift, and its confidence interval"),
        Head("verdict", numeric=False),
        Head("MB", "size of the file of weights; below it the share of the teacher's"),
        Head("MB, packed", "the same file compressed by zstd, which is what weights of zero save"),
        Head("weights, millions", "those that are not zero"),
        Head("ms", "median time from one text to its answer on one thread, and its quartiles over texts"),
        Head("ran on", numeric=False),
    ]
    caption = f"What is lost on {task}, and what is saved"
    return [Table(f"tradeoff-{task}", caption, head, lines, csv="tradeoff")]


def _gathered(
    study: Outline,
    task: str,
    run: Run,
    said: Sequence[Verdict],
    subjects: Mapping[str, pd.DataFrame],
    costs: Costs,
) -> dict[str, Any]:
    """All that is known of a run; keys as in `COLUMNS`, left out where there is nothing."""
    lead, key = study.lead(task), (run.model, run.seed)
    own = [row for row in score_rows.of(subjects["performance"], task) if (row["model"], row["seed"]) == key]
    performance = score_rows.first([row for row in own if row["against"] is None], lead)
    row: dict[str, Any] = {"task": task, "model": run.model, "seed": run.seed, "teacher": run.teacher}
    row |= {"metric": lead, "performance": performance}
    row |= {name: performance[name] for name in ("value", "low", "high")} if performance else {}
    changes = {
        other["perturbation"]: other["value"]
        for other in score_rows.of(subjects["robustness"], task)
        if (other["model"], other["seed"]) == key
        and other["metric"] == f"{lead}_change"
        and other["perturbation"] not in study.relabels(task)
    }
    if changes:
        worst = min(changes, key=lambda name: (changes[name], name))
        row |= {"perturbations": len(changes), "mean_change": fmean(changes.values())}
        row |= {"worst_change": changes[worst], "worst_perturbation": worst}
    # Drift is of a student, whatever its runs.
    verdict = next((v for v in said if (v.task, v.student) == (task, run.model)), None)
    if verdict is not None:
        row["verdict"] = verdict.overall
        for explainer, quantities in list(verdict.drift.items())[:1]:  # the leading one
            row["explainer"] = explainer
            row |= {name: quantities[name] for name in ("drift", "drift_low", "drift_high")}
    measured = costs[task, run.model, run.seed]
    return row | {name: measured[name] for name in _MEASURED}


def _lost(row: Mapping[str, Any]) -> list[Cell]:
    change = Cell(MISSING, style="missing")
    if "mean_change" in row:
        note = f"{row['worst_perturbation']} {number(row['worst_change'], 3, signed=True)}"
        change = Cell(number(row["mean_change"], 3, signed=True), row["mean_change"], note)
    drift = Cell(MISSING, style="missing")
    if not pd.isna(row.get("drift")):
        note = interval(row["drift_low"], row["drift_high"])
        drift = Cell(number(row["drift"], signed=True), row["drift"], note)
    said = in_words(row["verdict"], short=True) if "verdict" in row else Cell("")
    return [score(row["performance"], 3), change, drift, said]


def _saved(row: Mapping[str, Any], teacher: Mapping[str, Any] | None) -> list[Cell]:
    ran_on = Cell(row["backend"], note=row["precision"])
    if row["latency_ms"] is None:
        hint = "This backend computes the same answers, but not in the arithmetic that makes the model fast."
        return [*_sizes(row, teacher), Cell("simulated", style="missing", hint=hint), ran_on]
    note = interval(row["latency_low"], row["latency_high"])
    return [*_sizes(row, teacher), Cell(number(row["latency_ms"]), row["latency_ms"], note), ran_on]


def _sizes(row: Mapping[str, Any], teacher: Mapping[str, Any] | None) -> list[Cell]:
    cells = []
    for name, digits in (("file_bytes", 1), ("packed_bytes", 1), ("nonzero", 2)):
        share = f"{percent(row[name] / teacher[name])} of the teacher’s" if teacher else ""
        cells.append(Cell(number(row[name] / 1e6, digits), row[name] / 1e6, share))
    return cells
