"""The explained texts as the page's viewer wants them: some read at once, the rest when looked at."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from distillens.report import disagreements
from distillens.report.sentences import Explained, View, gold, short, views
from distillens.report.study_data import Outline

Texts = Sequence[Mapping[str, Any]]


def address(task: str, explainer: str, student: str, example: str = "") -> str:
    """Where on the page a student's texts are, or one text; the viewer reads it.

    Examples
    --------
    >>> address("sst5", "shap", "kd")
    '#sentences?task=sst5&explainer=shap&student=kd'
    """
    query = {"task": task, "explainer": explainer, "student": student}
    return "#sentences?" + urlencode(query | ({"example": example} if example else {}))


def viewer(
    study: Outline,
    explained: Mapping[str, Texts],
    explanations: Sequence[Explained],
    pairs: pd.DataFrame,
    gates: disagreements.Gates,
) -> tuple[list[dict[str, Any]], list[tuple[str, dict[str, Any]]]]:
    """Build what the viewer shows.

    Parameters
    ----------
    study : Outline
        Gives the order of tasks, explainers and runs.
    explained : mapping
        The rows of the table of explained texts, by task.
    explanations : sequence of Explained
        What `sentences.load` returned.
    pairs : pandas.DataFrame
        Agreement per example by the headline metric.
    gates : collection
        What `disagreements.gates_of` returned.

    Returns
    -------
    tasks : list of dict
        Per task its ``name``, the ``classes`` in order (None for a regression), the ``labels`` that its
        texts have, in the same order, the ``examples``, and the ``explainers``: ``name``, ``rows`` (the key
        of what is below), ``runs``.
    rows : list of (key, dict)
        Per task and explainer ``rows``, the cells of every text and run, and ``students``: by name
        ``runs``, ``shared``, ``ceiling`` and ``beyond``, per text.
    """
    tasks, rows = [], []
    for task, options in study.tasks.items():
        texts = explained.get(task, [])
        of_task = views(study, task, texts, explanations, pairs)
        if not of_task:
            continue
        classification, keys = options["type"] == "classification", []
        for view in of_task:
            keys.append(f"rows-{len(rows)}")
            rows.append((keys[-1], _rows(study, view, texts, gates)))
        tasks.append(
            {
                "name": task,
                "classes": list(options["labels"]) if classification else None,
                "labels": _labels(texts, options) if classification else [],
                "examples": [
                    {"id": text["example_id"], "gold": gold(text, options), "pieces": of_task[0].pieces(text)}
                    for text in texts
                ],
                "explainers": [
                    {
                        "name": view.explainer,
                        "rows": key,
                        "runs": [{**view.describe(run), "model": run.model} for run in view.runs],
                    }
                    for key, view in zip(keys, of_task, strict=True)
                ],
            }
        )
    return tasks, rows


def _rows(study: Outline, view: View, texts: Texts, gates: disagreements.Gates) -> dict[str, Any]:
    students = {
        name: {
            "runs": one.n_runs,
            "shared": [short(value) for value in one.shared],
            "ceiling": [short(value) for value in one.ceiling],
            "beyond": [short(value) for value in one.beyond],
        }
        for name, one in disagreements.of_view(study, view, texts, gates).items()
    }
    return {"rows": [view.row(text) for text in texts], "students": students}


def _labels(texts: Texts, options: Mapping[str, Any]) -> list[str]:
    """The labels of texts, in the order of the classes."""
    named = {text["label"]: gold(text, options) for text in texts if text["label"] is not None}
    return list(dict.fromkeys(str(named[label]) for label in sorted(named)))
