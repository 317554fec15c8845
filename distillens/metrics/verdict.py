"""What calibrated agreement says in words, over a whole study."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distillens.metrics.calibration import HEADLINE
from distillens.metrics.multiple_testing import holm_within

KEEPS = "no drift found"
DRIFTS = "drift found"
UNKNOWN = "not decided"
GATED = "gated"


def decide(
    rows: Sequence[Mapping[str, Any]],
    confidence_level: float,
    controls: Iterable[str] = (),
    families: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Adjust the p-values for how many there are, and give each row its verdict.

    A false "drift found" for any student of a task shall be rare, so the p-values of drift are adjusted for
    all students and explainers of the task. Every metric is adjusted by itself: what several metrics say
    of the same attributions is one piece of evidence, and only one of them is the headline. Rows
    that are gated, or of an explainer that is a control, are not tested.

    Parameters
    ----------
    rows : sequence of mappings
        All rows of a study: ``task``, ``explainer``, ``metric``, ``k``, ``gated`` and what
        `distillens.metrics.calibration.calibrate` returns.
    confidence_level : float
        One minus this is how often "drift found" may be wrong for any student of a task.
    controls : iterable of str
        Explainers that know nothing of the model's output.
    families : mapping of str, optional
        For a task that is one label of several, the task that has them: p-values are adjusted for all its
        labels together.

    Returns
    -------
    list of dict
        The rows with ``p_adjusted`` (Holm 1979, within the rows of one task or family) and ``verdict``.

    Examples
    --------
    >>> row = {"task": "sst2", "explainer": "shap", "metric": "spearman", "k": None, "gated": False}
    >>> row |= {"p_drift": 0.01, "p_no_drift": 0.9, "normalised_low": 0.4}
    >>> row |= {"teacher_runs_missing": 0, "student_runs_missing": 0}
    >>> [(one["verdict"], one["p_adjusted"]) for one in decide([row, row | {"gated": True}], 0.95)]
    [('drift found', 0.01), ('gated', nan)]
    """
    skipped = set(controls)
    tested = [not row["gated"] and row["explainer"] not in skipped for row in rows]
    named = [{**row, "task": (families or {}).get(row["task"], row["task"])} for row in rows]
    p_adjusted = holm_within(named, ("metric", "k", "task"), tested, "p_drift")
    decided = [{**row, "p_adjusted": p} for row, p in zip(rows, p_adjusted, strict=True)]
    return [{**row, "verdict": verdict(row, confidence_level)} for row in decided]


def at_tolerances(
    rows: Sequence[Mapping[str, Any]],
    confidence_level: float,
    controls: Iterable[str] = (),
    families: Mapping[str, str] | None = None,
) -> dict[float, list[dict[str, Any]]]:
    """What `decide` would say with other tolerances, from the p-values that the rows have for them.

    A row without these, of a teacher with too few runs, is not decided by any.

    Examples
    --------
    >>> row = {"task": "sst2", "explainer": "shap", "metric": "spearman", "k": None, "gated": False}
    >>> row |= {"tolerances": [0.05, 0.1], "p_drift_at": [0.01, 0.3], "p_no_drift_at": [0.9, 0.9]}
    >>> row |= {"normalised_low": 0.4, "teacher_runs_missing": 0, "student_runs_missing": 0}
    >>> {at: one["verdict"] for at, (one,) in at_tolerances([row], 0.95).items()}
    {0.05: 'drift found', 0.1: 'not decided'}
    """
    tolerances = max((list(row["tolerances"] or ()) for row in rows), key=len, default=[])

    def judged(place: int) -> list[dict[str, Any]]:
        p_values = [
            {name: _at(row[f"{name}_at"], place) for name in ("p_drift", "p_no_drift")} for row in rows
        ]
        changed = [{**row, **p} for row, p in zip(rows, p_values, strict=True)]
        return decide(changed, confidence_level, controls, families)

    return {tolerance: judged(place) for place, tolerance in enumerate(tolerances)}


def _at(p_values: Sequence[float | None] | None, place: int) -> float:
    p_value = p_values[place] if p_values is not None and len(p_values) else None
    return math.nan if p_value is None else p_value


