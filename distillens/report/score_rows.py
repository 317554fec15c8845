"""Rows of scores as tables and figures want them: chosen, grouped, in the study's order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.metrics import agreement
from distillens.metrics.calibration import HEADLINE
from distillens.report.formatting import METRICS, Cell, Head, Table, metric_head, score
from distillens.report.study_data import Outline, Run, ordered

Row = Mapping[str, Any]
Metric = tuple[str, int | None]
Pair = tuple[str, int, str, int]


def of(frame: pd.DataFrame, task: str) -> list[dict[str, Any]]:
    """The rows of a task.

    Examples
    --------
    >>> of(pd.DataFrame({"task": ["toy", "other"], "value": [0.9, 0.8]}), "toy")
    [{'task': 'toy', 'value': 0.9}]
    """
    return frame[frame["task"] == task].to_dict("records")


def grouped(rows: Iterable[Row], key: Callable[[Row], tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by a key.

    Examples
    --------
    >>> rows = [{"k": 1, "value": 0.1}, {"k": 3, "value": 0.2}]
    >>> grouped(rows, lambda row: (row["k"],))
    {(1,): [{'k': 1, 'value': 0.1}], (3,): [{'k': 3, 'value': 0.2}]}
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def first(rows: Iterable[Row], metric: str) -> Row | None:
    """The first row of a metric.

    Examples
    --------
    >>> first([{"metric": "f1", "value": 0.8}, {"metric": "accuracy", "value": 0.9}], "accuracy")["value"]
    0.9
    """
    return next((row for row in rows if row["metric"] == metric), None)


def by_metric(rows: Iterable[Row]) -> dict[Metric, Row]:
    """Rows by metric and k.

    Examples
    --------
    >>> list(by_metric([{"metric": "jaccard", "k": 3}, {"metric": "cosine", "k": None}]))
    [('jaccard', 3), ('cosine', None)]
    """
    return {(row["metric"], row["k"]): row for row in rows}


def metrics(rows: Sequence[Row]) -> list[Metric]:
    """Metrics in a fixed order: the headline first, then as listed, each by k.

    Examples
    --------
    >>> rows = [{"metric": "jaccard", "k": k} for k in (3, 1)]
    >>> metrics([*rows, {"metric": "cosine", "k": None}])
    [('cosine', None), ('jaccard', 1), ('jaccard', 3)]
    """
    names = ordered((row["metric"] for row in rows), [HEADLINE, *agreement.METRICS, *METRICS])
    keys = {(row["metric"], row["k"]) for row in rows}
    return sorted(keys, key=lambda metric: (names.index(metric[0]), metric[1] or 0))


def metric_table(
    name: str,
    caption: str,
    labels: Sequence[str | Head],
    lines: Sequence[tuple[Sequence[Cell], Iterable[Row]]],
    csv: str,
    cell: Callable[[Row | None, Metric], Cell] = lambda row, _: score(row),
) -> Table | None:
    """A folded table with a column per metric: each line has the cells that name it, and its scores.

    Examples
    --------
    >>> row = {"metric": "jaccard", "k": 3, "value": 0.5, "low": 0.4, "high": 0.6, "n": 9, "n_undefined": 0}
    >>> row |= {"spread": float("nan"), "chance": 0.2}
    >>> table = metric_table("name", "Agreement", ["model"], [([Cell("kd")], [row])], "agreement")
    >>> [head.text for head in table.head], [cell.text for cell in table.rows[0]]
    (['model', 'Jaccard @3'], ['kd', '0.50'])
    """
    scores = [(named, by_metric(rows)) for named, rows in lines]
    columns = metrics([row for _, own in scores for row in own.values()])
    head = [label if isinstance(label, Head) else Head(label, numeric=False) for label in labels]
    head += [metric_head(*metric) for metric in columns]
    body = [[*named, *(cell(own.get(metric), metric) for metric in columns)] for named, own in scores]
    return Table(name, caption, head, body, len(labels), csv, True) if body else None


def runs(study: Outline, keys: Iterable[tuple[Any, ...]]) -> list[Run]:
    """The runs (model, seed) that have rows, in the study's order.

    Examples
    --------
    >>> from distillens.report.study_data import study_of
    >>> models = {"teacher": {"seeds": [1]}, "student": {"seeds": [1], "teacher": "teacher"}}
    >>> study = study_of({"models": models}, {})
    >>> [run.label for run in runs(study, [("student", 1), ("teacher", 1), (None, None)])]
    ['teacher', 'student']
    """
    wanted = {(model, seed) for model, seed in keys if model is not None}
    in_study = [run for run in study.runs if (run.model, run.seed) in wanted]
    others = sorted(wanted - {(run.model, run.seed) for run in in_study})
    return in_study + [study.find(*key) for key in others]


def explainers(study: Outline, rows: Iterable[Row]) -> list[str]:
    """The explainers that have rows, in the study's order.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> study = Fake(settings={"explainers": {"shap": {}, "lime": {}}})
    >>> explainers(study, [{"explainer": "lime"}, {"explainer": "shap"}])
    ['shap', 'lime']
    """
    return ordered((row["explainer"] for row in rows), list(study.settings["explainers"]))


def pair(row: Row) -> Pair:
    """The two runs that a row compares.

    Examples
    --------
    >>> pair({"model": "student", "seed": 1, "against": "teacher", "against_seed": 1, "value": 0.7})
    ('student', 1, 'teacher', 1)
    """
    return row["model"], row["seed"], row["against"], row["against_seed"]


def pairs(study: Outline, rows: Iterable[Row]) -> list[Pair]:
    """The pairs of runs that have rows; seeds of one model last: students are what the reader came for.

    Examples
    --------
    >>> from distillens.report.study_data import study_of
    >>> models = {"teacher": {"seeds": [1, 2]}, "student": {"seeds": [1], "teacher": "teacher"}}
    >>> keys = ("model", "seed", "against", "against_seed")
    >>> runs = [("teacher", 2, "teacher", 1), ("student", 1, "teacher", 1)]
    >>> pairs(study_of({"models": models}, {}), [dict(zip(keys, of, strict=True)) for of in runs])
    [('student', 1, 'teacher', 1), ('teacher', 2, 'teacher', 1)]
    """
    position = {(run.model, run.seed): index for index, run in enumerate(study.runs)}
    last = len(position)

    def place(both: Pair) -> tuple[Any, ...]:
        left, right = position.get(both[:2], last), position.get(both[2:], last)
        return both[0] == both[2], not _with_teacher(study, both), left, right, str(both)

    return sorted({pair(row) for row in rows}, key=place)


def kind_of_pair(study: Outline, both: Pair) -> str:
    """Say what two runs are to each other.

    Examples
    --------
    >>> from distillens.report.study_data import study_of
    >>> models = {"teacher": {"seeds": [1]}, "student": {"seeds": [1], "teacher": "teacher"}}
    >>> kind_of_pair(study_of({"models": models}, {}), ("student", 1, "teacher", 1))
    'student and teacher'
    """
    if both[0] == both[2]:
        return "seeds of one model"
    return "student and teacher" if _with_teacher(study, both) else "two students"


def _with_teacher(study: Outline, both: Pair) -> bool:
    return None in (study.find(*both[:2]).teacher, study.find(*both[2:]).teacher)
