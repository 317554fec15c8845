"""Drift: how far a student's agreement with its teacher is below that of the teacher's own runs.

An agreement of 0.7 says nothing by itself. Three numbers calibrate it: the *ceiling* C,
how well two runs of the teacher agree that differ only in their seeds; the *explainer's ceiling* R,
how well the explainer agrees with itself when it is run again; and the *floor* Z, what unrelated
attributions would reach. Drift is C - S.

What counts as none is measured on the same scale, the teacher's own agreement beyond chance, C - Z, because a
number of Spearman's coefficient means one thing for a quiet explainer and another for a noisy one:

- a drift of at most ``tolerance`` times C - Z is *as good as none*;
- the *margin*, below which a drift must be shown to be for "no drift found", is ``margin`` times C - Z, and
  never more than the distance of two runs of the teacher beyond the explainer's own noise, R - C (a student
  that is twice as far from its teacher as another run is has drifted, however alike runs are).

Each of these is a weighted sum of S, C, R and Z, so each is tested as one, with the noise of all of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens import tables
from distillens.metrics import power
from distillens.metrics.crossed_design import CrossedDesign
from distillens.metrics.run_pairs import TEACHER_RUNS, RunPairs, design, spread_of_runs

Array = NDArray[np.float64]

HEADLINE = "spearman"
TOLERANCE = 0.05
MARGIN = 0.5
_TOLERANCES = tuple(hundredths / 100 for hundredths in range(2, 11))
_NUMBERS = tables.numbers("calibration")

_STUDENT, _CEILING, _AGAIN, _FLOOR = range(4)
DRIFT = np.array([-1.0, 1.0, 0.0, 0.0])
_ABOVE_FLOOR = {"student": np.array([1.0, 0.0, 0.0, -1.0]), "ceiling": np.array([0.0, 1.0, 0.0, -1.0])}
_WITHIN_RUNS = np.array([1.0, -2.0, 1.0, 0.0])
"""S + R - 2C: above zero if the drift is less than R - C."""


@dataclass(frozen=True)
class Rule:
    """What a verdict goes by.

    ``tests`` is how many comparisons of the task "drift found" is corrected for, ``explainers`` how many must
    agree on "no drift found".
    """

    confidence_level: float = 0.95
    tolerance: float = TOLERANCE
    margin: float = MARGIN
    tests: int = 1
    explainers: int = 1

    @property
    def alpha(self) -> float:
        """Level of every one-sided test."""
        return 1 - self.confidence_level

    @property
    def tolerances(self) -> list[float]:
        """The tolerances for which the page judges again, this one among them.

        Examples
        --------
        >>> Rule(tolerance=0.025).tolerances[:3]
        [0.02, 0.025, 0.03]
        """
        return sorted({*_TOLERANCES, self.tolerance})


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
    students: RunPairs,
    teachers: ArrayLike,
    chance: RunPairs,
    again: ArrayLike | None = None,
    rule: Rule | None = None,
    groups: ArrayLike | None = None,
) -> dict[str, Any]:
    """One row of the table of calibrated agreement.

    Parameters
    ----------
    students : RunPairs
        Agreement of the student's runs with its teacher's, per example.
    teachers : array_like, shape (runs, runs, n)
        Agreement of each two runs of the teacher on the same examples; the diagonal is not read.
    chance : RunPairs
        Expected agreement of the students' attributions in random order.
    again : array_like, shape (n,), optional
        Agreement of a teacher run's attributions with those of a second run of the explainer; without it
        R is not known, and counts as 1.
    rule : Rule, optional
        What a verdict will go by.
    groups : array_like of int, shape (n,), optional
        Examples with the same number count as one draw.

    Returns
    -------
    dict
        - agreement S, ceiling C, explainer_ceiling R, floor Z: means over examples and runs;
        - drift: C - S; normalised: (S - Z) / (C - Z), undefined (NaN) unless C - Z is
          shown to be above 0: where the teacher's runs do not agree beyond chance
          there is no scale;

        each with ``_low`` and ``_high``, over examples and runs (`distillens.metrics.crossed_design`);
        ``p_drift``, one-sided, of a drift that is no more than the tolerance; ``p_no_drift``, of one that is
        not below the ``margin``, a largest drift in units of the metric; ``effect_size``, drift in standard
        deviations of an example (Cohen 1988, d_z); ``run_spread``, the standard deviation of a
        teacher run's mean agreement; ``n``, ``n_undefined`` and ``n_groups``, examples; ``n_runs`` and
        ``n_teacher_runs``; ``teacher_runs_missing``: without them bounds of D and A and p-values are NaN;
        ``student_runs_missing``: without them its noise is borrowed
        (`distillens.metrics.run_pairs.BORROWED`); ``texts_needed``, ``teacher_runs_needed`` and
        ``student_runs_needed``, each with ``_drift`` and ``_no_drift`` for this row's part in that verdict of
        the student: see `distillens.metrics.power.needed`; ``p_drift_at`` and ``p_no_drift_at``, the p-values
        at other ``tolerances`` (empty below three runs of the teacher).
        What needs a ceiling is NaN without one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> teachers = rng.normal(0.8, 0.1, (3, 3, 50))
    >>> students = RunPairs.of(rng.normal(0.5, 0.1, (3, 3, 50)))
    >>> row = calibrate(students, teachers, chance=RunPairs.of(np.zeros((3, 3, 50))))
    >>> {name: round(float(row[name]), 2) for name in ("agreement", "drift", "drift_low", "drift_high")}
    {'agreement': 0.5, 'drift': 0.3, 'drift_low': 0.26, 'drift_high': 0.34}
    """
    rule = rule or Rule()
    teachers = np.asarray(teachers, dtype=np.float64)
    seeds = len(teachers)
    columns, defined = design_of(students, teachers, chance, again, groups)
    students, teachers = students.on(defined), teachers[..., defined]
    n = int(defined.sum())
    row = dict.fromkeys(_NUMBERS, math.nan)
    row |= {"n": n, "n_undefined": int(defined.size - n), "n_groups": 0}
    row |= {"n_runs": len(students.compared), "n_teacher_runs": seeds}
    row |= {"tolerances": [], "p_drift_at": [], "p_no_drift_at": []}
    row["teacher_runs_missing"] = max(0, TEACHER_RUNS - seeds)
    row["student_runs_missing"] = students.missing
    if columns is None:
        return row
    row["n_groups"] = columns.draws
    names = {"agreement": _STUDENT, "ceiling": _CEILING, "explainer_ceiling": _AGAIN, "floor": _FLOOR}
    for name, column in names.items():
        if (column != _CEILING or seeds > 1) and (column != _AGAIN or again is not None):
            interval = columns.interval(np.eye(4)[column], rule.confidence_level)
            # No agreement is beyond 1, whatever the few runs allow.
            row |= interval._replace(low=max(interval.low, -1.0), high=min(interval.high, 1.0)).named(name)
    if seeds > 1:
        row |= {"drift": float(DRIFT @ columns.means), "effect_size": _effect_size(students, teachers)}
        row["margin"] = _largest(columns.means, rule)
        row["normalised"] = _ratio(columns.means)
    if seeds >= TEACHER_RUNS:
        row["run_spread"] = float(spread_of_runs(columns.factors[0], 1).mean(axis=-1).std(ddof=1))
        row |= _judged(columns, students, rule)
    return row


def design_of(
    students: RunPairs,
    teachers: ArrayLike,
    chance: RunPairs,
    again: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> tuple[CrossedDesign | None, NDArray[np.bool_]]:
    """The columns S, C, R and Z of the examples that are defined, and which these are; None where none is.

    Parameters are those of `calibrate`. With one run of the teacher C is 0.

    Examples
    --------
    >>> pairs = RunPairs.of([[[0.5, np.nan, 0.7]]])
    >>> columns, defined = design_of(pairs, np.zeros((1, 1, 3)), RunPairs.of(np.zeros((1, 1, 3))))
    >>> columns.means.round(2).tolist(), defined.tolist()
    ([0.6, 0.0, 1.0, 0.0], [True, False, True])
    """
    teachers = np.asarray(teachers, dtype=np.float64)
    repeated = np.ones(teachers.shape[-1]) if again is None else np.asarray(again, dtype=np.float64)
    defined = ~np.isnan(by_text(students, teachers, chance, repeated))
    if not defined.any():
        return None, defined
    constant = [repeated[defined], chance.on(defined).mean()]
    between = teachers[..., defined]
    if len(teachers) < 2:
        constant, between = [np.zeros(int(defined.sum())), *constant], None
    of_texts = None if groups is None else np.asarray(groups)[defined]
    return design([students.on(defined)], between, constant, of_texts), defined


def by_text(
    students: RunPairs, teachers: ArrayLike, chance: RunPairs, again: ArrayLike | None = None
) -> Array:
    """What S is the mean of: the agreement of each example, over all pairs of runs; NaN where undefined.

    Parameters are those of `calibrate`.

    Examples
    --------
    >>> pairs = RunPairs.of([[[0.5, np.nan, 0.7]], [[0.3, 0.4, 0.5]]])
    >>> by_text(pairs, np.zeros((1, 1, 3)), RunPairs.of(np.zeros((2, 1, 3)))).round(2).tolist()
    [0.4, nan, 0.6]
    """
    teachers = np.asarray(teachers, dtype=np.float64)
    upper = teachers[np.triu_indices(len(teachers), 1)]
    undefined = students.undefined() | chance.undefined() | np.isnan(upper).any(axis=0)
    if again is not None:
        undefined |= np.isnan(again)
    return np.where(undefined, np.nan, students.mean())


def contrasts(rule: Rule, means: Array) -> tuple[Array, Array, float, Array]:
    """What the two verdicts test, as weights of S, C, R and Z, the margin between them, and C - Z.

    The first is above zero if drift exceeds the tolerance, the second if it is below the margin.

    Examples
    --------
    >>> drift, kept, margin, scale = contrasts(Rule(), np.array([0.5, 0.8, 1.0, 0.0]))
    >>> drift.round(2).tolist(), kept.tolist(), round(margin, 2)
    ([-1.0, 0.95, -0.0, 0.05], [1.0, -2.0, 1.0, 0.0], 0.2)
    """
    drift, kept, _ = _contrasts(rule)
    largest, scale = _largest(means, rule), _ABOVE_FLOOR["ceiling"]
    within_runs = largest < rule.margin * float(scale @ means)
    return drift, _WITHIN_RUNS if within_runs else kept, largest, scale


def _judged(columns: CrossedDesign, students: RunPairs, rule: Rule) -> dict[str, Any]:
    """Intervals of D and A, the two tests, and what would tell, where the teacher's runs are enough."""
    at = [_p_values(columns, replace(rule, tolerance=tolerance)) for tolerance in rule.tolerances]
    p_drift, p_no_drift = at[rule.tolerances.index(rule.tolerance)]
    return {
        **columns.interval(DRIFT, rule.confidence_level).named("drift"),
        **columns.ratio(*_ABOVE_FLOOR.values(), rule.confidence_level).named("normalised"),
        "p_drift": p_drift,
        "p_no_drift": p_no_drift,
        "tolerances": rule.tolerances,
        "p_drift_at": [one for one, _ in at],
        "p_no_drift_at": [other for _, other in at],
        **_needed(columns, students, rule),
    }


