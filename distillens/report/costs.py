"""What a student loses for what it saves: score, robustness and drift beside size and latency."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from distillens import tables
from distillens.report import score_rows
from distillens.report.formatting import (
    NOTHING,
    Cell,
    Column,
    Table,
    csv_table,
    interval,
    metric_name,
    number,
    page_table,
    percent,
    score,
)
from distillens.report.study_data import Outline, Run
from distillens.report.tables import verdict as in_words
from distillens.report.verdict import Verdict

Costs = Mapping[tuple[str, str, int], Mapping[str, Any]]
"""A row of a table of kind ``costs`` by task, model and seed."""

_MEASURED = tuple(name for name in tables.SCHEMAS["costs"].names if name not in ("task", "model", "seed"))


def read(paths: Sequence[str | Path]) -> Costs:
    """Read tables of kind ``costs``."""
    rows = [row for path in paths for row in tables.read(path, "costs").to_pylist()]
    return {(row["task"], row["model"], row["seed"]): row for row in rows}


def records(
    study: Outline, verdicts: Sequence[Verdict], subjects: Mapping[str, pd.DataFrame], costs: Costs
) -> tuple[Sequence[str], list[list[Any]]]:
    """Columns and rows of the CSV file: a row per task and run."""
    rows = [
        _row_of(study, task, run, verdicts, subjects, costs)
        for task in study.tasks
        for run in study.runs
        if (task, run.model, run.seed) in costs
    ]
    return csv_table(_columns(), rows)


def tables_of(
    study: Outline, task: str, verdicts: Sequence[Verdict], subjects: Mapping[str, pd.DataFrame], costs: Costs
) -> list[Table]:
    """The table of a task; none where nothing was measured."""
    rows = {
        run: _row_of(study, task, run, verdicts, subjects, costs)
        for run in study.runs
        if (task, run.model, run.seed) in costs
    }
    if not rows:
        return []
    for run, row in rows.items():
        row |= {"label": run.label, "beside": rows.get(study.reference(run)) if run.teacher else None}
    explainer = next((row["explainer"] for row in rows.values() if row.get("explainer")), None)
    columns = _columns(metric_name(study.lead(task)), f"D by {explainer}" if explainer else "D")
    caption = f"What is lost on {task}, and what is saved"
    return [page_table(f"tradeoff-{task}", caption, columns, rows.values(), csv="tradeoff")]


def _columns(lead: str = "", drift: str = "") -> list[Column]:
    """The columns of a run's row, as `_gathered` gives it; headings of its score and its drift."""
    return [
        Column("model", _named, csv="task model seed teacher", numeric=False),
        Column(
            lead,
            lambda row: score(row["performance"], 3),
            "with its confidence interval",
            "metric value low high",
        ),
        Column(
            "under edits",
            _change,
            "its mean change over the perturbations; below it the worst of them",
            "perturbations mean_change worst_change worst_perturbation",
        ),
        Column(drift, _drift, "drift, and its confidence interval", "explainer drift drift_low drift_high"),
        Column("verdict", _verdict, csv="verdict", numeric=False),
        Column(
            "MB", _size("file_bytes", 1), "size of the file of weights; below it the share of the teacher's"
        ),
        Column(
            "MB, packed",
            _size("packed_bytes", 1),
            "the same file compressed by zstd, which is what weights of zero save",
        ),
        Column("weights, millions", _size("nonzero", 2), "those that are not zero"),
        Column(
            "ms",
            _latency,
            "median time from one text to its answer on one thread, and its quartiles over texts",
        ),
        Column("ran on", lambda row: Cell(row["backend"], note=row["precision"]), numeric=False),
        Column("", csv=" ".join(_MEASURED)),
    ]


def _row_of(
    study: Outline,
    task: str,
    run: Run,
    verdicts: Sequence[Verdict],
    subjects: Mapping[str, pd.DataFrame],
    costs: Costs,
) -> dict[str, Any]:
    """All that is known of a run; keys as in the CSV file, left out where there is nothing."""
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
    verdict = next((v for v in verdicts if (v.task, v.student) == (task, run.model)), None)
    if verdict is not None:
        row["verdict"] = verdict.overall
        for explainer, quantities in list(verdict.drift.items())[:1]:  # the leading one
            row["explainer"] = explainer
            row |= {name: quantities[name] for name in ("drift", "drift_low", "drift_high")}
    measured = costs[task, run.model, run.seed]
    return row | {name: measured[name] for name in _MEASURED}


def _named(row: Mapping[str, Any]) -> Cell:
    return Cell(row["label"], note=f"student of {row['teacher']}" if row["teacher"] else "teacher")


def _change(row: Mapping[str, Any]) -> Cell:
    if "mean_change" not in row:
        return NOTHING
    note = f"{row['worst_perturbation']} {number(row['worst_change'], 3, signed=True)}"
    return Cell(number(row["mean_change"], 3, signed=True), row["mean_change"], note)


def _drift(row: Mapping[str, Any]) -> Cell:
    if pd.isna(row.get("drift")):
        return NOTHING
    note = interval(row["drift_low"], row["drift_high"])
    return Cell(number(row["drift"], signed=True), row["drift"], note)


def _verdict(row: Mapping[str, Any]) -> Cell:
    return in_words(row["verdict"]) if "verdict" in row else Cell("")


def _latency(row: Mapping[str, Any]) -> Cell:
    if row["latency_ms"] is None:
        hint = "This backend computes the same answers, but not in the arithmetic that makes the model fast."
        return Cell("simulated", style="missing", hint=hint)
    return Cell(
        number(row["latency_ms"]), row["latency_ms"], interval(row["latency_low"], row["latency_high"])
    )


def _size(name: str, digits: int) -> Callable[[Mapping[str, Any]], Cell]:
    """What shows a size in millions, below it the share of the teacher's."""

    def cell(row: Mapping[str, Any]) -> Cell:
        teacher, size = row["beside"], row[name]
        share = f"{percent(size / teacher[name])} of the teacher’s" if teacher else ""
        return Cell(number(size / 1e6, digits), size / 1e6, share)

    return cell
