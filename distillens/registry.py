"""The methods of a kind are the files of a folder; their options are read without importing them.

A file of such a folder is a method if it defines ``OPTIONS``, a literal dict of JSON-schema
properties, each with a default; those of the folder's ``__init__.py`` are common to all its
methods. Reading the literal from the syntax tree keeps torch out of everything that only needs
to know which methods there are.
"""

import ast
import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGE = Path(__file__).parent

KINDS = {
    "explainer": "attribution/explainers",
    "perturbation": "perturbations",
    "probe": "probes",
    "plant": "data/plants",
    "distillation": "training/distillation",
    "pretraining": "training/pretraining",
    "compression": "training/compression",
    "backend": "models/backends",
    "damage": "models/damage",
    "exhibit": "report/exhibits",
    "command": "cli",
}
"""The folder of each kind's methods."""


@cache
def options(kind: str) -> dict[str, dict[str, Any]]:
    """The methods of a kind, by name, with the JSON schema of the options of each.

    Examples
    --------
    >>> sorted(options("pretraining"))
    ['attention_interchange', 'masked_head']
    >>> options("perturbation")["character"]["min_letters"]["default"]
    4
    """
    schemas = {path.stem: literal(kind, path.stem, "OPTIONS") for path in sorted(_folder(kind).glob("*.py"))}
    common = schemas.pop("__init__", None) or {}
    return {name: {**common, **own} for name, own in schemas.items() if own is not None}


@cache
def controls() -> tuple[str, ...]:
    """The explainers that know nothing of the model's output, or nothing at all: ``CONTROL = True``.

    Examples
    --------
    >>> controls()
    ('attention_rollout', 'random')
    """
    return tuple(name for name in options("explainer") if literal("explainer", name, "CONTROL"))


@cache
def literal(kind: str, method: str, name: str) -> Any:
    """A constant of a method's file, read without importing it; None where the file has none.

    Examples
    --------
    >>> literal("explainer", "random", "CONTROL"), literal("explainer", "shap", "CONTROL")
    (True, None)
    """
    for node in ast.parse((_folder(kind) / f"{method}.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == [name]:
            return ast.literal_eval(node.value)
    return None


def parts(method: str) -> list[str]:
    """The methods that a combination names.

    Examples
    --------
    >>> parts("saliency+masked_consistency")
    ['saliency', 'masked_consistency']
    """
    return method.split("+")


def plant_modules(*blocks: Mapping[str, Any] | None) -> list[str]:
    """The modules of what some splits or trainings plant.

    Examples
    --------
    >>> plant_modules({"from": "all", "plant": {"method": "first_half"}}, None)
    ['distillens.data.plants.first_half']
    """
    plants = [block["plant"] for block in blocks if block and block.get("plant")]
    return sorted({module_name("plant", plant["method"]) for plant in plants})


def module_name(kind: str, method: str) -> str:
    """The full name of a method's module.

    Examples
    --------
    >>> module_name("explainer", "shap")
    'distillens.attribution.explainers.shap'
    """
    return f"distillens.{KINDS[kind].replace('/', '.')}.{method}"


def load(kind: str, method: str) -> ModuleType:
    """Import the module of a method.

    Raises
    ------
    ValueError
        If the kind has no such method.

    Examples
    --------
    >>> load("perturbation", "character").__name__
    'distillens.perturbations.character'
    """
    if method not in options(kind):
        raise ValueError(f"no {kind} method {method!r}; there are: {', '.join(options(kind))}")
    return module(kind, method)


def module(kind: str, name: str) -> ModuleType:
    """Import a file of a kind's folder.

    Examples
    --------
    >>> module("command", "verdict").HELP.splitlines()[0]
    'Print the verdict of a finished study.'
    """
    return importlib.import_module(module_name(kind, name))


def _folder(kind: str) -> Path:
    return _PACKAGE / KINDS[kind]
