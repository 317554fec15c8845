"""Says where a model's outputs seem to bear each other's names, so that its score is no news of the model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distillens.report.formatting import Cell, capitalised, number
from distillens.report.study_data import Outline

Line = tuple[str, Cell, str]


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


def with_questions(lines: Iterable[Line], study: Outline, rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Lines of `distillens.report.reasons.lines`, with the question about the student or its teacher.

    Examples
    --------
    >>> with_questions([("tiny", Cell("gated"), "no better")], None, [])
    [('tiny', Cell(text='gated', ...), 'no better')]
    """
    result = []
    for student, word, why in lines:
        about = {student, study.first(student).teacher} if rows else set()
        asked = dict.fromkeys(question(row) for row in rows if row["model"] in about)
        result.append((student, word, "; ".join([why, *asked])))
    return result
