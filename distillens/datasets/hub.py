"""Data sets and checkpoints of the model hub, or of a mirror folder in its layout.

A mirror holds ``ORG/NAME/CONFIG/SPLIT.parquet`` for data sets and the files of a
checkpoint in ``ORG/NAME/``. It is looked into first, so that machines without
internet can work.
"""

import shutil
from pathlib import Path

from distillens.datasets.packages import FetchError

_CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.tiktoken")


def dataset_files(hub: str, config: str, revision: str | None, mirror: str | None) -> dict[str, Path]:
    """The Parquet file of each split of a data set.

    Raises
    ------
    FetchError
        If the mirror lacks the data set and no revision is given, or the hub does not answer.
    """
    folder = _mirrored(hub, mirror, config)
    if folder is None:
        folder = _snapshot(hub, revision, mirror, "dataset", [f"{config}/*.parquet"]) / config
    files: dict[str, Path] = {}
    for path in sorted(folder.glob("*.parquet")):
        # The hub cuts large splits into SPLIT-00000-of-00002.parquet.
        split = path.stem.partition("-0")[0]
        if split in files:
            raise FetchError(
                f"{hub}: split {split} has several files; join them into {folder}/{split}.parquet"
            )
        files[split] = path
    if not files:
        raise FetchError(f"{hub}: no Parquet files in {folder}")
    return files


def checkpoint_folder(hub: str, revision: str | None, mirror: str | None) -> Path:
    """The folder of a checkpoint: weights (safetensors only), config and tokenizer."""
    folder = _mirrored(hub, mirror)
    return folder or _snapshot(hub, revision, mirror, "model", list(_CHECKPOINT_FILES))


def copy_checkpoint(folder: Path, target: Path) -> None:
    """Copy the files of a checkpoint that are wanted; pickled weights never are.

    Raises
    ------
    FetchError
        If the folder has no config.json or no safetensors.
    """
    for needed in ("config.json", "*.safetensors"):
        if not list(folder.glob(needed)):
            raise FetchError(f"{folder}: not a checkpoint: no {needed} (pickled weights are not loaded)")
    target.mkdir(parents=True)
    for pattern in _CHECKPOINT_FILES:
        for path in folder.glob(pattern):
            shutil.copyfile(path, target / path.name)


def _mirrored(hub: str, mirror: str | None, *below: str) -> Path | None:
    if mirror is None:
        return None
    if not Path(mirror).is_dir():
        raise FetchError(f"mirror: no folder {mirror}")
    folder = Path(mirror, hub, *below)
    return folder if folder.is_dir() else None


def _snapshot(hub: str, revision: str | None, mirror: str | None, kind: str, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    if revision is None:
        where = f"the mirror {mirror} does not have it, and " if mirror else ""
        raise FetchError(f"{hub}: {where}the hub is only used with a pinned `revision`; give one")
    try:
        return Path(snapshot_download(hub, repo_type=kind, revision=revision, allow_patterns=patterns))
    except Exception as error:
        raise FetchError(
            f"{hub} at {revision}: the hub did not give it ({type(error).__name__}: {error}); "
            "without internet, put it into a folder in the hub's layout and name that as `mirror`"
        ) from error
