"""The explained sentences of a task as one explainer shows them, run by run."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distillens import tables
from distillens.metrics.calibration import HEADLINE
from distillens.metrics.explained_output import majority, predicted
from distillens.report import short_numbers
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
        self.unit = study.settings.get("unit", "word")
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

    def beside(self, run: Run) -> Run | None:
        """The teacher's run that a run is shown beside."""
        return self._teacher[run]

    def describe(self, run: Run) -> dict[str, Any]:
        """Name a run and say what it is: a teacher, a student, or another seed of a teacher.

        ``teacher`` is the place of the teacher's run that it is shown beside, ``family`` that of the first.
        """
        teacher, first = self._teacher[run], self._first[run.teacher or run.model]
        role = "student" if run.teacher else "teacher" if run == teacher else "seed"
        places = {"teacher": teacher, "family": first}
        indices = {name: self.runs.index(one) if one in self.runs else None for name, one in places.items()}
        return {"label": run.label, "role": role, **indices}

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
        return _column(own, target if outputs > 1 else 0)

    def of_classes(self, run: Run, example: Mapping[str, Any]) -> list[list[float]]:
        """Attributions of the words to each output; to none that is known where the teacher has others."""
        name = example["example_id"]
        own, reference = self._rows[run][name], self._rows[self._teacher[run]][name]
        outputs = len(own["output"])
        if outputs != len(reference["output"]):
            return [[math.nan] * len(own["values"])]
        return [_column(own, output) for output in range(outputs)]

    def same_words(self, left: Run, right: Run, example: Mapping[str, Any]) -> bool:
        """Whether two runs explained an example, and by the same words."""
        one, other = (self._rows[run].get(example["example_id"]) for run in (left, right))
        return one is not None and other is not None and _spans(one) == _spans(other)

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
            ``v`` and ``m``, the words' attributions to each class as `short_numbers.of_classes` packs them;
            ``p``, the prediction; of a classification ``c``, its probability, ``ok``, whether it is right
            (None: unknown), and ``t``, the class that most runs of the teacher predict; of a student ``r``,
            its agreement with the teacher's run; ``unseen`` words; ``pieces`` where its words are not the
            others'.
        """
        name, teacher = example["example_id"], self._teacher[run]
        own, reference = self._rows[run].get(name), self._rows.get(teacher, {}).get(name)
        if own is None or reference is None:
            return None
        texts, largest = short_numbers.of_classes(self.of_classes(run, example))
        cell: dict[str, Any] = {"v": texts, "m": largest}
        cell |= self._prediction(own["logits"], example["label"])
        if self._options["type"] == "classification":
            cell["t"] = self._label(self._target(run, name))
        if run != teacher:
            cell["r"] = short(self.agreement(run, example))
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
        return {"p": self._label(best), "c": short(odds[best] / odds.sum()), "ok": right}

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


def _column(row: Mapping[str, Any], output: int) -> list[float]:
    return [math.nan if word[output] is None else word[output] for word in row["values"]]


def short(value: float) -> float | None:
    """Three significant digits: what is shown needs no more, and the page stays small; None for none.

    Examples
    --------
    >>> short(0.123456), short(math.nan)
    (0.123, None)
    """
    return None if not math.isfinite(value) else float(f"{value:.3g}")
