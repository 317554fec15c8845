"""From the explanations of students, and of damaged copies of their teacher, to places on the ladder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distillens import tables
from distillens.evaluation.gates import gates_of
from distillens.evaluation.inputs import FilePath, Run, Settings, TextGroups, by_identity
from distillens.evaluation.rows import write_scores
from distillens.evaluation.run_agreement import RunAgreement
from distillens.evaluation.teacher_groups import TeacherGroup, teacher_groups
from distillens.metrics import agreement, explained_output
from distillens.metrics.ladder import Rungs, Student, rung_means
from distillens.metrics.placement import accepted_of, decide, place
from distillens.metrics.run_pairs import RunPairs

Array = NDArray[np.float64]
Answers = Mapping[str, Array | None]


@dataclass(frozen=True)
class LadderFiles:
    """What places rest on.

    ``explained`` are the texts, ``performance`` the scores of the task; ``explanations`` those of all runs by
    the ladder's explainers, ``again`` second ones by those that draw, ``rungs`` those of the damaged
    copies of teachers' runs.
    """

    explained: FilePath
    performance: FilePath
    explanations: Sequence[FilePath]
    rungs: Sequence[FilePath]
    again: Sequence[FilePath] = ()


def place_students(
    files: LadderFiles,
    *,
    settings: Settings,
    accept: Mapping[str, float],
    placements: FilePath,
    ladders: FilePath,
) -> None:
    """Write where each student stands on its teacher's ladder, and the ladder itself.

    Parameters
    ----------
    files : LadderFiles
    settings : Settings
    accept : mapping
        The damage that is accepted: one kind with its dose, or ``agreement`` with a number.
    placements : path
        Table of kind ``placements``: for each student, explainer and metric a row over all kinds of
        damage, with the verdict, and one for each kind. Where a teacher has several runs, so has it:
        how far they are from each other.
    ladders : path
        Table of kind ``ladders``: a row for each rung, explainer and metric.

    Raises
    ------
    TableError
        If rungs are of other texts, words or classes than the teacher's explanations.
    """
    gates, level = gates_of(files.performance, settings), settings.metrics["confidence_level"]
    of_rungs = by_identity(files.rungs, settings, "explainer")
    repeated = by_identity(files.again, settings, "explainer")
    metrics, drawn = agreement.grid(settings.metrics["overlap_k"]), TextGroups(files.explained)
    placed: list[dict[str, Any]] = []
    climbed: list[dict[str, Any]] = []
    for group in teacher_groups(files.explanations, settings):
        compared = RunAgreement.of(group, metrics, gates)
        if any((*run, group.explainer) not in of_rungs for run in compared.teachers):
            continue  # a teacher with enough runs, or one that has no weights
        kinds = rungs_of(
            compared, {run: of_rungs[(*run, group.explainer)] for run in compared.teachers}, settings
        )
        texts = drawn.of(group.ids)
        again = compared.with_itself(compared.teachers, repeated)
        if again is None:  # nothing can be placed, and the rows say so
            again = np.full((len(metrics), len(group.ids)), np.nan)
        students = list(students_of(compared, settings))
        climbed += _rows_of_rungs(compared, kinds, level, texts)
        for number, (metric, k) in enumerate(metrics):
            rungs = {kind: of_metric[number] for kind, of_metric in kinds.items()}
            accepted = accepted_of(accept, metric)
            for name, by_metric in students:
                student = by_metric[number]
                about = {
                    "student": name,
                    "teacher": group.first[0],
                    "explainer": group.explainer,
                    "metric": metric,
                    "k": k,
                    "gated": not student.is_teacher and compared.gated(name),
                }
                judged = None if student.is_teacher else accepted
                counted = compared.counting(*([] if student.is_teacher else [name]))
                own = {kind: of_kind.on(counted) for kind, of_kind in rungs.items()}
                rows = place(student.on(counted), own, again[number, counted], judged, level, texts[counted])
                rows[0]["reference"] = " ".join(f"{kind} {amount:g}" for kind, amount in accept.items())
                placed += [{**about, **row} for row in rows]
    inputs = [files.explained, files.performance, *files.explanations, *files.again, *files.rungs]
    write_scores(placements, "placements", decide(placed, level, settings.labels_together), settings, inputs)
    write_scores(ladders, "ladders", climbed, settings, inputs)


def students_of(compared: RunAgreement, settings: Settings) -> Iterator[tuple[str, list[Student]]]:
    """Each student by every metric, and the teacher itself where it has several runs."""
    group = compared.group
    answers = {run: _answers(group.paths[run]) for run in (*group.teachers, *group.students)}

    def equal(runs: Sequence[Run], pairs: RunPairs) -> RunPairs:
        values = np.zeros((len(runs), len(compared.teachers), len(group.ids)))
        for i, j in np.argwhere(pairs.compared):
            values[i, j] = same_answers(
                answers[runs[i]], answers[compared.teachers[j]], group.ids, settings.flip
            )
        return replace(pairs, values=values)

    for name in group.by_student:
        of_metrics = compared.of_student(name)
        same = equal(compared.runs(name), of_metrics[0][0])
        yield name, [Student(pairs, same, chance) for pairs, chance in of_metrics]
    if len(compared.teachers) > 1:
        others = ~np.eye(len(compared.teachers), dtype=bool)
        of_metrics = [RunPairs(between, others) for between in np.moveaxis(compared.between, 2, 0)]
        same, none = (
            equal(compared.teachers, of_metrics[0]),
            RunPairs(np.zeros_like(of_metrics[0].values), others),
        )
        yield group.first[0], [Student(pairs, same, none, is_teacher=True) for pairs in of_metrics]


def rungs_of(compared: RunAgreement, paths: Mapping[Run, Path], settings: Settings) -> dict[str, list[Rungs]]:
    """For each kind of damage its rungs, by metric."""
    read = {run: _read(path) for run, path in paths.items()}
    group, metrics = compared.group, compared.metrics
    shapes = {run: sorted(of_run) for run, of_run in read.items()}
    first = shapes[compared.teachers[0]]
    unlike = next((run for run, own in shapes.items() if own != first), None)
    if unlike is not None:
        raise tables.TableError(
            f"{paths[unlike]}: other rungs than {paths[compared.teachers[0]]}; run explain_rungs again"
        )
    kinds: dict[str, list[Rungs]] = {}
    for kind in dict.fromkeys(kind for kind, _, _ in first):
        doses = sorted({dose for own, dose, _ in first if own == kind})
        draws = sorted({draw for own, _, draw in first if own == kind})
        shape = (len(compared.teachers), len(doses), len(draws), len(group.ids))
        values, equal = np.full((len(metrics), *shape), np.nan), np.full(shape, np.nan)
        for t, run in enumerate(compared.teachers):
            own = _answers(group.paths[run])
            for i, dose in enumerate(doses):
                for j, draw in enumerate(draws):
                    attributions, answers = read[run][kind, dose, draw]
                    towards = _towards(attributions, group, run, paths[run])
                    values[:, t, i, j] = agreement.agreements(towards, group.values[run], metrics)
                    alike = same_answers(answers, own, group.ids, settings.flip)
                    equal[t, i, j] = np.nan_to_num(alike)  # what is no answer is not the teacher's
        kinds[kind] = [Rungs(np.array(doses), of_metric, equal) for of_metric in values]
    return kinds


def _read(path: Path) -> dict[tuple[str, float, int], tuple[dict[str, Array], dict[str, Array | None]]]:
    """By rung, the values and the logits of each text."""
    rungs: dict[tuple[str, float, int], tuple[dict[str, Array], dict[str, Array | None]]] = {}
    for row in tables.read(path, "rungs").to_pylist():
        values, logits = rungs.setdefault((row["kind"], row["dose"], row["draw"]), ({}, {}))
        name = row["example_id"]
        if name in values:
            raise tables.TableError(f"{path}: example {name!r} is twice in a rung; delete it and run again")
        shape = (len(row["values"]), -1 if row["values"] else 1)
        values[name] = np.array(row["values"], dtype=np.float64).reshape(shape)
        logits[name] = np.array(row["logits"], dtype=np.float64)
    return rungs


def _towards(attributions: Mapping[str, Array], group: TeacherGroup, run: Run, path: Path) -> list[Array]:
    """A rung's attributions to the class that is explained, in the order of the group's texts."""
    result = []
    for name, own in zip(group.ids, group.values[run], strict=True):
        if name not in attributions or len(attributions[name]) != len(own):
            raise tables.TableError(
                f"{path}: example {name!r} is missing, or has other words than {group.paths[run]}; "
                "run explain_rungs again"
            )
        result.append(explained_output.towards(attributions[name], group.reference.predicted[name]))
    return result


def _answers(path: Path) -> Answers:
    """The logits of each explained text; None where they are not known."""
    rows = tables.read(path, "explanations").select(["example_id", "logits"]).to_pylist()
    return {
        row["example_id"]: None if row["logits"] is None else np.array(row["logits"], dtype=np.float64)
        for row in rows
    }


def same_answers(one: Answers, other: Answers, ids: Sequence[str], flip: float) -> Array:
    """Whether two models answer alike, per text: 1 or 0; NaN where an answer is not known or not finite.

    Parameters
    ----------
    one, other : mappings
        Logits by text.
    ids : sequence of str
    flip : float
        How far a regression's answer may be off and count as the same.

    Examples
    --------
    >>> one, other = {"a": np.array([0.1, 2.0])}, {"a": np.array([0.3, 0.5])}
    >>> same_answers(one, other, ["a"], flip=0.0).tolist()
    [1.0]
    """
    result = np.full(len(ids), np.nan)
    for at, name in enumerate(ids):
        a, b = one[name], other[name]
        if a is not None and b is not None and np.isfinite([*a, *b]).all():
            same = abs(a[0] - b[0]) <= flip if len(a) == 1 else a.argmax() == b.argmax()
            result[at] = float(same)
    return result


def _rows_of_rungs(
    compared: RunAgreement, kinds: Mapping[str, Sequence[Rungs]], level: float, texts: NDArray[np.int64]
) -> Iterator[dict[str, Any]]:
    counted = compared.counting()
    for kind, of_metric in kinds.items():
        for (metric, k), rungs in zip(compared.metrics, of_metric, strict=True):
            for row in rung_means(rungs.on(counted), level, texts[counted]):
                yield {
                    "teacher": compared.group.first[0],
                    "explainer": compared.group.explainer,
                    "metric": metric,
                    "k": k,
                    "kind": kind,
                    **row,
                }
