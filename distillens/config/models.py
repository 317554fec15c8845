"""Checks what the models of a config are made from: checkpoints, trainings, compressions."""

from collections.abc import Mapping
from typing import Any

from distillens import registry
from distillens.config import black_box, model_kind
from distillens.config import external as bring
from distillens.config import schema as schemas
from distillens.config.errors import ConfigError, nearest

_FINE_TUNE, _SOFT_LOGITS = "fine_tune", "soft_logits"


def check_pretraining(config: Mapping[str, Any]) -> None:
    """Check the checkpoints that are made by training on a corpus, and fill their options.

    Raises
    ------
    ConfigError
        For the first thing that is wrong.

    Examples
    --------
    >>> config = {"tasks": {"sst2": {"source": {"pretrain": {}}}}, "corpora": {}, "checkpoints": {}}
    >>> check_pretraining(config)
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: tasks.sst2.source: only checkpoints are pretrained
    """
    for section in ("tasks", "corpora"):
        for name, block in config[section].items():
            if "pretrain" in block["source"]:
                raise ConfigError(f"{section}.{name}.source: only checkpoints are pretrained")
    for name, source in config["checkpoints"].items():
        if "pretrain" in source:
            _check_pretrain(config, name, source["pretrain"])


def _check_pretrain(config: Mapping[str, Any], name: str, options: dict[str, Any]) -> None:
    where = f"checkpoints.{name}.pretrain"
    methods = registry.options("pretraining")
    method = options["method"]
    if method not in methods:
        raise ConfigError(f"{where}.method: no method {method!r}{nearest(method, methods)}")
    blocks = schemas.of_study()["$defs"]
    properties = {**blocks["training"]["properties"], **blocks["pretrain"]["properties"], **methods[method]}
    # What a method cannot do without has no default.
    needed = [name for name, option in methods[method].items() if "default" not in option]
    schema = {"type": "object", "properties": properties, "additionalProperties": False, "required": needed}
    schemas.check(options, schema, where)
    schemas.fill(options, schema, schema)
    _check_there_is(config, f"{where}.corpus", options["corpus"])
    for key in ("start", "teacher"):
        other = options.get(key)
        if other is not None and other not in config["checkpoints"]:
            others = [checkpoint for checkpoint in config["checkpoints"] if checkpoint != name]
            raise ConfigError(f"{where}.{key}: no checkpoint {other!r}{nearest(other, others)}")
        if other is not None and name in _ancestors(config, other):
            raise ConfigError(f"{where}.{key}: {other!r} is itself made from {name!r}")


def _ancestors(
    config: Mapping[str, Any], checkpoint: str, ancestors: frozenset[str] = frozenset()
) -> frozenset[str]:
    """A checkpoint and all that it is made from."""
    ancestors |= {checkpoint}
    source = config["checkpoints"].get(checkpoint, {}).get("pretrain", {})
    for other in (source.get("start"), source.get("teacher")):
        if other is not None and other not in ancestors:
            ancestors |= _ancestors(config, other, ancestors)
    return ancestors


def check_model(config: Mapping[str, Any], name: str, model: dict[str, Any]) -> None:
    """Check a model, and fill the options of its method.

    Raises
    ------
    ConfigError
        For the first thing that is wrong.

    Examples
    --------
    >>> model = {"teacher": "brt"}
    >>> check_model({"models": {"bert": {}, "kd": model}}, "kd", model)
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: models.kd.teacher: no model 'brt'; did you mean 'bert'?
    """
    where = f"models.{name}"
    _check_teacher(config, name, model["teacher"])
    if model_kind.kind_of(model):
        bring.check_missing(where, model)
        black_box.check_model(config, where, model)
    elif model["compress"] is not None:
        _check_compressed(config, where, model)
    else:
        bring.check_model(config, name, model)
    if bring.trains(model):
        _check_training(config, where, model)


