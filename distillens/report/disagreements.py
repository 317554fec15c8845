"""Per text and student: how much more a student differs from its teacher than the teacher's runs do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from distillens.evaluation.gates import usable
from distillens.metrics import calibration
from distillens.metrics.disagreement import beyond_noise, mean_of_pairs, shared_attribution
from distillens.report.sentences import View
from distillens.report.study_data import Outline, Run

Array = NDArray[np.float64]
Gates = Collection[tuple[str, str, int]]
"""The runs that are no better than a constant answer: (task, model, seed)."""


@dataclass(frozen=True)
class Disagreement:
    """Of one student under one explainer, each of shape (texts,), NaN where undefined.

    Attributes
    ----------
    student : str
    n_runs : int
        Its runs that count.
    shared : ndarray
        The share of attribution that it has in common with its teacher, mean over the pairs compared.
    ceiling : ndarray
        The same of each two runs of the teacher; NaN where there are not two.
    beyond : ndarray
        ``ceiling - shared``.
    """

    student: str
    n_runs: int
    shared: Array
    ceiling: Array
    beyond: Array

    @property
    def ranked(self) -> Array:
        """What texts are ranked by: beyond noise, or where noise is not known, what is not shared."""
        return self.beyond if self.knows_noise else 1 - self.shared

    @property
    def knows_noise(self) -> bool:
        """Whether the teacher has two runs that explained a text."""
        return bool(np.isfinite(self.ceiling).any())


def gates_of(study: Outline, performance: pd.DataFrame) -> Gates:
    """The runs that are not shown to beat the best constant answer; verdicts leave them out, too.

    Parameters
    ----------
    study : Outline
    performance : pandas.DataFrame
        Scores of runs, and of the constant answer (``majority``).
    """
    rows = performance[performance["against"].isna()].to_dict("records")
    majority = {row["task"]: row["value"] for row in rows if row["metric"] == "majority"}
    return {
        (row["task"], row["model"], row["seed"])
        for row in rows
        if row["task"] in majority
        and row["model"] is not None
        and row["metric"] == study.lead(row["task"])
        and calibration.gated(row["low"], majority[row["task"]])
    }


def gated_runs(view: View, gates: Gates) -> dict[Run, bool]:
    """Which runs of a view are no better than a constant answer.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> one, other = Run("kd", 1, "bert", "kd"), Run("kd", 2, "bert", "kd")
    >>> list(gated_runs(Fake(task="toy", runs=[one, other]), {("toy", "kd", 2)}).values())
    [False, True]
    """
    return {run: (view.task, run.model, run.seed) in gates for run in view.runs}


def of_view(
    study: Outline, view: View, texts: Sequence[Mapping[str, Any]], gates: Gates
) -> dict[str, Disagreement]:
    """The disagreement of every student that an explainer explained, by its name.

    As in the verdict, runs that are no better than a constant are left out unless all are, and a run that
    belongs to one of its teacher's is compared with that one, any other with all.
    """
    weak = gated_runs(view, gates)
    by_student: dict[str, Disagreement] = {}
    values: dict[Run, list[Array]] = {}

    def shared(left: Run, right: Run) -> Array:
        for run in (left, right):
            if run not in values:
                values[run] = [np.asarray(view.values(run, text), dtype=np.float64) for text in texts]
        alike = [view.same_words(left, right, text) for text in texts]
        return _shared(values[left], values[right], alike)

    ceilings: dict[str, list[Array]] = {}
    for student in dict.fromkeys(run.model for run in view.runs if run.teacher is not None):
        own = [run for run in view.runs if run.model == student]
        teacher = own[0].teacher or ""
        teachers = list(usable([run for run in view.runs if run.model == teacher], weak))
        if teacher not in ceilings:
            ceilings[teacher] = [shared(a, b) for a, b in combinations(teachers, 2)]
        pairs = _pairs(own, teachers, weak)
        of_student = _stacked([shared(*pair) for pair in pairs], len(texts))
        of_teachers = _stacked(ceilings[teacher], len(texts))
        by_student[student] = Disagreement(
            student,
            len({run for run, _ in pairs}),
            mean_of_pairs(of_student),
            mean_of_pairs(of_teachers),
            beyond_noise(of_student, of_teachers),
        )
    return by_student


def _pairs(own: Sequence[Run], teachers: Sequence[Run], weak: Mapping[Run, bool]) -> list[tuple[Run, Run]]:
    """Each run of a student that counts with the runs of its teacher that it is compared with."""

    def references(run: Run) -> list[Run]:
        return [one for one in teachers if run.teacher_seed in (None, one.seed)]

    runs = usable([run for run in own if references(run)] or own, weak)
    return [(run, teacher) for run in runs for teacher in references(run)]


def _stacked(pairs: Sequence[Array], count: int) -> Array:
    return np.stack(pairs) if pairs else np.empty((0, count))


def _shared(left: Sequence[Array], right: Sequence[Array], alike: Sequence[bool]) -> Array:
    """What two runs share, text by text; those of one length together."""
    result = np.full(len(left), np.nan)
    by_length: dict[int, list[int]] = {}
    for place, (a, b, same) in enumerate(zip(left, right, alike, strict=True)):
        if same and len(a) == len(b) > 0:
            by_length.setdefault(len(a), []).append(place)
    for places in by_length.values():
        a, b = (np.stack([side[place] for place in places]) for side in (left, right))
        result[places] = shared_attribution(a, b)
    return result
