"""Rows of the table of scores, and how tables of scores are written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from distillens import provenance, tables
from distillens.evaluation.inputs import FilePath, Run, Settings, null_for_nan

Array = NDArray[np.float64]


def aggregate(n: int, numbers: tuple, **columns: Any) -> dict[str, Any]:
    """A row over all examples: a named tuple of numbers beside what they are about.

    Examples
    --------
    >>> from distillens.metrics.statistics import Estimate
    >>> aggregate(2, Estimate(0.5, 0.0, 1.0), metric="accuracy")
    {'metric': 'accuracy', 'value': 0.5, 'low': 0.0, 'high': 1.0, 'n': 2, 'n_undefined': 0}
    """
    floats = {name: float(value) for name, value in numbers._asdict().items()}
    return {**columns, **floats, "n": n, "n_undefined": 0}


def versus(run: Run | None) -> dict[str, Any]:
    """The columns that say which run another is compared with; none without one.

    Examples
    --------
    >>> versus(("teacher", 1))
    {'against': 'teacher', 'against_seed': 1}
    """
    return {} if run is None else dict(zip(("against", "against_seed"), run, strict=True))


def pair(run: Run, against: Run) -> dict[str, Any]:
    """The columns that name a run and the one that it is compared with.

    Examples
    --------
    >>> pair(("student", 1), ("teacher", 2))
    {'model': 'student', 'seed': 1, 'against': 'teacher', 'against_seed': 2}
    """
    return {"model": run[0], "seed": run[1], **versus(against)}


def block(rows: int, constant: dict[str, Any], **columns: Sequence | Array) -> pa.Table:
    """Rows of the table of scores: constants repeated, columns as they are, the rest null.

    Examples
    --------
    >>> table = block(2, {"task": "toy"}, metric=["cosine", "spearman"])
    >>> table["task"].to_pylist(), table["metric"].to_pylist(), table["value"].null_count
    (['toy', 'toy'], ['cosine', 'spearman'], 2)
    """
    arrays = []
    for field in tables.SCHEMAS["scores"]:
        if field.name in columns:
            values = columns[field.name]
            arrays.append(pa.array(values, type=field.type, from_pandas=True))
        else:
            arrays.append(pa.repeat(pa.scalar(constant.get(field.name), type=field.type), rows))
    return pa.table(arrays, schema=tables.SCHEMAS["scores"])


def write_scores(
    out: FilePath,
    kind: str,
    rows: Iterable[Mapping] | pa.Table,
    settings: Settings,
    inputs: Iterable[FilePath],
) -> None:
    """Write a table of a task's scores; undefined numbers (NaN) become nulls.

    Examples
    --------
    >>> settings = Settings("sst2", {}, {}, {}, {}, seed=0)
    >>> row = {"metric": "accuracy", "value": float("nan")}
    >>> write_scores("scores.parquet", "scores", [row], settings, inputs=[])
    >>> tables.read("scores.parquet", "scores")["value"].to_pylist()
    [None]
    """
    if not isinstance(rows, pa.Table):
        rows = [{"task": settings.task, **{k: null_for_nan(v) for k, v in row.items()}} for row in rows]
    source = {
        "task": settings.task,
        "seed": settings.seed,
        "metrics": dict(settings.metrics),
        "inputs": provenance.digest(*inputs),
        "versions": provenance.versions("numpy", "scipy"),
    }
    tables.write(out, kind, rows, source)
