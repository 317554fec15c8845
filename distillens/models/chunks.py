"""Keeps finished parts of tables that take long; a job that was killed, or has more to do, goes on there."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from distillens import tables
from distillens.joblog import Progress
from distillens.models.collector import collecting_rarely

_DIFFERENCE = "precision_difference"

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Part:
    """Some rows of one or several tables.

    Parameters
    ----------
    source : mapping
        Whatever decides on the bytes of the rows, code included; JSON types only.
    make : callable
        Gives the rows of each table, whatever was made before.
    size : int
        What `Progress` is advanced by where the part is there already.
    """

    source: Mapping[str, Any]
    make: Callable[[], Sequence[Rows]]
    size: int

    @cached_property
    def key(self) -> str:
        """The name that a finished part is found by."""
        return hashlib.sha256(json.dumps(self.source, sort_keys=True).encode()).hexdigest()[:32]


def write_in_parts(
    outs: Mapping[str, str | Path],
    parts: Sequence[Part],
    provenance: Mapping[str, Any],
    folder: Path,
    progress: Progress,
    share: str = "1-of-1",
    make: Callable[[Sequence[int]], None] | None = None,
) -> None:
    """Write tables part by part; parts that are there already are not made again.

    Parts stay in their folder, so that a later job that has some of them in common makes only
    the others; those that are not among ``parts`` are deleted.

    Parameters
    ----------
    outs : mapping
        Target file of each kind of table (a key of `distillens.tables.SCHEMAS`), in the
        order in which parts give their rows.
    parts : sequence of Part
        All of them, whatever the share.
    provenance : mapping
        As for `distillens.tables.write`.
    folder : Path
        Where finished parts lie; jobs that share the work may share it.
    progress : Progress
    share : str
        ``i-of-n``: only the i-th of n runs of neighbouring parts.
    make : callable, optional
        Finishes the parts of these numbers, in any order; without it each is finished here in turn.
    """
    number, shares = map(int, share.split("-of-"))
    own = range(len(parts) * (number - 1) // shares, len(parts) * number // shares)
    new = []
    for number in own:
        if all(_is_whole(file, kind) for kind, file in _files(parts[number], folder, outs).items()):
            progress.advance(parts[number].size)
        elif make:
            new.append(number)
        else:
            _finish(parts[number], folder, outs)
    if new:
        make(new)
    for kind, out in outs.items():
        _join([_files(parts[number], folder, outs)[kind] for number in own], Path(out), kind, provenance)
    wanted = {part.key for part in parts}
    for file in folder.glob("*.parquet"):
        if not file.name.startswith(".") and file.name.partition(".")[0] not in wanted:
            file.unlink(missing_ok=True)  # another share may have been faster


@dataclass(frozen=True)
class Finishing:
    """The recipe of a job in parts, for `distillens.models.workers`: each task finishes one.

    Parameters
    ----------
    parts : callable
        Makes the job's parts of an engine and a `Progress`, the same in every process.
    folder : Path
        Where finished parts lie.
    kinds : tuple of str
        Of their tables.
    """

    parts: Callable[[Any, Progress], Sequence[Part]]
    folder: Path
    kinds: tuple[str, ...]

    def __call__(self, engine: Any, progress: Progress) -> list[Callable[[], None]]:
        """The job's tasks."""
        return [partial(_finish, part, self.folder, self.kinds) for part in self.parts(engine, progress)]


def _finish(part: Part, folder: Path, kinds: Iterable[str]) -> None:
    """Write the files of one part."""
    with collecting_rarely():
        for (kind, file), rows in zip(_files(part, folder, kinds).items(), part.make(), strict=True):
            tables.write(file, kind, rows, {})


def _files(part: Part, folder: Path, kinds: Iterable[str]) -> dict[str, Path]:
    return {kind: folder / f"{part.key}.{kind}.parquet" for kind in kinds}


def _is_whole(part: Path, kind: str) -> bool:
    try:
        tables.read(part, kind)
    except tables.TableError:
        return False
    return True


def gather(parts: Sequence[str | Path], out: str | Path) -> None:
    """Join the tables of a job that was cut into several; all come from the same settings.

    Raises
    ------
    TableError
        If they do not.
    """
    provenance, differences = tables.provenance(parts[0]), []
    for part in parts:
        own = tables.provenance(part)
        if _DIFFERENCE in own:  # was measured, and other devices may have other last digits
            differences.append(own[_DIFFERENCE])
            own[_DIFFERENCE] = provenance[_DIFFERENCE]
        unlike = [key for key in sorted({*own, *provenance}) if own.get(key) != provenance.get(key)]
        if unlike:
            raise tables.TableError(
                f"{part}: made with another {', '.join(unlike)} than {parts[0]}; give all parts the same "
                "device and backend, delete both files and run again"
            )
    _join(parts, out, "explanations", provenance | ({_DIFFERENCE: max(differences)} if differences else {}))


def _join(parts: Iterable[str | Path], out: str | Path, kind: str, provenance: Mapping[str, Any]) -> None:
    """Write the rows of several tables as one."""
    read = [tables.read(part, kind).replace_schema_metadata() for part in parts]
    rows = pa.concat_tables(read) if read else tables.SCHEMAS[kind].empty_table()
    tables.write(out, kind, rows.combine_chunks(), provenance)