def verdict(row: Mapping[str, Any], confidence_level: float) -> str:
    """Say in words what one row shows: the first of these that holds.

    1. "gated": the student or the teacher is no better than a constant.
    2. "not decided": the teacher has fewer than three runs, or they do not agree beyond chance.
    3. "drift found": drift is more than the tolerance, corrected for the task's students and explainers.
    4. "no drift found": drift is below the margin. Of a student whose own noise is not known, with a
       single run, this is never said.
    5. "not decided": anything else.

    Examples
    --------
    >>> row = {"gated": False, "p_adjusted": 0.4, "p_no_drift": 0.01, "normalised_low": 0.7}
    >>> verdict(row | {"teacher_runs_missing": 0, "student_runs_missing": 0}, confidence_level=0.95)
    'no drift found'
    >>> verdict(row | {"teacher_runs_missing": 0, "student_runs_missing": 1}, confidence_level=0.95)
    'not decided'
    """
    alpha = 1 - confidence_level
    if row["gated"]:
        return GATED
    # Comparisons with NaN are false: what is undefined shows nothing.
    if row["teacher_runs_missing"] or math.isnan(row["normalised_low"]):
        return UNKNOWN
    if row["p_adjusted"] < alpha:
        return DRIFTS
    if row["p_no_drift"] < alpha and not row["student_runs_missing"]:
        return KEEPS
    return UNKNOWN


def deciding(
    by_runs: Sequence[Mapping[str, Any]],
    placements: Sequence[Mapping[str, Any]],
) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """The rows that decide about a student on a task, and whether they are its places on the ladder.

    The teacher's runs are the reference where there are enough of them; else its damaged copies are, where
    there are any.

    Parameters
    ----------
    by_runs : sequence of mappings
        The student's rows of the table of drift, of one task and the headline metric.
    placements : sequence of mappings
        Rows of the table of this kind, of any student and task.

    Examples
    --------
    >>> row = {"task": "films", "student": "tiny", "explainer": "shap", "metric": "spearman"}
    >>> placed = row | {"kind": None, "verdict": DRIFTS}
    >>> few, enough = (row | {"teacher_runs_missing": n, "verdict": UNKNOWN} for n in (2, 0))
    >>> [overall(deciding([one], [placed])[0]) for one in (few, enough)]
    ['drift found', 'not decided']
    """
    if not any(row["teacher_runs_missing"] for row in by_runs):
        return by_runs, False
    whose = by_runs[0]["task"], by_runs[0]["student"]
    placed = [
        row
        for row in placements
        if (row["task"], row["student"]) == whose and row["metric"] == HEADLINE
        if not is_dose(row)
    ]
    return (placed, True) if placed else (by_runs, False)


def is_dose(placement: Mapping[str, Any]) -> bool:
    """Whether a place on the ladder is a dose of one kind of damage; the one over all kinds has the verdict.

    Examples
    --------
    >>> is_dose({"kind": "prune"}), is_dose({"kind": None}), is_dose({"kind": math.nan})
    (True, False, False)
    """
    return isinstance(placement["kind"], str)


def overall(rows: Iterable[Mapping[str, Any]], controls: Iterable[str] = ()) -> str:
    """One verdict from several rows of the drift table: a student's explainers, or its tasks.

    Only the headline metric (Spearman) counts, and never an explainer that is a control.
    Drift is found if it is in any of these rows; what is gated is left out, unless all are; no drift is
    found if it is in none of the others; anything else is not decided.

    Examples
    --------
    >>> rows = [{"metric": "spearman", "explainer": "shap", "verdict": of} for of in (GATED, KEEPS)]
    >>> overall(rows)
    'no drift found'
    """
    controls = set(controls)
    return joint(
        row["verdict"] for row in rows if row["metric"] == HEADLINE and row["explainer"] not in controls
    )


def joint(verdicts: Iterable[str]) -> str:
    """One verdict from several, by the rule of `overall`.

    Examples
    --------
    >>> joint([KEEPS, DRIFTS]), joint([KEEPS, GATED]), joint([KEEPS, UNKNOWN])
    ('drift found', 'no drift found', 'not decided')
    """
    verdicts = set(verdicts)
    if DRIFTS in verdicts:
        return DRIFTS
    ungated = verdicts - {GATED} or verdicts
    return ungated.pop() if len(ungated) == 1 else UNKNOWN
