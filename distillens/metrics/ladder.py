"""Where a student stands on a ladder of damaged copies of its teacher.

A ladder needs no second run of the teacher. Its *rungs* are copies of one run, each damaged by a *dose* of a
kind (zeroed weights, noise), some in several draws; dose 0 is the teacher. Rungs are explained as
students are, so there are two numbers for each: agreement with the teacher's attributions, and the share of
answers that are the teacher's. Both fall with the dose, by isotonic regression (`FallingCurve`). From them:

- the *equivalent dose* d: the dose at which a damaged copy agrees as much as the student, ladder(d) = S.
  Its interval holds the doses for which S - ladder(d) may be zero, by a two-sided test of each (Fieller's
  way, as for a ratio): so it also holds near the ends, and is open where the ladder ends too soon;
- the *excess*: what a damaged copy with as many equal answers agrees more than the student, ladder(e) - S,
  where e is the dose at which as many answers are equal. Above zero it is drift that answers do not
  show. Its interval holds the excesses x for which some dose d fits both E - equal(d) = 0 and
  ladder(d) - S - x = 0: the least Wald statistic of the pair over all doses is not rejected (a profile;
  where several doses have as many equal answers all of them count);
- the *test against a rung*: whether S is shown to be above or below the ladder at an accepted dose.

Each is a weighted sum of means over the same texts, so `distillens.metrics.crossed_design` gives its noise:
that of texts (paired), of the draws of each rung, and of the student's runs where there are several. A
student with one run is judged as that very model, and so is the teacher: its runs are those that there are.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from distillens.metrics.crossed_design import CrossedDesign, Factor, Interval
from distillens.metrics.monotone import FallingCurve
from distillens.metrics.run_pairs import RunPairs

Array = NDArray[np.float64]

_AGREEMENT, _EQUAL, _FLOOR, _ONE, _AGAIN = range(5)
_OWN = 5
"""So many columns are not the rungs'."""
_STEPS = 4
"""Doses that are looked at between two rungs."""
_PRECISION = 1e-4
"""Of the ends of a dose's interval."""
_UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Rungs:
    """The rungs of one kind of damage.

    Attributes
    ----------
    doses : ndarray, shape (k,)
        Above zero, increasing.
    agreement, equal : ndarray, shape (teacher runs, k, draws, n)
        Per text, agreement with the teacher's run, and whether the answer is the same (0 or 1).
    """

    doses: Array
    agreement: Array
    equal: Array

    def on(self, texts: NDArray[np.bool_]) -> "Rungs":
        """The same on some of the texts."""
        return Rungs(self.doses, self.agreement[..., texts], self.equal[..., texts])


@dataclass(frozen=True)
class Student:
    """What is known of a student, per run, teacher's run and text: agreement, equal answers, chance.

    ``is_teacher``: its runs are the teacher's own, each compared with the others.
    """

    agreement: RunPairs
    equal: RunPairs
    floor: RunPairs
    is_teacher: bool = False

    def on(self, texts: NDArray[np.bool_]) -> "Student":
        """The same on some of the texts."""
        parts = (self.agreement.on(texts), self.equal.on(texts), self.floor.on(texts))
        return Student(*parts, is_teacher=self.is_teacher)


class Accepted(NamedTuple):
    """How much damage is accepted: up to a dose of a kind; or a plain agreement, where ``kind`` is None."""

    kind: str | None
    amount: float


def undefined(student: Student, kinds: Mapping[str, Rungs], again: ArrayLike) -> NDArray[np.bool_]:
    """Whether a text lacks a number of student, ladder or teacher.

    Examples
    --------
    >>> pairs = RunPairs.of([[[0.5, np.nan]]])
    >>> undefined(Student(pairs, pairs, pairs), {}, [1.0, 1.0]).tolist()
    [False, True]
    """
    missing = student.agreement.undefined() | student.floor.undefined() | np.isnan(again)
    for rungs in kinds.values():
        missing = missing | np.isnan(rungs.agreement).any(axis=(0, 1, 2))
    return missing


