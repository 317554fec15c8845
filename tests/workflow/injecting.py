"""Makes something go wrong inside one job of a workflow, at an exact moment."""

import json
import os
import time
from pathlib import Path

HOOKS = Path(__file__).with_name("hooks")


def with_fault(folder: Path, **fault: str | int) -> dict[str, str]:
    """An environment in which a job goes wrong, once.

    Parameters
    ----------
    folder : Path
        Where it is remembered that it happened.
    **fault
        See ``hooks/sitecustomize.py``; without an ``action`` everything is killed.
    """
    fault = {"action": "kill", "flag": str(folder / f"happened-{time.monotonic_ns()}"), **fault}
    path = os.pathsep.join(filter(None, [str(HOOKS), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "DISTILLENS_FAULT": json.dumps(fault)}
