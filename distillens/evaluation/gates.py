"""Which runs count: those that beat a constant answer."""

from collections.abc import Mapping, Sequence

import numpy as np

from distillens import tables
from distillens.evaluation.inputs import FilePath, Run, Settings
from distillens.metrics import calibration


def usable(runs: Sequence[Run], gates: Mapping[Run, bool]) -> Sequence[Run]:
    """The runs that learnt something; all of them where none did, and what is said of them is gated.

    Examples
    --------
    >>> usable([("student", 1), ("student", 2)], {("student", 1): True, ("student", 2): False})
    [('student', 2)]
    """
    return [run for run in runs if not gates[run]] or runs


def gates_of(path: FilePath, settings: Settings) -> dict[Run, bool]:
    """Whether each run is no better than a constant, from the table of performance.

    Without labels nobody knows, and no run is gated.

    Raises
    ------
    TableError
        If the table lacks a run, or the score of the constant answer.
    """
    if not settings.labelled:
        return {run: False for model in settings.seeds for run in settings.runs(model)}
    rows = tables.read(path, "scores").to_pylist()
    majority = [row["value"] for row in rows if row["metric"] == "majority" and row["task"] == settings.task]
    if len(majority) != 1:
        raise tables.TableError(
            f"{path}: {len(majority)} rows 'majority' of task {settings.task!r} instead of one; "
            "give what score_performance wrote for this task"
        )
    low = {
        (row["model"], row["seed"]): np.nan if row["low"] is None else row["low"]
        for row in rows
        if row["metric"] == settings.lead and row["model"] is not None
    }
    gates = {}
    for model, seeds in settings.seeds.items():
        for run in [(model, seed) for seed in seeds]:
            if run not in low and model in settings.attributions_only:
                gates[run] = True  # never asked, so not shown to be better than a constant
                continue
            if run not in low:
                raise tables.TableError(
                    f"{path}: no {settings.lead!r} of {run[0]!r}, seed {run[1]}; run score_performance again"
                )
            gates[run] = calibration.gated(low[run], majority[0])
    return gates
