"""Says where a model's outputs seem to bear each other's names, so that its score is no news of the model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from distillens.report.decision import Decision
from distillens.report.formatting import capitalised, number
from distillens.report.study_data import Outline


def question(row: Mapping[str, Any]) -> str:
    """The renaming of a model's outputs that scores far better.

    Examples
    --------
    >>> row = {"model": "tiny", "task": "toy", "value": 0.86, "outputs": ["positive", "negative"]}
    >>> question(row)
    'names permuted? with its outputs in the order positive, negative tiny would score 0.86 on toy'
    """
    return (
        f"names permuted? with its outputs in the order {', '.join(row['outputs'])} {row['model']} "
        f"would score {number(row['value'], 2)} on {row['task']}"
    )


def remarks(rows: Iterable[Mapping[str, Any]]) -> str:
    """The same of all models, in sentences.

    Examples
    --------
    >>> remarks([])
    ''
    """
    said = [f"{capitalised(question(row))}: look at the names of its outputs (labels)." for row in rows]
    return " ".join(dict.fromkeys(said))


def with_questions(
    decisions: Iterable[Decision], study: Outline, rows: Sequence[Mapping[str, Any]]
) -> list[Decision]:
    """Decisions, their evidence followed by the question about the student or its teacher.

    Examples
    --------
    >>> with_questions([Decision("tiny", None, "no better")], None, [])[0].evidence
    'no better'
    """
    result = []
    for one in decisions:
        about = {one.student, study.first(one.student).teacher} if rows else set()
        asked = dict.fromkeys(question(row) for row in rows if row["model"] in about)
        result.append(replace(one, evidence="; ".join([one.evidence, *asked])))
    return result