def _check_training(config: Mapping[str, Any], where: str, model: dict[str, Any]) -> None:
    training, teacher = model["training"], model["teacher"]
    method = training["method"]
    methods = registry.options("distillation")
    combined = [] if method == _FINE_TUNE else registry.parts(method)
    there_are = [_FINE_TUNE, bring.NO_TRAINING, *methods]
    for part in combined:
        if part not in methods:
            raise ConfigError(f"{where}.training.method: no method {part!r}{nearest(part, there_are)}")
    if len(set(combined)) < len(combined):
        raise ConfigError(f"{where}.training.method: {method!r} names a method twice")
    if combined and teacher is None:
        raise ConfigError(f"{where}.teacher: {method} learns from a teacher; name one")
    properties = dict(schemas.of_study()["$defs"]["training"]["properties"])
    for part in combined:
        properties |= methods[part]
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    schemas.check(training, schema, f"{where}.training")
    schemas.fill(training, schema, schema)
    if combined:
        _check_can_teach(config, where, training, teacher)
    if training.get("corpus") is not None:
        _check_corpus(config, f"{where}.training.corpus", training["corpus"])
    if training.get("alpha") == training.get("beta") == 0:
        raise ConfigError(f"{where}.training: alpha and beta are 0, so nothing is learned; give one a weight")


def _check_can_teach(
    config: Mapping[str, Any], where: str, training: Mapping[str, Any], teacher: str
) -> None:
    """Weights teach all methods, answers some, a file of answers the plainest."""
    method = training["method"]
    if training["soft_labels"] is not None:
        if registry.parts(method) != [_SOFT_LOGITS]:
            raise ConfigError(
                f"{where}.training.soft_labels: are answers to whole texts, and {method} asks for more; take "
                f"{_SOFT_LOGITS}"
            )
        return
    model = config["models"][teacher]
    if not bring.can_answer(model):
        raise ConfigError(
            f"{where}.teacher: {method} asks its teacher, and {teacher!r} has no checkpoint; name another, "
            "or a file of its answers (training.soft_labels)"
        )
    within = [part for part in registry.parts(method) if part not in (_SOFT_LOGITS, "masked_consistency")]
    if within and not bring.has_weights(model):
        raise ConfigError(
            f"{where}.teacher: {within[0]} looks into its teacher, and {teacher!r} is only asked; take "
            f"{_SOFT_LOGITS} or masked_consistency"
        )


def _check_there_is(config: Mapping[str, Any], where: str, corpus: str) -> None:
    if corpus not in config["corpora"]:
        raise ConfigError(f"{where}: no corpus {corpus!r}{nearest(corpus, config['corpora'])}")


def _check_corpus(config: Mapping[str, Any], where: str, name: str) -> None:
    """What is learnt from without labels is single texts, and none that are tested on."""
    _check_there_is(config, where, name)
    corpus = config["corpora"][name]
    drawn = (corpus["source"], corpus["splits"]["train"]["from"])
    for task_name, task in config["tasks"].items():
        if task["columns"]["text_b"] is not None:
            raise ConfigError(f"{where}: texts of a corpus are single, and {task_name!r} has pairs")
        if drawn == (task["source"], task["splits"]["test"]["from"]):
            raise ConfigError(
                f"{where}: {name!r} is drawn from what {task_name!r} is tested on; take another split"
            )


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
    model["compress"] = schemas.method("compression", f"{where}.compress", model["compress"])
    if model["teacher"] is None:
        raise ConfigError(f"{where}.teacher: compress makes a student out of its teacher; name one")
    for key in ("checkpoint", "adapter", "layers", "labels", "explanations"):
        if model[key]:
            raise ConfigError(f"{where}.{key}: a compressed student starts from its teacher; leave this out")
    if not bring.has_weights(config["models"][model["teacher"]]):
        raise ConfigError(f"{where}.teacher: {model['teacher']!r} has no checkpoint to compress")
    if model["training"] is not None and not bring.trains(model):
        raise ConfigError(f"{where}.training: leave it out where nothing is trained")
    if model["training"] is not None and not registry.literal("compression", method, "RECOVERS"):
        raise ConfigError(f"{where}.training: {method} cannot be trained any further; leave this out")
    needs = registry.literal("compression", method, "ENGINE") or {}
    if config["backend"] not in ("auto", needs.get("backend", config["backend"])):
        raise ConfigError(f"{where}.compress: {method} needs {needs['backend']}; set backend: auto")