class Ladder:
    """A student beside the ladder of its teacher.

    Parameters
    ----------
    student : Student
        Without NaN (see `undefined`), but for its equal answers where they are not known.
    kinds : mapping of str to Rungs
    again : array_like, shape (n,)
        Agreement of the teacher with itself, explained twice: 1, unless the explainer draws.
    confidence_level : float
    groups : array_like of int, shape (n,), optional
        Texts with the same number count as one draw.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noisy = lambda mean: mean + rng.normal(0, 0.05, 200)
    >>> means = [0.9, 0.7, 0.4]
    >>> rungs = Rungs(
    ...     np.array([0.1, 0.2, 0.3]),
    ...     np.array([[[noisy(mean)] for mean in means]]),
    ...     np.array([[[(rng.random(200) < mean).astype(float)] for mean in means]]),
    ... )
    >>> agreement, equal = RunPairs.of([[noisy(0.55)]]), RunPairs.of([[np.arange(200.0) < 140]])
    >>> student = Student(agreement, equal, RunPairs.of(np.zeros((1, 1, 200))))
    >>> ladder = Ladder(student, {"prune": rungs}, np.ones(200), confidence_level=0.95)
    >>> [round(value, 2) for value in ladder.equivalent_dose("prune")]
    [0.25, 0.25, 0.25]
    >>> ladder.against(Accepted("prune", 0.2)).p_drift < 0.001
    True
    """

    def __init__(
        self,
        student: Student,
        kinds: Mapping[str, Rungs],
        again: ArrayLike,
        confidence_level: float,
        groups: ArrayLike | None = None,
    ) -> None:
        self._student, self._kinds, self._level = student, kinds, confidence_level
        self.kinds = list(kinds)
        self._constant = np.asarray(again, dtype=np.float64)
        self.design = CrossedDesign(self._columns(), list(self._factors()), groups)
        means, self._curves, start = self.design.means, {}, _OWN
        for kind, rungs in kinds.items():
            size = len(rungs.doses)
            places = [np.r_[first, start + shift : start + shift + size]
                      for first, shift in ((_AGAIN, 0), (_ONE, size))]  # fmt: skip
            curves = [FallingCurve.through([0.0, *rungs.doses], means[place]) for place in places]
            self._curves[kind] = tuple(zip(curves, places, strict=True))
            start += 2 * size

    # ---- the three answers ----

    def equivalent_dose(self, kind: str) -> Interval:
        """The dose of a kind at which a damaged copy agrees as much as the student.

        Returns
        -------
        Interval
            The value is NaN for a student that agrees less than the last rung; a bound is NaN
            where no dose of the ladder is shown to be too far (high), or near enough (low).
        """
        curve = self._curves[kind][0][0]
        first, last = curve.doses_of(float(self.design.means[_AGREEMENT]))
        value = 0.0 if first == 0 else (first + last) / 2
        if self.design.draws < 2:
            return Interval(value, math.nan, math.nan)
        knots = list(curve.doses)
        kept = [self._excluded(kind, knot) <= 0 for knot in knots]
        if not math.isnan(value) and value not in knots:
            knots, kept = [*knots, value], [*kept, self._excluded(kind, value) <= 0]
        order = np.argsort(knots)
        knots, kept = [knots[i] for i in order], [kept[i] for i in order]
        if not any(kept):  # nothing varies, or the student is beyond the ladder
            beyond = math.isnan(value)
            return Interval(value, knots[-1] if beyond else value, math.nan if beyond else value)
        low, high = kept.index(True), len(kept) - 1 - kept[::-1].index(True)
        left = knots[0] if low == 0 else self._edge(kind, knots[low - 1], knots[low])
        right = math.nan if high == len(knots) - 1 else self._edge(kind, knots[high + 1], knots[high])
        return Interval(value, left, right)

    def excess(self, kinds: Iterable[str]) -> Interval:
        """The ladder's agreement at the student's share of equal answers, less the student's.

        Of several kinds it is the mean of those that reach so few equal answers, and so are its bounds: no
        closer than they should be, since what kinds share does not average out. NaN if none does; a
        lower bound is NaN where the ladder may end too soon, and a kind with one counts only if all have.
        """
        each = [one for one in map(self._excess, kinds) if not math.isnan(one.value)]
        each = [one for one in each if not math.isnan(one.low)] or each
        return (
            Interval(*map(float, np.mean(each, axis=0))) if each else Interval(math.nan, math.nan, math.nan)
        )

    def against(self, accepted: Accepted) -> "Comparison":
        """The student against an accepted rung, or an accepted agreement; NaN of a dose beyond the ladder."""
        contrasts = self.contrasts(accepted)
        if contrasts is None:
            return Comparison(_UNKNOWN, math.nan, math.nan, math.nan)
        difference, above_chance = contrasts
        return Comparison(
            self.design.interval(self._unit(_AGREEMENT) - difference, self._level),
            self.design.p_above(-difference),
            self.design.p_above(difference),
            self.design.p_above(above_chance),
        )

    def contrasts(self, accepted: Accepted) -> tuple[Array, Array] | None:
        """Weights of S less what is accepted, and of that less chance; None of a dose beyond the ladder."""
        if accepted.kind is not None and accepted.amount > self._curves[accepted.kind][0][0].doses[-1]:
            return None
        rung = self._accepted(accepted)
        return self._unit(_AGREEMENT) - rung, rung - self._unit(_FLOOR)

    def mean(self, name: str) -> Interval:
        """Mean ``agreement``, ``equal`` answers or ``floor`` of the student, at most 1; NaN if not known."""
        column = {"agreement": _AGREEMENT, "equal": _EQUAL, "floor": _FLOOR}[name]
        if math.isnan(self.design.means[column]):
            return _UNKNOWN
        return bounded(self.design.interval(self._unit(column), self._level))

    # ---- weights of the design's columns ----

    def _unit(self, column: int) -> Array:
        return np.eye(len(self.design.means))[column]

    def _at(self, kind: str, which: int, dose: float) -> Array:
        """Weights of the ladder's agreement (0) or equal answers (1) at a dose."""
        curve, places = self._curves[kind][which]
        weights = np.zeros(len(self.design.means))
        np.add.at(weights, places, curve.weights(dose))
        return weights

    def _accepted(self, accepted: Accepted) -> Array:
        if accepted.kind is None:
            return accepted.amount * self._unit(_ONE)
        return self._at(accepted.kind, 0, accepted.amount)

    def _excess(self, kind: str) -> Interval:
        (agreement, _), (equal, _) = self._curves[kind]
        own = float(self.design.means[_EQUAL])
        ends = equal.doses_of(own)
        if math.isnan(own) or math.isnan(ends[0]):
            return _UNKNOWN
        value = self.design.estimate(self._at(kind, 0, sum(ends) / 2) - self._unit(_AGREEMENT))[0]
        if self.design.draws < 2:
            return Interval(value, math.nan, math.nan)
        doses = [*np.interp(np.arange(0, len(agreement.doses) - 1 + 1e-9, 1 / _STEPS),
                            np.arange(len(agreement.doses)), agreement.doses), *ends]  # fmt: skip
        ranges = [(dose, of) for dose in doses if (of := self._excess_at(kind, dose)) is not None]
        lows, highs = zip(*(of for _, of in ranges), strict=True)
        reaches = max(dose for dose, _ in ranges) < agreement.doses[-1]
        return Interval(value, min(*lows, value) if reaches else math.nan, max(*highs, value))

    def _excess_at(self, kind: str, dose: float) -> tuple[float, float] | None:
        """The excesses that are not rejected if a copy of this dose has as many equal answers; or none."""
        apart = self._unit(_EQUAL) - self._at(kind, 1, dose)
        above = self._at(kind, 0, dose) - self._unit(_AGREEMENT)
        answers, answers_error, answers_df = self.design.estimate(apart)
        value, error, df = self.design.estimate(above)
        if answers_error == 0:
            if answers != 0:
                return None
            half = error * special.stdtrit(df, (1 + self._level) / 2) if error else 0.0
            return value - half, value + half
        limit = float(special.stdtrit(min(df, answers_df), (1 + self._level) / 2)) ** 2
        left = limit - (answers / answers_error) ** 2
        if left < 0:
            return None
        both = self.design.estimate(apart + above)[1] ** 2
        covariance = (both - answers_error**2 - error**2) / 2
        given = max(0.0, error**2 - (covariance / answers_error) ** 2)
        middle, half = value - covariance / answers_error**2 * answers, math.sqrt(left * given)
        return middle - half, middle + half

    # ---- the interval of a dose ----

    def _excluded(self, kind: str, dose: float) -> float:
        """Above zero for a dose at which a copy is shown to agree more or less than the student."""
        weights = self._unit(_AGREEMENT) - self._at(kind, 0, dose)
        return 1 - self._level - self.design.p_other(weights)

    def _edge(self, kind: str, outside: float, inside: float) -> float:
        """Where the interval ends between two doses."""
        if self._excluded(kind, inside) == 0:
            return inside
        edge = optimize.brentq(lambda dose: self._excluded(kind, dose), outside, inside, xtol=_PRECISION)
        return inside if abs(edge - inside) <= _PRECISION else float(edge)

    # ---- columns, and what they are without a run or a draw ----

    def _columns(
        self,
        run: int | None = None,
        teacher: int | None = None,
        draw: tuple[str, int, int] | None = None,
    ) -> Array:
        student = self._student
        as_teacher = run if student.is_teacher else teacher
        own = [pairs.mean(run, as_teacher) for pairs in (student.agreement, student.equal, student.floor)]
        columns = [*own, np.ones_like(self._constant), self._constant]
        used = student.agreement.compared.any(axis=0)
        if teacher is not None:
            used = used & (np.arange(len(used)) != teacher)
        for kind, rungs in self._kinds.items():
            for values in (rungs.agreement, rungs.equal):
                means = values[used].mean(axis=(0, 2))
                if draw is not None and draw[0] == kind:
                    means[draw[1]] = np.delete(values[used, draw[1]], draw[2], axis=1).mean(axis=(0, 1))
                columns.extend(means)
        return np.stack(columns)

    def _factors(self) -> Iterator[Factor]:
        whole, pairs = self._columns(), self._student.agreement
        runs = range(len(pairs.compared))
        if self._student.is_teacher:
            # Two runs are one pair: nothing is left without one of them.
            if len(runs) > 2:
                yield Factor.of(whole, [self._columns(run=run) for run in runs])
        elif pairs.paired:
            taught = np.flatnonzero(pairs.compared.any(axis=0))
            if len(taught) > 1:
                yield Factor.of(whole, [self._columns(teacher=int(run)) for run in taught])
        elif len(runs) > 1:
            yield Factor.of(whole, [self._columns(run=run) for run in runs])
        for kind, rungs in self._kinds.items():
            draws = rungs.agreement.shape[2]
            for rung in range(len(rungs.doses)) if draws > 1 else ():
                yield Factor.of(whole, [self._columns(draw=(kind, rung, draw)) for draw in range(draws)])


