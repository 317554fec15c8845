"""Tasks with several labels on the page: what is of the task as a whole, beside what is of each label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.config.label_views import of_labels
from distillens.report import score_rows
from distillens.report.costs import Costs
from distillens.report.formatting import MISSING, Cell, Head, Table, metric_name, score
from distillens.report.study_data import Outline
from distillens.report.verdict import Verdict


def for_each_label(frame: pd.DataFrame, tasks: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Rows about a task with several labels, such as what a training took, as rows about each of them.

    Examples
    --------
    >>> frame = pd.DataFrame({"task": ["comments"], "steps": [9]})
    >>> for_each_label(frame, {"comments--toxic": {"of": {"task": "comments"}}}).to_dict("records")
    [{'task': 'comments--toxic', 'steps': 9}]
    """
    several = of_labels(tasks)
    parts = [frame[~frame["task"].isin(list(several))]]
    parts += [
        frame[frame["task"] == task].assign(task=view) for task, views in several.items() for view in views
    ]
    return pd.concat(parts, ignore_index=True) if several else frame


def costs_of_each(costs: Costs, tasks: Mapping[str, Mapping[str, Any]]) -> Costs:
    """What runs cost for a task with several labels, as that for each of its labels.

    Examples
    --------
    >>> costs_of_each({("comments", "bert", 1): {}}, {"comments--toxic": {"of": {"task": "comments"}}})
    {('comments--toxic', 'bert', 1): {}}
    """
    several = of_labels(tasks)
    return {(view, *run): cost for (task, *run), cost in costs.items() for view in several.get(task, [task])}


def facts(study: Outline) -> list[str]:
    """What a reader has to know of tasks with several labels.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> task = {"of": {"task": "comments", "labels": ["toxic"]}}
    >>> facts(Fake(tasks={"comments--toxic": task}))[0][:60]
    'A text of comments may have several labels. Each is judged b'
    """
    return [
        f"A text of {task} may have several labels. Each is judged by itself, as a task of two classes, on "
        "its own logit, over the texts to which the teacher or the student gives it (at least half of its "
        f"runs). “Drift found” is corrected for all {len(views)} labels of {task} together. What a model "
        "costs is that of all its labels."
        for task, views in of_labels(study.tasks).items()
    ]


def tables(study: Outline, performance: pd.DataFrame, verdicts: Sequence[Verdict]) -> list[Table]:
    """For each task with several labels a table of its runs: all labels together, and verdicts counted.

    Parameters
    ----------
    study : Outline
    performance : DataFrame
        Scores of performance, those of the tasks as a whole among them.
    verdicts : sequence of Verdict
        Of students on single labels.
    """
    words = {(v.task, v.student): v.overall for v in verdicts}
    return [
        _table(study, task, views, words, score_rows.of(performance, task))
        for task, views in of_labels(study.tasks).items()
    ]


def _table(
    study: Outline,
    task: str,
    views: Sequence[str],
    verdicts: Mapping[tuple[str, str], str],
    rows: Sequence[Mapping[str, Any]],
) -> Table:
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    by_run = {(row["model"], row["seed"], row["metric"]): row for row in rows}
    lines = [
        [Cell("best constant answer", style="muted"), Cell(MISSING)]
        + [score(by_run.get((None, None, metric)), 3) for metric in metrics]
    ]
    for run in study.runs:
        own = [score(by_run.get((run.model, run.seed, metric)), 3) for metric in metrics]
        said = Counter(verdicts[view, run.model] for view in views if (view, run.model) in verdicts)
        counted = ", ".join(f"{said[word]} {word}" for word in sorted(said)) or "teacher"
        lines.append([Cell(run.label), Cell(counted), *own])
    head = [Head("model", numeric=False)]
    head += [Head("labels", "verdicts of the student, one for each label", numeric=False)]
    head += [Head(metric_name(metric)) for metric in metrics]
    caption = f"All {len(views)} labels of {task} together"
    return Table(f"several-labels-{task}", caption, head, lines, csv="performance")
