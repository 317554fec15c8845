"""Drift: how far a student's agreement with its teacher is below that of the teacher's own seeds.

An agreement of 0.7 says nothing by itself. Three numbers calibrate it: the *ceiling* C,
how well another fine-tuning of the teacher agrees with this one that differs only in its
seed; the *explainer's ceiling* R, how well the explainer agrees with itself when it
is run again; and the *floor* Z, what unrelated attributions would reach.

Everything is about one teacher, its first seed: a student learned from it, and is
compared with it. So the ceiling is made of the pairs that this seed is in. Pairs of other
seeds would not cancel what is peculiar to it, so they widen the interval of C - S; but they
tell how unlike two runs are, and serve for that.
"""

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens import tables
from distillens.metrics.crossed_design import Crossed, Group, noise_of_pairs, noise_of_runs
from distillens.metrics.power import needed

Array = NDArray[np.float64]

HEADLINE = "spearman"
TOLERANCE = 0.05
_NUMBERS = tables.numbers("calibration")
QUANTITIES = tuple(name for name in _NUMBERS if f"{name}_low" in _NUMBERS)
"""The numbers of the table that have an interval: S, C, R, Z, A and D."""

_STUDENT, _CEILING, _AGAIN, _FLOOR = range(4)
_DRIFT = np.array([-1.0, 1.0, 0.0, 0.0])
_ABOVE_FLOOR = {"student": np.array([1.0, 0.0, 0.0, -1.0]), "ceiling": np.array([0.0, 1.0, 0.0, -1.0])}


def gated(low: float, majority: float) -> bool:
    """Whether a model is not shown to be better than always giving the same answer.

    Parameters
    ----------
    low : float
        Lower confidence bound of the task's lead metric; NaN shows nothing.
    majority : float
        The best constant answer's value of that metric.

    Examples
    --------
    >>> gated(low=0.62, majority=0.5), gated(low=0.45, majority=0.5)
    (False, True)
    """
    return not low > majority


def calibrate(
    students: ArrayLike,
    teachers: ArrayLike,
    chance: ArrayLike,
    again: ArrayLike | None = None,
    confidence_level: float = 0.95,
    tolerance: float = TOLERANCE,
) -> dict[str, Any]:
    """One row of the table of calibrated agreement.

    Parameters
    ----------
    students : array_like, shape (runs, n)
        Agreement of each run of the student with the teacher's first seed, per example.
    teachers : array_like, shape (seeds, seeds, n)
        Agreement of each two seeds of the teacher on the same examples, the first seed
        first; the diagonal is not read.
    chance : array_like, shape (runs, n)
        Expected agreement of each run's attributions in random order.
    again : array_like, shape (n,), optional
        Agreement of the first seed's attributions with those of a second run of the explainer.
    confidence_level : float
        Level of the intervals.
    tolerance : float
        Drift, in units of the metric, that is as good as none.

    Returns
    -------
    dict
        - agreement S, ceiling C, explainer_ceiling R, floor Z: means over examples and runs;
        - drift: C - S; normalised: (S - Z) / (C - Z), undefined (NaN) unless C - Z is
          shown to be above 0: where the teacher's seeds do not agree beyond chance
          there is no scale;

        each with ``_low`` and ``_high``, over examples and runs (`distillens.metrics.crossed_design`);
        ``p_value`` of drift 0; ``effect_size``, drift in standard deviations of an example
        (Cohen 1988, d_z); ``run_spread``, the standard deviation of a run's mean
        agreement, NaN where neither teacher nor student has runs enough to tell (three
        seeds of the teacher or two runs of the student): then the intervals hold for
        these runs only, and other texts; ``n`` and ``n_undefined``, examples;
        ``n_runs`` and ``n_teacher_runs``; ``n_needed`` and ``runs_needed``, see
        `distillens.metrics.power.needed`. What needs a ceiling is NaN without one.

    Examples
    --------
    >>> students = [[0.5, 0.4, 0.6, 0.5], [0.6, 0.4, 0.5, 0.6], [0.5, 0.5, 0.6, 0.5]]
    >>> teachers = np.array([[[0.9, 0.8, 0.9, 0.8]] * 3] * 3)
    >>> row = calibrate(students, teachers, chance=np.zeros((3, 4)))
    >>> {name: round(float(row[name]), 2) for name in ("agreement", "drift", "drift_low", "drift_high")}
    {'agreement': 0.52, 'drift': 0.33, 'drift_low': 0.29, 'drift_high': 0.38}
    """
    students, chance = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (students, chance))
    teachers = np.asarray(teachers, dtype=np.float64)
    runs, seeds = len(students), len(teachers)
    pairs = list(itertools.combinations(range(seeds), 2))
    between = np.array([teachers[i, j] for i, j in pairs]).reshape(len(pairs), students.shape[1])
    repeated = np.empty((0, students.shape[1])) if again is None else np.atleast_2d(again)
    defined = ~np.isnan(np.vstack([students, chance, between, repeated])).any(axis=0)
    students, chance, between, repeated = (x[:, defined] for x in (students, chance, between, repeated))
    n = int(defined.sum())
    row = dict.fromkeys(_NUMBERS, math.nan)
    row |= {"n": n, "n_undefined": int(defined.size - n), "n_runs": runs, "n_teacher_runs": seeds}
    if n == 0:
        return row

    teacher, student = noise_of_pairs(teachers[:, :, defined]), noise_of_runs(students)
    ceiling = between[[i for i, pair in enumerate(pairs) if 0 in pair]]
    columns = np.stack([_mean(x, n) for x in (students, ceiling, repeated, chance)])
    present = ~np.isnan(columns).any(axis=1)
    groups = [Group(_STUDENT, runs, student or teacher, student is not None)]
    if seeds > 1:
        groups.append(Group(_CEILING, seeds - 1, teacher or student, teacher is not None))
    # A column that there is not must not make the others undefined: its weight is 0 wherever it matters.
    design = Crossed(np.where(present[:, None], columns, 0.0), groups)

    for name, column in zip(("agreement", "ceiling", "explainer_ceiling", "floor"), range(4), strict=True):
        if present[column]:
            interval = design.interval(np.eye(4)[column], confidence_level)
            # No agreement is beyond 1, whatever the few runs allow.
            row |= _bounds(name, interval._replace(low=max(interval.low, -1.0), high=min(interval.high, 1.0)))
    if present[_CEILING]:
        interval = design.interval(_DRIFT, confidence_level)
        row |= _bounds("drift", interval) | {"p_value": interval.p_value}
        row |= _bounds("normalised", design.ratio(*_ABOVE_FLOOR.values(), confidence_level))
        row["effect_size"] = _effect_size(columns[_CEILING] - columns[_STUDENT])
        if n > 1:
            spread = design.variance(_DRIFT)
            row |= needed(interval.value, *spread, n, teacher or student, confidence_level, tolerance)
    if (teacher or student) is not None:
        row["run_spread"] = math.sqrt((teacher or student).variance)
    return row


def _mean(rows: Array, n: int) -> Array:
    return rows.mean(axis=0) if len(rows) else np.full(n, np.nan)


def _bounds(name: str, interval: Any) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _effect_size(differences: Array) -> float:
    spread = differences.std(ddof=1) if differences.size > 1 else math.nan
    return float(differences.mean() / spread) if spread > 0 else math.nan
