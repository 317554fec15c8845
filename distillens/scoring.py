"""From the Parquet files of a task to its tables of scores; the numbers come from `distillens.metrics`.

What the rules give to the scripts, by name (``snakemake.input``):

================== =====================================================================
score_performance  ``test`` (examples), ``predictions``, ``explanations`` (lists)
score_robustness   ``test``, ``perturbed`` (list), ``predictions`` (list)
score_faithfulness ``explained`` (examples), ``deletions``, ``curves``, ``explanations`` (lists)
score_agreement    ``explanations`` (list); see `distillens.comparing`
calibrate          ``performance`` (scores), ``explanations``, ``again`` (lists); see `distillens.calibrating`
score_closing      as for performance, ``performance`` (scores); see `distillens.closing`
score_shifts       ``explained``, ``explanations`` (list); see `distillens.shifting`
score_buckets      ``explained``, ``explanations`` (list); see `distillens.bucketing`
================== =====================================================================

and as ``params.settings`` the fields of `distillens.scoring_inputs.Settings`. Which
model, seed and explainer a file is about is read from its provenance, never from its
name. A row without an ``example_id`` is an aggregate: ``n`` examples count in it,
``n_undefined`` do not.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from distillens import tables
from distillens.metrics import performance, robustness
from distillens.runlog import tracked
from distillens.scoring_inputs import (
    FilePath,
    Predictions,
    Run,
    Settings,
    by_identity,
    edits_of,
    labels,
    logits_of,
)

_EDITED = {"changed": "texts", "edited_words": "words", "edited_characters": "characters"}
"""What perturbations edit, and of what that is a share."""


def score_performance(
    test: FilePath,
    predictions: Sequence[FilePath],
    explanations: Sequence[FilePath] = (),
    *,
    out: FilePath,
    **settings: Any,
) -> None:
    """Score every model on the whole test split, and the best constant answer.

    Models that are known by their attributions only (``explanations``) are scored on the texts
    that these are about, if they came with logits; without, nothing can be said of them.
    """
    s = Settings(**settings)
    truth = labels(test, s)
    rows = []
    answers = {
        run: Predictions(path, s).of("none", [0], truth.index)[0]
        for run, path in tracked(by_identity(predictions, s).items(), "performance", "run")
    }
    asked = {run: (truth, logits) for run, logits in answers.items()}
    for (model, seed), (labelled, logits) in (asked | _told(explanations, truth, s)).items():
        found = performance.scores(
            s.task_settings["metrics"],
            labelled,
            performance.predictions_of(logits),
            s.n_classes,
            s.resampling("performance", model, seed),
        )
        for metric, value in found.items():
            rows.append(_aggregate(len(labelled), model=model, seed=seed, metric=metric, **_floats(value)))
    majority = performance.majority(s.lead, truth, s.n_classes)
    rows.append(_aggregate(len(truth), metric="majority", value=majority))
    s.write(out, "scores", rows, [test, *predictions, *explanations])


def _told(
    paths: Sequence[FilePath], truth: pd.Series, s: Settings
) -> dict[Run, tuple[pd.Series, np.ndarray]]:
    """Labels and logits of the texts that attributions from elsewhere are about, where all have logits."""
    found = {}
    for (model, seed, _), path in by_identity(paths, s, "explainer").items():
        table = tables.read(path, "explanations")
        if table.num_rows and not table["logits"].null_count:
            ids = table["example_id"].to_pylist()
            found.setdefault((model, seed), (truth[ids], logits_of(table, "logits", path, s)))
    return found


def score_robustness(
    test: FilePath,
    perturbed: Sequence[FilePath],
    predictions: Sequence[FilePath],
    *,
    out: FilePath,
    **settings: Any,
) -> None:
    """Score what each perturbation does to each model, and to each student beyond its teacher."""
    s = Settings(**settings)
    truth = labels(test, s)
    runs = {run: Predictions(path, s) for run, path in by_identity(predictions, s).items()}
    rows = []
    for path in tracked(perturbed, "robustness", "perturbation"):
        name, counts = edits_of(path, test)
        ids, folds = list(counts["texts"].columns), list(counts["texts"].index)
        for part, whole in _EDITED.items():
            share = robustness.share(counts[part], counts[whole], s.resampling("robustness", name))
            rows.append(_aggregate(len(ids), perturbation=name, metric=part, **_floats(share)))
        outputs = {
            run: robustness.Outputs(of.of("none", [0], ids)[0], of.of(name, folds, ids))
            for run, of in runs.items()
        }
        for (model, seed), own in outputs.items():
            reference = s.reference(model)
            if reference is not None and reference not in outputs and reference[0] not in s.told:
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
                where = {"model": model, "seed": seed, **_against(against), "perturbation": name}
                rows.append(_aggregate(len(ids), **where, metric=metric, **_floats(value)))
    s.write(out, "scores", rows, [test, *perturbed, *predictions])


def _aggregate(n: int, **columns: Any) -> dict[str, Any]:
    return {**columns, "n": n, "n_undefined": 0}


def _against(run: Run | None) -> dict[str, Any]:
    return {} if run is None else dict(zip(("against", "against_seed"), run, strict=True))


def _floats(numbers: tuple) -> dict[str, float]:
    return {name: float(value) for name, value in numbers._asdict().items()}
