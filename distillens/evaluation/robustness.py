"""From the predictions of perturbed texts to a task's table of robustness."""

from collections.abc import Sequence

from distillens import tables
from distillens.evaluation.inputs import (
    FilePath,
    Predictions,
    Settings,
    TextGroups,
    by_identity,
    edits_of,
    labels,
)
from distillens.evaluation.rows import aggregate, versus, write_scores
from distillens.joblog import tracked
from distillens.metrics import robustness

_EDITED = {"changed": "texts", "edited_words": "words", "edited_characters": "characters"}
"""What perturbations edit, and of what that is a share."""


def score_robustness(
    test: FilePath,
    perturbed: Sequence[FilePath],
    predictions: Sequence[FilePath],
    *,
    settings: Settings,
    out: FilePath,
) -> None:
    """Score what each perturbation does to each model, and to each student beyond its teacher.

    Without labels it is only known which predictions stay the same.

    Raises
    ------
    TableError
        If there are no predictions of a student's teacher.
    """
    truth = labels(test, settings)
    runs = {run: Predictions(path, settings) for run, path in by_identity(predictions, settings).items()}
    rows, texts = [], TextGroups(test)
    for path in tracked(perturbed, "robustness", "perturbation"):
        name, counts = edits_of(path, test)
        ids, repeats = list(counts["texts"].columns), list(counts["texts"].index)
        groups = texts.of(ids)
        for part, whole in _EDITED.items():
            share = robustness.share(
                counts[part], counts[whole], settings.resampling("robustness", name), groups
            )
            rows.append(aggregate(len(ids), share, perturbation=name, metric=part))
        outputs = {
            run: robustness.Outputs(one.of("none", [0], ids)[0], one.of(name, repeats, ids))
            for run, one in runs.items()
        }
        for (model, seed), own in outputs.items():
            reference = settings.reference(model, seed)
            comparable = reference is not None and reference[0] not in settings.attributions_only
            if comparable and reference not in outputs:
                raise tables.TableError(
                    f"no predictions of {reference}, the teacher of {model!r}; add the file"
                )
            scores: dict[str, robustness.Scored] = {}
            for task_metric in settings.task_settings["metrics"]:
                scores |= robustness.score(
                    task_metric if settings.labelled else None,
                    truth[ids],
                    own,
                    settings.n_classes,
                    settings.flip,
                    settings.resampling("robustness", name, model, seed),
                    teacher=outputs.get(reference),
                    groups=groups,
                )
            for metric, value in scores.items():
                against = reference if metric.endswith("_gap") else None
                where = {"model": model, "seed": seed, **versus(against), "perturbation": name}
                rows.append(aggregate(len(ids), value, **where, metric=metric))
    write_scores(out, "scores", rows, settings, [test, *perturbed, *predictions])
