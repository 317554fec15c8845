"""Drift: how far a student's agreement with its teacher is below that of the teacher's own seeds.

An agreement of 0.7 says nothing by itself. Two numbers calibrate it: the *ceiling*, how
well two fine-tunings of the teacher agree that differ only in their seed, and the
*floor*, what unrelated attributions would reach. Drift is the distance from the
ceiling; a verdict follows from it, or the admission that the data cannot tell.

Intervals and tests take the models as given and examples as drawn at random: they hold
what other texts would change, not what another run of the student would.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.statistics import Resampling, estimate, holm, sign_flip

Array = NDArray[np.float64]

KEEPS = "keeps the teacher's reasoning"
DRIFTS = "drifts"
UNKNOWN = "cannot be told"
GATED = "gated"

HEADLINE = "spearman"
TOLERANCE = 0.05
QUANTITIES = ("agreement", "ceiling", "floor", "normalised", "drift")


def gated(low: float, majority: float) -> bool:
    """Whether a model is not shown to be better than always giving the same answer.

    Parameters
    ----------
    low : float
        Lower confidence bound of the task's lead metric; NaN shows nothing.
    majority : float
        The best constant answer's value of that metric.
    """
    return not low > majority


def permutations_for(rows: int, confidence: float) -> int:
    """Sign flips per test, enough that a table of that many rows can reach significance.

    The smallest p-value, ``1 / (flips + 1)``, is multiplied by the number of rows
    (`statistics.holm`); it stays ten times below the level.
    """
    return max(9999, math.ceil(10 * rows / (1 - confidence)))


def calibrate(
    student: ArrayLike, seeds: ArrayLike, chance: ArrayLike, resampling: Resampling, permutations: int = 9999
) -> dict[str, Any]:
    """One row of the drift table, without its verdict.

    Parameters
    ----------
    student : array_like, shape (n,)
        S: agreement of the student with the teacher's first seed, per example.
    seeds : array_like, shape (pairs, n)
        Agreement of each pair of teacher seeds on the same examples; no pairs where the
        teacher has one seed.
    chance : array_like, shape (n,)
        Z: expected agreement of the student's attributions in random order.
    resampling : Resampling
        Examples are resampled, S, C and Z of one example together. (Resampling seeds as
        well, the multi-bootstrap of Sellam et al. 2022, would weight the pairs where
        they are averaged here.)
    permutations : int
        Sign flips of the test whether the mean of C - S is zero.

    Returns
    -------
    dict
        Columns of the drift table: with ``C`` the mean over pairs of seeds,

        - agreement, ceiling, floor: means of S, C and Z over examples;
        - drift: mean of C - S;
        - normalised: (mean S - mean Z) / (mean C - mean Z), undefined (NaN) unless the
          interval of C - Z lies above 0: where the teacher's seeds do not agree
          beyond chance there is no scale;

        each with ``_low`` and ``_high``; ``p_value``; ``n``, and ``n_undefined``: the
        examples where any of the agreements is undefined. All that needs a ceiling is
        NaN without one.
    """
    student, chance = (np.asarray(x, dtype=np.float64) for x in (student, chance))
    seeds = np.asarray(seeds, dtype=np.float64).reshape(-1, student.size)
    defined = ~np.isnan(np.vstack([student, chance, seeds])).any(axis=0)
    n = int(defined.sum())
    # Without pairs the ceiling is NaN; the mean of nothing would say the same with a warning.
    ceiling = seeds[:, defined].mean(axis=0) if len(seeds) else np.full(n, np.nan)
    s, z = student[defined], chance[defined]
    columns = np.stack([s, ceiling, z, ceiling - s, ceiling - z])

    def statistic(weights: Array) -> Array:
        agreement, ceiling, floor, drift, above = columns @ weights.T / weights.sum(axis=-1)
        # Where it divides by zero, it is discarded below.
        return np.stack([agreement, ceiling, floor, (agreement - floor) / above, drift, above])

    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.array(estimate(statistic, n, resampling)) if n else np.full((3, 6), np.nan)
    if not result[1, -1] > 0:
        result[:, QUANTITIES.index("normalised")] = np.nan
    row: dict[str, Any] = {
        f"{name}{suffix}": float(result[part, column])
        for column, name in enumerate(QUANTITIES)
        for part, suffix in enumerate(("", "_low", "_high"))
    }
    row["p_value"] = math.nan
    if len(seeds):
        row["p_value"] = sign_flip(columns[3], seed=resampling.at("p").seed, permutations=permutations)
    return row | {"n": n, "n_undefined": student.size - n}


def judge(
    rows: Sequence[Mapping[str, Any]], gates: Sequence[bool], confidence: float, tolerance: float = TOLERANCE
) -> list[dict[str, Any]]:
    """Adjust the p-values of a task's table for their number, and give each row its verdict.

    Parameters
    ----------
    rows : sequence of mappings
        As `calibrate` returns them.
    gates : sequence of bool
        Whether the student or the teacher of the row is no better than a constant.
    confidence : float
        One minus this is the level of the tests, over the whole table (Holm).
    tolerance : float
        Drift, in units of the metric, that is as good as none.
    """
    adjusted = holm([row["p_value"] for row in rows])
    judged = [{**row, "p_adjusted": float(p)} for row, p in zip(rows, adjusted, strict=True)]
    return [
        {**row, "verdict": verdict(row, gated=gate, confidence=confidence, tolerance=tolerance)}
        for row, gate in zip(judged, gates, strict=True)
    ]


def verdict(row: Mapping[str, Any], *, gated: bool, confidence: float, tolerance: float = TOLERANCE) -> str:
    """Say in words what one row shows.

    - "gated": the student or the teacher is no better than a constant;
    - "drifts": drift is above 0 beyond what chance explains, corrected for the table;
    - "keeps the teacher's reasoning": the whole interval of drift is below the
      tolerance, and the teacher's seeds agree beyond chance, so that there is something
      to keep;
    - "cannot be told": anything else, such as a teacher with one seed.
    """
    if gated:
        return GATED
    # Comparisons with NaN are false: what is undefined shows nothing.
    if row["p_adjusted"] < 1 - confidence and row["drift"] > 0:
        return DRIFTS
    if row["drift_high"] < tolerance and not math.isnan(row["normalised"]):
        return KEEPS
    return UNKNOWN


def overall(rows: Iterable[Mapping[str, Any]], controls: Iterable[str] = ("random",)) -> str:
    """One verdict for a student from its rows of the drift table.

    Only the headline metric (Spearman) counts, and never an explainer that is a control.
    It drifts if any of these rows does; keeps the teacher's reasoning if all do; is
    gated if all are; anything else cannot be told.
    """
    controls = set(controls)
    verdicts = {
        row["verdict"] for row in rows if row["metric"] == HEADLINE and row["explainer"] not in controls
    }
    if DRIFTS in verdicts:
        return DRIFTS
    return verdicts.pop() if len(verdicts) == 1 else UNKNOWN
