"""The explained sentences as the page's script wants them: one JSON-able tree."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distillens import tables
from distillens.metrics.calibration import HEADLINE
from distillens.metrics.explained_output import majority, predicted
from distillens.report.formatting import NOT_KNOWN, number
from distillens.report.study_data import Outline, Run, ordered
from distillens.tables import TableError

Explained = tuple[Mapping[str, Any], list[dict[str, Any]]]
"""The provenance of a table of explanations, and its rows."""


def load(paths: Sequence[str | Path], *more: str) -> list[Explained]:
    """Read tables of kind ``explanations``, sorted by what they are about: task, run, explainer and more.

    Raises
    ------
    TableError
        If a file does not name what it is about.
    """
    read = []
    for path in paths:
        source = tables.provenance(path)
        missing = {"task", "model", "seed", "explainer", *more} - source.keys()
        if missing:
            raise TableError(f"{path}: its provenance does not name {', '.join(sorted(missing))}")
        read.append((source, tables.read(path, "explanations").to_pylist()))
    keys = ("task", *more, "explainer", "model", "seed")
    return sorted(read, key=lambda item: tuple(str(item[0][key]) for key in keys))


def sentences(
    study: Outline,
    explained: Mapping[str, list[dict[str, Any]]],
    explanations: Sequence[Explained],
    pairs: pd.DataFrame,
) -> list[dict[str, Any]]:
    """Build what is shown per task: examples, and per explainer the attributions of every run.

    Parameters
    ----------
    study : Outline
        Gives the order of tasks, explainers and runs.
    explained : mapping
        The rows of the table of explained texts, by task.
    explanations : sequence of Explained
        What `load` returned.
    pairs : pandas.DataFrame
        Agreement per example by the headline metric; it sorts the sentences.
    """
    by_task = []
    for task, options in study.tasks.items():
        examples = explained.get(task, [])
        views_of_task = views(study, task, examples, explanations, pairs)
        if not views_of_task:
            continue
        by_task.append(
            {
                "name": task,
                "classes": options["type"] == "classification",
                "examples": [
                    {"id": e["example_id"], "gold": gold(e, options), "pieces": views_of_task[0].pieces(e)}
                    for e in examples
                ],
                "explainers": [
                    {
                        "name": view.explainer,
                        "runs": [view.describe(run) for run in view.runs],
                        "rows": [view.row(example) for example in examples],
                    }
                    for view in views_of_task
                ],
            }
        )
    return by_task


def views(
    study: Outline,
    task: str,
    examples: Sequence[Mapping[str, Any]],
    explanations: Sequence[Explained],
    pairs: pd.DataFrame,
) -> list["View"]:
    """Texts of a task as each explainer that was used on them shows them, in the study's order."""
    about = {
        (source["explainer"], source["model"], source["seed"]): {row["example_id"]: row for row in rows}
        for source, rows in explanations
        if source["task"] == task
    }
    if not examples or not about:
        return []
    keys = ["task", "explainer", "model", "seed", "against", "against_seed", "example_id"]
    pairs = pairs[pairs["metric"] == HEADLINE]
    alike = dict(zip(pairs[keys].itertuples(index=False, name=None), pairs["value"], strict=True))
    pieces = _pieces_by_example(examples, about)
    result = []
    for explainer in ordered((key[0] for key in about), list(study.settings["explainers"])):
        runs = [run for run in study.runs if (explainer, run.model, run.seed) in about]
        result.append(View(study, task, explainer, runs, about, alike, pieces))
    return result


