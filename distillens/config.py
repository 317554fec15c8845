"""Checks a study's config and fills its defaults, before any rule is looked at.

Whatever is wrong is said in one line: where it stands, what is wrong and, for a
misspelt name, the nearest right one.
"""

import copy
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema
import yaml

from distillens import given as bring
from distillens import methods
from distillens.config_error import ConfigError, nearest
from distillens.provenance import ROOT

__all__ = ["ConfigError", "complete", "nearest", "published"]

_SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
_PUBLISHED = ROOT / "workflow" / "schemas" / "published.schema.yaml"
_FINE_TUNE = "fine_tune"


def complete(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with its defaults filled in.

    Parameters
    ----------
    config : mapping
        What the YAML file says.

    Raises
    ------
    ConfigError
        For the first thing that is wrong: an unknown or missing key, a wrong type or
        value, a name that refers to nothing, a combination that makes no sense.
    """
    schema = _schema()
    full = copy.deepcopy(dict(config))
    bring.spell_out(full)
    _refuse_endless(full)
    _check(full, schema)
    _fill(full, schema, schema)
    _check_backend(full)
    for kind, section in (("explain", "explainers"), ("perturb", "perturbations"), ("probes", "probes")):
        full[section] = {
            name: _method(kind, f"{section}.{name}", {"method": name, **(given or {})})
            for name, given in full[section].items()
        }
    _check_pretraining(full)
    for name, model in full["models"].items():
        _check_model(full, name, model)
    for name, task in full["tasks"].items():
        _check_task(name, task)
    bring.check_tasks(full)
    bring.check_explainers(full)
    _check_relabels(full)
    _check_probes(full)
    _check_stability(full)
    if full["published"] is not None:
        _check_published(full, full["published"])
    return full


def published(file: str) -> dict[str, Any]:
    """Read what a published study shows: title, source, names, and its exhibits by number.

    Parameters
    ----------
    file : str
        Below the project, or absolute.

    Raises
    ------
    ConfigError
        For the first thing that is wrong with it.
    """
    path = ROOT / file
    if not path.is_file():
        raise ConfigError(f"published.file: no file {path}")
    content, schema = yaml.safe_load(path.read_text("utf-8")), yaml.safe_load(_PUBLISHED.read_text("utf-8"))
    _check(content, schema, file)
    for number, exhibit in content["exhibits"].items():
        kind = {"kind": exhibit["kind"]}
        options = {key: value for key, value in exhibit.items() if key not in kind}
        try:
            filled = _method(
                "report/exhibits", f"{file}.exhibits.{number}", {"method": exhibit["kind"], **options}
            )
        except ConfigError as error:
            raise ConfigError(str(error).replace("no method", "no kind")) from None
        filled.pop("method")
        content["exhibits"][number] = {**kind, **filled}
    return content


def _refuse_endless(value: Any, where: str = "") -> None:
    """No comparison of a schema refuses what is not a number, and no limit what has none."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_endless(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for item in value:
            _refuse_endless(item, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: {value} is no number to compute with; write a finite one, such as 1.0")


@cache
def _schema() -> dict[str, Any]:
    return yaml.safe_load(_SCHEMA.read_text("utf-8"))


def _check(value: Any, schema: Mapping[str, Any], where: str = "") -> None:
    """Raise the deepest, most telling error of a value against a schema."""
    errors = jsonschema.Draft202012Validator(schema).iter_errors(value)
    error = jsonschema.exceptions.best_match(errors, key=_relevance)
    if error is None:
        return
    path = ".".join([*filter(None, [where]), *map(str, error.absolute_path)])
    raise ConfigError(f"{path or 'top level'}: {_explain(error)}")


def _relevance(error: jsonschema.ValidationError) -> tuple[Any, ...]:
    # An unknown key is most often the cause of whatever else is wrong beside it.
    return (error.validator == "additionalProperties", *jsonschema.exceptions.relevance(error)[:1])


def _explain(error: jsonschema.ValidationError) -> str:
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        return f"unknown key {unknown!r}{nearest(unknown, known)}"
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
        said = error.schema.get("properties", {}).get(missing, {}).get("description")
        return f"{missing!r} is a required property{f': {said}' if said else ''}"
    if error.validator == "type":
        return f"{error.message}{_as_written(error.instance, error.validator_value)}"
    return error.message


def _as_written(value: Any, wanted: str | list[str]) -> str:
    """What YAML took for something else, as it has to be written."""
    if wanted in ("number", "integer") and isinstance(value, str):
        try:
            written = f"{float(value):.1e}, without quotes"
        except ValueError:
            written = "a number"
        return f"; write {'a whole number' if wanted == 'integer' else written}"
    if wanted == "string" and isinstance(value, (bool, int, float)):
        return "; put it in quotes"
    if wanted == "object":
        return "; write `key: value` lines below it"
    if wanted == "array":
        return f"; write a list: [{value}]"
    return ""


def _fill(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    """Fill the schema's defaults into a valid value, in place."""
    if "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
        if key not in value and "default" in part and not _belongs_elsewhere(key, value):
            value[key] = copy.deepcopy(part["default"])
        if key in value:
            _fill(value[key], part, root)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            _fill(value[key], others, root)


def _belongs_elsewhere(key: str, value: Mapping[str, Any]) -> bool:
    # `config` names a hub data set's configuration; other sources have none. Classes have no `flip`.
    return {"config": "hub" not in value, "flip": value.get("type") != "regression"}.get(key, False)


def _method(kind: str, where: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a method's options, checked against its own schema and filled."""
    known = methods.options(kind)
    if given["method"] not in known:
        raise ConfigError(f"{where}: no method {given['method']!r}{nearest(given['method'], known)}")
    schema = {
        "type": "object",
        "properties": {"method": {}, **known[given["method"]]},
        "additionalProperties": False,
    }
    _check(given, schema, where)
    _fill(given, schema, schema)
    return given


def _check_backend(config: Mapping[str, Any]) -> None:
    if config["backend"] == "onnxruntime" and config["device"] != "cpu":
        raise ConfigError("backend: onnxruntime runs on the CPU; set device: cpu, or backend: auto")
    if config["backend"] == "onnxruntime" and config["precision"] != "float32":
        raise ConfigError("precision: bfloat16 needs torch; set backend: auto or torch")


def _check_pretraining(config: Mapping[str, Any]) -> None:
    for section in ("tasks", "corpora"):
        for name, block in config[section].items():
            if "pretrain" in block["source"]:
                raise ConfigError(f"{section}.{name}.source: only checkpoints are pretrained")
    for name, source in config["checkpoints"].items():
        if "pretrain" in source:
            _check_pretrain(config, name, source["pretrain"])


def _check_pretrain(config: Mapping[str, Any], name: str, given: dict[str, Any]) -> None:
    where = f"checkpoints.{name}.pretrain"
    known = methods.options("pretraining")
    method = given["method"]
    if method not in known:
        raise ConfigError(f"{where}.method: no method {method!r}{nearest(method, known)}")
    schemas = _schema()["$defs"]
    properties = {**schemas["training"]["properties"], **schemas["pretrain"]["properties"], **known[method]}
    # What a method cannot do without has no default.
    needed = [name for name, option in known[method].items() if "default" not in option]
    schema = {"type": "object", "properties": properties, "additionalProperties": False, "required": needed}
    _check(given, schema, where)
    _fill(given, schema, schema)
    if given["corpus"] not in config["corpora"]:
        raise ConfigError(
            f"{where}.corpus: no corpus {given['corpus']!r}{nearest(given['corpus'], config['corpora'])}"
        )
    for key in ("start", "teacher"):
        other = given.get(key)
        if other is not None and other not in config["checkpoints"]:
            others = [checkpoint for checkpoint in config["checkpoints"] if checkpoint != name]
            raise ConfigError(f"{where}.{key}: no checkpoint {other!r}{nearest(other, others)}")
        if other is not None and name in _ancestors(config, other):
            raise ConfigError(f"{where}.{key}: {other!r} is itself made from {name!r}")


def _ancestors(
    config: Mapping[str, Any], checkpoint: str, seen: frozenset[str] = frozenset()
) -> frozenset[str]:
    """A checkpoint and all that it is made from."""
    seen |= {checkpoint}
    made = config["checkpoints"].get(checkpoint, {}).get("pretrain", {})
    for other in (made.get("start"), made.get("teacher")):
        if other is not None and other not in seen:
            seen |= _ancestors(config, other, seen)
    return seen


def _check_model(config: Mapping[str, Any], name: str, model: dict[str, Any]) -> None:
    where = f"models.{name}"
    bring.check_model(config, name, model)
    teacher = model["teacher"]
    if teacher is not None:
        if teacher == name:
            raise ConfigError(f"{where}.teacher: a model cannot be its own teacher")
        if teacher not in config["models"]:
            others = [other for other in config["models"] if other != name]
            raise ConfigError(f"{where}.teacher: no model {teacher!r}{nearest(teacher, others)}")
        if config["models"][teacher]["teacher"] is not None:
            raise ConfigError(
                f"{where}.teacher: {teacher!r} is a student itself; name a model without a teacher"
            )
    if not bring.trains(model):
        return
    training = model["training"]
    method = training["method"]
    known = methods.options("distillation")
    if method not in (_FINE_TUNE, *known):
        there_are = [_FINE_TUNE, bring.NO_TRAINING, *known]
        raise ConfigError(f"{where}.training.method: no method {method!r}{nearest(method, there_are)}")
    if method in known and teacher is None:
        raise ConfigError(f"{where}.teacher: {method} learns from a teacher; name one")
    if method in known and not bring.has_weights(config["models"][teacher]):
        raise ConfigError(f"{where}.teacher: {method} asks its teacher, and {teacher!r} has no checkpoint")
    properties = {**_schema()["$defs"]["training"]["properties"], **known.get(method, {})}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    _check(training, schema, f"{where}.training")
    _fill(training, schema, schema)
    if training.get("alpha") == training.get("beta") == 0:
        raise ConfigError(f"{where}.training: alpha and beta are 0, so nothing is learned; give one a weight")


def _check_published(config: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    parts = (("models", given["models"]), ("explainers", given["explainers"]), ("tasks", {"": given["task"]}))
    for section, names in parts:
        for role, name in names.items():
            if name is not None and name not in config[section]:
                where = f"published.{section}.{role}" if role else "published.task"
                raise ConfigError(f"{where}: no {section[:-1]} {name!r}{nearest(name, config[section])}")
    names = published(given["file"])["names"]
    for role in given["models"]:
        if role not in names:
            raise ConfigError(
                f"published.models: {given['file']} has no model {role!r}{nearest(role, names)}"
            )


def _check_stability(config: Mapping[str, Any]) -> None:
    explainers = config["explainers"]
    for explainer in config["stability"]["explainers"]:
        if explainer not in explainers:
            raise ConfigError(
                f"stability.explainers: no explainer {explainer!r}{nearest(explainer, explainers)}"
            )
    if config["stability"]["explainers"] and not config["perturbations"]:
        raise ConfigError("stability.explainers: needs perturbations; name some, or no explainers here")


def _check_probes(config: Mapping[str, Any]) -> None:
    explainers = config["explainers"]
    for name, probe in config["probes"].items():
        where = f"probes.{name}.explainers"
        if "explainers" not in probe:
            raise ConfigError(f"{where}: say which explainers explain it{nearest('', explainers)}")
        for explainer in probe["explainers"]:
            if explainer not in explainers:
                raise ConfigError(f"{where}: no explainer {explainer!r}{nearest(explainer, explainers)}")
    for name, task in config["tasks"].items():
        where = f"tasks.{name}.probes"
        for probe in task["probes"]:
            if probe not in config["probes"]:
                raise ConfigError(f"{where}: no probe {probe!r}{nearest(probe, config['probes'])}")
        if task["probes"] and task["type"] != "classification":
            raise ConfigError(f"{where}: probes ask for a sentiment class; a regression has none")
        if task["probes"] and task["columns"]["text_b"] is not None:
            raise ConfigError(f"{where}: probes are single texts; this task has pairs (columns.text_b)")


def _check_relabels(config: Mapping[str, Any]) -> None:
    if "none" in config["perturbations"]:
        raise ConfigError("perturbations.none: `none` stands for the text as it is; use another name")
    for name, task in config["tasks"].items():
        for perturbation in task["perturb"]["relabels"]:
            if perturbation not in config["perturbations"]:
                near = nearest(perturbation, config["perturbations"])
                raise ConfigError(f"tasks.{name}.perturb.relabels: no perturbation {perturbation!r}{near}")


def _check_task(name: str, task: Mapping[str, Any]) -> None:
    where = f"tasks.{name}"
    classes = task["type"] == "classification"
    if classes and not task["labels"]:
        raise ConfigError(f"{where}.labels: a classification names its classes")
    if not classes and (task["labels"] or task["cut"]):
        raise ConfigError(f"{where}: a regression has neither labels nor cut")
    if classes and "flip" in task:
        raise ConfigError(f"{where}.flip: a class changes or does not; only a regression has it")
    cut = task["cut"]
    if cut is not None:
        if len(cut) != len(task["labels"]) - 1:
            raise ConfigError(
                f"{where}.cut: {len(task['labels'])} labels need {len(task['labels']) - 1} thresholds"
            )
        if any(a >= b for a, b in zip(cut, cut[1:], strict=False)):
            raise ConfigError(f"{where}.cut: thresholds must increase")
    allowed = (
        ("accuracy", "macro_f1", "weighted_f1", "f1", "matthews") if classes else ("pearson", "spearman")
    )
    for metric in task["metrics"]:
        if metric not in allowed:
            raise ConfigError(
                f"{where}.metrics: {metric!r} does not suit a {task['type']}; there are: {', '.join(allowed)}"
            )
    if "f1" in task["metrics"] and len(task["labels"]) != 2:
        raise ConfigError(f"{where}.metrics: f1 is for two classes; use macro_f1")
