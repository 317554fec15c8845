"""What a student's verdict still takes: first runs that are missing, then texts or runs for a sure one."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import pandas as pd

Row = Mapping[str, Any]

_HAS = {"texts": "n_groups", "teacher_runs": "n_teacher_runs", "student_runs": "n_runs"}
"""What there may be too few of, and the column of how many there are."""

_ORDINAL = {2: "a second", 3: "a third"}
ENOUGH = "four in five studies of this size would tell; this one does not"
NO_SCALE = "the teacher’s runs are not shown to agree beyond chance, so there is no scale"


def what_would_tell(rows: Sequence[Row], paired: bool = False) -> str:
    """What the verdict about a student needs, in words.

    "No drift found" is said if every explainer says so, "drift found" if one does: the numbers are for that.
    Where explainers have different numbers of texts, no more are asked of one that has enough.

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
    >>> row |= {f"{of}_needed_drift": float("nan") for of in ("texts", "teacher_runs", "student_runs")}
    >>> row |= {"texts_needed_no_drift": 256.0, "teacher_runs_needed_no_drift": 5.0}
    >>> row |= {"student_runs_needed_no_drift": float("nan")}
    >>> what_would_tell([row, row | {"texts_needed_no_drift": 51.0}]).partition(" (")[0]
    'four in five such studies would find no drift with about 256 texts'
    """
    if missing := _missing_runs(rows, paired):
        return f"needs {missing}"
    if not any(_scaled(rows)):
        return NO_SCALE
    ways = {name: _ways(deciding, name, rows, paired) for name, deciding in _of_verdict(rows).items()}
    if any(now for _, now in ways.values()):
        return ENOUGH
    said = [f"{_FINDS[name]} with {_joined(of, 'or')}" for name, (of, _) in ways.items() if of]
    if not said:
        return "neither more texts alone nor more runs alone would tell"
    return f"four in five such studies would find {'; and '.join(said)}"


_FINDS = {"no_drift": "no drift", "drift": "drift"}


def texts_would_tell(rows: Sequence[Row]) -> bool:
    """Whether more texts alone would do, runs as they are; rows as of `what_would_tell`.

    Examples
    --------
    >>> row = {"teacher_runs_missing": 0, "student_runs_missing": 0, "normalised_low": 0.2}
    >>> row |= {"n_groups": 100, "n_teacher_runs": 3, "n_runs": 3}
    >>> names = [f"{of}_needed_{name}" for of in _HAS for name in ("drift", "no_drift")]
    >>> row |= dict.fromkeys(names, float("nan"))
    >>> texts_would_tell([row]), texts_would_tell([row | {"texts_needed_no_drift": 256.0}])
    (False, True)
    """
    if most_missing(rows) or not any(_scaled(rows)):
        return False
    return any("texts" in deciding for deciding in _of_verdict(rows).values())


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


def _of_verdict(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """For "no drift found" and "drift found", by what there may be more of, the row whose need decides."""
    scaled = [row for row, known in zip(rows, _scaled(rows), strict=True) if known]
    # Without a scale an explainer never says "no drift", and the student has all of them to pass.
    return {"no_drift": _for_all(rows) if len(scaled) == len(rows) else {}, "drift": _for_any(scaled)}


def _for_all(rows: Sequence[Row]) -> dict[str, Row]:
    """The most, of the rows that have not enough; nothing where one row never tells."""
    deciding = {}
    for of, has in _HAS.items():
        needed = f"{of}_needed_no_drift"
        if not any(pd.isna(row[needed]) for row in rows):
            short = [row for row in rows if row[needed] > row[has]]
            deciding[of] = max(short or rows, key=itemgetter(needed))
    return deciding


def _for_any(rows: Sequence[Row]) -> dict[str, Row]:
    """The least; nothing where no row ever tells."""
    deciding = {}
    for of in _HAS:
        needed = f"{of}_needed_drift"
        if known := [row for row in rows if not pd.isna(row[needed])]:
            deciding[of] = min(known, key=itemgetter(needed))
    return deciding


def _ways(
    deciding: Mapping[str, Row], verdict: str, rows: Sequence[Row], paired: bool
) -> tuple[list[str], bool]:
    """The ways to a verdict in words, and whether what there is should do."""
    texts = "texts" if all(row["n_groups"] == row["n"] for row in rows) else "groups of texts"
    unlike = len({row["n_groups"] for row in rows}) > 1
    both = " and as many of the student, one out of each" if paired else ""
    ways, enough = [], False
    for of, row in deciding.items():
        need, now = row[f"{of}_needed_{verdict}"], row[_HAS[of]]
        by = f" by {row['explainer']}" if unlike else ""
        words = {
            "texts": f"about {need:.0f} {texts}{by} (now {now})",
            "teacher_runs": f"{need:.0f} runs of the teacher (now {now}){both}",
            "student_runs": f"{need:.0f} runs of the student (now {now})",
        }
        ways.append(words[of])
        enough = enough or need <= now
    return ways, enough


def _more(missing: int, now: int, whose: str) -> str:
    if missing == 1:
        return f"{_ORDINAL.get(now + 1, 'one more')} run of the {whose}"
    return f"{missing} more runs of the {whose}" if missing else ""


def _joined(parts: Iterable[str], last: str) -> str:
    *others, final = [*parts] or [""]
    return f"{', '.join(others)} {last} {final}" if others else final