class View:
    """Sentences of one task under one explainer."""

    def __init__(
        self,
        study: Outline,
        task: str,
        explainer: str,
        runs: Sequence[Run],
        about: Mapping[tuple[Any, ...], Mapping[str, dict[str, Any]]],
        alike: Mapping[tuple[Any, ...], float],
        pieces: Mapping[str, tuple[Any, Any]],
    ) -> None:
        self.task, self._options = task, study.tasks[task]
        self.explainer, self.runs = explainer, list(runs)
        self._rows = {run: about[explainer, run.model, run.seed] for run in runs}
        self._alike, self._pieces = alike, pieces
        self._teacher = {run: study.reference(run) for run in runs}
        own = {run.teacher or run.model for run in runs}
        self._first = {model: study.first(model) for model in own}
        self._explained = {model: self._of_most(model) for model in own}

    def _of_most(self, teacher: str) -> Mapping[str, int | None]:
        """The class that most runs of a teacher predict for each text: the one that scores are about."""
        every = [rows for run, rows in self._rows.items() if run.model == teacher]
        says = [{name: _predicted(row) for name, row in rows.items()} for rows in every]
        return majority(says) if says else {}

    def _target(self, run: Run, name: str) -> int | None:
        return self._explained[run.teacher or run.model].get(name)

    def describe(self, run: Run) -> dict[str, Any]:
        """Name a run and say what it is: a teacher, a student, or another seed of a teacher.

        ``teacher`` is the place of the teacher's run that it is shown beside, ``family`` that of the first.
        """
        teacher, first = self._teacher[run], self._first[run.teacher or run.model]
        role = "student" if run.teacher else "teacher" if run == teacher else "seed"
        places = {"teacher": teacher, "family": first}
        found = {name: self.runs.index(one) if one in self.runs else None for name, one in places.items()}
        return {"label": run.label, "role": role, **found}

    def row(self, example: Mapping[str, Any]) -> list[dict[str, Any] | None]:
        """What each run says about an example; None where it, or its teacher, says nothing."""
        return [self.cell(run, example) for run in self.runs]

    def pieces(self, example: Mapping[str, Any]) -> list[list[str]]:
        """The text's segments, each cut into what lies between words (even places) and words (odd)."""
        return self._pieces[example["example_id"]][1]

    def values(self, run: Run, example: Mapping[str, Any]) -> list[float]:
        """Attributions of the words to the class that most runs of the teacher predict; [] without one."""
        name = example["example_id"]
        own, reference = self._rows[run].get(name), self._rows.get(self._teacher[run], {}).get(name)
        if own is None or reference is None:
            return []
        outputs, target = len(own["output"]), self._target(run, name)
        if outputs != len(reference["output"]) or (outputs > 1 and target is None):
            # Nobody says which of the classes is shown, or for which the values are.
            return [math.nan] * len(own["values"])
        column = target if outputs > 1 else 0
        return [math.nan if word[column] is None else word[column] for word in own["values"]]

    def agreement(self, run: Run, example: Mapping[str, Any]) -> float:
        """How alike a run and its teacher's run explain an example, by the headline; NaN where undefined."""
        teacher = self._teacher[run]
        if teacher is None:
            return math.nan
        key = (self.task, self.explainer, run.model, run.seed, teacher.model, teacher.seed)
        return self._alike.get((*key, example["example_id"]), math.nan)

    def logits(self, run: Run, example: Mapping[str, Any]) -> list[float]:
        """What a run answers; nothing where it was not asked."""
        return self._rows.get(run, {}).get(example["example_id"], {}).get("logits") or []

    def cell(self, run: Run, example: Mapping[str, Any]) -> dict[str, Any] | None:
        """What a run says about an example; None where it, or its teacher, says nothing.

        Returns
        -------
        dict
            ``v``, the words' attributions to the class that most runs of the teacher predict; ``p``, the
            prediction; of a classification ``c``, its probability, ``ok``, whether it is right
            (None: unknown), and ``t``, that class; of a student ``r``, its agreement with the
            teacher's run; ``unseen`` words; ``pieces`` where its words are not the others'.
        """
        name, teacher = example["example_id"], self._teacher[run]
        own, reference = self._rows[run].get(name), self._rows.get(teacher, {}).get(name)
        if own is None or reference is None:
            return None
        cell: dict[str, Any] = {"v": [_short(value) for value in self.values(run, example)]}
        cell |= self._prediction(own["logits"], example["label"])
        if self._options["type"] == "classification":
            cell["t"] = self._label(self._target(run, name))
        if run != teacher:
            cell["r"] = _short(self.agreement(run, example))
        if own["unseen"]:
            cell["unseen"] = own["unseen"]
        key_of_words, _ = self._pieces[name]
        if _spans(own) != key_of_words:
            cell["pieces"] = _pieces(example, own["spans"])
        return cell

    def _prediction(self, logits: Sequence[float] | None, gold: float | None) -> dict[str, Any]:
        if logits is None:
            return {"p": self._label(None)}
        if self._options["type"] != "classification":
            return {"p": number(logits[0], 2)}
        odds = np.exp(np.asarray(logits, float) - np.max(logits))
        best = int(np.argmax(logits))
        right = None if gold is None else best == int(gold)
        return {"p": self._label(best), "c": _short(odds[best] / odds.sum()), "ok": right}

    def _label(self, index: int | None) -> str:
        if index is None:
            return NOT_KNOWN
        labels = self._options["labels"]
        return labels[index] if index < len(labels) else str(index)


def _predicted(row: Mapping[str, Any]) -> int | None:
    values = np.array(row["values"], dtype=np.float64).reshape(-1, len(row["output"]))
    return predicted(row["logits"], values)


def gold(example: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    """The label of an example in words; None where it has none.

    Examples
    --------
    >>> gold({"label": 1.0, "label_name": None}, {"type": "classification", "labels": ["no", "yes"]})
    'yes'
    """
    if example["label"] is None:
        return None
    if options["type"] != "classification":
        return number(example["label"], 2)
    labels, index = options["labels"], int(example["label"])
    return example["label_name"] or (labels[index] if index < len(labels) else str(index))


def _pieces_by_example(
    examples: Sequence[Mapping[str, Any]], about: Mapping[tuple[Any, ...], Mapping[str, dict[str, Any]]]
) -> dict[str, tuple[Any, list[list[str]]]]:
    """Per example the words' spans and the text cut along them; models that agree share it."""
    cut = {}
    for example in examples:
        name = example["example_id"]
        row = next((rows[name] for rows in about.values() if name in rows), None)
        cut[name] = (_spans(row) if row else [], _pieces(example, row["spans"] if row else []))
    return cut


def _spans(row: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    return [(span["segment"], span["start"], span["end"]) for span in row["spans"]]


def _pieces(example: Mapping[str, Any], spans: Sequence[Mapping[str, int]]) -> list[list[str]]:
    """Cut each segment into what lies between words (even) and words (odd), so that no offset leaves Python.

    Offsets count characters here and UTF-16 units in a browser, which differ after an emoji.
    """
    cut = []
    for segment, text in enumerate(t for t in (example["text_a"], example["text_b"]) if t is not None):
        parts, position = [], 0
        for span in spans:
            if span["segment"] == segment:
                parts += [text[position : span["start"]], text[span["start"] : span["end"]]]
                position = span["end"]
        cut.append([*parts, text[position:]])
    return cut


def _short(value: float) -> float | None:
    """Three significant digits: colours and hints need no more, and the page stays small."""
    return None if not math.isfinite(value) else float(f"{value:.3g}")
