"""A student's place on the ladder of its teacher as rows of a table, and the verdict that follows.

The words are those of `distillens.metrics.verdict`; the reference is not another run of the teacher but a
rung that is *accepted*: damage that the user would live with. The two verdicts answer different
questions, and where there are both they may differ.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.calibration import HEADLINE
from distillens.metrics.crossed_design import Interval
from distillens.metrics.ladder import Accepted, Ladder, Rungs, Student, undefined
from distillens.metrics.multiple_testing import among, holm_within
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN

_MOST_UNDEFINED = 0.2
"""A rung that is undefined on more of the texts is no rung: whatever it was damaged to says nothing."""

_BY_LADDER = ("dose", "excess", "accepted")


def place(
    student: Student,
    kinds: Mapping[str, Rungs],
    again: ArrayLike,
    accepted: Accepted | None,
    confidence_level: float,
    groups: ArrayLike | None = None,
) -> list[dict[str, Any]]:
    """The rows of one student, explainer and metric.

    Parameters
    ----------
    student : Student
    kinds : mapping of str to Rungs
    again : array_like, shape (n,)
        Agreement of the teacher with itself, explained twice.
    accepted : Accepted or None
        What the verdict goes by; None where nothing is tested.
    confidence_level : float
    groups : array_like of int, shape (n,), optional
        Texts with the same number count as one draw.

    Returns
    -------
    list of dict
        First a row whose ``kind`` is None: ``agreement``, ``equal_answers``, ``excess`` over all kinds,
        ``accepted`` (agreement of what is accepted), ``p_drift``, ``p_no_drift`` and ``p_chance``. Then
        one for each kind: ``dose`` (NaN if ``beyond`` the last rung) and ``excess``. What has an
        interval has ``_low`` and ``_high``; a bound that the ladder does not give is NaN.

    Examples
    --------
    >>> from distillens.metrics.run_pairs import RunPairs
    >>> rng = np.random.default_rng(0)
    >>> noisy = lambda mean: mean + rng.normal(0, 0.05, 50)
    >>> values = np.array([[[noisy(0.9)], [noisy(0.7)], [noisy(0.4)]]])
    >>> rungs = Rungs(np.array([0.1, 0.2, 0.3]), values, np.ones_like(values))
    >>> of = lambda mean: RunPairs.of([[noisy(mean)]])
    >>> student = Student(of(0.8), RunPairs.of(np.ones((1, 1, 50))), of(0.0))
    >>> overall, prune = place(student, {"prune": rungs}, np.ones(50), Accepted("prune", 0.2), 0.95)
    >>> overall["p_no_drift"] < 0.001, round(prune["dose"], 2)
    (True, 0.16)
    """
    ladder, defined = ladder_of(student, kinds, again, confidence_level, groups)
    n = int(defined.sum())
    row = {name: math.nan for name in ("p_chance", "p_drift", "p_no_drift")}
    for name in ("agreement", "equal_answers", *_BY_LADDER):
        row |= Interval(math.nan, math.nan, math.nan).named(name)
    row |= {"kind": None, "n": n, "n_undefined": int(defined.size - n), "beyond": False}
    row |= {"n_runs": len(student.agreement.compared), "n_teacher_runs": student.agreement.compared.shape[1]}
    if ladder is None:
        return [row]
    row |= ladder.mean("agreement").named("agreement") | ladder.mean("equal").named("equal_answers")
    rows = [row | ladder.excess(ladder.kinds).named("excess")]
    if accepted is not None and (accepted.kind is None or accepted.kind in ladder.kinds):
        compared = ladder.against(accepted)
        rows[0] |= compared.accepted.named("accepted") | {
            name: getattr(compared, name) for name in ("p_drift", "p_no_drift", "p_chance")
        }
    for kind in ladder.kinds:
        dose = ladder.equivalent_dose(kind)
        columns = {"kind": kind, "beyond": math.isnan(dose.value), **dose.named("dose")}
        rows.append(row | columns | ladder.excess([kind]).named("excess"))
    return rows


def ladder_of(
    student: Student,
    kinds: Mapping[str, Rungs],
    again: ArrayLike,
    confidence_level: float,
    groups: ArrayLike | None = None,
) -> tuple[Ladder | None, NDArray[np.bool_]]:
    """A student beside the rungs that are usable, on the texts that are defined, and which these are.

    None where nothing is left. Parameters are those of `place`.

    Examples
    --------
    >>> from distillens.metrics.run_pairs import RunPairs
    >>> pairs = RunPairs.of(np.ones((1, 1, 3)))
    >>> ladder_of(Student(pairs, pairs, pairs), {}, [1.0, 1.0, np.nan], 0.95)
    (None, array([ True,  True, False]))
    """
    again = np.asarray(again, dtype=np.float64)
    own = ~undefined(student, {}, again)
    used = {kind: usable for kind, rungs in kinds.items() if (usable := _usable(rungs, own)) is not None}
    defined = ~undefined(student, used, again)
    if not used or not defined.any():
        return None, defined
    on_texts = {kind: rungs.on(defined) for kind, rungs in used.items()}
    of_texts = None if groups is None else np.asarray(groups)[defined]
    return Ladder(student.on(defined), on_texts, again[defined], confidence_level, of_texts), defined


def _usable(rungs: Rungs, texts: ArrayLike) -> Rungs | None:
    """The rungs that are defined on most of the texts; None if they are fewer than two."""
    missing = np.isnan(rungs.agreement[..., np.asarray(texts)]).any(axis=(0, 2))
    kept = missing.mean(axis=-1) <= _MOST_UNDEFINED if missing.size else np.zeros(len(missing), dtype=bool)
    if kept.sum() < 2:
        return None
    return Rungs(rungs.doses[kept], rungs.agreement[:, kept], rungs.equal[:, kept])


def decide(
    rows: Sequence[Mapping[str, Any]], confidence_level: float, tasks: int = 1
) -> list[dict[str, Any]]:
    """Adjust the p-values of a task's rows for how many there are, and give each its verdict.

    Rows of a kind of damage, and those of the teacher's own runs, are not tested: their verdict is None.

    Parameters
    ----------
    rows : sequence of mappings
        What `place` returns, with ``student``, ``teacher``, ``metric``, ``k`` and ``gated``.
    confidence_level : float
        One minus this is how often "drift found" may be wrong for any student of the task.
    tasks : int
        How many such tasks are one question, such as the labels of one: p-values are adjusted for all (by
        Bonferroni, as each task is decided by itself).

    Examples
    --------
    >>> row = {"student": "kd", "teacher": "bert", "metric": "spearman", "k": None, "kind": None}
    >>> row |= {"gated": False, "p_drift": 0.01, "p_no_drift": 0.99, "p_chance": 0.001}
    >>> [one["verdict"] for one in decide([row, row | {"kind": "prune"}], 0.95)]
    ['drift found', None]
    """
    own = [row["kind"] is None and row["student"] != row["teacher"] for row in rows]
    tested = [one and not row["gated"] for one, row in zip(own, rows, strict=True)]
    adjusted = among(holm_within(rows, ("metric", "k"), tested, "p_drift"), tasks)
    decided = [{**row, "p_adjusted": p} for row, p in zip(rows, adjusted, strict=True)]
    return [
        {**row, "verdict": verdict(row, confidence_level) if one else None}
        for one, row in zip(own, decided, strict=True)
    ]


def verdict(row: Mapping[str, Any], confidence_level: float) -> str:
    """Say in words what a row shows: the first of these that holds.

    1. "gated": the student or the teacher is no better than a constant.
    2. "not decided": what is accepted is not shown to agree with the teacher beyond chance.
    3. "drift found": the student agrees less than what is accepted, corrected for the task's students and
       explainers.
    4. "no drift found": it agrees more than what is accepted.
    5. "not decided": anything else.

    Examples
    --------
    >>> row = {"gated": False, "p_chance": 0.001, "p_adjusted": 1.0, "p_no_drift": 0.02}
    >>> verdict(row, 0.95), verdict(row | {"p_chance": 0.4}, 0.95)
    ('no drift found', 'not decided')
    """
    alpha = 1 - confidence_level
    if row["gated"]:
        return GATED
    # Comparisons with NaN are false: what is undefined shows nothing.
    if not row["p_chance"] < alpha:
        return UNKNOWN
    if row["p_adjusted"] < alpha:
        return DRIFTS
    return KEEPS if row["p_no_drift"] < alpha else UNKNOWN


def accepted_of(accept: Mapping[str, float], metric: str) -> Accepted | None:
    """What is accepted, for one metric: a plain agreement is one of Spearman's coefficient.

    Examples
    --------
    >>> accepted_of({"prune": 0.3}, "cosine"), accepted_of({"agreement": 0.8}, "cosine")
    (Accepted(kind='prune', amount=0.3), None)
    """
    ((kind, amount),) = accept.items()
    if kind != "agreement":
        return Accepted(kind, amount)
    return Accepted(None, amount) if metric == HEADLINE else None
