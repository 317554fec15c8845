"""Which runs of a student are compared with which of its teacher, and what follows for their noise.

Two kinds of students, two designs:

- a student that learnt from no single run (fine-tuned on gold labels, say) is compared with *all* runs
  of the teacher. Its runs and the teacher's are crossed, and each kind has noise of its own;
- a student that was distilled or compressed out of a run is compared with that run. Its noise and that of its
  teacher's run come together: the two are drawn as a pair, so pairs are left out one after the other.

The reference is drawn at random in both. A verdict about the recipe then needs several runs of both:
`missing` says how many more.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distillens.metrics.crossed_design import CrossedDesign, Factor

Array = NDArray[np.float64]

TEACHER_RUNS = 3
"""Runs of a teacher below which nobody knows how unlike two of them are: two runs are one pair."""
STUDENT_RUNS = 2
"""The same for a student that is compared with all of them."""
BORROWED = 4.0
"""A student with too few runs counts as so many times as noisy (standard deviation) as its teacher."""


@dataclass(frozen=True)
class RunPairs:
    """A number of each run of a student with each run of its teacher, per text.

    Attributes
    ----------
    values : ndarray, shape (runs, teacher runs, n)
        Not read where they are not compared.
    compared : ndarray of bool, shape (runs, teacher runs)
        Each run with one run of the teacher, or each with all.
    """

    values: Array
    compared: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def of(cls, values: ArrayLike, learned_from: Sequence[int] | None = None) -> "RunPairs":
        """A student's runs, compared with all runs of the teacher or each with the one that it learnt from.

        Parameters
        ----------
        values : array_like, shape (runs, teacher runs, n)
        learned_from : sequence of int, optional
            The position of each run's own run of the teacher.

        Raises
        ------
        ValueError
            If there is no run, or not one position for each.

        Examples
        --------
        >>> RunPairs.of(np.zeros((2, 3, 1)), learned_from=[2, 0]).compared.astype(int).tolist()
        [[0, 0, 1], [1, 0, 0]]
        """
        values = np.asarray(values, dtype=np.float64)
        compared = np.ones(values.shape[:2], dtype=bool)
        if not compared.size:
            raise ValueError(f"values of shape {values.shape}: there must be a run of both")
        if learned_from is not None:
            if len(learned_from) != len(values):
                raise ValueError(f"{len(learned_from)} positions for {len(values)} runs")
            compared[:] = False
            compared[np.arange(len(values)), list(learned_from)] = True
        return cls(values, compared)

    @property
    def paired(self) -> bool:
        """Whether each run is compared with one run of several."""
        return self.compared.shape[1] > 1 and not self.compared.all()

    @property
    def draws(self) -> int:
        """How many independent draws the runs are: of those of one run of the teacher, one."""
        return int(self.compared.any(axis=0).sum()) if self.paired else len(self.compared)

    @property
    def missing(self) -> int:
        """Runs that a student lacks for its noise to be known.

        Examples
        --------
        >>> RunPairs.of(np.zeros((1, 3, 1))).missing, RunPairs.of(np.zeros((2, 3, 1)), [1, 1]).missing
        (1, 2)
        """
        return max(0, (TEACHER_RUNS if self.paired else STUDENT_RUNS) - self.draws)

    def undefined(self) -> NDArray[np.bool_]:
        """Whether a number that is compared is NaN, per text."""
        return np.isnan(self.values[self.compared]).any(axis=0)

    def on(self, texts: NDArray[np.bool_]) -> "RunPairs":
        """The same on some of the texts."""
        return RunPairs(self.values[..., texts], self.compared)

    def mean(self, without_run: int | None = None, without_teacher: int | None = None) -> Array:
        """Mean over the pairs, per text; every run of the teacher that has a student counts alike.

        Examples
        --------
        >>> pairs = RunPairs.of([[[0.2], [0.4]], [[0.6], [0.8]]])
        >>> pairs.mean().tolist(), pairs.mean(without_run=1).round(2).tolist()
        ([0.5], [0.3])
        """
        compared = self.compared.copy()
        compared[without_run if without_run is not None else slice(0)] = False
        compared[:, without_teacher if without_teacher is not None else slice(0)] = False
        filled = np.where(compared[..., None], self.values, 0.0)
        counts, columns = compared.sum(axis=0), compared.any(axis=0)
        return (filled.sum(axis=0)[columns] / counts[columns, None]).mean(axis=0)


def mean_of_pairs(between: Array, without: int | None = None) -> Array:
    """Mean over each two runs of a teacher, per text; ``between`` has shape (runs, runs, n).

    Examples
    --------
    >>> between = np.array([[[0.0], [0.6], [0.8]], [[0.6], [0.0], [0.7]], [[0.8], [0.7], [0.0]]])
    >>> mean_of_pairs(between).round(2).tolist(), mean_of_pairs(between, without=0).tolist()
    ([0.7], [0.7])
    """
    runs = [run for run in range(len(between)) if run != without]
    return np.mean([between[a, b] for a, b in itertools.combinations(runs, 2)], axis=0)


def design(
    students: Sequence[RunPairs],
    between: Array | None,
    constant: Sequence[Array] = (),
    groups: ArrayLike | None = None,
) -> CrossedDesign:
    """Columns of one or several students of one teacher, with the noise of all runs.

    Parameters
    ----------
    students : sequence of RunPairs
        Of the same teacher, on the same texts.
    between : ndarray, shape (teacher runs, teacher runs, n), optional
        Agreement of each two runs of the teacher.
    constant : sequence of arrays, shape (n,)
        Further columns, in which runs do not differ.
    groups : array_like of int, shape (n,), optional
        See `CrossedDesign`.

    Returns
    -------
    CrossedDesign
        The columns are the students', then the teacher's pairs (if given), then the constant ones.
        The factors are the teacher's runs where they are three or more, then the runs of each student that
        is compared with all of them. A student with too few runs counts as `BORROWED` times as noisy as
        its teacher.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> agreement = RunPairs.of(rng.normal(0.5, 0.1, (3, 3, 20)))
    >>> crossed = design([agreement], rng.normal(0.5, 0.1, (3, 3, 20)))
    >>> crossed.means.shape, [factor.runs for factor in crossed.factors]
    ((2,), [3, 3])
    """
    seeds = students[0].compared.shape[1]

    def columns(without_teacher: int | None = None, without: tuple[int, int] | None = None) -> Array:
        own = [
            student.mean(
                without[1] if without and without[0] == position else None,
                None if student.paired and student.missing else without_teacher,
            )
            for position, student in enumerate(students)
        ]
        pairs = [] if between is None or seeds < 2 else [mean_of_pairs(between, without_teacher)]
        return np.stack([*own, *pairs, *constant])

    whole, factors = columns(), []
    if seeds >= TEACHER_RUNS:
        factors.append(Factor.of(whole, [columns(run) for run in range(seeds)]))
    for position, student in enumerate(students):
        if not student.paired and not student.missing:
            runs = range(len(student.compared))
            factors.append(Factor.of(whole, [columns(without=(position, run)) for run in runs]))
        elif student.missing and seeds >= TEACHER_RUNS and between is not None:
            factors.append(_borrowed(factors[0], position, len(students), student))
    return CrossedDesign(whole, factors, groups)


def spread_of_runs(teacher: Factor, column: int) -> Array:
    """How far each run of a teacher is from the others in a mean over pairs, per text, shape (runs, n).

    A run stands on both sides of a pair, so its influence on the mean is twice its own.

    Examples
    --------
    >>> spread_of_runs(Factor(np.array([[[0.25]], [[-0.25]]]), runs=2), column=0).ravel().tolist()
    [0.125, -0.125]
    """
    return teacher.influence[:, column] / 2


def _borrowed(teacher: Factor, position: int, ceiling: int, student: RunPairs) -> Factor:
    """Noise of runs that are too few to show it: that of the teacher's runs, times `BORROWED`."""
    influence = np.zeros_like(teacher.influence)
    influence[:, position] = BORROWED * spread_of_runs(teacher, ceiling)
    # A student's runs of one run of the teacher are one draw of the pair.
    return Factor(influence, student.draws)
