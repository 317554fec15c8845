"""One text with its words coloured as each model reads it, and what is said of it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distillens.data.units import noun
from distillens.report import sentences, viewer
from distillens.report.disagreements import Disagreement
from distillens.report.formatting import NOT_KNOWN, Cell, Table, percent
from distillens.report.sentences import View, gold
from distillens.report.study_data import Outline, Run

_LEVELS = 9

Text = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """What one model makes of a text: its name, its prediction, and its words as (text, class, hint)."""

    run: Run
    prediction: str
    segments: Sequence[Sequence[tuple[str, str, str]]]


@dataclass(frozen=True)
class Case:
    """A text, what is said about it as (name, value), every model's view of it, and a link to the viewer."""

    example_id: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[Line]
    link: str = ""


@dataclass(frozen=True)
class Group:
    """The cases of one rule; the rule in words, why there are none, and a table of them."""

    title: str
    rule: str
    cases: Sequence[Case]
    none: str = ""
    table: Table | None = None


def case_of(
    study: Outline, view: View, text: Text, family: Sequence[Run], facts: Sequence[tuple[str, str]]
) -> Case:
    """A text as each run of a family reads it that explained it, with its label among the facts."""
    label = gold(text, study.tasks[view.task])
    cells = {run: cell for run in family if (cell := view.cell(run, text)) is not None}
    about = [] if label is None else [("gold", label)]
    if family[0] in cells:
        about.append(("explained class", cells[family[0]].get("t", "none, but the score")))
    lines = [
        Line(
            run,
            f"says {_prediction(cell, view.unit)}",
            list(_segments(view.values(run, text), cell.get("pieces", view.pieces(text)))),
        )
        for run, cell in cells.items()
    ]
    student = next((run.model for run in cells if run.teacher is not None), "")
    link = viewer.address(view.task, view.explainer, student, text["example_id"])
    return Case(text["example_id"], [*about, *facts], lines, link)


def _prediction(cell: Mapping[str, Any], unit: str) -> str:
    """What a run says, how sure it is and whether it is right, as far as it is known; as in the viewer."""
    sure = f", {percent(cell['c'])}" if "c" in cell else ""
    right = {True: "\u00a0✓", False: "\u00a0✗", None: ""}[cell.get("ok")]
    cut = f"; {cell['unseen']} {noun(unit, cell['unseen'] != 1)} cut off" if cell.get("unseen") else ""
    return f"{cell['p']}{sure}{right}{cut}"


def _segments(
    values: Sequence[float], pieces: Sequence[Sequence[str]]
) -> Iterator[list[tuple[str, str, str]]]:
    """The text's pieces, words with the classes that colour them as the page's script does."""
    shown = iter([sentences.short(value) for value in values])
    strongest = max((abs(value) for value in values if math.isfinite(value) and value), default=1.0)
    for segment in pieces:
        parts = []
        for place, piece in enumerate(segment):
            if place % 2 == 0:
                parts.append((piece, "", ""))
                continue
            value = next(shown, None)
            level = math.floor(_LEVELS * abs(value or 0) / strongest + 0.5)
            colour = f" {'pos' if value > 0 else 'neg'} l{level}" if level else ""
            parts.append((piece, f"w{colour}", "undefined" if value is None else _signed(value)))
        yield parts


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−")


def beginning(text: Text, size: int = 60) -> str:
    """Its first characters.

    Examples
    --------
    >>> beginning({"text_a": "Slow, but never dull."}, size=10)
    'Slow, but…'
    """
    return text["text_a"] if len(text["text_a"]) <= size else text["text_a"][: size - 1].rstrip() + "…"


def answer(view: View, run: Run | None, text: Text) -> Cell:
    """What a run says of a text, how sure it is, and whether it is right."""
    cell = view.cell(run, text) if run in view.runs else None
    return Cell(_prediction(cell, view.unit) if cell else NOT_KNOWN)


def not_known(view: View, texts: Sequence[Text], runs: Sequence[Run]) -> str:
    """That nobody knows what a model answers; nothing where each answered some text."""
    silent = [run.model for run in runs if texts and not any(view.logits(run, text) for text in texts)]
    return f"Not known: the attributions of {' and '.join(silent)} came without logits." if silent else ""


def beyond_in_words(disagreement: Disagreement, teacher: str) -> str:
    """By what texts are ranked.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(1)
    >>> beyond_in_words(Disagreement("small", 1, one, one, 0 * one), "big")
    'beyond what two runs of big differ in it'
    """
    if not disagreement.knows_noise:
        return f"by what they share of it (one run of {teacher} shows no noise)"
    return f"beyond what two runs of {teacher} differ in it"
