"""How much of one student's drift another student does not have.

Both learn from one teacher. Agreement with it is S for the student and B for the
baseline; the *gain* is S - B, and the *share closed* (S - B) / (C - B), where C is what
the teacher's other seeds reach: 0 is the baseline, 1 a student that cannot be told from
one more run of the teacher. Chance is the same for both and cancels.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from distillens.metrics.crossed_design import Crossed, Group, noise_of_pairs, noise_of_runs

_STUDENT, _BASELINE, _CEILING = range(3)
_GAIN = np.array([1.0, -1.0, 0.0])
_GAP = np.array([0.0, -1.0, 1.0])


def close(
    students: ArrayLike,
    baselines: ArrayLike,
    teachers: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> dict[str, Any]:
    """One comparison of a student with a baseline, over texts and runs.

    Parameters
    ----------
    students, baselines : array_like, shape (runs, n)
        A value of each run on each example: agreement with the teacher's first seed, or a score.
    teachers : array_like, shape (seeds, seeds, n), optional
        Agreement of each two seeds of the teacher, the first seed first; the diagonal is not
        read. Without it there is a gain but no share.
    confidence_level : float
        Level of the intervals.

    Returns
    -------
    dict
        ``gain`` and ``share`` with ``_low`` and ``_high`` (`distillens.metrics.crossed_design`; Fieller's
        for the share, undefined unless the baseline is shown to be below the ceiling), ``p_value`` of gain 0,
        ``n`` and ``n_undefined`` examples, ``n_runs`` and ``n_baseline_runs``. Where one side has a single
        run, that of the other says how unlike runs are; where both have, the intervals hold for these
        runs only.

    Examples
    --------
    >>> baselines = [[0.2, 0.3, 0.1, 0.2], [0.2, 0.2, 0.3, 0.1], [0.3, 0.2, 0.1, 0.2]]
    >>> found = close([[0.5, 0.6, 0.4, 0.5], [0.6, 0.5, 0.5, 0.4], [0.5, 0.4, 0.6, 0.5]], baselines)
    >>> round(found["gain"], 2), bool(found["gain_low"] > 0), found["n"]
    (0.3, True, 4)
    """
    students, baselines = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (students, baselines))
    seeds = 0 if teachers is None else len(teachers)
    teachers = np.empty((0, 0, students.shape[1])) if seeds < 2 else np.asarray(teachers, dtype=np.float64)
    upper = teachers[np.triu_indices(len(teachers), 1)]
    defined = ~np.isnan(np.vstack([students, baselines, upper])).any(axis=0)
    students, baselines, teachers = (x[..., defined] for x in (students, baselines, teachers))
    n = int(defined.sum())
    row = dict.fromkeys((f"{q}{end}" for q in ("gain", "share") for end in ("", "_low", "_high")), math.nan)
    row |= {"p_value": math.nan, "n": n, "n_undefined": int(defined.size - n)}
    row |= {"n_runs": len(students), "n_baseline_runs": len(baselines)}
    if n == 0:
        return row

    noises = {
        _STUDENT: (noise_of_runs(students), len(students)),
        _BASELINE: (noise_of_runs(baselines), len(baselines)),
    }
    columns = [students.mean(axis=0), baselines.mean(axis=0), np.zeros(n)]
    if len(teachers):
        noises[_CEILING] = noise_of_pairs(teachers), len(teachers) - 1
        columns[_CEILING] = teachers[0, 1:].mean(axis=0)
    # A recipe with one run is as uncertain as another that has several.
    other = next((noise for noise, _ in noises.values() if noise is not None), None)
    groups = [
        Group(column, runs, noise or other, noise is not None) for column, (noise, runs) in noises.items()
    ]
    design = Crossed(np.stack(columns), groups)
    gain = design.interval(_GAIN, confidence_level)
    row |= {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high, "p_value": gain.p_value}
    if len(teachers):
        share = design.ratio(_GAIN, _GAP, confidence_level)
        row |= {"share": share.value, "share_low": share.low, "share_high": share.high}
    return row
