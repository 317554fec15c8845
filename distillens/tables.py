"""The Parquet schema of every artefact, and the only way to write and read one.

A table is written to a temporary name beside its target and renamed, so that a file
that exists is a whole file. Its metadata carries the kind, the schema version and the
provenance (digests, settings, seeds, library versions) of what is inside.
"""

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA_VERSION = "5"

# fmt: off
_TEXT, _REAL, _FLAG = pa.string(), pa.float64(), pa.bool_()
_INT8, _INT16, _INT32, _INT64 = pa.int8(), pa.int16(), pa.int32(), pa.int64()
_TEXTS, _REALS, _LOGITS, _PLACES = map(pa.list_, (_TEXT, _REAL, pa.float32(), _INT32))
_SPAN = pa.struct({"segment": _INT8, "start": _INT32, "end": _INT32})
_EDIT = pa.struct({"segment": _INT8, "start": _INT32, "before": _TEXT, "after": _TEXT})


def _with_bounds(*names: str) -> dict[str, pa.DataType]:
    """Columns of quantities, each with the ends of its interval."""
    return {f"{name}{end}": _REAL for name in names for end in ("", "_low", "_high")}


_CALIBRATION = {
    "task": _TEXT, "student": _TEXT, "teacher": _TEXT, "explainer": _TEXT, "metric": _TEXT, "k": _INT16,
    "n": _INT32, "n_undefined": _INT32, "n_groups": _INT32, "n_runs": _INT16, "n_teacher_runs": _INT16,
    **_with_bounds("agreement", "ceiling", "explainer_ceiling", "floor", "normalised", "drift"),
    "student_explainer_ceiling": _REAL, "margin": _REAL, "p_drift": _REAL, "p_no_drift": _REAL,
    "effect_size": _REAL, "run_spread": _REAL,
    "tolerances": _REALS, "p_drift_at": _REALS, "p_no_drift_at": _REALS,
    "texts_needed_drift": _REAL, "teacher_runs_needed_drift": _REAL, "student_runs_needed_drift": _REAL,
    "texts_needed_no_drift": _REAL, "teacher_runs_needed_no_drift": _REAL,
    "student_runs_needed_no_drift": _REAL,
    "teacher_runs_missing": _INT16, "student_runs_missing": _INT16, "n_gated_runs": _INT16, "gated": _FLAG,
}

