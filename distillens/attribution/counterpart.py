"""Attributions from elsewhere beside those that they will be compared with: what could never agree.

A student's rows are held against its teacher's, a teacher's further runs against its first.
Whatever would leave every comparison undefined is said where a file is taken in, by one job.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distillens import tables
from distillens.attribution.explanation_file import MAPPING
from distillens.attribution.explanation_rows import SINGLE, Taken

TEACHER = "teacher"
_SAY = "explanations.missing: zero, intersection"


def unlike(
    rows: Sequence[Taken], form: str | None, unit: str, missing: str | None, reference: str | Path
) -> list[str]:
    """Say which rows cannot be compared with those of another run.

    Parameters
    ----------
    rows : sequence of Taken
    form : str or None
        ``words``, ``tokens`` or ``mapping``.
    unit, missing : str, str or None
        As the config has them.
    reference : path
        Table of the other run's attributions by the same explainer, from elsewhere too.

    Returns
    -------
    list of str
        A line for each row: single values of no named class beside values of one; words that one
        side lacks, where it does not say what that means.

    Examples
    --------
    >>> row = {"example_id": "1", "words": ["dull"], "values": [[-0.8]], "spans": [], "unseen": 0}
    >>> row |= {"base": [0.0], "output": [0.0], "logits": None}
    >>> theirs = {"model": "bert", "settings": {"form": "mapping", "missing": None}}
    >>> tables.write("bert.parquet", "explanations", [row], theirs)
    >>> own = Taken(1, None, SINGLE, {"example_id": "1", "words": ["film"]})
    >>> unlike([own], "mapping", "token", None, "bert.parquet")
    ["row 1: 1 words have no value that 'bert' has a value for, such as 'dull'; say ..."]
    """
    other = tables.provenance(reference)
    theirs = {row["example_id"]: row for row in tables.read(reference, "explanations").to_pylist()}
    by_name = unit == "token" and form == MAPPING == other["settings"]["form"]
    problems = []
    for taken in rows:
        name = taken.stored["example_id"]
        row = theirs.get(name)
        if taken.kind is None or row is None or not _has_values(row):
            continue
        if (taken.kind == SINGLE) != (_width(row) == 1):
            ours, its = ("no target", "one") if taken.kind == SINGLE else ("a target", "none")
            problem = (
                f"its values have {ours} (or logits for values of each class), those of "
                f"{other['model']!r} have {its}: they could not be compared; say with target which "
                "class single values are about, in both files or in neither"
            )
        else:
            problem = _lacking(taken.stored, row, missing, other) if by_name else ""
        problems += [f"row {taken.number}: {problem}"] if problem else []
    return problems


def _lacking(own: dict[str, Any], row: dict[str, Any], missing: str | None, other: dict[str, Any]) -> str:
    """What a side lacks that the other has, where that side does not say what it means."""
    lacking = [word for word in row["words"] if word not in set(own["words"])]
    if lacking and missing is None:
        return (
            f"{len(lacking)} words have no value that {other['model']!r} has a value for, such as "
            f"{lacking[0]!r}; say {_SAY} or, of a student, {TEACHER}"
        )
    more = [word for word in own["words"] if word not in set(row["words"])]
    if more and other["settings"]["missing"] is None and missing != TEACHER:
        return (
            f"{other['model']!r} has no value for {len(more)} of its words, such as {more[0]!r}; say "
            f"models.{other['model']}.{_SAY}, or here {TEACHER}: only the teacher's words count"
        )
    return ""


def _has_values(row: dict[str, Any]) -> bool:
    return any(value is not None for values in row["values"] for value in values)


def _width(row: dict[str, Any]) -> int:
    return np.array(row["values"], dtype=np.float64).shape[1]