class Comparison(NamedTuple):
    """A student against what is accepted: one-sided p-values.

    ``p_drift`` of the student agreeing as much or more, ``p_no_drift`` of it agreeing as much or less,
    ``p_chance`` of the accepted agreement being no more than chance.
    """

    accepted: Interval
    p_drift: float
    p_no_drift: float
    p_chance: float


def bounded(interval: Interval) -> Interval:
    """An interval of an agreement or a share, which is never beyond 1 or -1.

    Examples
    --------
    >>> bounded(Interval(0.9, 0.7, 1.1))
    Interval(value=0.9, low=0.7, high=1.0)
    """
    # NaN stays: comparisons with it are false.
    low, high = interval.low, interval.high
    return Interval(interval.value, -1.0 if low < -1 else low, 1.0 if high > 1 else high)


def rung_means(
    rungs: Rungs, confidence_level: float, groups: ArrayLike | None = None
) -> list[dict[str, Any]]:
    """Of each dose the mean agreement and share of equal answers, with intervals over texts and draws.

    ``groups`` are as for `Ladder`.

    Examples
    --------
    >>> rungs = Rungs(np.array([0.1]), np.full((1, 1, 1, 4), 0.5), np.ones((1, 1, 1, 4)))
    >>> [(row["dose"], row["agreement"], row["equal_answers"]) for row in rung_means(rungs, 0.95)]
    [(0.1, 0.5, 1.0)]
    """
    rows = []
    for place, dose in enumerate(rungs.doses):
        both = np.stack([rungs.agreement[:, place], rungs.equal[:, place]])  # (2, runs, draws, n)
        defined = ~np.isnan(both).any(axis=(0, 1, 2))
        both, of_texts = both[..., defined], None if groups is None else np.asarray(groups)[defined]
        draws = both.shape[2]
        whole = both.mean(axis=(1, 2))
        without = [np.delete(both, draw, axis=2).mean(axis=(1, 2)) for draw in range(draws) if draws > 1]
        design = CrossedDesign(whole, [Factor.of(whole, without)] if without else [], of_texts)
        row: dict[str, Any] = {"dose": float(dose), "draws": draws, "n": whole.shape[1]}
        row["n_undefined"] = int((~defined).sum())
        for name, weights in (("agreement", [1, 0]), ("equal_answers", [0, 1])):
            value, low, high = (
                bounded(design.interval(weights, confidence_level)) if defined.any() else _UNKNOWN
            )
            row |= {name: value, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return rows
