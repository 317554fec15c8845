"""Where a training keeps its checkpoints until it is done, so that one that was killed goes on."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from transformers.trainer_utils import get_last_checkpoint


def run_folders(out: Path, inputs: dict[str, Any]) -> tuple[Path, Path]:
    """What is scratch while ``out`` is made, and in it the folder of a run on just these inputs.

    Examples
    --------
    >>> run_folders(Path("models/student"), {"seed": 1})[0].name
    '.student.run'
    """
    scratch = out.with_name(f".{out.name}.run")
    return scratch, scratch / hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def last_checkpoint(run: Path) -> str | None:
    """The last whole checkpoint of a run; those that a kill cut short are deleted.

    Examples
    --------
    >>> last_checkpoint(Path("nowhere")) is None
    True
    """
    for folder in run.glob("checkpoint-*"):
        if not (folder / "trainer_state.json").is_file():  # written last
            shutil.rmtree(folder)
    return get_last_checkpoint(run) if run.is_dir() else None
