"""Whether a record of verdicts passes: why each student fails, and the exit status of all."""

from collections.abc import Mapping
from typing import Any

from distillens.metrics.verdict import DRIFTS, KEEPS, UNKNOWN
from distillens.report.outcome import NOTHING

WORSE = "worse"
STATUS = {KEEPS: 0, DRIFTS: 3, UNKNOWN: 4, NOTHING: 5, WORSE: 6}
"""The exit status of each word."""
FAILING = (DRIFTS, WORSE, NOTHING, UNKNOWN)
"""Words that fail, in the order in which they count."""


def failures(record: Mapping[str, Any], allow: tuple[str, ...] = ()) -> dict[tuple[str, str], list[str]]:
    """Why each (task, student) fails; those that pass are left out.

    Examples
    --------
    >>> record = {"students": [{"task": "films", "student": "tiny", "verdict": "not decided"}], "against": []}
    >>> failures(record), failures(record, ("not decided",))
    ({('films', 'tiny'): ['not decided']}, {})
    """
    why: dict[tuple[str, str], list[str]] = {}
    for one in record["students"]:
        if one["verdict"] != KEEPS and one["verdict"] not in allow:
            why.setdefault((one["task"], one["student"]), []).append(one["verdict"])
    for row in record["against"]:
        words = why.setdefault((row["task"], row["student"]), [])
        if row["worse"] and WORSE not in (*words, *allow):
            words.append(WORSE)
    return {key: words for key, words in why.items() if words}


def status(record: Mapping[str, Any], allow: tuple[str, ...] = ()) -> int:
    """The exit status of a record.

    Examples
    --------
    >>> nothing = {"students": [], "against": []}
    >>> status(nothing), status(nothing, ("nothing measured",))
    (5, 0)
    """
    words = {word for words in failures(record, allow).values() for word in words}
    if not record["students"] and NOTHING not in allow:
        words.add(NOTHING)
    return next((STATUS[word] for word in FAILING if word in words), 0)
