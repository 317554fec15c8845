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

SCHEMA_VERSION = "3"

_SPAN = pa.struct([("segment", pa.int8()), ("start", pa.int32()), ("end", pa.int32())])
_EDIT = pa.struct(
    [("segment", pa.int8()), ("start", pa.int32()), ("before", pa.string()), ("after", pa.string())]
)

_CALIBRATION = [
    ("task", pa.string()),
    ("student", pa.string()),
    ("teacher", pa.string()),
    ("explainer", pa.string()),
    ("metric", pa.string()),
    ("k", pa.int16()),
    ("n", pa.int32()),
    ("n_undefined", pa.int32()),
    ("n_runs", pa.int16()),
    ("n_teacher_runs", pa.int16()),
    *(
        (f"{quantity}{suffix}", pa.float64())
        for quantity in ("agreement", "ceiling", "explainer_ceiling", "floor", "normalised", "drift")
        for suffix in ("", "_low", "_high")
    ),
    ("p_value", pa.float64()),
    ("effect_size", pa.float64()),
    ("run_spread", pa.float64()),
    ("n_needed", pa.float64()),
    ("runs_needed", pa.float64()),
    ("gated", pa.bool_()),
]

SCHEMAS: dict[str, pa.Schema] = {
    "examples": pa.schema(
        [
            ("example_id", pa.string()),
            ("text_a", pa.string()),
            ("text_b", pa.string()),
            ("label", pa.float64()),
            ("label_name", pa.string()),
        ]
    ),
    "corpus": pa.schema([("split", pa.string()), ("text", pa.string())]),
    "perturbed": pa.schema(
        [
            ("example_id", pa.string()),
            ("repeat", pa.int16()),
            ("text_a", pa.string()),
            ("text_b", pa.string()),
            ("changed", pa.bool_()),
            ("edits", pa.list_(_EDIT)),
        ]
    ),
    "predictions": pa.schema(
        [
            ("example_id", pa.string()),
            ("perturbation", pa.string()),
            ("repeat", pa.int16()),
            ("logits", pa.list_(pa.float32())),
        ]
    ),
    "explanations": pa.schema(
        [
            ("example_id", pa.string()),
            ("words", pa.list_(pa.string())),
            ("spans", pa.list_(_SPAN)),
            ("values", pa.list_(pa.list_(pa.float64()))),
            ("base", pa.list_(pa.float64())),
            ("output", pa.list_(pa.float64())),
            ("logits", pa.list_(pa.float32())),
            ("unseen", pa.int32()),
            ("evals", pa.int32()),
            ("truncated", pa.bool_()),
            ("lime_r2", pa.list_(pa.float64())),
            ("ig_delta", pa.list_(pa.float64())),
            ("ig_steps", pa.int32()),
        ]
    ),
    "deletions": pa.schema(
        [
            ("example_id", pa.string()),
            ("explainer", pa.string()),
            ("ranking", pa.string()),
            ("draw", pa.int16()),
            ("k", pa.int16()),
            ("target", pa.int16()),
            ("removed", pa.list_(pa.int32())),
            ("logits_before", pa.list_(pa.float32())),
            ("logits_after", pa.list_(pa.float32())),
        ]
    ),
    "curves": pa.schema(
        [
            ("example_id", pa.string()),
            ("explainer", pa.string()),
            ("ranking", pa.string()),
            ("draw", pa.int16()),
            ("operation", pa.string()),
            ("target", pa.int16()),
            ("order", pa.list_(pa.int32())),
            ("confidence", pa.list_(pa.float64())),
        ]
    ),
    "probes": pa.schema(
        [
            ("example_id", pa.string()),
            ("item", pa.string()),
            ("variant", pa.string()),
            ("expected", pa.int8()),
            ("cue_start", pa.int32()),
            ("cue_end", pa.int32()),
        ]
    ),
    "scores": pa.schema(
        [
            ("task", pa.string()),
            ("probe", pa.string()),
            ("subset", pa.string()),
            ("model", pa.string()),
            ("seed", pa.int64()),
            ("against", pa.string()),
            ("against_seed", pa.int64()),
            ("explainer", pa.string()),
            ("against_explainer", pa.string()),
            ("perturbation", pa.string()),
            ("ranking", pa.string()),
            ("metric", pa.string()),
            ("k", pa.int16()),
            ("example_id", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("spread", pa.float64()),
            ("chance", pa.float64()),
            ("n", pa.int32()),
            ("n_undefined", pa.int32()),
        ]
    ),
    "costs": pa.schema(
        [
            ("task", pa.string()),
            ("model", pa.string()),
            ("seed", pa.int64()),
            ("parameters", pa.int64()),
            ("nonzero", pa.int64()),
            ("file_bytes", pa.int64()),
            ("packed_bytes", pa.int64()),
            ("graph_bytes", pa.int64()),
            ("backend", pa.string()),
            ("device", pa.string()),
            ("precision", pa.string()),
            ("texts", pa.int32()),
            ("latency_ms", pa.float64()),
            ("latency_low", pa.float64()),
            ("latency_high", pa.float64()),
        ]
    ),
    "trainings": pa.schema(
        [
            ("task", pa.string()),
            ("model", pa.string()),
            ("seed", pa.int64()),
            ("steps", pa.int32()),
            ("epochs", pa.float64()),
            ("wall_seconds", pa.float64()),
            ("cpu_seconds", pa.float64()),
            ("device", pa.string()),
        ]
    ),
    "word_shifts": pa.schema(
        [
            ("task", pa.string()),
            ("student", pa.string()),
            ("teacher", pa.string()),
            ("explainer", pa.string()),
            ("kind", pa.string()),
            ("name", pa.string()),
            ("n", pa.int32()),
            ("words", pa.int32()),
            ("groups", pa.int32()),
            *((f"share_{side}", pa.float64()) for side in ("teacher", "student")),
            *((f"shift{end}", pa.float64()) for end in ("", "_low", "_high")),
        ]
    ),
    "gap_closed": pa.schema(
        [
            ("task", pa.string()),
            ("student", pa.string()),
            ("baseline", pa.string()),
            ("teacher", pa.string()),
            ("explainer", pa.string()),
            ("metric", pa.string()),
            ("k", pa.int16()),
            ("n", pa.int32()),
            ("n_undefined", pa.int32()),
            ("n_runs", pa.int16()),
            ("n_baseline_runs", pa.int16()),
            *(
                (f"{quantity}{end}", pa.float64())
                for quantity in ("gain", "share")
                for end in ("", "_low", "_high")
            ),
            ("p_value", pa.float64()),
            ("p_adjusted", pa.float64()),
            ("gated", pa.bool_()),
        ]
    ),
    "calibration": pa.schema(_CALIBRATION),
    "drift": pa.schema(
        [
            *_CALIBRATION,
            ("p_holm", pa.float64()),
            ("p_adjusted", pa.float64()),
            ("verdict", pa.string()),
        ]
    ),
}


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
    found = metadata.get("distillens.kind")
    if found != kind:
        raise TableError(f"{path}: expected a table of kind {kind!r}, found {found or 'a foreign file'!r}")
    version = metadata.get("distillens.schema_version")
    if version != SCHEMA_VERSION:
        raise TableError(
            f"{path}: written with schema version {version}, this distillens reads {SCHEMA_VERSION}; "
            "delete it and run the workflow again"
        )
    if table.schema.remove_metadata() != SCHEMAS[kind]:
        raise TableError(f"{path}: {_difference(table.schema, SCHEMAS[kind])}")
    return table


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
    metadata = _opened(pq.read_schema, path).metadata or {}
    return json.loads(metadata.get(b"distillens.provenance", b"{}"))


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


def _difference(found: pa.Schema, expected: pa.Schema) -> str:
    missing = [name for name in expected.names if name not in found.names]
    extra = [name for name in found.names if name not in expected.names]
    changed = [
        f"{name} is {found.field(name).type} instead of {expected.field(name).type}"
        for name in expected.names
        if name in found.names and found.field(name).type != expected.field(name).type
    ]
    return f"columns missing: {missing}, not expected: {extra}, of another type: {changed}"