def _p_values(columns: CrossedDesign, rule: Rule) -> tuple[float, float]:
    """Those of drift and of no drift, by a rule."""
    drift, kept, floor = _contrasts(rule)
    p_kept = max(columns.p_above(kept), columns.p_above(_WITHIN_RUNS))
    return columns.p_above(drift), min(p_kept, columns.p_above(floor))


def _contrasts(rule: Rule) -> tuple[Array, Array, Array]:
    """Weights of S, C, R, Z, above zero if drift exceeds the tolerance, is below the margin, or is none."""
    student, ceiling = _ABOVE_FLOOR["student"], _ABOVE_FLOOR["ceiling"]
    floor = student - (1 - rule.tolerance) * ceiling
    return -floor, student - (1 - rule.margin) * ceiling, floor


def _largest(means: Array, rule: Rule) -> float:
    """The margin: the largest drift, in units of the metric, that "no drift found" leaves room for."""
    scale = float(_ABOVE_FLOOR["ceiling"] @ means)
    return max(rule.tolerance * scale, min(rule.margin * scale, float(means[_AGAIN] - means[_CEILING])))


def _ratio(means: Array) -> float:
    below = float(_ABOVE_FLOOR["ceiling"] @ means)
    return float(_ABOVE_FLOOR["student"] @ means) / below if below > 0 else math.nan


