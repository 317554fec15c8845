"""What a student's verdict still takes: first runs that are missing, then texts or runs for a sure one."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.metrics.power import Need, for_all, for_any

Row = Mapping[str, Any]

_ORDINAL = {2: "a second", 3: "a third"}
ENOUGH = "four in five studies of this size would tell; this one does not"
NO_SCALE = "the teacher’s runs are not shown to agree beyond chance, so there is no scale"


def what_would_tell(rows: Sequence[Row], paired: bool = False) -> str:
    """What the verdict about a student needs, in words.

    "No drift found" is said if every explainer says so, "drift found" if one does: the numbers are for that.

    Parameters
    ----------
    rows : sequence of mappings
        Of the table of drift: the student's on one task, one for each explainer that counts.
    paired : bool
        Whether each run of the student is compared with one run of its teacher.

    Examples
    --------
    >>> row = {"teacher_runs_missing": 0, "student_runs_missing": 1, "n_teacher_runs": 3, "n_runs": 1}
    >>> what_would_tell([row])
    'needs a second run of the student'
    >>> row |= {"student_runs_missing": 0, "normalised_low": 0.2, "n": 100, "n_groups": 100}
    >>> row |= {f"{of}_needed_drift": math.nan for of in ("texts", "teacher_runs", "student_runs")}
    >>> row |= {"texts_needed_no_drift": 256.0, "teacher_runs_needed_no_drift": 5.0}
    >>> row |= {"student_runs_needed_no_drift": math.nan}
    >>> what_would_tell([row, row | {"texts_needed_no_drift": 51.0}]).partition(" (")[0]
    'four in five such studies would find no drift with about 256 texts'
    """
    if missing := _missing_runs(rows, paired):
        return f"needs {missing}"
    if not any(_scaled(rows)):
        return NO_SCALE
    ways = [_ways(need, rows, paired) for need in _of_verdict(rows)]
    if any(now for _, now in ways):
        return ENOUGH
    said = [f"{what} with {_joined(of, 'or')}" for what, (of, _) in zip(_FINDS, ways, strict=True) if of]
    if not said:
        return "neither more texts alone nor more runs alone would tell"
    return f"four in five such studies would find {'; and '.join(said)}"


_FINDS = ("no drift", "drift")


def texts_would_tell(rows: Sequence[Row]) -> bool:
    """Whether more texts alone would do, runs as they are; rows as of `what_would_tell`.

    Examples
    --------
    >>> row = {"teacher_runs_missing": 0, "student_runs_missing": 0, "normalised_low": 0.2}
    >>> names = [f"{of}_needed_{name}" for of in Need._fields for name in ("drift", "no_drift")]
    >>> row |= dict.fromkeys(names, math.nan)
    >>> texts_would_tell([row]), texts_would_tell([row | {"texts_needed_no_drift": 256.0}])
    (False, True)
    """
    if most_missing(rows) or not any(_scaled(rows)):
        return False
    return any(not math.isnan(need.texts) for need in _of_verdict(rows))


def most_missing(rows: Sequence[Row]) -> int:
    """How many runs of teacher and student together are missing, by the explainer that lacks most.

    Examples
    --------
    >>> most_missing([{"teacher_runs_missing": 1, "student_runs_missing": 1}])
    2
    """
    return max((row["teacher_runs_missing"] + row["student_runs_missing"] for row in rows), default=0)


def _missing_runs(rows: Sequence[Row], paired: bool) -> str:
    row = max(rows, key=lambda row: most_missing([row]))
    missing = [_more(row["teacher_runs_missing"], row["n_teacher_runs"], "teacher")]
    if paired and row["student_runs_missing"]:
        more = "one more run of the student, out of"
        if row["student_runs_missing"] > 1:
            more = f"{row['student_runs_missing']} more runs of the student, each out of"
        missing.append(f"{more} another run of the teacher")
    else:
        missing.append(_more(row["student_runs_missing"], row["n_runs"], "student"))
    return _joined([what for what in missing if what], "and")


def _scaled(rows: Sequence[Row]) -> list[bool]:
    return [not pd.isna(row["normalised_low"]) for row in rows]


def _of_verdict(rows: Sequence[Row]) -> tuple[Need, Need]:
    """What "no drift found" needs, and what "drift found" does."""
    none, drift = (_needs(rows, name) for name in ("no_drift", "drift"))
    scaled = _scaled(rows)
    # Without a scale an explainer never says "no drift", and the student has all of them to pass.
    for_none = for_all(none) if all(scaled) else Need(*[math.nan] * 3)
    return for_none, for_any([need for need, known in zip(drift, scaled, strict=True) if known])


def _needs(rows: Sequence[Row], verdict: str) -> list[Need]:
    return [Need(*(float(row[f"{of}_needed_{verdict}"]) for of in Need._fields)) for row in rows]


def _ways(need: Need, rows: Sequence[Row], paired: bool) -> tuple[list[str], bool]:
    """The ways to a verdict in words, and whether what there is should do."""
    now = {name: min(row[name] for row in rows) for name in ("n_groups", "n_teacher_runs", "n_runs")}
    texts = "texts" if all(row["n_groups"] == row["n"] for row in rows) else "groups of texts"
    both = " and as many of the student, one out of each" if paired else ""
    known = [
        (need.texts, now["n_groups"], f"about {{:.0f}} {texts} (now {now['n_groups']})"),
        (
            need.teacher_runs,
            now["n_teacher_runs"],
            f"{{:.0f}} runs of the teacher (now {now['n_teacher_runs']}){both}",
        ),
        (need.student_runs, now["n_runs"], f"{{:.0f}} runs of the student (now {now['n_runs']})"),
    ]
    known = [way for way in known if not math.isnan(way[0])]
    return [words.format(count) for count, _, words in known], any(n <= there for n, there, _ in known)


def _more(missing: int, now: int, whose: str) -> str:
    if missing == 1:
        return f"{_ORDINAL.get(now + 1, 'one more')} run of the {whose}"
    return f"{missing} more runs of the {whose}" if missing else ""


def _joined(parts: Iterable[str], last: str) -> str:
    *others, final = [*parts] or [""]
    return f"{', '.join(others)} {last} {final}" if others else final
