"""What `calibrate` and `decide` say of many made-up studies, counted."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from distillens.metrics.calibration import calibrate
from distillens.metrics.run_pairs import RunPairs
from distillens.metrics.verdict import DRIFTS, KEEPS, decide
from tests.audit.studies import Cell, Study, draw, truth_of

LEVEL = 0.95


@dataclass(frozen=True)
class Counts:
    """Of so many studies of a cell.

    ``bounded``: with an interval of D for the first student; ``covered``: it holds the truth; ``drift``,
    ``no_drift``: verdicts on the first student, were it alone; ``any_drift``: on any of all;
    ``half_width``: the median.
    """

    cell: Cell
    studies: int
    bounded: int
    covered: int
    drift: int
    any_drift: int
    no_drift: int
    half_width: float


def rows_of(study: Study, paired: bool) -> list[dict[str, Any]]:
    """One row for each student, as the table of calibrated agreement has it."""
    own = list(range(len(study.between))) if paired else None
    rows = []
    for agreed in study.students:
        students, chance = (RunPairs.of(values, own) for values in (agreed, np.zeros_like(agreed)))
        row = calibrate(students, study.between, chance, study.again, groups=study.groups)
        about = {"task": "made up", "explainer": "one", "metric": "spearman", "k": None, "gated": False}
        rows.append(row | about)
    return rows


def judge(cell: Cell, number: int) -> tuple[bool, bool, bool, bool, bool, float]:
    """One study: see `Counts`, in its order."""
    rows = rows_of(draw(cell, number), cell.paired)
    first, drift = rows[0], truth_of(cell).drift
    low, high = first["drift_low"], first["drift_high"]
    alone = decide(rows[:1], LEVEL)[0]["verdict"]
    found = [row["verdict"] for row in decide(rows, LEVEL)]
    bounded = not np.isnan(low)
    return (
        bounded,
        bool(low <= drift <= high),
        alone == DRIFTS,
        DRIFTS in found,
        alone == KEEPS,
        (high - low) / 2,
    )


def count(cell: Cell, studies: int) -> Counts:
    """Judge so many studies of a cell."""
    *flags, half = np.array([judge(cell, number) for number in range(studies)], dtype=float).T
    width = float(np.nanmedian(half)) if not np.isnan(half).all() else float("nan")
    return Counts(cell, studies, *(int(flag.sum()) for flag in flags), width)


def count_all(cells: Sequence[Cell], studies: int, workers: int) -> Iterable[Counts]:
    """The same for many cells, in their order."""
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(count, studies=studies), cells)