SCHEMAS: dict[str, pa.Schema] = {kind: pa.schema(columns) for kind, columns in {
    "examples": {
        "example_id": _TEXT, "text_a": _TEXT, "text_b": _TEXT, "label": _REAL, "label_name": _TEXT,
        "group": _TEXT,
    },
    "corpus": {"split": _TEXT, "text": _TEXT},
    "perturbed": {
        "example_id": _TEXT, "repeat": _INT16, "text_a": _TEXT, "text_b": _TEXT, "changed": _FLAG,
        "edits": pa.list_(_EDIT),
    },
    "predictions": {"example_id": _TEXT, "perturbation": _TEXT, "repeat": _INT16, "logits": _LOGITS},
    "explanations": {
        "example_id": _TEXT, "words": _TEXTS, "spans": pa.list_(_SPAN), "values": pa.list_(_REALS),
        "base": _REALS, "output": _REALS, "logits": _LOGITS, "unseen": _INT32,
        "evals": _INT32, "truncated": _FLAG, "lime_r2": _REALS, "ig_delta": _REALS, "ig_steps": _INT32,
    },
    "deletions": {
        "example_id": _TEXT, "explainer": _TEXT, "ranking": _TEXT, "draw": _INT16, "k": _INT16,
        "target": _INT16, "removed": _PLACES, "logits_before": _LOGITS, "logits_after": _LOGITS,
    },
    "curves": {
        "example_id": _TEXT, "explainer": _TEXT, "ranking": _TEXT, "draw": _INT16, "operation": _TEXT,
        "target": _INT16, "order": _PLACES, "confidence": _REALS,
    },
    "probes": {
        "example_id": _TEXT, "item": _TEXT, "variant": _TEXT, "expected": _INT8,
        "cue_start": _INT32, "cue_end": _INT32,
    },
    "scores": {
        "task": _TEXT, "probe": _TEXT, "subset": _TEXT,
        "model": _TEXT, "seed": _INT64, "against": _TEXT, "against_seed": _INT64,
        "explainer": _TEXT, "against_explainer": _TEXT, "perturbation": _TEXT, "ranking": _TEXT,
        "metric": _TEXT, "k": _INT16, "outputs": _TEXTS, "example_id": _TEXT,
        "value": _REAL, "low": _REAL, "high": _REAL, "spread": _REAL, "chance": _REAL,
        "n": _INT32, "n_undefined": _INT32,
    },
    "costs": {
        "task": _TEXT, "model": _TEXT, "seed": _INT64, "parameters": _INT64, "nonzero": _INT64,
        "file_bytes": _INT64, "packed_bytes": _INT64, "graph_bytes": _INT64,
        "backend": _TEXT, "device": _TEXT, "precision": _TEXT, "texts": _INT32,
        "latency_ms": _REAL, "latency_low": _REAL, "latency_high": _REAL,
    },
    "trainings": {
        "task": _TEXT, "model": _TEXT, "seed": _INT64, "steps": _INT32, "epochs": _REAL,
        "wall_seconds": _REAL, "cpu_seconds": _REAL, "device": _TEXT,
    },
    "word_shifts": {
        "task": _TEXT, "student": _TEXT, "teacher": _TEXT, "explainer": _TEXT, "kind": _TEXT, "name": _TEXT,
        "n": _INT32, "words": _INT32, "groups": _INT32, "share_teacher": _REAL, "share_student": _REAL,
        **_with_bounds("shift"),
    },
    "gap_closed": {
        "task": _TEXT, "student": _TEXT, "baseline": _TEXT, "teacher": _TEXT, "explainer": _TEXT,
        "metric": _TEXT, "k": _INT16,
        "n": _INT32, "n_undefined": _INT32, "n_runs": _INT16, "n_baseline_runs": _INT16,
        **_with_bounds("gain", "share"), "p_value": _REAL, "p_adjusted": _REAL, "gated": _FLAG,
    },
    "rungs": {
        "kind": _TEXT, "dose": _REAL, "draw": _INT16, "example_id": _TEXT,
        "values": pa.list_(_REALS), "logits": _LOGITS,
    },
    "ladders": {
        "task": _TEXT, "teacher": _TEXT, "explainer": _TEXT, "metric": _TEXT, "k": _INT16,
        "kind": _TEXT, "dose": _REAL, "draws": _INT16, "n": _INT32, "n_undefined": _INT32,
        **_with_bounds("agreement", "equal_answers"),
    },
    "placements": {
        "task": _TEXT, "student": _TEXT, "teacher": _TEXT, "explainer": _TEXT, "metric": _TEXT, "k": _INT16,
        "kind": _TEXT, "n": _INT32, "n_undefined": _INT32, "n_runs": _INT16, "n_teacher_runs": _INT16,
        **_with_bounds("agreement", "equal_answers", "dose"), "beyond": _FLAG,
        **_with_bounds("excess"), "reference": _TEXT, **_with_bounds("accepted"),
        "p_chance": _REAL, "p_drift": _REAL, "p_no_drift": _REAL, "p_adjusted": _REAL,
        "gated": _FLAG, "verdict": _TEXT,
    },
    "plan": {
        "task": _TEXT, "student": _TEXT, "teacher": _TEXT, "explainer": _TEXT, "reference": _TEXT,
        "difference": _REAL, "spread": _REAL, "n": _INT32, "texts": _REAL, "gated": _FLAG,
    },
    "calibration": _CALIBRATION,
    "text_agreement": {
        "task": _TEXT, "student": _TEXT, "teacher": _TEXT, "explainer": _TEXT, "example_id": _TEXT,
        "agreement": _REAL,
    },
    "drift": {**_CALIBRATION, "p_adjusted": _REAL, "verdict": _TEXT},
}.items()}
# fmt: on


def numbers(kind: str) -> list[str]:
    """The columns of a kind that hold numbers which may be undefined.

    Examples
    --------
    >>> numbers("costs")
    ['latency_ms', 'latency_low', 'latency_high']
    """
    return [field.name for field in SCHEMAS[kind] if pa.types.is_floating(field.type)]


class TableError(ValueError):
    """A file is not the table that was expected; the message names the file."""


