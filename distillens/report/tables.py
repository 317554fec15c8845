"""The tables of the page, one builder per question; each takes a task's part of the scores."""

from typing import Any

import pandas as pd

from distillens.metrics import probabilities
from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from distillens.report import score_rows
from distillens.report.formatting import (
    MISSING,
    NOTHING,
    PERFORMANCE_NOT_KNOWN,
    Cell,
    Column,
    Head,
    Table,
    interval,
    metric_head,
    metric_name,
    number,
    page_table,
    percent,
    score,
    valued,
)
from distillens.report.score_rows import Row, metric_table
from distillens.report.study_data import Outline, Run, ordered

VERDICTS = {DRIFTS: "drift", KEEPS: "no-drift", UNKNOWN: "undecided", GATED: "gated"}
"""The words of a verdict, and the CSS class that each is shown with."""

_VALUES = ("value", "low", "high", "spread", "n", "n_undefined")
_PAIR = ("model", "seed", "against", "against_seed")
COLUMNS = {
    "performance": ("task", *_PAIR, "metric", *_VALUES),
    "robustness": ("task", "perturbation", *_PAIR, "metric", *_VALUES),
    "stability": ("task", "perturbation", "explainer", *_PAIR, "metric", *_VALUES),
    "agreement": ("task", "explainer", *_PAIR, "metric", "k", *_VALUES, "chance"),
    "explainers": (
        "task",
        "explainer",
        "against_explainer",
        "model",
        "seed",
        "metric",
        "k",
        *_VALUES,
        "chance",
    ),
    "projection": ("task", "explainer", "model", "seed", "metric", "value", "n", "n_undefined"),
    "faithfulness": ("task", "explainer", *_PAIR, "ranking", "metric", "k", *_VALUES),
    "buckets": ("task", "subset", "explainer", *_PAIR, "metric", "k", *_VALUES, "chance"),
    "probes": ("task", "probe", "subset", "explainer", *_PAIR, "metric", "k", *_VALUES, "chance"),
}
"""The columns of each CSV file of scores, in order."""

_AT_K = ("confidence_drop", "flip_rate")


