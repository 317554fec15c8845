"""Class by class: how often a model is right, what it takes for what, how far its reasons agree there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from distillens import tables
from distillens.evaluation.inputs import group_of
from distillens.metrics.classes import ClassScores, class_scores, confusion
from distillens.metrics.performance import predictions_of
from distillens.metrics.statistics import Resampling, summaries
from distillens.report.formatting import NOTHING, Cell, Head, Table, interval, number, percent
from distillens.report.label_counts import Splits
from distillens.report.study_data import Outline

AGREEMENT = ("task", "class", "student", "explainer", "agreement", "low", "high", "n", "n_undefined")
SCORES = ("task", "model", "class", "texts", "recall", "low", "high", "precision", "f1", "runs")
CONFUSION = ("task", "model", "class", "given", "texts")
"""Columns of the CSV files."""

Answers = Mapping[tuple[str, str], pd.DataFrame]
"""By (task, model) the class that each run gives each text: a column per seed, texts by their ids."""


def read(paths: Sequence[str | Path]) -> dict[tuple[str, str], pd.DataFrame]:
    """Read the classes that runs give to unchanged texts, from tables of kind ``predictions``.

    Examples
    --------
    >>> answer = {"example_id": "1", "perturbation": "none", "repeat": 0, "logits": [0.2, 1.5]}
    >>> about = {"task": "films", "model": "kd", "seed": 7}
    >>> tables.write("kd.parquet", "predictions", [answer], about)
    >>> read(["kd.parquet"])["films", "kd"].to_dict()
    {7: {'1': 1.0}}
    """
    runs: dict[tuple[str, str], dict[int, pd.Series]] = {}
    for path in paths:
        source, table = tables.provenance(path), tables.read(path, "predictions")
        table = table.filter(pc.equal(table["perturbation"], "none"))
        logits = table["logits"].to_pylist()
        if not logits or len(logits[0]) < 2:
            continue
        answers = pd.Series(predictions_of(logits), index=table["example_id"].to_pylist())
        runs.setdefault((source["task"], source["model"]), {})[source["seed"]] = answers
    return {key: pd.DataFrame(dict(sorted(by_seed.items()))) for key, by_seed in runs.items()}


class Classes(NamedTuple):
    """What is known of each class of a task: scores and confusion by model, and rows of agreement."""

    names: Sequence[str]
    scores: Mapping[str, ClassScores]
    confusions: Mapping[str, NDArray[np.float64]]
    agreement: Sequence[Mapping[str, Any]]
    runs: Mapping[str, int]


def of_task(study: Outline, task: str, answers: Answers, splits: Splits, agreement: pd.DataFrame) -> Classes:
    """Put a task's answers and agreements in the order of its classes; empty without labels or classes.

    Parameters
    ----------
    study : Outline
    task : str
    answers : mapping
        What `read` returns.
    splits : mapping
        The rows of each (task, split).
    agreement : pandas.DataFrame
        Of single texts, of the kind ``text_agreement``.
    """
    names = study.tasks[task]["labels"] or []
    rows = splits.get((task, "test"), [])
    gold = pd.Series(
        {row["example_id"]: row["label"] for row in rows if row["label"] is not None}, dtype=float
    )
    if study.tasks[task]["type"] != "classification" or gold.empty:
        return Classes([], {}, {}, [], {})
    groups = _groups(rows).reindex(gold.index)
    level = study.settings["metrics"]["confidence_level"]
    scores, confusions, runs = {}, {}, {}
    for model in study.models:
        if (given := answers.get((task, model))) is None:
            continue
        predicted = given.reindex(gold.index).to_numpy().T
        scores[model] = class_scores(gold, predicted, len(names), level, groups)
        confusions[model] = confusion(gold, predicted, len(names))
        runs[model] = len(predicted)
    return Classes(names, scores, confusions, _agreement(study, task, gold, groups, agreement), runs)


def _groups(rows: Sequence[Mapping[str, Any]]) -> "pd.Series[int]":
    """By text the number of its group; a text without one is a group of its own."""
    keys = [group_of(row) for row in rows]
    return pd.Series(pd.factorize(pd.Series(keys, dtype=object))[0], [row["example_id"] for row in rows])


def _agreement(
    study: Outline, task: str, gold: pd.Series, groups: pd.Series, frame: pd.DataFrame
) -> list[dict[str, Any]]:
    """By student, explainer and class: the mean agreement over its texts."""
    names, metrics = study.tasks[task]["labels"], study.settings["metrics"]
    resampling = Resampling(study.settings["seed"], metrics["resamples"], metrics["confidence_level"])
    frame = frame[frame["task"] == task].sort_values("example_id")
    result = []
    for student, runs in study.runs_of_students.items():
        own = frame[(frame["student"] == student) & (frame["teacher"] == runs[0].teacher)]
        for explainer in study.explainers:
            values = own[own["explainer"] == explainer].set_index("example_id")["agreement"]
            labels, drawn = (of.reindex(values.index).to_numpy() for of in (gold, groups))
            for place, name in enumerate(names):
                of_class = values.to_numpy()[labels == place]
                if not len(of_class):
                    continue
                seeded = resampling.at("classes", task, student, explainer, name)
                summary = summaries([of_class], seeded, groups=drawn[labels == place])
                numbers = dict(
                    zip(("agreement", "low", "high"), (float(part[0]) for part in summary[:3]), strict=True)
                )
                about = {"task": task, "class": name, "student": student, "explainer": explainer}
                counts = {"n": int(summary.n[0]), "n_undefined": int(summary.n_undefined[0])}
                result.append(about | numbers | counts)
    return result


def tables_of(task: str, classes: Classes) -> list[Table]:
    """The tables of a task: scores and agreement by class, and a folded confusion of each model.

    Examples
    --------
    >>> scores = class_scores([0, 1], [[0, 0]], 2, confidence_level=0.95)
    >>> counts = confusion([0, 1], [[0, 0]], 2)
    >>> classes = Classes(["bad", "good"], {"kd": scores}, {"kd": counts}, [], {"kd": 1})
    >>> [[row[0].text, row[2].value] for row in tables_of("films", classes)[0].rows]
    [['bad', 1.0], ['good', 0.0]]
    """
    if not classes.names or not classes.scores:
        return []
    agreement = _agreement_table(task, classes)
    confusions = [_confusion_table(task, model, classes) for model in classes.scores]
    return [_scores_table(task, classes), *([agreement] if agreement else []), *confusions]


def _scores_table(task: str, classes: Classes) -> Table:
    head = [Head("class", numeric=False), Head("texts", "texts of the class in the test split")]
    head += [
        Head(model, "found: recall and its interval; below it right: precision, and F1")
        for model in classes.scores
    ]
    first = next(iter(classes.scores.values()))
    rows = []
    for place, name in enumerate(classes.names):
        texts = int(first.texts[place])
        rows.append(
            [Cell(name), Cell(str(texts), texts), *(_score(s, place) for s in classes.scores.values())]
        )
    return Table(f"classes-{task}", f"Score by class on {task}", head, rows, 1, "classes")


def _score(scores: ClassScores, place: int) -> Cell:
    recall, low, high = (float(part[place]) for part in scores.recall)
    if np.isnan(recall):
        return NOTHING
    right = f"right {percent(scores.precision[place])}, F1 {number(scores.f1[place])}"
    return Cell(percent(recall), recall, "\n".join(filter(None, (interval(low, high), right))))


def _agreement_table(task: str, classes: Classes) -> Table | None:
    pairs = list(dict.fromkeys((row["student"], row["explainer"]) for row in classes.agreement))
    if not pairs:
        return None
    cells = {(row["class"], row["student"], row["explainer"]): row for row in classes.agreement}
    head = [Head("class", numeric=False)]
    head += [
        Head(f"{student} by {explainer}", "mean agreement with the teacher") for student, explainer in pairs
    ]
    rows = [[Cell(name), *(_agreed(cells.get((name, *pair))) for pair in pairs)] for name in classes.names]
    return Table(
        f"classes-agreement-{task}", f"Agreement by class on {task}", head, rows, 1, "classes_agreement"
    )


def _agreed(row: Mapping[str, Any] | None) -> Cell:
    if row is None or np.isnan(row["agreement"]):
        return NOTHING
    note = "\n".join(filter(None, (interval(row["low"], row["high"]), f"{row['n']} texts")))
    return Cell(number(row["agreement"]), row["agreement"], note)


def _confusion_table(task: str, model: str, classes: Classes) -> Table:
    counts = classes.confusions[model]
    head = [Head("label", numeric=False), *(Head(f"says {name}") for name in classes.names)]
    rows = []
    for name, texts, line in zip(classes.names, classes.scores[model].texts, counts, strict=True):
        # Sorted by the share, which is shown: labels have unlike numbers of texts.
        shares = [
            Cell(percent(n / texts), float(n / texts), number(n, 1)) if texts else NOTHING for n in line
        ]
        rows.append([Cell(name), *shares])
    caption = f"What {model} takes for what on {task}: share of each label’s texts, mean over its runs"
    return Table(f"confusion-{task}-{model}", caption, head, rows, 1, "confusion", True)


def records(by_task: Mapping[str, Classes]) -> dict[str, tuple[Sequence[str], list[list[Any]]]]:
    """Columns and rows of the CSV files, by their names.

    Examples
    --------
    >>> [(name, columns[:3]) for name, (columns, _) in records({}).items()][0]
    ('classes', ('task', 'model', 'class'))
    """
    scores, confusions, agreement = [], [], []
    for task, classes in by_task.items():
        agreement += [[row[name] for name in AGREEMENT] for row in classes.agreement]
        for model, of in classes.scores.items():
            for place, name in enumerate(classes.names):
                recall = [float(part[place]) for part in of.recall]
                rest = [float(of.precision[place]), float(of.f1[place]), classes.runs[model]]
                scores.append([task, model, name, int(of.texts[place]), *recall, *rest])
                confusions += [
                    [task, model, name, other, float(classes.confusions[model][place, column])]
                    for column, other in enumerate(classes.names)
                ]
    files = {"classes": (SCORES, scores), "confusion": (CONFUSION, confusions)}
    return {**files, "classes_agreement": (AGREEMENT, agreement)}
