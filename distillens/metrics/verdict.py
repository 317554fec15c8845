"""What calibrated agreement says in words, over a whole study."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distillens.metrics.calibration import HEADLINE, TOLERANCE
from distillens.metrics.multiple_testing import adjusted_within, benjamini_hochberg, holm

KEEPS = "keeps the teacher's reasoning"
DRIFTS = "drifts"
UNKNOWN = "cannot be told"
GATED = "gated"


def decide(
    rows: Sequence[Mapping[str, Any]],
    confidence_level: float,
    tolerance: float = TOLERANCE,
    controls: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Adjust the p-values for how many there are, and give each row its verdict.

    Every metric is adjusted by itself: what several metrics say of the same
    attributions is one piece of evidence, and only one of them is the headline. Rows that
    are gated, or of an explainer that is a control, are not tested.

    Parameters
    ----------
    rows : sequence of mappings
        All rows of a study: ``task``, ``explainer``, ``metric``, ``k``, ``gated`` and what
        `distillens.metrics.calibration.calibrate` returns.
    confidence_level : float
        One minus this is the false discovery rate over the study.
    tolerance : float
        Drift, in units of the metric, that is as good as none.
    controls : iterable of str
        Explainers that know nothing of the model's output.

    Returns
    -------
    list of dict
        The rows with ``p_holm`` (Holm 1979, within the rows of one task), ``p_adjusted``
        (Benjamini & Hochberg 1995, over the study) and ``verdict``.

    Examples
    --------
    >>> row = {"task": "sst2", "explainer": "shap", "metric": "spearman", "k": None, "gated": False}
    >>> row |= {"p_value": 0.01, "drift_low": 0.1, "drift_high": 0.3, "normalised": 0.8, "run_spread": 0.02}
    >>> [(one["verdict"], one["p_adjusted"]) for one in decide([row, row | {"gated": True}], 0.95)]
    [('drifts', 0.01), ('gated', nan)]
    """
    skipped = set(controls)
    tested = [not row["gated"] and row["explainer"] not in skipped for row in rows]
    p_holm = adjusted_within(rows, ("metric", "k", "task"), holm, tested)
    p_adjusted = adjusted_within(rows, ("metric", "k"), benjamini_hochberg, tested)
    decided = [
        {**row, "p_holm": one, "p_adjusted": other}
        for row, one, other in zip(rows, p_holm, p_adjusted, strict=True)
    ]
    return [
        {**row, "verdict": verdict(row, confidence_level=confidence_level, tolerance=tolerance)}
        for row in decided
    ]


def verdict(row: Mapping[str, Any], *, confidence_level: float, tolerance: float = TOLERANCE) -> str:
    """Say in words what one row shows.

    - "gated": the student or the teacher is no better than a constant;
    - "drifts": drift is above 0 beyond what chance explains, corrected for the study. Where
      there are too few runs to know how unlike two runs are, the whole interval must
      also be above the tolerance: two runs of one recipe may well differ by so much;
    - "keeps the teacher's reasoning": the whole interval of drift is below the
      tolerance, and the teacher's seeds agree beyond chance, so that there is something
      to keep;
    - "cannot be told": anything else, such as a teacher with one seed.

    Examples
    --------
    >>> row = {"gated": False, "p_adjusted": 0.4, "drift_low": -0.02, "drift_high": 0.03}
    >>> verdict(row | {"normalised": 0.98, "run_spread": 0.02}, confidence_level=0.95)
    "keeps the teacher's reasoning"
    """
    if row["gated"]:
        return GATED
    # Comparisons with NaN are false: what is undefined shows nothing.
    least = tolerance if math.isnan(row["run_spread"]) else 0.0
    if row["p_adjusted"] < 1 - confidence_level and row["drift_low"] > least:
        return DRIFTS
    if row["drift_high"] < tolerance and not math.isnan(row["normalised"]):
        return KEEPS
    return UNKNOWN


def overall(rows: Iterable[Mapping[str, Any]], controls: Iterable[str] = ()) -> str:
    """One verdict from several rows of the drift table: a student's explainers, or its tasks.

    Only the headline metric (Spearman) counts, and never an explainer that is a control.
    It drifts if any of these rows does; what is gated is left out, unless all are; it
    keeps the teacher's reasoning if all the others do; anything else cannot be told.

    Examples
    --------
    >>> rows = [{"metric": "spearman", "explainer": "shap", "verdict": of} for of in (GATED, KEEPS)]
    >>> overall(rows)
    "keeps the teacher's reasoning"
    """
    controls = set(controls)
    verdicts = {
        row["verdict"] for row in rows if row["metric"] == HEADLINE and row["explainer"] not in controls
    }
    if DRIFTS in verdicts:
        return DRIFTS
    ungated = verdicts - {GATED} or verdicts
    return ungated.pop() if len(ungated) == 1 else UNKNOWN
