"""Why nothing was compared: texts that a student, or its teacher, does not see whole."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.report.verdict import Verdict

Row = Mapping[str, Any]


def reasons(verdicts: Sequence[Verdict], reports: Sequence[Row]) -> list[str]:
    """A sentence for each student whose agreement with its teacher is undefined on every text.

    Parameters
    ----------
    verdicts : sequence of Verdict
    reports : sequence of mapping
        What explainers report about themselves: ``task``, ``model``, ``explainer``, ``explanations``
        and, of those, how many are ``cut_off``.

    Examples
    --------
    >>> row = {"n": 0, "n_undefined": 9}
    >>> said = Verdict("toy", "tiny", "bert", "accuracy", [], None, None, {"shap": row}, "")
    >>> report = {"task": "toy", "model": "tiny", "explainer": "shap", "explanations": 9, "cut_off": 9}
    >>> reasons([said], [report])[0].partition(":")[2]
    ' tiny does not see all words of 9 of 9. Take shorter texts, a larger max_length, or windows.'
    """
    return [
        f"{v.student} and {v.teacher_name} cannot be compared by {explainer} on any of the"
        f" {row['n_undefined']} texts of {v.task}: {_why(v, explainer, reports)}"
        for v in verdicts
        for explainer, row in v.drift.items()
        if not row["n"] and row["n_undefined"] and not pd.isna(row["n_undefined"])
    ]


def _why(verdict: Verdict, explainer: str, reports: Sequence[Row]) -> str:
    counts = []
    for model in (verdict.student, verdict.teacher_name):
        own = [
            row
            for row in reports
            if (row["task"], row["model"], row["explainer"]) == (verdict.task, model, explainer)
        ]
        if worst := max(own, key=lambda row: row["cut_off"], default=None):
            counts.append((model, int(worst["cut_off"]), int(worst["explanations"])))
    said = [f"{model} does not see all words of {cut} of {of}" for model, cut, of in counts if cut]
    if not said:
        return "their attributions are zero everywhere, or of unlike words."
    return f"{', '.join(said)}. Take shorter texts, a larger max_length, or windows."
