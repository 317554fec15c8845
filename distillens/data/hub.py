"""Data sets and checkpoints of the model hub, or of a mirror folder in its layout.

A mirror holds ``ORG/NAME/CONFIG/SPLIT.parquet`` for data sets and the files of a
checkpoint in ``ORG/NAME/``. It is looked into first, so that machines without
internet can work. Data sets of the hub itself are read by ``datasets``, whatever format
they are kept in.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distillens.data.adapter import adapter_of
from distillens.data.packages import FetchError

_CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.tiktoken")
_PICKLED = "pytorch_model.bin"
# The hub cuts large splits into SPLIT-00000-of-00002.parquet.
_PART = re.compile(r"-\d{5}-of-(\d{5})$")


def dataset_files(
    hub: str, config: str, revision: str | None, mirror: str | None, into: Path
) -> dict[str, Path]:
    """The Parquet file of each split of a data set.

    Parameters
    ----------
    hub, config, revision, mirror
        As in the config; ``default`` is the configuration of a data set that has no others.
    into : Path
        An existing folder, the caller's to delete, for what the hub gives.

    Raises
    ------
    FetchError
        If the mirror lacks the data set and no revision is given, or the hub does not answer.

    Examples
    --------
    >>> folder = Path("mirror/stanfordnlp/sst2/default")
    >>> folder.mkdir(parents=True)
    >>> (folder / "train.parquet").touch()
    >>> list(dataset_files("stanfordnlp/sst2", "default", None, mirror="mirror", into=Path("unused")))
    ['train']
    """
    folder = _mirrored(hub, mirror, config)
    if folder is None:
        return _from_hub(hub, config, revision, mirror, into)
    files: dict[str, Path] = {}
    for path in sorted(folder.glob("*.parquet")):
        part = _PART.search(path.stem)
        split = path.stem[: part.start()] if part else path.stem
        # One of several may lie there alone.
        if split in files or (part and int(part[1]) > 1):
            raise FetchError(
                f"{hub}: split {split} has several files; join them into {folder}/{split}.parquet"
            )
        files[split] = path
    if not files:
        raise FetchError(f"{hub}: no Parquet files in {folder}")
    return files


def checkpoint_folder(hub: str, revision: str | None, mirror: str | None) -> Path:
    """The folder of a checkpoint: weights, config and tokenizer.

    Examples
    --------
    >>> Path("mirror/google/bert").mkdir(parents=True)
    >>> checkpoint_folder("google/bert", revision=None, mirror="mirror").as_posix()
    'mirror/google/bert'
    """
    folder = _mirrored(hub, mirror)
    if folder is None:
        folder = _snapshot(hub, revision, mirror, list(_CHECKPOINT_FILES))
        if not list(folder.glob("*.safetensors")):
            folder = _snapshot(hub, revision, mirror, [*_CHECKPOINT_FILES, _PICKLED])
    return folder


def copy_checkpoint(folder: Path, target: Path, *, pickles: bool = True) -> None:
    """Copy the files of a checkpoint that are wanted.

    Parameters
    ----------
    folder, target : Path
    pickles : bool
        Where there are only pickled weights (TinyBERT's, for one), read them as nothing but
        tensors, and write them as safetensors; otherwise they are refused.

    Raises
    ------
    FetchError
        If the folder has no config.json or no weights, or an adapter, which would be left
        behind, or the pickle is refused or holds anything else.

    Examples
    --------
    >>> Path("bert").mkdir()
    >>> for name in ("config.json", "model.safetensors", "training_args.bin"):
    ...     Path("bert", name).touch()
    >>> copy_checkpoint(Path("bert"), Path("copy"))
    >>> sorted(path.name for path in Path("copy").iterdir())
    ['config.json', 'model.safetensors']
    """
    adapter = adapter_of(folder)
    if adapter:
        raise FetchError(adapter)
    if not (folder / "config.json").is_file():
        raise FetchError(f"{folder}: not a checkpoint: no config.json")
    pickled = not list(folder.glob("*.safetensors"))
    if pickled and not (folder / _PICKLED).is_file():
        raise FetchError(f"{folder}: not a checkpoint: neither *.safetensors nor {_PICKLED}")
    if pickled and not pickles:
        raise FetchError(
            f"{folder}: its only weights are a pickle ({_PICKLED}), which can hold code; if you trust it, "
            "write safetensors once, with AutoModelForSequenceClassification.from_pretrained(FOLDER)"
            ".save_pretrained(FOLDER)"
        )
    target.mkdir(parents=True)
    for pattern in _CHECKPOINT_FILES:
        for path in folder.glob(pattern):
            shutil.copyfile(path, target / path.name)
    if pickled:
        _unpickle(folder / _PICKLED, target / "model.safetensors")


def _unpickle(path: Path, out: Path) -> None:
    import torch
    from safetensors.torch import save_file

    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        # Tensors that share memory become copies: safetensors keeps no ties.
        save_file({name: value.clone() for name, value in weights.items()}, out, {"format": "pt"})
    except Exception as error:
        raise FetchError(
            f"{path}: holds something other than tensors, so it is not loaded: {error}"
        ) from error


def _mirrored(hub: str, mirror: str | None, *below: str) -> Path | None:
    if mirror is None:
        return None
    if not Path(mirror).is_dir():
        raise FetchError(f"mirror: no folder {mirror}")
    folder = Path(mirror, hub, *below)
    return folder if folder.is_dir() else None


def _from_hub(hub: str, config: str, revision: str | None, mirror: str | None, into: Path) -> dict[str, Path]:
    from datasets import load_dataset

    name = None if config == "default" else config
    splits = _asked(
        hub,
        revision,
        mirror,
        lambda: load_dataset(hub, name, revision=revision, cache_dir=str(into / "cache")),
    )
    files = {str(split): into / f"{split}.parquet" for split in splits}
    for split, path in files.items():
        splits[split].to_parquet(path)
    return files


def _snapshot(hub: str, revision: str | None, mirror: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        _asked(
            hub,
            revision,
            mirror,
            lambda: snapshot_download(hub, revision=revision, allow_patterns=patterns),
        )
    )


def _asked(hub: str, revision: str | None, mirror: str | None, ask: Callable[[], Any]) -> Any:
    if revision is None:
        where = f"the mirror {mirror} does not have it, and " if mirror else ""
        raise FetchError(f"{hub}: {where}the hub is only used with a pinned `revision`; give one")
    try:
        return ask()
    except Exception as error:
        raise FetchError(
            f"{hub} at {revision}: the hub did not give it ({type(error).__name__}: {error}); "
            "without internet, put it into a folder in the hub's layout and name that as `mirror`"
        ) from error
