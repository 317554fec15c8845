"""How many texts a verdict needs, by the noise that a pilot has seen: an internal pilot.

A study that goes on until its p-value is small finds drift where there is none. So neither the student's
effect nor the verdict is looked at. What shall be told is fixed beforehand, on the scale of the
reference; the pilot only tells how much texts differ (Wittes and Brittain 1990, "The role of internal
pilot studies"), and its texts count in the end. The tests of `distillens.metrics.verdict` are then as they
are for any number of texts: `tests/unit/metrics/test_pilot.py` and ``make validity`` try it.

1. By runs of the teacher, a drift of the margin shall be told from one that is as good as none, whichever
   of both there is: the difference is ``margin - tolerance (C - Z)``, and never less than the tolerance.
2. By a ladder, a student shall be told from what is accepted if it is a share (``tell``) of what this
   agrees beyond chance away.
3. The number is the first at which either test, of "drift found" and of "no drift found", says so in four of
   five studies (`distillens.metrics.power`), with all runs as they are.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics import power
from distillens.metrics.calibration import Rule, contrasts, design_of
from distillens.metrics.crossed_design import CrossedDesign
from distillens.metrics.ladder import Accepted, Ladder
from distillens.metrics.run_pairs import TEACHER_RUNS, RunPairs

TELL = 0.1


class Plan(NamedTuple):
    """What a study of more texts would be.

    Attributes
    ----------
    difference : float
        What shall be told, in units of the metric.
    spread : float
        Standard deviation of what is tested, of one text (or one group of texts).
    n : int
        Texts of the pilot.
    texts : float
        Texts with which it is told in four of five studies; NaN where no number of them is enough, with
        the runs that there are, or where there is no scale.
    """

    difference: float
    spread: float
    n: int
    texts: float


def by_runs(
    students: RunPairs,
    teachers: ArrayLike,
    chance: RunPairs,
    again: ArrayLike | None = None,
    rule: Rule | None = None,
    groups: ArrayLike | None = None,
) -> Plan:
    """The plan of a student that is judged by the runs of its teacher.

    Parameters
    ----------
    students, teachers, chance, again, rule, groups
        As for `distillens.metrics.calibration.calibrate`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> texts, runs = rng.normal(0, 0.2, (2, 20)), np.zeros((3, 3, 20))  # runs that differ by texts alone
    >>> plan = by_runs(RunPairs.of(0.6 + runs + texts[0]), 0.7 + runs + texts[1], RunPairs.of(runs))
    >>> plan.n, round(plan.difference, 2), plan.texts
    (20, 0.25, 13.0)
    """
    rule = rule or Rule()
    design = design_of(students, teachers, chance, again, groups)[0]
    if design is None or len(np.asarray(teachers)) < TEACHER_RUNS or design.draws < 2:
        return Plan(math.nan, math.nan, 0 if design is None else design.texts, math.nan)
    drift, kept, margin, scale = contrasts(rule, design.means)
    tests = [(drift, rule.alpha / rule.tests), (kept, rule.alpha)]
    tolerance = rule.tolerance * float(scale @ design.means)
    return _plan(design, tests, max(margin - tolerance, tolerance))


def by_ladder(ladder: Ladder | None, accepted: Accepted | None, rule: Rule, tell: float = TELL) -> Plan:
    """The plan of a student that is judged by what is accepted of a ladder.

    Parameters
    ----------
    ladder : Ladder or None
        See `distillens.metrics.placement.ladder_of`.
    accepted : Accepted or None
    rule : Rule
    tell : float
        The difference that shall be told, as a share of what is accepted less chance.

    Examples
    --------
    >>> by_ladder(None, Accepted("prune", 0.3), Rule())
    Plan(difference=nan, spread=nan, n=0, texts=nan)
    """
    weights = None
    if ladder is not None and accepted is not None and accepted.kind in (None, *ladder.kinds):
        weights = ladder.contrasts(accepted)
    if ladder is None or weights is None or ladder.design.draws < 2:
        return Plan(math.nan, math.nan, 0 if ladder is None else ladder.design.texts, math.nan)
    below, scale = weights
    tests = [(-below, rule.alpha / rule.tests), (below, rule.alpha)]
    return _plan(ladder.design, tests, tell * float(scale @ ladder.design.means))


def _plan(
    design: CrossedDesign, tests: Sequence[tuple[NDArray[np.float64], float]], difference: float
) -> Plan:
    """``tests`` are contrasts with their levels."""
    spreads, counts = [], []
    for weights, alpha in tests:
        sources = power.sources_of(design, weights)
        spreads.append(math.sqrt(sources[0].variance))
        counts.append(power.texts(difference, sources, alpha))
    draws = math.nan if any(map(math.isnan, counts)) else max(counts)
    texts = math.ceil(draws * design.texts / design.draws) if not math.isnan(draws) else math.nan
    return Plan(difference, max(spreads), design.texts, float(texts))
