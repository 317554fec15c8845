"""The verdicts at other tolerances, so that the page can judge again as one looks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import at_tolerances, overall
from distillens.report.decision import Decision, count
from distillens.report.study_data import Outline
from distillens.report.tables import VERDICTS
from distillens.report.verdict import Verdict

Row = Mapping[str, Any]


def verdicts(
    study: Outline, shown: Sequence[Verdict], decided: Sequence[Decision], drift: pd.DataFrame
) -> dict[str, Any] | None:
    """What the page needs to show the verdicts of every tolerance: its script judges nothing.

    Returns
    -------
    dict or None
        ``tolerances``; ``now``, the place of the study's own; ``styles`` by verdict; ``students``: by name
        the ``words`` and ``parts`` of its decision at each of them; ``rows`` of the verdict table: ``words``
        and, for each explainer in the order of its cells, ``cells``. None where no verdict hangs on it, as no
        teacher has three runs.
    """
    rows = drift[drift["metric"] == HEADLINE].to_dict("records")
    settings = study.settings["metrics"]
    at = at_tolerances(rows, settings["confidence_level"], study.controls, study.families)
    if settings["tolerance"] not in at:
        return None

    def cells(v: Verdict, judged: Sequence[Row]) -> list[Row]:
        about = {(v.task, v.student, name) for name in v.drift}
        return [row for row in judged if (row["task"], row["student"], row["explainer"]) in about]

    students = {}
    for one in decided:
        own = [v for v in shown if v.student == one.student]
        of = [[row for v in own for row in cells(v, judged)] for judged in at.values()]
        if one.parts or not any(row["teacher_runs_missing"] for row in of[0]):  # else the ladder decides
            students[one.student] = {
                "words": [overall(judged, study.controls) for judged in of],
                "parts": [count(row["verdict"] for row in judged) for judged in of],
            }
    table = []
    for v in shown:
        by_name = [{row["explainer"]: row["verdict"] for row in cells(v, judged)} for judged in at.values()]
        words = [overall(cells(v, judged), study.controls) for judged in at.values()]
        table.append({"words": words, "cells": [[of[name] for of in by_name] for name in v.drift]})
    return {
        "tolerances": list(at),
        "now": list(at).index(settings["tolerance"]),
        "styles": VERDICTS,
        "students": students,
        "rows": table,
    }
