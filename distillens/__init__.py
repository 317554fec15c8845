"""Whether a distilled or compressed text classifier still reasons like its teacher."""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    # Only when it is asked for: pandas is not needed by what the Snakefile imports.
    if name == "load":
        return importlib.import_module("distillens.report.results").load
    if name == "audit":
        return importlib.import_module("distillens.cli.audit").audit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
