"""How the numbers were made: what the explainers report about themselves, digests and versions."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
import pandas as pd

from distillens.metrics.explained_output import predicted
from distillens.report.formatting import (
    NOTHING,
    Cell,
    Column,
    Head,
    Table,
    csv_table,
    metric_name,
    number,
    page_table,
    percent,
    valued,
)
from distillens.report.sentences import Explained
from distillens.report.study_data import Outline, ordered

LOW_R2 = 0.5
"""Below this share of explained variance a LIME fit says little about the model."""


def diagnostics(explanations: Sequence[Explained]) -> list[dict[str, Any]]:
    """Count, per table of explanations, what may make its attributions less than exact.

    Examples
    --------
    >>> row = {"values": [[0.0, 0.1]], "logits": [0.0, 1.0], "evals": 40, "truncated": False, "unseen": 2}
    >>> row |= {"lime_r2": [0.4, 0.8], "ig_delta": None}
    >>> made = {"task": "toy", "explainer": "lime", "model": "teacher", "seed": 1}
    >>> (diagnosis,) = diagnostics([(made, [row])])
    >>> diagnosis["cut_off"], diagnosis["lime_r2_low"]
    (1, 0.5)
    """
    return [_diagnose(source, rows) for source, rows in explanations]


def records(study: Outline, diagnoses: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the CSV file of diagnostics."""
    return csv_table(_columns(study), diagnoses)


def diagnostics_table(study: Outline, diagnoses: Sequence[Mapping[str, Any]]) -> Table | None:
    """Show the diagnostics of every table of explanations, in the study's order."""
    tasks, explainers = list(study.tasks), list(study.settings["explainers"])
    runs = [(run.model, run.seed) for run in study.runs]

    def place(row: Mapping[str, Any]) -> tuple[Any, ...]:
        run = (row["model"], row["seed"])
        return _index(tasks, row["task"]), _index(explainers, row["explainer"]), _index(runs, run), str(run)

    caption, rows = "What the explainers report about themselves, per model", sorted(diagnoses, key=place)
    options = {"labels": 3, "csv": "diagnostics", "folded": True}
    return page_table("diagnostics", caption, _columns(study), rows, **options) if rows else None


def summary_table(study: Outline, explanations: Sequence[Explained]) -> Table | None:
    """The same, all explanations of an explainer together."""
    names = ordered((source["explainer"] for source, _ in explanations), list(study.settings["explainers"]))
    rows = [
        _diagnose(
            {"explainer": name},
            [row for source, part in explanations if source["explainer"] == name for row in part],
        )
        for name in names
    ]
    columns = [column for column in _columns(study) if column.head not in ("task", "model")]
    caption = "What the explainers report about themselves"
    return page_table("explainers", caption, columns, rows) if rows else None


def _columns(study: Outline) -> list[Column]:
    """The columns of a row that `diagnostics` gives."""
    return [
        valued("task", "task", Cell, numeric=False),
        valued("explainer", "explainer", Cell, numeric=False),
        Column(
            "model",
            lambda row: Cell(study.find(row["model"], row["seed"]).label),
            "",
            "model seed",
            numeric=False,
        ),
        valued("explanations", "explanations", _count),
        valued(
            "evaluations",
            "evaluations",
            _number(0),
            "mean number of texts that the model was asked about, per explanation",
        ),
        valued("truncated", "truncated", _warning, "explanations stopped before their values were exact"),
        valued(
            "saturated",
            "saturated",
            _warning,
            "texts whose attributions are all zero: the explained output does not move with the words",
        ),
        valued(
            "undefined", "undefined", _warning, "texts without a finite attribution to the predicted class"
        ),
        valued(
            "cut off",
            "cut_off",
            _warning,
            "texts with words beyond the model's longest input, or that its tokenizer drops",
        ),
        valued("LIME R²", "lime_r2_median", _number(2), "median local fit"),
        valued(
            f"R² < {LOW_R2}", "lime_r2_low", _share, "share of local fits that say little about the model"
        ),
        valued(
            "IG delta",
            "ig_delta_median",
            _number(3),
            "median gap between the attributions' sum and the output's change",
        ),
        valued("largest delta", "ig_delta_max", _number(3)),
    ]


