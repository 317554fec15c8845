"""From the explanations of a pilot to the number of texts that the verdicts of a task need."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from distillens.evaluation.gates import gates_of
from distillens.evaluation.inputs import FilePath, Settings, TextGroups, by_identity
from distillens.evaluation.place_students import LadderFiles, rungs_of, students_of
from distillens.evaluation.rows import write_scores
from distillens.evaluation.run_agreement import RunAgreement
from distillens.evaluation.teacher_groups import TeacherGroup, teacher_groups
from distillens.metrics import pilot
from distillens.metrics.calibration import HEADLINE, Rule
from distillens.metrics.placement import accepted_of, ladder_of
from distillens.metrics.run_pairs import TEACHER_RUNS

RUNS = "runs"


def plan_texts(
    files: LadderFiles,
    *,
    settings: Settings,
    accept: Mapping[str, float],
    tell: float,
    controls: Sequence[str],
    out: FilePath,
) -> None:
    """Write how many texts each verdict needs, by the noise of those that there are.

    A student whose teacher has enough runs is judged by them, any other by its teacher's ladder.

    Parameters
    ----------
    files : LadderFiles
        The explanations are those of all runs by all explainers.
    settings : Settings
    accept : mapping
        The damage that is accepted.
    tell : float
        See `distillens.metrics.pilot.by_ladder`.
    controls : sequence of str
        Explainers that no verdict counts; nothing is planned for them.
    out : path
        Table of kind ``plan``: a row for each student and explainer.

    Raises
    ------
    TableError
        If rungs or second explanations do not belong to the explanations.
    """
    gates, texts_of = gates_of(files.performance, settings), TextGroups(files.explained)
    of_rungs, repeated = (by_identity(paths, settings, "explainer") for paths in (files.rungs, files.again))
    groups = [one for one in teacher_groups(files.explanations, settings) if one.explainer not in controls]
    compared = [RunAgreement.of(group, [(HEADLINE, None)], gates) for group in groups]
    by_runs = [len(one.teachers) >= TEACHER_RUNS for one in compared]
    rows: list[dict[str, Any]] = []
    for one, enough in zip(compared, by_runs, strict=True):
        alike = [other.group for other, same in zip(compared, by_runs, strict=True) if same == enough]
        rule = Rule(
            *(settings.metrics[name] for name in ("confidence_level", "tolerance", "margin")),
            tests=max(1, sum(len(group.by_student) for group in alike)),
        )
        group, texts = one.group, texts_of.of(one.group.ids)
        again = one.with_itself(one.teachers, repeated)
        if enough:
            plans = {
                name: pilot.by_runs(*_pairs(one, name), None if again is None else again[0], rule, texts)
                for name in group.by_student
            }
        else:
            paths = {run: of_rungs.get((*run, group.explainer)) for run in one.teachers}
            if again is None or not all(paths.values()):
                continue  # no reference: neither runs nor rungs
            kinds = {kind: rungs[0] for kind, rungs in rungs_of(one, paths, settings).items()}
            accepted = accepted_of(accept, HEADLINE)
            plans = {}
            for name, (student,) in students_of(one, settings):
                ladder, _ = ladder_of(student, kinds, again[0], rule.confidence_level, texts)
                if not student.is_teacher:
                    plans[name] = pilot.by_ladder(ladder, accepted, rule, tell)
        reference = RUNS if enough else " ".join(f"{kind} {amount:g}" for kind, amount in accept.items())
        rows += _rows(one, plans, reference)
    inputs = [files.explained, files.performance, *files.explanations, *files.again, *files.rungs]
    write_scores(out, "plan", rows, settings, inputs)


def _pairs(compared: RunAgreement, student: str) -> tuple[Any, Any, Any]:
    ((pairs, chance),) = compared.of_student(student)
    return pairs, compared.between[:, :, 0], chance


def _rows(
    compared: RunAgreement, plans: Mapping[str, pilot.Plan], reference: str
) -> Iterator[dict[str, Any]]:
    group: TeacherGroup = compared.group
    for name, plan in plans.items():
        yield {
            "student": name,
            "teacher": group.first[0],
            "explainer": group.explainer,
            "reference": reference,
            **plan._asdict(),
            "gated": compared.gated(name),
        }
