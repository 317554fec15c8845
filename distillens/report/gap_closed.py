"""How much of a baseline's drift other students close, and what that costs them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from distillens import registry
from distillens.metrics.calibration import HEADLINE
from distillens.report import score_rows
from distillens.report.formatting import (
    MISSING,
    Cell,
    Head,
    Table,
    capitalised,
    interval,
    metric_head,
    metric_name,
    number,
    percent,
)
from distillens.report.study_data import Outline, frame_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class GapInputs:
    """Scores, drift and training costs for the gap tables."""

    subjects: Mapping[str, pd.DataFrame]
    drift: pd.DataFrame
    trainings: pd.DataFrame


def tables_of(study: Outline, task: str, closing: pd.DataFrame, inputs: GapInputs) -> list[Table]:
    """Per baseline, the table at a glance, and one with all metrics."""
    rows = score_rows.of(closing, task)
    result = []
    for baseline in study.settings.get("baselines", ()):
        own = [row for row in rows if row["baseline"] == baseline]
        if own:
            result += [_glance(study, task, baseline, own, inputs), _by_metric(study, task, baseline, own)]
    return result


def trained_on(study: Outline, student: str) -> set[str]:
    """The explainers whose question a student was trained on: no independent judges of it.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> models = {"student": {"training": {"method": "saliency"}}}
    >>> study = Fake(settings={"models": models, "explainers": {"shap": {}, "input_x_gradient": {}}})
    >>> trained_on(study, "student")
    {'input_x_gradient'}
    """
    method = (study.settings["models"][student].get("training") or {}).get("method", "fine_tune")
    methods = registry.options("distillation")
    questions = {
        name
        for part in registry.parts(method)
        if part in methods
        for name in registry.literal("distillation", part, "TRAINS_ON") or ()
    }
    explainers = study.settings["explainers"].items()
    return {name for name, options in explainers if (options or {}).get("method", name) in questions}


def _glance(study: Outline, task: str, baseline: str, rows: Sequence[Row], inputs: GapInputs) -> Table:
    explainers = score_rows.explainers(study, (row for row in rows if row["explainer"]))
    shares = {(row["student"], row["explainer"]): row for row in rows if row["metric"] == HEADLINE}
    answers = {row["student"]: row for row in rows if not row["explainer"]}
    drift = {
        row["explainer"]: row
        for row in score_rows.of(inputs.drift, task)
        if (row["student"], row["metric"]) == (baseline, HEADLINE)
    }
    compared = {row["student"] for row in rows}
    others = [name for name in study.runs_of_students if name in compared]
    lines = []
    for name in (baseline, *others):
        runs = [(run.model, run.seed) for run in study.runs_of_students[name]]
        line = [Cell(name, note=f"{len(runs)} runs" if len(runs) > 1 else "")]
        line += [_score(study, task, runs, answers.get(name), inputs)]
        line += [_edits(study, task, runs, inputs), *_words(study, task, runs, explainers[0], inputs)]
        if name == baseline:
            line += [_gap(drift.get(explainer)) for explainer in explainers]
        else:
            trains_on = trained_on(study, name)
            line += [
                _share(shares.get((name, explainer)), explainer in trains_on) for explainer in explainers
            ]
        lines.append([*line, _cost(runs, _seconds(inputs.trainings, task, baseline), inputs.trainings, task)])
    closes = "share of the baseline’s drift that is closed; of the baseline, its drift"
    head = [
        Head("student", numeric=False),
        Head(metric_name(study.lead(task)), "mean of its runs; below it the difference to the baseline"),
        Head("under edits", "mean change of it over the perturbations"),
        Head("own words", "loss of confidence when the strongest words of its own explanation are hidden"),
        Head("teacher’s words", "the same for the strongest words of its teacher’s explanation"),
        *(Head(name, closes) for name in explainers),
        Head("training", "mean time of a run: of the processor, on a GPU by the clock"),
    ]
    caption = f"How much of the drift of {baseline} the other students close on {task}"
    return Table(f"gap-closed-{baseline}-{task}", caption, head, lines, csv="gap_closed")


def _by_metric(study: Outline, task: str, baseline: str, rows: Sequence[Row]) -> Table:
    rows = [row for row in rows if row["explainer"]]
    cells = score_rows.grouped(rows, lambda row: (row["student"], row["explainer"]))
    metrics, lines = score_rows.metrics(rows), []
    for student in (name for name in study.runs_of_students if any(key[0] == name for key in cells)):
        trains_on = trained_on(study, student)
        for explainer in score_rows.explainers(study, rows):
            own = score_rows.by_metric(cells.get((student, explainer), ()))
            shares = [_share(own.get(metric), explainer in trains_on) for metric in metrics]
            lines.append([Cell(student), Cell(explainer), *shares])
    head = [Head("student", numeric=False), Head("explainer", numeric=False)]
    head += [metric_head(*metric) for metric in metrics]
    caption = f"Share of the drift of {baseline} that is closed on {task}, by every metric"
    return Table(f"gap-closed-all-{baseline}-{task}", caption, head, lines, 2, "gap_closed", True)


def _share(row: Row | None, trained: bool) -> Cell:
    """A share of the drift, or the gain where there is none; one that is shown not to be zero stands out."""
    if row is None:
        return Cell(MISSING, style="missing")
    mark = "‡" if trained else ""
    if row["gated"] or pd.isna(row["gain"]):
        return Cell(MISSING + mark, style="missing", hint="gated" if row["gated"] else "")
    # Of a drift that is not shown to be one there is no share.
    quantity = "gain" if pd.isna(row["share_low"]) else "share"
    low, high = row[f"{quantity}_low"], row[f"{quantity}_high"]
    style = "told" if low > 0 or high < 0 else ""
    if quantity == "gain":
        hint = "The baseline is not shown to drift here, so this is the gain in agreement, no share."
        hint = "Runs are too few for an interval; this is the gain in agreement." if pd.isna(low) else hint
        text = number(row["gain"], 2, signed=True) + mark
        return Cell(text, row["gain"], interval(low, high), style, hint)
    return Cell(percent(row["share"]) + mark, row["share"], f"[{percent(low)}, {percent(high)}]", style)


def _gap(row: Row | None) -> Cell:
    if row is None or pd.isna(row["drift"]):
        return Cell(MISSING, style="missing")
    note = interval(row["drift_low"], row["drift_high"])
    return Cell(f"D = {number(row['drift'])}", row["drift"], note)


def _score(
    study: Outline, task: str, runs: Sequence[tuple[str, int]], gain: Row | None, inputs: GapInputs
) -> Cell:
    lead = study.lead(task)
    rows = [row for row in _of_runs(inputs, "performance", task, runs) if row["metric"] == lead]
    values = [row["value"] for row in rows if row["against"] is None]
    if not values:
        return Cell(MISSING, style="missing")
    note, style = "", ""
    if gain is not None and not pd.isna(gain["gain"]):
        what = "" if gain["metric"] == lead else f"{capitalised(metric_name(gain['metric']))} "
        bounds = interval(gain["gain_low"], gain["gain_high"], 3)
        note = f"{what}{number(gain['gain'], 3, signed=True)} {bounds}".strip()
        style = "told" if gain["gain_low"] > 0 or gain["gain_high"] < 0 else ""
    return Cell(number(fmean(values), 3), fmean(values), note, style)


def _edits(study: Outline, task: str, runs: Sequence[tuple[str, int]], inputs: GapInputs) -> Cell:
    relabels, metric = study.relabels(task), f"{study.lead(task)}_change"
    rows = _of_runs(inputs, "robustness", task, runs)
    changes = [row for row in rows if row["metric"] == metric and row["perturbation"] not in relabels]
    return _mean((row["value"] for row in changes), signed=True)


def _words(
    study: Outline, task: str, runs: Sequence[tuple[str, int]], explainer: str, inputs: GapInputs
) -> list[Cell]:
    """What hiding the words of its own explanation and of its teacher's does, most words at once."""
    rows = [
        row
        for row in _of_runs(inputs, "faithfulness", task, runs)
        if (row["explainer"], row["metric"]) == (explainer, "confidence_drop")
    ]
    most = max((row["k"] for row in rows), default=None)
    return [
        _mean(row["value"] for row in rows if (row["ranking"], row["k"]) == (ranking, most))
        for ranking in ("own", "teacher")
    ]