def undefined(scores: Iterable[pd.DataFrame], drift: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Count undefined values per metric: (metric, undefined, defined), where there are any.

    Examples
    --------
    >>> frame = pd.DataFrame({"metric": ["cosine"], "k": [None], "n": [9], "n_undefined": [1]}, dtype=object)
    >>> undefined([frame], frame)
    [('cosine', 2, 18)]
    """
    counts: dict[str, list[int]] = {}
    for frame in (*scores, drift):
        for metric, k, n, missing in zip(
            frame["metric"], frame["k"], frame["n"], frame["n_undefined"], strict=True
        ):
            count = counts.setdefault(metric_name(metric, k), [0, 0])
            count[0] += missing or 0
            count[1] += n or 0
    return [(name, *count) for name, count in sorted(counts.items()) if count[0]]


def undefined_table(counts: Sequence[tuple[str, int, int]]) -> Table | None:
    """Show where metrics had no value.

    Examples
    --------
    >>> [cell.text for cell in undefined_table([("cosine", 1, 9)]).rows[0]]
    ['cosine', '1', '9']
    """
    if not counts:
        return None
    caption = "Values that are undefined: counted, and left out of means"
    head = [Head("metric", numeric=False), Head("undefined"), Head("defined")]
    lines = [[Cell(name), _count(lost), _count(kept)] for name, lost, kept in counts]
    return Table("undefined", caption, head, lines, csv="undefined", folded=True)


def origins(files: Sequence[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, str, int]]:
    """Join the provenance of files: (key, value, how many of the files say so).

    Parameters
    ----------
    files : sequence of (name, provenance)
        Nested keys are joined by dots; what says which part of the study a file is about is left out.

    Examples
    --------
    >>> made = {"task": "toy", "versions": {"torch": "2.9"}}
    >>> origins([("scores", made), ("scores", made)])
    [('scores: versions.torch', '2.9', 2)]
    """
    counts: dict[tuple[str, str], int] = {}
    for kind, source in files:
        for key, value in _flat(
            {k: v for k, v in source.items() if k not in ("task", "model", "seed", "explainer")}
        ):
            counts[f"{kind}: {key}", value] = counts.get((f"{kind}: {key}", value), 0) + 1
    return [(key, value, count) for (key, value), count in sorted(counts.items())]


def origins_table(entries: Sequence[tuple[str, str, int]]) -> Table | None:
    """Show digests, versions and settings that the files carry.

    Examples
    --------
    >>> [cell.text for cell in origins_table([("scores: versions.torch", "2.9", 2)]).rows[0]]
    ['scores: versions.torch', '2.9', '2']
    """
    if not entries:
        return None
    caption = "Digests, versions and settings that the files carry"
    head = [Head("what", numeric=False), Head("value", numeric=False), Head("files")]
    lines = [[Cell(key), Cell(value, style="code"), _count(count)] for key, value, count in entries]
    return Table("provenance", caption, head, lines, csv="provenance", folded=True)


def _diagnose(source: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    evaluations = [row["evals"] for row in rows if row["evals"] is not None]
    fits = _values(rows, "lime_r2")
    deltas = [abs(value) for value in _values(rows, "ig_delta")]
    return {
        **{key: source.get(key) for key in ("task", "explainer", "model", "seed")},
        "explanations": len(rows),
        "evaluations": fmean(evaluations) if evaluations else None,
        "truncated": sum(bool(row["truncated"]) for row in rows),
        **_silent(rows),
        "cut_off": sum(bool(row["unseen"]) for row in rows),
        "lime_r2_median": median(fits) if fits else None,
        "lime_r2_low": fmean(value < LOW_R2 for value in fits) if fits else None,
        "ig_delta_median": median(deltas) if deltas else None,
        "ig_delta_max": max(deltas) if deltas else None,
    }


def _silent(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Texts of which nothing is said of the predicted class."""
    counts = {"saturated": 0, "undefined": 0}
    for row in rows:
        values = np.array(row.get("values") or (), dtype=np.float64)
        if values.size:
            target = predicted(row["logits"], values)
            column = values[:, min(target or 0, values.shape[1] - 1)]
            counts["undefined"] += bool(np.isnan(column).all())
            counts["saturated"] += not column.any()
    return counts


def warning(diagnoses: Sequence[Mapping[str, Any]]) -> str:
    """Say in a line which explainers say nothing of some texts; empty where all do.

    Parameters
    ----------
    diagnoses : sequence of mappings
        As `diagnostics` gives them.

    Examples
    --------
    >>> warning([{"explainer": "lime", "explanations": 2, "saturated": 2, "undefined": 0}])
    'Attributions are all zero in 2 of 2 explanations by lime (a saturated output). They count as ...'
    """
    said = []
    for name in dict.fromkeys(row["explainer"] for row in diagnoses):
        rows = [row for row in diagnoses if row["explainer"] == name]
        total = sum(row["explanations"] for row in rows)
        for kind, words, why in (
            ("saturated", "all zero", " (a saturated output)"),
            ("undefined", "no finite numbers", ""),
        ):
            count = sum(row[kind] for row in rows)
            if count:
                said.append(f"{words} in {count} of {total} explanations by {name}{why}")
    if not said:
        return ""
    return (
        f"Attributions are {', '.join(said)}. They count as undefined and enter no mean; "
        "with explained_output: margin an output does not saturate."
    )


def _values(rows: Sequence[Mapping[str, Any]], column: str) -> list[float]:
    return [v for row in rows for v in row[column] or () if v is not None and not math.isnan(v)]


def _index(order: Sequence[Any], value: Any) -> int:
    return order.index(value) if value in order else len(order)


def _count(value: int) -> Cell:
    return Cell(str(value), value)


def _warning(value: int) -> Cell:
    return Cell(str(value), value, style="warn" if value else "")


def _number(digits: int) -> Callable[[float | None], Cell]:
    return lambda value: NOTHING if value is None else Cell(number(value, digits), value)


def _share(value: float | None) -> Cell:
    return NOTHING if value is None else Cell(percent(value), value)


def _flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            pair
            for key in ordered(map(str, value), ())
            for pair in _flat(value[key], f"{prefix}.{key}" if prefix else key)
        ]
    return [
        (prefix, value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False))
    ]
