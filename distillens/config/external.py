"""What a study is given instead of making it: finished models, attributions; short forms of a config.

A model without ``checkpoint`` is known by its attributions only: nothing can be asked of it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillens import registry
from distillens.config import black_box, model_kind
from distillens.config.errors import ConfigError, nearest

NO_TRAINING = "none"
ELSEWHERE = "elsewhere"
_OPTIONS = ("method", "max_length")


def spell_out(config: dict[str, Any]) -> None:
    """Replace the short forms of a config's models by the long ones, in place, before defaults are filled.

    ``training: none`` becomes a block, ``explanations: PATH`` too; a checkpoint that is
    written where the model names it moves to ``checkpoints``, under the model's name (with
    a number, where a model has one for each of its runs).

    Raises
    ------
    ConfigError
        If another checkpoint has that name, or a model that is not trained says how.

    Examples
    --------
    >>> config = {"models": {"bert": {"checkpoint": {"hub": "google/bert"}, "training": "none"}}}
    >>> spell_out(config)
    >>> config["models"]["bert"], config["checkpoints"]
    ({'checkpoint': 'bert', 'training': {'method': 'none', 'max_length': None}},
     {'bert': {'hub': 'google/bert'}})
    """
    models = config.get("models")
    for name, model in models.items() if isinstance(models, dict) else ():
        if not isinstance(model, dict):
            continue
        black_box.spell_out(model)
        if model.get("training") == NO_TRAINING:
            model["training"] = {"method": NO_TRAINING}
        if isinstance(model.get("training"), dict) and model["training"].get("method") == NO_TRAINING:
            _check_untrained(f"models.{name}.training", model["training"])
        if isinstance(model.get("explanations"), str):
            model["explanations"] = {"file": model["explanations"]}
        if isinstance(model.get("siblings"), dict):
            model["siblings"] = _spelt_siblings(config, name, model)
        _take_base(name, model)
        checkpoint = model.get("checkpoint")
        if isinstance(checkpoint, list):
            model["checkpoint"] = [
                _moved(config, one, f"{name}-{number}", name)
                for number, one in enumerate(checkpoint, start=1)
            ]
            model.setdefault("seeds", list(range(1, len(checkpoint) + 1)))
        elif checkpoint is not None:
            model["checkpoint"] = _moved(config, checkpoint, name, name)


def _spelt_siblings(config: dict[str, Any], name: str, model: dict[str, Any]) -> dict[str, Any]:
    block, own = {**model["siblings"]}, model.get("training")
    if "checkpoint" in block:
        block["checkpoint"] = _moved(config, block["checkpoint"], f"{name}-base", name)
    if isinstance(block.get("training"), dict):
        # They see as much of a text as the teacher does, unless somebody says otherwise.
        length = own.get("max_length") if isinstance(own, dict) else None
        block["training"] = {"max_length": length, **block["training"]}
    return block


def _take_base(name: str, model: dict[str, Any]) -> None:
    """Where a checkpoint is an adapter's folder, name its base as the checkpoint, and it as the adapter."""
    source = model.get("checkpoint")
    folder = source.get("local") if isinstance(source, dict) else None
    if not isinstance(folder, str) or Path(folder, "config.json").is_file():
        return
    try:
        base = json.loads(Path(folder, "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # no adapter: what is wrong with it is said where it is opened
    place = next((place for place in (Path(str(base)), Path(folder, str(base))) if place.is_dir()), None)
    if place is None:
        raise ConfigError(
            f"models.{name}.checkpoint: {folder} is an adapter for {base}, which is no folder here; name "
            f"both: checkpoint: {{local: BASE}} (or hub, with a revision) and adapter: {folder}"
        )
    model["checkpoint"], model["adapter"] = {"local": str(place)}, folder


def _check_untrained(where: str, training: dict[str, Any]) -> None:
    unknown = next((key for key in training if key not in _OPTIONS), None)
    if unknown is not None:
        raise ConfigError(f"{where}: unknown key {unknown!r}: nothing is trained{nearest(unknown, _OPTIONS)}")
    training.setdefault("max_length", None)


def _moved(config: dict[str, Any], source: Any, checkpoint: str, model: str) -> Any:
    if not isinstance(source, dict):
        return source
    checkpoints = config.setdefault("checkpoints", {})
    if checkpoint in checkpoints:
        raise ConfigError(
            f"models.{model}.checkpoint: there is another one under checkpoints.{checkpoint}; "
            "name that here, or give it another name"
        )
    checkpoints[checkpoint] = source
    return checkpoint


def trains(model: Mapping[str, Any]) -> bool:
    """Whether a model of a complete config is trained here.

    Examples
    --------
    >>> trains({"training": {"method": "fine_tune"}}), trains({"training": {"method": "none"}})
    (True, False)
    """
    return model.get("training") is not None and model["training"]["method"] != NO_TRAINING


def has_weights(model: Mapping[str, Any]) -> bool:
    """Whether a model has weights of its own: it is more than its attributions, or than its answers.

    Examples
    --------
    >>> has_weights({"checkpoint": None, "compress": {"method": "int8"}})
    True
    """
    return model["checkpoint"] is not None or model["compress"] is not None


def can_answer(model: Mapping[str, Any]) -> bool:
    """Whether a model can be asked: it has weights, or is only asked.

    Examples
    --------
    >>> can_answer({"checkpoint": None, "compress": None, "function": {"name": "mine:predict"}})
    True
    """
    return has_weights(model) or model_kind.kind_of(model) is not None


def check_model(config: Mapping[str, Any], name: str, model: dict[str, Any]) -> None:
    """Check what a model is made from, and fill what ``training: none`` leaves open.

    Raises
    ------
    ConfigError
        For the first thing that is wrong.

    Examples
    --------
    >>> model = {"checkpoint": "brt", "compress": None}
    >>> check_model({"checkpoints": {"bert": {}}}, "teacher", model)
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: models.teacher.checkpoint: no checkpoint 'brt'; did you mean 'bert'?
    """
    where = f"models.{name}"
    check_missing(where, model)
    several = isinstance(model["checkpoint"], list)
    if not has_weights(model):
        _check_described(where, model)
        return
    for checkpoint in model["checkpoint"] if several else [model["checkpoint"]]:
        if checkpoint not in config["checkpoints"]:
            near = nearest(checkpoint, config["checkpoints"])
            raise ConfigError(f"{where}.checkpoint: no checkpoint {checkpoint!r}{near}")
    if model["training"] is None:
        raise ConfigError(f"{where}: 'training' is a required property (none: it is already fine-tuned)")
    _check_adapter(where, model)
    if trains(model):
        if several:
            raise ConfigError(f"{where}.checkpoint: training starts from one checkpoint; name one")
        if model["labels"]:
            raise ConfigError(f"{where}.labels: only of a model with training: none; others get the task's")
        return
    model["training"] = {key: model["training"][key] for key in _OPTIONS}
    if model["layers"] is not None:
        raise ConfigError(f"{where}.layers: a model with training: none is taken as it is; remove layers")
    runs = len(model["checkpoint"]) if several else 1
    runs += config["reference"]["siblings"] if model["siblings"] is not None else 0
    if len(model["seeds"]) != runs:
        raise ConfigError(
            f"{where}.seeds: a checkpoint that is already fine-tuned is one run, but there are "
            f"{len(model['seeds'])} seeds; give a list of as many checkpoints, or one seed"
        )


def check_missing(where: str, model: Mapping[str, Any]) -> None:
    """Check what becomes of words that a model's own attributions lack.

    Raises
    ------
    ConfigError
        If its teacher's words are to count, and it has none.

    Examples
    --------
    >>> check_missing("models.tiny", {"explanations": None})
    """
    brought = model.get("explanations")
    if brought is not None and brought["missing"] == "teacher" and model["teacher"] is None:
        raise ConfigError(
            f"{where}.explanations.missing: it has no teacher whose words could count; "
            "say zero or intersection"
        )


def _check_adapter(where: str, model: Mapping[str, Any]) -> None:
    if model["adapter"] is not None and (trains(model) or isinstance(model["checkpoint"], list)):
        raise ConfigError(f"{where}.adapter: belongs to one finished checkpoint (training: none)")


def _check_described(where: str, model: Mapping[str, Any]) -> None:
    if model["explanations"] is None:
        kinds = ", ".join(registry.options("backend"))
        raise ConfigError(
            f"{where}: give its checkpoint, or compress, or its explanations, or one of: {kinds}"
        )
    for key in ("training", "layers"):
        if model[key] is not None:
            raise ConfigError(f"{where}.{key}: there is no checkpoint, so nothing to train; remove it")
    if model["labels"]:
        raise ConfigError(f"{where}.labels: there is no checkpoint whose outputs could be named; remove it")


def check_tasks(config: Mapping[str, Any]) -> None:
    """Check that tasks have what their models need, and models for what they ask.

    Raises
    ------
    ConfigError
        If a task lacks a split or the labels that a model is trained with, or has probes that no model can
        answer.

    Examples
    --------
    >>> model = {"checkpoint": "bert", "compress": None, "training": {"method": "fine_tune"}}
    >>> check_tasks({"models": {"bert": model}, "tasks": {"sst2": {"splits": {"test": {}}}}})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: tasks.sst2.splits: no 'train', which models.bert is trained with
    """
    models = config["models"]
    trained = next(
        (name for name, model in models.items() if trains(model) or model.get("siblings") is not None), None
    )
    for name, task in config["tasks"].items():
        for split in ("train", "validation"):
            if trained is not None and split not in task["splits"]:
                raise ConfigError(
                    f"tasks.{name}.splits: no {split!r}, which models.{trained} is trained with"
                )
        if trained is not None and task["columns"]["label"] is None:
            raise ConfigError(
                f"tasks.{name}.columns.label: null, but models.{trained} is trained here, which takes "
                "labels; name their column, or give finished models (training: none)"
            )
        if task["probes"] and task["columns"]["label"] is None:
            raise ConfigError(f"tasks.{name}.probes: need a task whose texts have labels (columns.label)")
        if task["probes"] and not any(map(can_answer, models.values())):
            raise ConfigError(f"tasks.{name}.probes: no model has a checkpoint that could be asked")


def check_explainers(config: Mapping[str, Any]) -> None:
    """Check that attributions which are computed elsewhere are brought by every model.

    Raises
    ------
    ConfigError
        If a model has none.

    Examples
    --------
    >>> models = {"bert": {"explanations": None}}
    >>> check_explainers({"explainers": {"given": {"method": "elsewhere"}}, "models": models})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: explainers.given: ..., but models.bert has no explanations
    """
    for explainer, options in config["explainers"].items():
        for name, model in config["models"].items():
            if options["method"] == ELSEWHERE and model["explanations"] is None:
                raise ConfigError(
                    f"explainers.{explainer}: it is computed elsewhere, but models.{name} has no explanations"
                )
        if options["method"] == ELSEWHERE and options.get("examples") is not None:
            raise ConfigError(
                f"explainers.{explainer}.examples: it is computed elsewhere, for all texts; leave it out"
            )
        if options["method"] == ELSEWHERE and explainer in config["stability"]["explainers"]:
            raise ConfigError(
                f"stability.explainers: {explainer!r} is computed elsewhere, not for perturbed texts"
            )
        for probe, settings in config["probes"].items():
            if options["method"] == ELSEWHERE and explainer in settings.get("explainers", ()):
                raise ConfigError(
                    f"probes.{probe}.explainers: {explainer!r} is computed elsewhere, not for probes"
                )
