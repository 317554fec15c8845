"""From the calibrated agreement of all tasks to the study's verdicts."""

from collections.abc import Mapping, Sequence

import numpy as np

from distillens import provenance, tables
from distillens.evaluation.inputs import FilePath, null_for_nan
from distillens.metrics import verdict


def decide_verdicts(
    calibrations: Sequence[FilePath],
    *,
    out: FilePath,
    confidence_level: float,
    controls: Sequence[str],
    families: Mapping[str, str] | None = None,
) -> None:
    """Write the study's table of kind ``drift``: the calibrated agreement of all tasks, with verdicts.

    ``families`` says which tasks are labels of one: see `distillens.metrics.verdict.decide`.
    """
    rows = [row for path in calibrations for row in tables.read(path, "calibration").to_pylist()]
    numbers = tables.numbers("calibration")
    rows = [row | {name: np.nan for name in numbers if row[name] is None} for row in rows]
    decided = verdict.decide(rows, confidence_level, controls, families)
    settings = {"confidence_level": confidence_level, "controls": list(controls)}
    settings |= {"families": dict(families)} if families else {}
    source = settings | {
        "inputs": provenance.digest(*calibrations),
        "versions": provenance.versions("numpy", "scipy"),
    }
    tables.write(out, "drift", ({k: null_for_nan(v) for k, v in row.items()} for row in decided), source)