def performance(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """How well each run does the task, beside the majority baseline: its metrics, then its probabilities."""
    rows = score_rows.of(scores, task)
    if not rows:
        return None
    majority = [row for row in rows if row["model"] is None]
    cells = score_rows.grouped(
        (row for row in rows if row["model"] is not None), lambda row: (row["model"], row["seed"])
    )
    metrics = ordered(
        {_versus(row) for row in rows if row["model"] is not None},
        [*study.tasks[task]["metrics"], *probabilities.METRICS],
    )
    named = {_versus(row): row for row in rows}
    lines = [
        [Cell("majority baseline", style="muted"), Cell(MISSING)]
        + [score(row, 3) if metric == study.lead(task) else Cell("") for metric in metrics]
        for row in majority[:1]
        if row["n"] and any(one["n"] for of_run in cells.values() for one in of_run)
    ]
    for run in score_rows.runs(study, cells):
        own = {_versus(row): row for row in cells[run.model, run.seed]}
        lines.append(
            [Cell(run.label), Cell(_role(run))]
            + [_known(own.get(metric), named[metric]["against"] is not None) for metric in metrics]
        )
    head = [Head("model", numeric=False), Head("role", numeric=False)]
    head += [Head(metric_name(name), metric_head(named[name]["metric"]).meaning) for name in metrics]
    return Table(f"performance-{task}", f"Performance on {task}", head, lines, csv="performance")


def _known(row: Row | None, signed: bool) -> Cell:
    """A score; without labels, or of attributions without logits, nobody knows it."""
    return PERFORMANCE_NOT_KNOWN if row is not None and not row["n"] else score(row, 3, signed=signed)


def changes(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """What each perturbation does to each run's leading metric, at a glance.

    Where a text's label need not survive the edit, a loss would not be a fault of the model:
    the share of unchanged predictions stands there instead.
    """
    rows = score_rows.of(scores, task)
    metric, relabels = f"{study.lead(task)}_change", study.relabels(task)
    cells = {
        (row["perturbation"], row["model"], row["seed"]): row
        for row in rows
        if row["metric"] == ("consistency" if row["perturbation"] in relabels else metric)
    }
    changed = {row["perturbation"]: row for row in rows if row["metric"] == "changed"}
    if not cells:
        return None
    runs = score_rows.runs(study, {key[1:] for key in cells})
    lines = [
        [
            Cell(perturbation, note="labels may change: same answers" if perturbation in relabels else ""),
            _share(changed.get(perturbation)),
            *(
                score(cells.get((perturbation, run.model, run.seed)), 3, signed=perturbation not in relabels)
                for run in runs
            ),
        ]
        for perturbation in ordered((key[0] for key in cells), list(study.settings["perturbations"]))
    ]
    head = [Head("perturbation", numeric=False), metric_head("changed"), *(Head(run.label) for run in runs)]
    caption = f"Change of {metric_name(study.lead(task))} on {task}"
    return Table(f"changes-{task}", caption, head, lines, csv="robustness")


def robustness(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """All that was measured under each perturbation."""
    rows, lead = score_rows.of(scores, task), study.lead(task)
    cells = score_rows.grouped(rows, lambda row: (row["perturbation"], row["model"], row["seed"]))
    lines = []
    for perturbation in ordered((row["perturbation"] for row in rows), list(study.settings["perturbations"])):
        edited = cells.get((perturbation, None, None), [])
        for run in score_rows.runs(study, {key[1:] for key in cells if key[0] == perturbation}):
            lines.append((perturbation, run, cells[perturbation, run.model, run.seed] + edited))

    def scored(head: str, metric: str, meaning: str, signed: bool = True) -> Column:
        return Column(head, lambda line: score(score_rows.first(line[2], metric), 3, signed), meaning)

    def share(metric: str, digits: int = 0) -> Column:
        head = metric_head(metric)
        return Column(head.text, lambda line: _share(score_rows.first(line[2], metric), digits), head.meaning)

    columns = [
        Column("perturbation", lambda line: Cell(line[0]), numeric=False),
        Column("model", lambda line: Cell(line[1].label), numeric=False),
        scored(metric_name(lead), lead, "mean over the repeats, ± their standard deviation", False),
        scored("change", f"{lead}_change", "change from the unchanged texts"),
        scored("student − teacher", f"{lead}_change_gap", "the student's change minus its teacher's"),
        *(share("consistency"), share("changed"), share("edited_words", 1), share("edited_characters", 1)),
    ]
    caption, options = (
        f"Robustness on {task}: all numbers",
        {"labels": 2, "csv": "robustness", "folded": True},
    )
    return page_table(f"robustness-{task}", caption, columns, lines, **options) if lines else None


def stability(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """How alike each run explains a text before and after a perturbation."""
    rows = [row for row in score_rows.of(scores, task) if row["metric"] == f"stability_{HEADLINE}"]
    if not rows:
        return None
    by_key = {(row["perturbation"], row["explainer"], row["model"], row["seed"]): row for row in rows}
    runs = score_rows.runs(study, {key[2:] for key in by_key})
    lines = [
        [Cell(perturbation), Cell(explainer)]
        + [score(by_key.get((perturbation, explainer, run.model, run.seed))) for run in runs]
        for perturbation in ordered((key[0] for key in by_key), list(study.settings["perturbations"]))
        for explainer in score_rows.explainers(study, rows)
    ]
    head = [Head("perturbation", numeric=False), Head("explainer", numeric=False)]
    head += [Head(run.label, "mean rank correlation over the words that are still there") for run in runs]
    caption = f"Stability of explanations on {task}: a text before and after (Spearman)"
    return Table(f"stability-{task}", caption, head, lines, 2, "stability", True)


def agreement(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """How alike the attributions of each pair of runs are."""
    rows = score_rows.of(scores, task)
    cells = score_rows.grouped(rows, lambda row: (row["explainer"], score_rows.pair(row)))
    lines = []
    for explainer in score_rows.explainers(study, rows):
        for pair in score_rows.pairs(study, (row for row in rows if row["explainer"] == explainer)):
            names = f"{study.find(*pair[:2]).label} and {study.find(*pair[2:]).label}"
            named = [Cell(explainer), Cell(names, note=score_rows.kind_of_pair(study, pair))]
            lines.append((named, cells[explainer, pair]))
    caption = f"Agreement on {task}: all metrics, all pairs"
    return metric_table(f"agreement-{task}", caption, ("explainer", "pair"), lines, "agreement")


def explainers(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """How alike two explainers say that one and the same run reasons."""
    rows = score_rows.of(scores, task)
    order = list(study.settings["explainers"])
    cells = score_rows.grouped(
        rows,
        lambda row: (
            row["model"],
            row["seed"],
            *ordered((row["explainer"], row["against_explainer"]), order),
        ),
    )
    names, lines = ordered((name for key in cells for name in key[2:]), order), []
    for run in score_rows.runs(study, {key[:2] for key in cells}):
        pairs = [key[2:] for key in cells if key[:2] == (run.model, run.seed)]
        for pair in sorted(pairs, key=lambda pair: [names.index(name) for name in pair]):
            named = [Cell(run.label), Cell(" and ".join(pair))]
            lines.append((named, cells[run.model, run.seed, *pair]))
    caption = f"Agreement on {task}: two explainers of one model"
    return metric_table(f"explainers-of-{task}", caption, ("model", "explainers"), lines, "explainers")


def drift(study: Outline, task: str, rows_of_drift: pd.DataFrame) -> Table | None:
    """The five quantities of drift and the verdict, per student and explainer but the controls."""
    rows = [row for row in score_rows.of(rows_of_drift, task) if row["metric"] == HEADLINE]
    return _drift(study, task, [row for row in rows if row["explainer"] not in study.controls], False)


def drift_by_metric(study: Outline, task: str, rows_of_drift: pd.DataFrame) -> Table | None:
    """The same by every metric, where there is more than the headline."""
    rows = score_rows.of(rows_of_drift, task)
    return None if {row["metric"] for row in rows} <= {HEADLINE} else _drift(study, task, rows, True)


def faithfulness(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """What removing the k strongest words does, by whose ranking they are removed."""
    rows = [row for row in score_rows.of(scores, task) if row["metric"].startswith(_AT_K)]
    caption = f"Faithfulness on {task}: all numbers"
    return _by_ranking(study, rows, f"faithfulness-{task}", caption)


def curves(study: Outline, task: str, scores: pd.DataFrame) -> Table | None:
    """Faithfulness over all numbers of words, and what the words are like that are named."""
    rows = [row for row in score_rows.of(scores, task) if not row["metric"].startswith(_AT_K)]
    scraps = ", and short tokens" if any(row["metric"] == "short_token_ratio" for row in rows) else ""
    caption = f"Faithfulness on {task}: over all numbers of words{scraps}"
    return _by_ranking(study, rows, f"curves-{task}", caption)


def _by_ranking(study: Outline, rows: list[dict[str, Any]], name: str, caption: str) -> Table | None:
    cells = score_rows.grouped(
        rows, lambda row: (row["explainer"], row["model"], row["seed"], row["ranking"])
    )
    lines = []
    for explainer in score_rows.explainers(study, rows):
        for run in score_rows.runs(study, {key[1:3] for key in cells if key[0] == explainer}):
            rankings = {key[3] for key in cells if key[:3] == (explainer, run.model, run.seed)}
            for ranking in ordered(rankings, ("own", "teacher", "random")):
                named = [Cell(explainer), Cell(run.label), Cell(ranking)]
                lines.append((named, cells[explainer, run.model, run.seed, ranking]))
    by = Head("words ranked by", "whose attributions say which words are removed", numeric=False)
    return metric_table(name, caption, ("explainer", "model", by), lines, "faithfulness")


def _drift(study: Outline, task: str, rows: list[dict[str, Any]], every: bool) -> Table | None:
    if not rows:
        return None
    metrics, explainers = score_rows.metrics(rows), score_rows.explainers(study, rows)
    position = list(study.models)
    rows.sort(
        key=lambda row: (
            metrics.index((row["metric"], row["k"])),
            position.index(row["student"]),
            explainers.index(row["explainer"]),
        )
    )
    if every:
        columns = [
            Column("metric", lambda row: Cell(metric_name(row["metric"], row["k"])), numeric=False),
            *_DRIFT,
        ]
        caption = f"Drift on {task}: by every metric"
        return page_table(f"drift-{task}", caption, columns, rows, labels=3, csv="drift", folded=True)
    caption = f"From agreement to drift on {task}"
    return page_table(f"headline-{task}", caption, _DRIFT, rows, labels=2, csv="drift")


def _quantity(head: str, name: str, meaning: str) -> Column:
    def cell(row: Row) -> Cell:
        note = interval(row[f"{name}_low"], row[f"{name}_high"])
        return Cell(number(row[name], signed=name == "drift"), _or_none(row[name]), note)

    return Column(head, cell, meaning)


def verdict(text: str | None) -> Cell:
    """Show a verdict in words, with its mark.

    Examples
    --------
    >>> verdict(DRIFTS)
    Cell(text='drift found', value=None, note='', style='verdict drift', hint='', unit='', link='')
    """
    return Cell(text or MISSING, style=f"verdict {VERDICTS.get(text or '', 'undecided')}")


def _versus(row: Row) -> str:
    return row["metric"] if row["against"] is None else f"{metric_name(row['metric'])} vs {row['against']}"


def _role(run: Run) -> str:
    return "teacher" if run.teacher is None else f"student of {run.teacher}"


def _share(row: Row | None, digits: int = 0) -> Cell:
    if row is None:
        return NOTHING
    return Cell(percent(row["value"], digits), _or_none(row["value"]))


def _runs(row: Row) -> str:
    runs = f"{row['n_runs']} runs" if row["n_runs"] > 1 else ""
    left_out = f"{row['n_gated_runs']} left out" if row["n_gated_runs"] else ""
    return ", ".join(filter(None, (runs, left_out)))


def _plain(value: float) -> Cell:
    return Cell(number(value), _or_none(value))


def _p_value(value: float) -> Cell:
    return Cell("< 0.001" if value < 0.001 else number(value, 3), _or_none(value))


def _or_none(value: float) -> float | None:
    return None if pd.isna(value) else value


_DRIFT = (
    Column("student", lambda row: Cell(row["student"], note=_runs(row)), numeric=False),
    valued("explainer", "explainer", Cell, numeric=False),
    _quantity("S", "agreement", "agreement of the student's runs with the teacher's"),
    _quantity("C", "ceiling", "ceiling: agreement of the teacher's runs with each other"),
    _quantity(
        "R", "explainer_ceiling", "the explainer's own ceiling: agreement of its two runs on the teacher"
    ),
    valued("R, student", "student_explainer_ceiling", _plain, "the same on the student"),
    _quantity("Z", "floor", "chance: agreement with shuffled attributions"),
    _quantity("A", "normalised", "normalised agreement (S − Z) / (C − Z)"),
    _quantity("D", "drift", "drift: C − S"),
    valued("margin", "margin", _plain, "what “no drift found” must rule out, in the metric's units"),
    valued("d", "effect_size", _plain, "effect size: drift in standard deviations of a text"),
    valued(
        "p, drift",
        "p_adjusted",
        _p_value,
        "of drift that is within the tolerance, corrected for the students and explainers of the task (Holm)",
    ),
    valued("p, no drift", "p_no_drift", _p_value, "of drift that is not below the margin"),
    valued("verdict", "verdict", verdict, numeric=False),
)
"""The columns of drift; the CSV file has all that its schema has."""
