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

    by_row = [[cells(v, judged) for judged in at.values()] for v in shown]
    table = [
        {
            "words": [joint(word for word in of.values() if word) for of in row],
            "cells": [[of[name] for of in row] for name in v.drift],
        }
        for v, row in zip(shown, by_row, strict=True)
    ]
    students = {}
    for one in decided:
        own = [place for place, v in enumerate(shown) if v.student == one.student]
        of = [[word for place in own for word in by_row[place][number].values()] for number in range(len(at))]
        students[one.student] = {
            "words": [
                joint(table[place]["words"][number] for place in own if shown[place].drift)
                for number in range(len(at))
            ],
            "parts": [count(word for word in words if word) for words in of],
        }
    return {
        "tolerances": list(at),
        "now": list(at).index(settings["tolerance"]),
        "styles": VERDICTS,
        "students": students,
        "rows": table,
    }
