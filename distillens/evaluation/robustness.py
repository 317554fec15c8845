"""From the predictions of perturbed texts to a task's table of robustness."""

from collections.abc import Sequence
from typing import Any

from distillens import tables
from distillens.evaluation.inputs import (
    FilePath,
    Predictions,
    Settings,
    by_identity,
    edits_of,
    labels,
)
from distillens.evaluation.rows import aggregate, versus
from distillens.joblog import tracked
from distillens.metrics import robustness

_EDITED = {"changed": "texts", "edited_words": "words", "edited_characters": "characters"}
"""What perturbations edit, and of what that is a share."""


def score_robustness(
    test: FilePath,
    perturbed: Sequence[FilePath],
    predictions: Sequence[FilePath],
    *,
    out: FilePath,
    **settings: Any,
) -> None:
    """Score what each perturbation does to each model, and to each student beyond its teacher.

    Raises
    ------
    TableError
        If there are no predictions of a student's teacher.
    """
    s = Settings(**settings)
    truth = labels(test, s)
    runs = {run: Predictions(path, s) for run, path in by_identity(predictions, s).items()}
    rows = []
    for path in tracked(perturbed, "robustness", "perturbation"):
        name, counts = edits_of(path, test)
        ids, repeats = list(counts["texts"].columns), list(counts["texts"].index)
        for part, whole in _EDITED.items():
            share = robustness.share(counts[part], counts[whole], s.resampling("robustness", name))
            rows.append(aggregate(len(ids), share, perturbation=name, metric=part))
        outputs = {
            run: robustness.Outputs(one.of("none", [0], ids)[0], one.of(name, repeats, ids))
            for run, one in runs.items()
        }
        for (model, seed), own in outputs.items():
            reference = s.reference(model)
            if reference is not None and reference not in outputs and reference[0] not in s.attributions_only:
                raise tables.TableError(
                    f"no predictions of {reference}, the teacher of {model!r}; add the file"
                )
            scores: dict[str, robustness.Scored] = {}
            for task_metric in s.task_settings["metrics"]:
                scores |= robustness.score(
                    task_metric,
                    truth[ids],
                    own,
                    s.n_classes,
                    s.flip,
                    s.resampling("robustness", name, model, seed),
                    teacher=outputs.get(reference),
                )
            for metric, value in scores.items():
                against = reference if metric.endswith("_gap") else None
                where = {"model": model, "seed": seed, **versus(against), "perturbation": name}
                rows.append(aggregate(len(ids), value, **where, metric=metric))
    s.write(out, "scores", rows, [test, *perturbed, *predictions])
