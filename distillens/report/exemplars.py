"""Texts that show what a student became: other answers by every run, or the same answers for other reasons.

Texts on which the most frequent answers of compressed and uncompressed models differ are called
compression-identified exemplars (Hooker et al. 2019). Here all runs of either side must say so:
what a single run says otherwise may be its seed. Beside them stand the texts that no score of answers
shows: all runs of both answer alike, and their reasons are further apart than the teacher's own are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distillens.evaluation.gates import usable
from distillens.report import viewer
from distillens.report.case import Group, Text, answer, beginning, beyond_in_words, not_known
from distillens.report.disagreements import Disagreement, Gates, gated_runs
from distillens.report.formatting import NOT_KNOWN, Cell, Head, Table, number
from distillens.report.sentences import View, gold
from distillens.report.study_data import Outline, Run

FIRST = 10

Answers = Sequence[Sequence[int | None]]
"""Of each run, and of each text; None where it is not known."""


class Exemplars(NamedTuple):
    """Places of texts, those furthest beyond noise first, ties as in the data."""

    other_answers: list[int]
    other_reasons: list[int]


def exemplars(teacher: Answers, student: Answers, beyond: NDArray[np.float64]) -> Exemplars:
    """Find both kinds.

    Parameters
    ----------
    teacher, student : sequences of answers
    beyond : ndarray, shape (texts,)
        How much further a student's attributions are from its teacher's than these are from each
        other; NaN where that is not defined.

    Examples
    --------
    >>> teacher, student = [[0, 0, 1], [0, 0, 1]], [[1, 0, 1], [1, 0, 0]]
    >>> exemplars(teacher, student, np.array([0.1, 0.3, 0.5]))
    Exemplars(other_answers=[0], other_reasons=[1])
    """
    order = np.argsort(-np.nan_to_num(beyond, nan=-np.inf), kind="stable")
    one, other = ([_common(runs, place) for place in range(len(beyond))] for runs in (teacher, student))
    known = [place for place in order.tolist() if None not in (one[place], other[place])]
    return Exemplars(
        [place for place in known if one[place] != other[place]],
        [place for place in known if one[place] == other[place] and beyond[place] > 0],
    )


def _common(runs: Answers, place: int) -> int | None:
    """What all runs answer; None if they do not."""
    answers = {run[place] for run in runs}
    return answers.pop() if len(answers) == 1 else None


def group(
    study: Outline,
    view: View,
    texts: Sequence[Text],
    family: Sequence[Run],
    disagreement: Disagreement,
    gates: Gates = (),
) -> Group:
    """The texts that every run of a student answers otherwise, or alike for other reasons, as a table.

    Runs that are no better than a constant do not count, unless all are.
    """
    (teacher, student), weak = family, gated_runs(view, gates)
    runs = [usable([run for run in view.runs if run.model == one.model], weak) for one in family]
    answers = [
        [[int(np.argmax(own)) if (own := view.logits(run, text)) else None for text in texts] for run in side]
        for side in runs
    ]
    kinds = exemplars(*answers, disagreement.ranked)._asdict()
    names = {"other_answers": "other answer", "other_reasons": "same answer, other reasons"}
    rule = (
        f"All runs of {teacher.model} ({len(runs[0])}) give one answer and all of {student.model} "
        f"({len(runs[1])}) another: {len(kinds['other_answers'])} of {len(texts)} texts. All give the same "
        f"answer, and {view.explainer} places the attribution otherwise, "
        f"{beyond_in_words(disagreement, teacher.model)}: {len(kinds['other_reasons'])}. "
        f"The first {FIRST} of each, furthest apart first."
    )
    rows = [
        [
            Cell(
                texts[place]["example_id"],
                link=viewer.address(view.task, view.explainer, student.model, texts[place]["example_id"]),
            ),
            Cell(names[kind]),
            Cell(beginning(texts[place])),
            *(answer(view, run, texts[place]) for run in family),
            Cell(gold(texts[place], study.tasks[view.task]) or NOT_KNOWN),
            Cell(number(disagreement.ranked[place]), float(disagreement.ranked[place])),
        ]
        for kind, places in kinds.items()
        for place in places[:FIRST]
    ]
    says = [f"{run.model} says" for run in family]
    columns = ["text", "what differs", "its beginning", *says, "gold"]
    last = Head("beyond noise" if disagreement.knows_noise else "not shared", "how far the reasons are apart")
    title = f"Other answers, or other reasons, by every run: {student.model}"
    table = Table(
        f"exemplars-{view.task}-{student.model}",
        f"{title}, on {view.task}",
        [*(Head(name, numeric=False) for name in columns), last],
        rows,
        labels=2,
    )
    none = not_known(view, texts, family) or f"On none of the {len(texts)} texts."
    return Group(title, rule, (), "" if rows else none, table if rows else None)
