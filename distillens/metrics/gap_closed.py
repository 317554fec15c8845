"""How much of one student's drift another student does not have.

Both learn from one teacher. Agreement with it is S for the student and B for the
baseline; the *gain* is S - B, and the *share closed* (S - B) / (C - B), where C is what
the teacher's runs reach with each other: 0 is the baseline, 1 a student that cannot be told from
one more run of the teacher. Chance is the same for both and cancels.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from distillens.metrics.run_pairs import TEACHER_RUNS, RunPairs, design

_STUDENT, _BASELINE, _CEILING = range(3)
_GAIN = np.array([1.0, -1.0, 0.0])
_GAP = np.array([0.0, -1.0, 1.0])


def close(
    students: RunPairs,
    baselines: RunPairs,
    teachers: ArrayLike | None = None,
    confidence_level: float = 0.95,
    groups: ArrayLike | None = None,
) -> dict[str, Any]:
    """One comparison of a student with a baseline, over texts and runs.

    Parameters
    ----------
    students, baselines : RunPairs
        Agreement of each run with its teacher's runs, per example. For a score, which is nobody's
        agreement, there is one column instead of the teacher's runs.
    teachers : array_like, shape (runs, runs, n), optional
        Agreement of each two runs of the teacher; the diagonal is not read. Without it there is a gain but no
        share.
    confidence_level : float
        Level of the intervals.
    groups : array_like of int, shape (n,), optional
        Examples with the same number count as one draw.

    Returns
    -------
    dict
        ``gain`` and ``share`` with ``_low`` and ``_high`` (`distillens.metrics.crossed_design`; Fieller's
        for the share, undefined unless the baseline is shown to be below the ceiling), ``p_value`` of gain 0,
        ``n`` and ``n_undefined`` examples, ``n_runs`` and ``n_baseline_runs``. Bounds and p-value are NaN
        where runs are too few to know their noise (`RunPairs.missing`, fewer than three of the teacher).

    Examples
    --------
    >>> baselines = RunPairs.of(np.array([[[0.2, 0.3, 0.1, 0.2]], [[0.2, 0.2, 0.3, 0.1]]]))
    >>> row = close(RunPairs.of(baselines.values + [[[0.3]], [[0.31]]]), baselines)
    >>> round(row["gain"], 2), bool(row["gain_low"] > 0), row["n"]
    (0.3, True, 4)
    """
    seeds = 0 if teachers is None else len(teachers)
    n = students.values.shape[-1]
    between = np.empty((0, 0, n)) if seeds < 2 else np.asarray(teachers, dtype=np.float64)
    undefined = np.isnan(between[np.triu_indices(len(between), 1)]).any(axis=0)
    defined = ~(undefined | students.undefined() | baselines.undefined())
    students, baselines, between = students.on(defined), baselines.on(defined), between[..., defined]
    groups = None if groups is None else np.asarray(groups)[defined]
    row = dict.fromkeys((f"{q}{end}" for q in ("gain", "share") for end in ("", "_low", "_high")), math.nan)
    row |= {"p_value": math.nan, "n": int(defined.sum()), "n_undefined": int(n - defined.sum())}
    row |= {"n_runs": len(students.compared), "n_baseline_runs": len(baselines.compared)}
    if row["n"] == 0:
        return row

    if len(between):
        columns = design([students, baselines], between, groups=groups)
    else:
        columns = design([students, baselines], None, [np.zeros(row["n"])], groups)
    row["gain"] = float(_GAIN @ columns.means)
    below = float(_GAP @ columns.means)
    if len(between) and below > 0:
        row["share"] = row["gain"] / below
    known = not (students.missing or baselines.missing)
    if known and (teachers is None or seeds >= TEACHER_RUNS):
        row |= columns.interval(_GAIN, confidence_level).named("gain") | {"p_value": columns.p_other(_GAIN)}
        if len(between):
            row |= columns.ratio(_GAIN, _GAP, confidence_level).named("share")
    return row
