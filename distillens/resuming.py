"""Keeps the finished parts of a table that takes long, so that a killed job goes on behind them."""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from distillens import tables
from distillens.runlog import Progress


def write_in_parts(
    out: str | Path,
    kind: str,
    makers: Iterable[Callable[[], Iterable[Mapping[str, Any]]]],
    provenance: Mapping[str, Any],
    code: str,
    progress: Progress,
) -> None:
    """Write a table part by part; parts that an earlier, killed run has finished are not made again.

    Parts lie in a hidden folder beside the target until all are there.

    Parameters
    ----------
    out : str or Path
        Target file.
    kind : str
        A key of `distillens.tables.SCHEMAS`.
    makers : iterable of callables
        Each makes the rows of its part, whatever was made before it: then the bytes do
        not depend on where a run was killed.
    provenance : mapping
        As for `distillens.tables.write`.
    code : str
        Digest of the code that makes the rows, and whatever else decides on their bytes.
        Parts of other code or another provenance are thrown away.
    progress : Progress
        Advanced by the rows of parts that are there already.
    """
    out = Path(out)
    folder = out.with_name(f".{out.name}.parts")
    stamp = {"of": provenance, "code": code}
    parts = []
    for number, make in enumerate(makers):
        part = folder / f"{number}.parquet"
        if part.exists() and not _bears(part, stamp):
            shutil.rmtree(folder)
        if part.exists():
            progress.advance(len(tables.read(part, kind)))
        else:
            tables.write(part, kind, make(), stamp)
        parts.append(part)
    _join(parts, out, kind, provenance)
    shutil.rmtree(folder, ignore_errors=True)


def _bears(part: Path, stamp: dict[str, Any]) -> bool:
    try:
        return tables.provenance(part) == stamp
    except (OSError, pa.ArrowException):  # damaged
        return False


def gather(parts: Sequence[str | Path], out: str | Path) -> None:
    """Join the parts of a job that was cut into several; all come from the same settings.

    Raises
    ------
    TableError
        If they do not.
    """
    provenance = tables.provenance(parts[0])
    for part in parts:
        own = tables.provenance(part)
        unlike = [key for key in sorted({*own, *provenance}) if own.get(key) != provenance.get(key)]
        if unlike:
            raise tables.TableError(
                f"{part}: made with another {', '.join(unlike)} than {parts[0]}; give all parts the same "
                "device and backend, delete both files and run again"
            )
    _join(parts, out, "explanations", provenance)


def _join(parts: Iterable[str | Path], out: str | Path, kind: str, provenance: Mapping[str, Any]) -> None:
    """Write the rows of several tables as one."""
    read = [tables.read(part, kind).replace_schema_metadata() for part in parts]
    rows = pa.concat_tables(read) if read else tables.SCHEMAS[kind].empty_table()
    tables.write(out, kind, rows.combine_chunks(), provenance)