def _needed(columns: CrossedDesign, students: RunPairs, rule: Rule) -> dict[str, float]:
    """What this row would take, for each verdict of the student.

    "drift found" is corrected for all comparisons of the task. For "no drift found" every explainer must
    tell, so each must do so more often than all of them shall.
    """
    drift, kept, floor = _contrasts(rule)
    often = power.power_of_each(rule.explainers)
    none, within, least = (
        _need(columns, students, weights, rule.alpha, often) for weights in (kept, _WITHIN_RUNS, floor)
    )
    needs = {
        "drift": _need(columns, students, drift, rule.alpha / rule.tests),
        "no_drift": power.for_any([power.for_all([none, within]), least]),
    }
    return {f"{of}_needed_{name}": n for name, need in needs.items() for of, n in need._asdict().items()}


def _need(
    columns: CrossedDesign, students: RunPairs, weights: Array, alpha: float, often: float = power.POWER
) -> power.Need:
    value, scale, _ = columns.estimate(weights)
    if math.isnan(scale):
        return power.Need(math.nan, math.nan, math.nan)
    sources = power.sources_of(columns, weights)
    sources += [power.Source(0.0, len(students.compared))] * (3 - len(sources))
    return power.needed(value, sources, alpha, often)


def _effect_size(students: RunPairs, teachers: Array) -> float:
    upper: Sequence[Array] = teachers[np.triu_indices(len(teachers), 1)]
    differences = np.mean(upper, axis=0) - students.mean()
    spread = differences.std(ddof=1) if differences.size > 1 else math.nan
    return float(differences.mean() / spread) if spread > 0 else math.nan
