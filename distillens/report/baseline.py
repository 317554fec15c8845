"""Whether students agree less with their teacher than those of an earlier record did.

Both records are about the same texts, so texts are compared one by one: what makes one text harder than
another does not blur the difference. Texts of one group count as one draw.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from distillens.metrics.statistics import Resampling, summaries

Outcome = Mapping[str, Any]

_ALPHA = 0.05
_SAME = {
    "teachers": "another teacher",
    "texts": "other texts",
    "explainers": "other explainers, or other settings of theirs",
    "explained_output": "another explained output",
}


class BaselineError(ValueError):
    """The baseline is about something else; the message says what."""


def compare(outcome: Outcome, baseline: Outcome) -> list[dict[str, Any]]:
    """Compare each student with the baseline's of the same name; the only ones whatever their names.

    Returns
    -------
    list of dict
        For each task, student and explainer the ``difference`` of agreement (negative: less than before)
        with ``low`` and ``high``, ``n`` texts, and whether it is ``worse``: the whole interval is below 0.
        The level of the intervals is corrected for their number (Bonferroni), so that with 95 % none is
        called worse falsely.

    Raises
    ------
    BaselineError
        If it is about another teacher, other texts or other explainers, or has none of the students.

    Examples
    --------
    >>> about = {"teachers": {"bert": "aa"}, "texts": {"films": {"sha256": "bb"}}}
    >>> about |= {"explainers": {"shap": {}}, "explained_output": "margin"}
    >>> def record(level):
    ...     by_text = {str(number): level + number / 100 for number in range(20)}
    ...     row = {"explainer": "shap", "by_text": by_text}
    ...     return {"about": about, "students": [{"task": "films", "student": "tiny", "explainers": [row]}]}
    >>> [(round(one["difference"], 2), one["worse"]) for one in compare(record(0.5), record(0.7))]
    [(-0.2, True)]
    """
    _check_same(outcome["about"], baseline["about"])
    pairs = list(_pairs(outcome, baseline))
    if not pairs:
        names = ", ".join(one["student"] for one in baseline["students"])
        raise BaselineError(f"has none of the students, only {names or 'none'}; name them alike")
    level = 1 - _ALPHA / len(pairs)
    about = outcome["about"]
    resampling, groups = resampling_of(about, level), about.get("groups", {})
    return [_compared(one, row, before, resampling, groups.get(one["task"])) for one, _, row, before in pairs]


def unpaired(outcome: Outcome, baseline: Outcome) -> list[str]:
    """What is in only one of two records, and so not compared, in sentences.

    Examples
    --------
    >>> before, now = (
    ...     {"students": [{"task": "films", "student": name, "explainers": [{"explainer": "shap"}]}]}
    ...     for name in ("small", "tiny")
    ... )
    >>> unpaired(now, before), unpaired(now, {"students": before["students"] + now["students"]})
    ([], ['films: small by shap is in the baseline only, and not compared'])
    """
    pairs = [
        ((one["task"], one["student"], row["explainer"]), (one["task"], name, row["explainer"]))
        for one, name, row, _ in _pairs(outcome, baseline)
    ]
    said = []
    for side, record, where in ((0, outcome, "not in the baseline"), (1, baseline, "in the baseline only")):
        compared = {pair[side] for pair in pairs}
        for one in record["students"]:
            keys = [(one["task"], one["student"], row["explainer"]) for row in one["explainers"]]
            said += [
                f"{task}: {student} by {explainer} is {where}, and not compared"
                for task, student, explainer in keys
                if (task, student, explainer) not in compared
            ]
    return said


def resampling_of(about: Mapping[str, Any], level: float) -> Resampling:
    """How texts are resampled: from the study's seed, which records of earlier releases do not have (0).

    Examples
    --------
    >>> resampling_of({"seed": 7}, 0.95).seed
    7
    """
    return Resampling(about.get("seed", 0), confidence_level=level)


def same_teachers(about: Mapping[str, Any], other: Mapping[str, Any]) -> bool | None:
    """Whether two records are about the same teachers; None where one does not know its own.

    Names are the user's: a teacher is its weights.

    Examples
    --------
    >>> about, renamed = {"teachers": {"bert": "aa"}}, {"teachers": {"production": "aa"}}
    >>> same_teachers(about, renamed), same_teachers(about, {"teachers": {"bert": None}})
    (True, None)
    """
    one, two = (list(side["teachers"].values()) for side in (about, other))
    return None if None in (*one, *two) else sorted(one) == sorted(two)


def _check_same(about: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    teachers = same_teachers(about, other)
    if teachers is None:
        raise BaselineError(
            "does not tell whether its teacher is the same: one of both was made without explanations, as a "
            "committed page is; take the verdict.json of a study that was run"
        )
    for key, what in _SAME.items():
        if not (teachers if key == "teachers" else about[key] == other[key]):
            raise BaselineError(f"is about {what}; make a baseline anew, with this release")


def _pairs(
    outcome: Outcome, baseline: Outcome
) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any], Mapping[str, Any]]]:
    """A student, its name in the baseline, and its rows by an explainer in both."""
    alone = len({one["student"] for one in outcome["students"]}) == 1
    alone = alone and len({one["student"] for one in baseline["students"]}) == 1
    for one in outcome["students"]:
        for other in baseline["students"]:
            if one["task"] != other["task"] or not (alone or one["student"] == other["student"]):
                continue
            before = {row["explainer"]: row for row in other["explainers"]}
            for row in one["explainers"]:
                if row["explainer"] in before:
                    yield one, other["student"], row, before[row["explainer"]]


def _compared(
    one: Mapping[str, Any],
    row: Mapping[str, Any],
    before: Mapping[str, Any],
    resampling: Resampling,
    groups: Mapping[str, int] | None,
) -> dict[str, Any]:
    about = {"task": one["task"], "student": one["student"], "explainer": row["explainer"]}
    change = difference(row["by_text"], before["by_text"], resampling.at(*about.values()), groups)
    return {**about, **change, "worse": change["high"] is not None and change["high"] < 0}


def difference(
    now: Mapping[str, float | None],
    before: Mapping[str, float | None],
    resampling: Resampling,
    groups: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Mean difference of agreement on the same texts, each its own comparison.

    Parameters
    ----------
    now, before : mapping
        Agreement of each text by its id; None is undefined, as is a text that one of them lacks.
    resampling : Resampling
        Of the interval, which holds for other texts.
    groups : mapping, optional
        The number of each text's group: texts of one group are one draw.

    Returns
    -------
    dict
        ``difference`` with ``low`` and ``high`` (None where undefined), and ``n`` texts with a value in both.

    Examples
    --------
    >>> difference({"a": 0.5, "b": 0.7}, {"a": 0.25, "b": None}, Resampling(seed=0))
    {'difference': 0.25, 'low': None, 'high': None, 'n': 1}
    """
    values = np.array([[side.get(name) for name in now] for side in (now, before)], dtype=np.float64)
    drawn = None if groups is None else [groups[name] for name in now]
    summary = summaries([values[0] - values[1]], resampling, groups=drawn)
    numbers = {
        name: float(part[0]) for name, part in zip(("difference", "low", "high"), summary[:3], strict=True)
    }
    return {name: None if np.isnan(x) else x for name, x in numbers.items()} | {"n": int(summary.n[0])}
