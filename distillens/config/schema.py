"""Checks values against JSON schemas, with errors that a person can act on, and fills defaults."""

import copy
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from distillens import registry
from distillens.config.errors import ConfigError, nearest
from distillens.provenance import ROOT

_SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


RENAMED = {
    "folds": "repeats",
    "confidence": "confidence_level",
    "accumulate": "gradient_accumulation_steps",
    "clip": "max_grad_norm",
    "warmup": "warmup_ratio",
    "patience": "early_stopping_patience",
    "checkpointing": "gradient_checkpointing",
    "masked": "mlm_probability",
    "block": "block_size",
}
"""Keys of schema version 2, and what they are called since."""


def refuse_endless(value: Any, where: str = "") -> None:
    """Refuse NaN and infinity, which pass every comparison of a schema.

    Examples
    --------
    >>> refuse_endless({"training": {"learning_rate": float("nan")}})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: training.learning_rate: nan is no number to compute with; ...
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            refuse_endless(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for item in value:
            refuse_endless(item, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: {value} is no number to compute with; write a finite one, such as 1.0")


@cache
def of_study() -> dict[str, Any]:
    """The schema of a study's config.

    Examples
    --------
    >>> of_study()["properties"]["seed"]["type"]
    'integer'
    """
    schema = yaml.safe_load(_SCHEMA.read_text("utf-8"))
    for kind in registry.options("backend"):
        said = registry.literal("backend", kind, "SAYS")
        schema["$defs"]["model"]["properties"][kind] = {
            "description": f"{said} A text alone is its `{registry.literal('backend', kind, 'SHORT')}`.",
            "type": ["string", "object", "null"],
            "default": None,
        }
    return schema


def check(value: Any, schema: Mapping[str, Any], where: str = "") -> None:
    """Raise the deepest, most telling error of a value against a schema.

    Examples
    --------
    >>> schema = {"properties": {"seed": {"type": "integer"}}, "additionalProperties": False}
    >>> check({"seeed": 1}, schema)
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: top level: unknown key 'seeed'; did you mean 'seed'?
    """
    import jsonschema  # results are read without it

    errors = jsonschema.Draft202012Validator(schema).iter_errors(value)
    # An unknown key is most often the cause of whatever else is wrong beside it.
    error = jsonschema.exceptions.best_match(
        errors,
        key=lambda one: (one.validator == "additionalProperties", *jsonschema.exceptions.relevance(one)[:1]),
    )
    if error is None:
        return
    path = ".".join([*filter(None, [where]), *map(str, error.absolute_path)])
    raise ConfigError(f"{path or 'top level'}: {_explain(error)}")


def _explain(error: Any) -> str:
    """What an error of jsonschema asks for."""
    if error.validator == "additionalProperties":
        keys = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in keys)
        if RENAMED.get(unknown) in keys:
            return f"unknown key {unknown!r}: it is called {RENAMED[unknown]!r} now"
        return f"unknown key {unknown!r}{nearest(unknown, keys)}"
    if error.validator == "enum":
        return f"{error.instance!r} is not one of {', '.join(map(str, error.validator_value))}" + nearest(
            error.instance, error.validator_value
        )
    if error.validator == "oneOf" and "package" in str(error.validator_value):
        return (
            "needs exactly one of: package (with sha256 and member), hub, local; a checkpoint also: pretrain"
        )
    if error.validator == "pattern" and error.validator_value.startswith("^[a-z0-9]"):
        return f"{error.instance!r} is not a name: lower-case letters, digits, '-' and '_' only"
    described = error.schema.get("description")
    if error.validator == "pattern" and described:
        return f"{error.instance!r} does not fit: {described}"
    if error.validator == "maxLength":
        return f"{error.instance!r} is too long; at most {error.validator_value} characters"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        description = error.schema.get("properties", {}).get(missing, {}).get("description")
        return f"{missing!r} is a required property{f': {description}' if description else ''}"
    if error.validator == "type":
        return f"{error.message}{_as_written(error.instance, error.validator_value)}"
    return error.message


def _as_written(value: Any, wanted: str | list[str]) -> str:
    """What YAML took for something else, as it has to be written."""
    if wanted in ("number", "integer") and isinstance(value, str):
        try:
            example = f"{float(value):.1e}, without quotes"
        except ValueError:
            example = "a number"
        return f"; write {'a whole number' if wanted == 'integer' else example}"
    if wanted == "string" and isinstance(value, (bool, int, float)):
        return "; put it in quotes"
    if wanted == "object":
        return "; write `key: value` lines below it"
    if wanted in ("array", ["array", "null"]):
        return f"; write a list: [{value}]"
    return ""


def fill(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    """Fill the schema's defaults into a valid value, in place.

    A reference (``$ref``) is replaced by the block of ``root`` that it names, its own keys on top. Each
    missing key gets its default, and then what is in it is filled likewise, so that a default
    may itself have defaults. Keys with names of the user's (``additionalProperties``), such
    as models, are filled by the one schema that all of them have.

    Examples
    --------
    >>> schema = {"properties": {"read": {"default": {}, "properties": {"quoted": {"default": True}}}}}
    >>> value = {"seed": 1}
    >>> fill(value, schema, schema)
    >>> value
    {'seed': 1, 'read': {'quoted': True}}
    """
    if "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
        if key not in value and "default" in part and not _belongs_elsewhere(key, value):
            value[key] = copy.deepcopy(part["default"])
        if key in value:
            fill(value[key], part, root)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            fill(value[key], others, root)


def _belongs_elsewhere(key: str, value: Mapping[str, Any]) -> bool:
    # `config` names a hub data set's configuration; other sources have none. Classes have no `flip`.
    return {"config": "hub" not in value, "flip": value.get("type") != "regression"}.get(key, False)


def method(kind: str, where: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return a method's options, checked against its own schema and filled.

    Examples
    --------
    >>> method("perturbation", "perturbations.typo", {"method": "character"})
    {'method': 'character', 'min_letters': 4}
    """
    methods = registry.options(kind)
    if options["method"] not in methods:
        raise ConfigError(f"{where}: no method {options['method']!r}{nearest(options['method'], methods)}")
    # What a method cannot do without has no default.
    needed = [name for name, option in methods[options["method"]].items() if "default" not in option]
    schema = {
        "type": "object",
        "properties": {"method": {}, **methods[options["method"]]},
        "additionalProperties": False,
        "required": needed if kind in ("compression", "backend", "plant") else [],
    }
    check(options, schema, where)
    fill(options, schema, schema)
    return options
