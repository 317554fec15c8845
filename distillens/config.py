"""Checks a study's config and fills its defaults, before any rule is looked at.

Whatever is wrong is said in one line: where it stands, what is wrong and, for a
misspelt name, the nearest right one.
"""

import copy
import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jsonschema
import yaml

from distillens import methods
from distillens.provenance import ROOT

_SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
_PUBLISHED = ROOT / "workflow" / "schemas" / "published.schema.yaml"
_FINE_TUNE = "fine_tune"


class ConfigError(ValueError):
    """The config is wrong; the message is one line that says where and what."""


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
    _check_relabels(full)
    _check_probes(full)
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
    return error.message


def nearest(name: Any, known: Iterable[Any]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or what there is."""
    known = [str(item) for item in known]
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(known)}" if known else "; there are none"


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
    # `config` names a hub data set's configuration; other sources have none.
    return key == "config" and "hub" not in value


def _method(kind: str, where: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a method's options, checked against its own schema and filled."""
    known = methods.options(kind)
    if given["method"] not in known:
        raise ConfigError(f"{where}: no method {given['method']!r}{nearest(given['method'], known)}")
    # What a method cannot do without has no default.
    needed = [name for name, option in known[given["method"]].items() if "default" not in option]
    schema = {
        "type": "object",
        "properties": {"method": {}, **known[given["method"]]},
        "additionalProperties": False,
        "required": needed if kind == "compression" else [],
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
    _check_teacher(config, name, model["teacher"])
    if model["compress"] is not None:
        _check_compressed(config, where, model)
        if model["training"] is None:
            return
    else:
        for key in ("checkpoint", "training"):
            if model[key] is None:
                raise ConfigError(f"{where}: needs {key}, or compress, which starts from the teacher")
        if model["checkpoint"] not in config["checkpoints"]:
            raise ConfigError(
                f"{where}.checkpoint: no checkpoint {model['checkpoint']!r}"
                f"{nearest(model['checkpoint'], config['checkpoints'])}"
            )
    training = model["training"]
    method = training["method"]
    known = methods.options("distillation")
    if method not in (_FINE_TUNE, *known):
        raise ConfigError(
            f"{where}.training.method: no method {method!r}{nearest(method, [_FINE_TUNE, *known])}"
        )
    if method in known and model["teacher"] is None:
        raise ConfigError(f"{where}.teacher: {method} learns from a teacher; name one")
    properties = {**_schema()["$defs"]["training"]["properties"], **known.get(method, {})}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    _check(training, schema, f"{where}.training")
    _fill(training, schema, schema)


def _check_teacher(config: Mapping[str, Any], name: str, teacher: str | None) -> None:
    where = f"models.{name}.teacher"
    if teacher is None:
        return
    if teacher == name:
        raise ConfigError(f"{where}: a model cannot be its own teacher")
    if teacher not in config["models"]:
        others = [other for other in config["models"] if other != name]
        raise ConfigError(f"{where}: no model {teacher!r}{nearest(teacher, others)}")
    if config["models"][teacher]["teacher"] is not None:
        raise ConfigError(f"{where}: {teacher!r} is a student itself; name a model without a teacher")


def _check_compressed(config: Mapping[str, Any], where: str, model: dict[str, Any]) -> None:
    method = model["compress"]["method"]
    model["compress"] = _method("compression", f"{where}.compress", model["compress"])
    if model["teacher"] is None:
        raise ConfigError(f"{where}.teacher: compress makes a student out of its teacher; name one")
    for key in ("checkpoint", "layers"):
        if model[key] is not None:
            raise ConfigError(f"{where}.{key}: a compressed student starts from its teacher; leave this out")
    if model["training"] is None and len(model["seeds"]) > 1:
        raise ConfigError(f"{where}.seeds: without a training nothing is drawn: one seed is enough")
    if model["training"] is not None and not methods.literal("compression", method, "RECOVERS"):
        raise ConfigError(f"{where}.training: {method} cannot be trained any further; leave this out")
    needs = methods.literal("compression", method, "ENGINE") or {}
    if config["backend"] not in ("auto", needs.get("backend", config["backend"])):
        raise ConfigError(f"{where}.compress: {method} needs {needs['backend']}; set backend: auto")


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
