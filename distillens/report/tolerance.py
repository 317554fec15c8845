"""The verdicts at other tolerances, so that the page can judge again as one looks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import at_tolerances, joint
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

    def cells(v: Verdict, judged: Sequence[Row]) -> dict[str, str | None]:
        if v.placed:  # the tolerance is about runs, not about damaged copies
            return v.by_explainer
        own = [row for row in judged if (row["task"], row["student"]) == (v.task, v.student)]
        return {row["explainer"]: row["verdict"] for row in own if row["explainer"] in v.drift}

    at_each = [[(v, cells(v, judged)) for v in shown] for judged in at.values()]
    table = [
        {
            "words": [joint(filter(None, of[place][1].values())) for of in at_each],
            "cells": [[of[place][1][name] for of in at_each] for name in v.drift],
        }
        for place, v in enumerate(shown)
    ]
    students = {}
    for one in decided:
        words = [[word for v, own in of if v.student == one.student for word in filter(None, own.values())]
                 for of in at_each]  # fmt: skip
        students[one.student] = {"words": list(map(joint, words)), "parts": [count(iter(of)) for of in words]}
    return {
        "tolerances": list(at),
        "now": list(at).index(settings["tolerance"]),
        "styles": VERDICTS,
        "students": students,
        "rows": table,
    }
