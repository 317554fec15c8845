"""How alike runs are, as a measure of any kind says it of some texts."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from distillens.evaluation.inputs import Run, Settings
from distillens.metrics.calibration import DRIFT, Rule, contrasts, design_of
from distillens.metrics.run_pairs import RunPairs, mean_of_pairs

Texts = NDArray[np.bool_]
RULE = Rule()


class Evidence(NamedTuple):
    """Of one student on some texts: the more, the less it is like its teacher.

    ``amount`` goes by the teacher's runs, ``unlike`` is less S, which does not. ``said``: whether the rule
    of the verdict says "drift found", of one explainer alone; NaN where a measure has no such rule.
    """

    amount: float
    unlike: float
    said: float = math.nan


class Measure(Protocol):
    """What says how alike runs are; ``forwards`` is what it takes of a run, in forward passes a text."""

    name: str
    forwards: float

    @property
    def texts(self) -> int:
        """How many there are."""

    def evidence(self, few: Texts) -> dict[str, Evidence]:
        """Of every student, on some of the texts."""

    def drift(self) -> dict[str, float]:
        """Of every student: C - S on all texts."""


@dataclass(frozen=True)
class PerText:
    """A measure that is a number for each text and each two runs, higher is more alike.

    Its evidence is the p-value of the test that the verdict uses, of D > 0, less the better.

    Attributes
    ----------
    students : dict of RunPairs
        Each student's runs with its teacher's.
    teachers : ndarray, shape (runs, runs, n)
        The teacher's runs with each other.
    chance : dict of RunPairs
        What the students' values reach by chance; empty for what the verdict's rule knows nothing of.
    """

    name: str
    forwards: float
    students: Mapping[str, RunPairs]
    teachers: NDArray[np.float64]
    chance: Mapping[str, RunPairs] = field(default_factory=dict)

    @property
    def texts(self) -> int:
        """How many there are."""
        return self.teachers.shape[-1]

    def evidence(self, few: Texts) -> dict[str, Evidence]:
        """Less the p-value of D = 0.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> teachers = rng.normal(0.8, 0.1, (3, 3, 50))
        >>> students = {"far": RunPairs.of(rng.normal(0.5, 0.1, (3, 3, 50)))}
        >>> PerText("made up", 1, students, teachers).evidence(np.arange(50) < 20)["far"].amount > -0.001
        True
        """
        teachers = self.teachers[..., few]
        return {name: self._one(name, pairs.on(few), teachers, few) for name, pairs in self.students.items()}

    def drift(self) -> dict[str, float]:
        """C - S on all texts that are defined."""
        ceiling = np.nanmean(mean_of_pairs(self.teachers))
        return {name: float(ceiling - np.nanmean(pairs.mean())) for name, pairs in self.students.items()}

    def _one(self, name: str, pairs: RunPairs, teachers: NDArray[np.float64], few: Texts) -> Evidence:
        known = name in self.chance
        chance = self.chance[name].on(few) if known else RunPairs(np.zeros_like(pairs.values), pairs.compared)
        columns, _ = design_of(pairs, teachers, chance)
        unlike = -float(np.nanmean(pairs.mean()))
        if columns is None:
            return Evidence(-1.0, unlike, 0.0 if known else math.nan)
        said = math.nan
        if known:
            weights = contrasts(RULE, columns.means)[0]
            said = float(columns.p_above(weights) < RULE.alpha)
        return Evidence(-columns.p_above(DRIFT), unlike, said)


@dataclass(frozen=True)
class Pooled:
    """A measure that has no number of a single text: two runs are compared on all texts at once.

    Its evidence is C - S.

    Attributes
    ----------
    runs : mapping
        What a run is by itself.
    part : callable
        That on some texts.
    alike : callable
        Two such, as a number, higher is more alike.
    pairs : mapping
        The runs of each student, each with one of its teacher's.
    """

    name: str
    forwards: float
    texts: int
    runs: Mapping[Run, Any]
    part: Callable[[Any, Texts], Any]
    alike: Callable[[Any, Any], float]
    pairs: Mapping[str, Sequence[tuple[Run, Run]]]
    teachers: Sequence[Run]

    def evidence(self, few: Texts) -> dict[str, Evidence]:
        """C - S, on some of the texts."""
        parts = {run: self.part(own, few) for run, own in self.runs.items()}

        def mean(pairs: Sequence[tuple[Run, Run]]) -> float:
            return float(np.mean([self.alike(parts[one], parts[other]) for one, other in pairs]))

        ceiling = mean(list(itertools.permutations(self.teachers, 2)))
        agreements = {name: mean(pairs) for name, pairs in self.pairs.items()}
        return {name: Evidence(ceiling - own, -own) for name, own in agreements.items()}

    def drift(self) -> dict[str, float]:
        """C - S on all texts."""
        everything = self.evidence(np.ones(self.texts, dtype=bool))
        return {name: one.amount for name, one in everything.items()}


Pairwise = Callable[[np.ndarray, np.ndarray], np.ndarray]


def per_text(name: str, forwards: float, of_runs: Mapping[Run, Any], alike: Pairwise, s: Settings) -> PerText:
    """A measure of what each run is by itself, one row for each text."""
    teachers, pairs = teachers_of(of_runs, s), pairs_of(of_runs, s)
    n = len(next(iter(of_runs.values())))
    between = np.full((len(teachers), len(teachers), n), np.nan)
    for i, j in itertools.combinations(range(len(teachers)), 2):
        pair = of_runs[teachers[i]], of_runs[teachers[j]]
        between[i, j] = between[j, i] = (alike(*pair) + alike(*pair[::-1])) / 2
    students = {}
    for student, compared in pairs.items():
        runs = list(dict.fromkeys(run for run, _ in compared))
        values = np.array([[alike(of_runs[run], of_runs[one]) for one in teachers] for run in runs])
        own = [teachers.index(one) for _, one in compared] if s.teacher_seeds.get(student) else None
        students[student] = RunPairs.of(values, own)
    return PerText(name, forwards, students, between)


def pooled(
    name: str,
    of_runs: Mapping[Run, Any],
    part: Callable[[Any, Texts], Any],
    alike: Callable[[Any, Any], float],
    s: Settings,
) -> Pooled:
    """A measure of what each run is on all texts at once; one forward pass a text."""
    texts = len(next(iter(of_runs.values())))
    return Pooled(name, 1, texts, of_runs, part, alike, pairs_of(of_runs, s), teachers_of(of_runs, s))


def teachers_of(of_runs: Mapping[Run, Any], s: Settings) -> list[Run]:
    """The teacher's runs; a study of one teacher is expected."""
    (teacher,) = set(s.teachers.values()) - {None}
    return [run for run in of_runs if run[0] == teacher]


def pairs_of(of_runs: Mapping[Run, Any], s: Settings) -> dict[str, list[tuple[Run, Run]]]:
    """Each run of every student with the runs of its teacher that it is compared with."""
    students = [name for name, teacher in s.teachers.items() if teacher is not None]
    return {
        student: [(run, one) for run in of_runs if run[0] == student for one in s.references(*run)]
        for student in students
    }