def _cost(
    runs: Sequence[tuple[str, int]], baseline: float | None, trainings: pd.DataFrame, task: str
) -> Cell:
    own = _seconds(trainings, task, runs[0][0])
    if own is None:
        return Cell(MISSING, style="missing")
    note = f"{number(own / baseline, 1)} times" if baseline else ""
    return Cell(f"{number(own, 0)} s", own, note)


def _seconds(trainings: pd.DataFrame, task: str, model: str) -> float | None:
    """Mean time that a run of a model took to train."""
    rows = [row for row in score_rows.of(trainings, task) if row["model"] == model]
    times = [row["cpu_seconds" if row["device"] == "cpu" else "wall_seconds"] for row in rows]
    return fmean(times) if times else None


def _of_runs(
    inputs: GapInputs, subject: str, task: str, runs: Sequence[tuple[str, int]]
) -> list[dict[str, Any]]:
    rows = score_rows.of(inputs.subjects[subject], task)
    return [row for row in rows if (row["model"], row["seed"]) in runs]


def _mean(values: Iterable[float], signed: bool = False) -> Cell:
    defined = [value for value in values if not pd.isna(value)]
    if not defined:
        return Cell(MISSING, style="missing")
    return Cell(number(fmean(defined), 3, signed), fmean(defined))


def read(closing: Sequence[str | Path], trainings: Sequence[str | Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read tables of the kinds ``gap_closed`` and ``trainings``."""
    return frame_of(closing, "gap_closed"), frame_of(trainings, "trainings")