def write(
    path: str | Path,
    kind: str,
    rows: Iterable[Mapping[str, Any]] | pa.Table,
    provenance: Mapping[str, Any],
) -> None:
    """Write rows as the artefact ``kind``, atomically.

    Parameters
    ----------
    path : str or Path
        Target file; its folder is made.
    kind : str
        A key of `SCHEMAS`.
    rows : iterable of mappings, or pyarrow.Table
        A row may leave out columns (they become null); a column that the schema does
        not have is an error.
    provenance : mapping
        What the content came from; JSON types only, no time stamps: the same inputs
        give the same bytes.

    Raises
    ------
    TableError
        If a row does not fit the schema; no file is written.

    Examples
    --------
    >>> write("corpus.parquet", "corpus", [{"split": "train", "text": "A film"}], provenance={"seed": 1})
    >>> read("corpus.parquet", "corpus").to_pylist(), provenance("corpus.parquet")
    ([{'split': 'train', 'text': 'A film'}], {'seed': 1})
    """
    path, schema = Path(path), SCHEMAS[kind]
    table = rows if isinstance(rows, pa.Table) else _from_rows(path, kind, list(rows))
    if table.schema.remove_metadata() != schema:
        raise TableError(f"{path}: not a table of kind {kind!r}: {_difference(table.schema, schema)}")
    metadata = {
        "distillens.kind": kind,
        "distillens.schema_version": SCHEMA_VERSION,
        "distillens.provenance": json.dumps(provenance, sort_keys=True),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.part")  # nodes share folders
    try:
        pq.write_table(table.replace_schema_metadata(metadata), temporary, compression="zstd")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: str | Path, kind: str) -> pa.Table:
    """Read the artefact ``kind``, its schema and version checked.

    Raises
    ------
    TableError
        If the file is missing, damaged, of another kind or another schema version.

    Examples
    --------
    >>> write("corpus.parquet", "corpus", [], provenance={})
    >>> read("corpus.parquet", "examples")
    Traceback (most recent call last):
        ...
    distillens.tables.TableError: corpus.parquet: expected a table of kind 'examples', found 'corpus'
    """
    table = _opened(pq.read_table, path, partitioning=None)
    metadata = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    own_kind = metadata.get("distillens.kind")
    if own_kind != kind:
        raise TableError(f"{path}: expected a table of kind {kind!r}, found {own_kind or 'a foreign file'!r}")
    version = metadata.get("distillens.schema_version")
    if version != SCHEMA_VERSION:
        raise TableError(
            f"{path}: written with schema version {version}, this distillens reads {SCHEMA_VERSION}; "
            "delete it and run the workflow again"
        )
    if table.schema.remove_metadata() != SCHEMAS[kind]:
        raise TableError(f"{path}: {_difference(table.schema, SCHEMAS[kind])}")
    return table


def kind_of(path: str | Path) -> str | None:
    """The kind of an artefact; None for a foreign file.

    Examples
    --------
    >>> write("corpus.parquet", "corpus", [], provenance={})
    >>> kind_of("corpus.parquet")
    'corpus'
    """
    kind = (_opened(pq.read_schema, path).metadata or {}).get(b"distillens.kind")
    return None if kind is None else kind.decode()


def provenance(path: str | Path) -> dict[str, Any]:
    """Return what `write` was told about the content of a file.

    Raises
    ------
    TableError
        If the file is missing or damaged.

    Examples
    --------
    >>> write("corpus.parquet", "corpus", [], provenance={"seed": 1})
    >>> provenance("corpus.parquet")
    {'seed': 1}
    """
    return told(_opened(pq.read_schema, path))


def told(content: pa.Table | pa.Schema) -> dict[str, Any]:
    """What `write` was told about a table that was read; nothing of one that was made otherwise.

    Examples
    --------
    >>> write("corpus.parquet", "corpus", [], provenance={"seed": 1})
    >>> told(read("corpus.parquet", "corpus")), told(SCHEMAS["corpus"].empty_table())
    ({'seed': 1}, {})
    """
    schema = content.schema if isinstance(content, pa.Table) else content
    return json.loads((schema.metadata or {}).get(b"distillens.provenance", b"{}"))


def _opened(how: Callable[..., Any], path: str | Path, **options: Any) -> Any:
    try:
        return how(path, **options)
    except (OSError, pa.ArrowException) as error:
        raise TableError(
            f"{path}: cannot be read as Parquet ({error}); delete it and run the workflow again"
        ) from error


def _from_rows(path: Path, kind: str, rows: list[Mapping[str, Any]]) -> pa.Table:
    schema = SCHEMAS[kind]
    for number, row in enumerate(rows):
        unknown = row.keys() - set(schema.names)
        if unknown:
            raise TableError(f"{path}: row {number} has columns that {kind!r} lacks: {sorted(unknown)}")
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise TableError(f"{path}: a row does not fit the schema of {kind!r}: {error}") from error


def _difference(schema: pa.Schema, expected: pa.Schema) -> str:
    missing = [name for name in expected.names if name not in schema.names]
    extra = [name for name in schema.names if name not in expected.names]
    changed = [
        f"{name} is {schema.field(name).type} instead of {expected.field(name).type}"
        for name in expected.names
        if name in schema.names and schema.field(name).type != expected.field(name).type
    ]
    return f"columns missing: {missing}, not expected: {extra}, of another type: {changed}"
