"""The methods of a kind are the files of a folder; their options are read without importing them.

A file of ``distillens/explain`` (or ``perturb``, ``distillation``) is a method if it
defines ``OPTIONS``, a literal dict of JSON-schema properties, each with a default;
those of the folder's ``__init__.py`` are common to all its methods.
Reading the literal from the syntax tree keeps torch out of everything that only needs
to know which methods there are.
"""

import ast
import importlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGE = Path(__file__).parent


@cache
def options(kind: str) -> dict[str, dict[str, Any]]:
    """The methods of a kind, by name, with the JSON schema of the options of each."""
    found = _literals(kind, "OPTIONS")
    common = found.pop("__init__", {})
    return {name: {**common, **own} for name, own in found.items()}


@cache
def controls() -> tuple[str, ...]:
    """The explainers that know nothing of the model's output, or nothing at all: ``CONTROL = True``."""
    return tuple(name for name, control in _literals("explain", "CONTROL").items() if control)


def _literals(kind: str, name: str) -> dict[str, Any]:
    """The literal that each file of a folder assigns to a name, of those that do."""
    return {
        path.stem: ast.literal_eval(node.value)
        for path in sorted((_PACKAGE / kind).glob("*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]
    }


def load(kind: str, method: str) -> ModuleType:
    """Import the module of a method."""
    if method not in options(kind):
        raise ValueError(f"no {kind} method {method!r}; there are: {', '.join(options(kind))}")
    return importlib.import_module(f"distillens.{kind}.{method}")
