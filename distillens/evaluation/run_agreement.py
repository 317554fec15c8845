"""Agreement of each run of a student with the runs of its teacher that count, and of these with each other.

1. A run that is no better than a constant is left out, and counted: it says nothing about how alike good
   ones are. Where no run is left, all are compared and what is said of them is gated.
2. A student that belongs to runs of its teacher is compared with these, any other with all of
   them (`distillens.metrics.run_pairs`).
"""

import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distillens import registry, tables
from distillens.evaluation.gates import usable
from distillens.evaluation.inputs import FilePath, Run
from distillens.evaluation.teacher_groups import Attributions, TeacherGroup
from distillens.metrics import agreement
from distillens.metrics.reliability import REPEATABLE
from distillens.metrics.run_pairs import RunPairs

Array = NDArray[np.float64]
Metrics = Sequence[tuple[str, int | None]]
_LOG = logging.getLogger("distillens")


@dataclass(frozen=True)
class RunAgreement:
    """A teacher and its students under one explainer, with the runs that count.

    ``teachers`` are the teacher's runs and ``between`` the agreement of each two of them, shape
    (runs, runs, metrics, examples), NaN on the diagonal; ``gates`` says which runs are no better than
    a constant.
    """

    group: TeacherGroup
    metrics: Metrics
    teachers: list[Run]
    between: Array
    gates: Mapping[Run, bool]

    @classmethod
    def of(cls, group: TeacherGroup, metrics: Metrics, gates: Mapping[Run, bool]) -> "RunAgreement":
        """Compare the teacher's runs with each other."""
        teachers = list(usable(group.teachers, gates))
        shape = (len(teachers), len(teachers), len(metrics), len(group.ids))
        between = np.full(shape, np.nan)
        for i, j in itertools.combinations(range(len(teachers)), 2):
            pair = group.aligned(teachers[j], teachers[i])
            between[i, j] = between[j, i] = agreement.agreements(*pair, metrics)
        return cls(group, metrics, teachers, between, gates)

    def runs(self, student: str) -> list[Run]:
        """The runs of a student that are compared: usable ones, whose own run of the teacher is too."""
        own = self.group.by_student[student]
        paired = [run for run in own if set(self.group.references[run]) & set(self.teachers)]
        return list(usable(paired or own, self.gates))

    def gated(self, student: str) -> bool:
        """Whether nothing can be said, because a teacher or student has no run that counts."""
        runs, teachers = self.runs(student), self.teachers
        alone = not any(set(self.group.references[run]) & set(teachers) for run in runs)
        return alone or all(self.gates[run] for run in runs) or all(self.gates[run] for run in teachers)

    def left_out(self, student: str) -> int:
        """How many runs of student and teacher do not count."""
        everything = len(self.group.by_student[student]) + len(self.group.teachers)
        return everything - len(self.runs(student)) - len(self.teachers)

    def counting(self, *students: str) -> NDArray[np.bool_]:
        """Which texts count for each of some students beside its teacher; of none for the teacher alone."""
        every = [self.group.counting(self.teachers, self.runs(student)) for student in students]
        return np.all(every or [self.group.counting(self.teachers)], axis=0)

    def of_student(self, student: str) -> list[tuple[RunPairs, RunPairs]]:
        """Agreement with the teacher and chance, by metric."""
        runs, group = self.runs(student), self.group
        shape = (2, len(runs), len(self.teachers), len(self.metrics), len(group.ids))
        values, learned_from = np.zeros(shape), []
        for place, run in enumerate(runs):
            references = [one for one in group.references[run] if one in self.teachers] or self.teachers[:1]
            for reference in references:
                pair, at = group.aligned(run, reference), self.teachers.index(reference)
                values[0, place, at] = agreement.agreements(*pair, self.metrics)
                values[1, place, at] = agreement.chances(*pair, self.metrics)
            learned_from.append(self.teachers.index(references[0]))
        paired = None if group.learned_from(runs) is None else learned_from
        return [
            (RunPairs.of(values[0, :, :, i], paired), RunPairs.of(values[1, :, :, i], paired))
            for i in range(len(self.metrics))
        ]

    def with_itself(
        self, runs: Sequence[Run], repeated: Mapping[tuple[str, int, str], FilePath]
    ) -> Array | None:
        """Agreement of a model with itself, explained by a second run of the explainer; shape (metrics, n).

        Parameters
        ----------
        runs : sequence of Run
            Those of the model that count; the first is asked.
        repeated : mapping
            Second explanations, by run and explainer.

        Returns
        -------
        ndarray or None
            That with itself for an explainer that draws nothing; None where it is not known: of what was
            explained elsewhere, of a model that does not answer the same twice and was explained once, and
            by an explainer that draws where the run that it explained twice does not count.

        Raises
        ------
        TableError
            If an explainer that draws has no second explanations of a model's first run.
        """
        group, run = self.group, runs[0]
        own, second = group.values[run], repeated.get((*run, group.explainer))
        if second is not None:
            return agreement.agreements(Attributions.read(second).towards(group.reference), own, self.metrics)
        method = method_of(group.paths[run])
        if method is None:
            return None
        if draws(method):
            if run not in group.models:
                if run in self.teachers:
                    _LOG.warning(
                        "%s: seed %d is the first of %r that counts, and %r explained it once: "
                        "its noise is not known, so no drift cannot be shown; begin with a seed that counts",
                        group.paths[run],
                        run[1],
                        run[0],
                        group.explainer,
                    )
                return None
            task = tables.provenance(group.paths[run]).get("task")
            raise tables.TableError(
                f"task {task!r}: no second explanations of {run} by {group.explainer!r}; add the file"
            )
        if answers_vary(group.paths[run]):
            return None
        return agreement.agreements(own, own, self.metrics)


def draws(method: str | None) -> bool:
    """Whether an explainer's method draws at random, so that another run of it gives other values.

    Examples
    --------
    >>> draws("lime"), draws("occlusion"), draws(None)
    (True, False, False)
    """
    return method is not None and bool(registry.literal("explainer", method, "DRAWS"))


def answers_vary(path: FilePath) -> bool:
    """Whether explanations are of a model that did not answer its fixed texts the same twice.

    Examples
    --------
    >>> tables.write("asked.parquet", "explanations", [], {"asked": {"noise": 0.03}})
    >>> answers_vary("asked.parquet")
    True
    """
    return tables.provenance(path).get("asked", {}).get("noise", 0.0) > REPEATABLE


def method_of(path: FilePath) -> str | None:
    """The explainer's method, as `distillens.attribution.explain` notes it; None: explained elsewhere.

    Examples
    --------
    >>> tables.write("lime.parquet", "explanations", [], {"settings": {"method": "lime"}})
    >>> method_of("lime.parquet")
    'lime'
    """
    settings = tables.provenance(path).get("settings", {})
    return None if "form" in settings else settings.get("method")
