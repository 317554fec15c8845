"""Models that are only asked: how a config names them, and what none but a model with weights can do."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from distillens import registry
from distillens.config import schema as schemas
from distillens.config.errors import ConfigError
from distillens.config.model_kind import kind_of
from distillens.config.onnx_weights import weights_beside

MASK, DELETE = "mask", "delete"
_MASKS = ("[MASK]", "<mask>")
_IN_WORDS = {"gradients": "gradients", "attention": "attention weights", "tokens": "known tokens"}


def spell_out(model: dict[str, Any]) -> None:
    """Replace the short form of a kind (``onnx: model.onnx``) by its long one, in place.

    Examples
    --------
    >>> model = {"function": "mine:predict"}
    >>> spell_out(model)
    >>> model
    {'function': {'name': 'mine:predict'}}
    """
    for kind in registry.options("backend"):
        if isinstance(model.get(kind), str):
            model[kind] = {registry.literal("backend", kind, "SHORT"): model[kind]}


def check_model(config: Mapping[str, Any], where: str, model: dict[str, Any]) -> None:
    """Check a model that is only asked, and fill the options of its kind.

    Raises
    ------
    ConfigError
        If it is two models in one, is to be trained, or needs what the config does not allow.

    Examples
    --------
    >>> model = {"function": {"name": "mine:predict"}, "checkpoint": "bert"}
    >>> check_model({"allow_code": True}, "models.tfidf", model)
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: models.tfidf: function and checkpoint are two models; ...
    """
    given = [kind for kind in registry.options("backend") if model.get(kind) is not None]
    others = [*given[1:], *(key for key in ("checkpoint", "adapter", "compress") if model.get(key))]
    if others:
        raise ConfigError(f"{where}: {given[0]} and {others[0]} are two models; keep one of them")
    if model["layers"] is not None or (model["training"] or {}).get("method", "none") != "none":
        raise ConfigError(
            f"{where}: a model that is only asked is not trained; leave out training and layers"
        )
    model["training"] = None
    kind = given[0]
    options = schemas.method("backend", f"{where}.{kind}", {"method": kind, **model[kind]})
    model[kind] = {key: value for key, value in options.items() if key != "method"}
    if registry.literal("backend", kind, "CODE") and not config["allow_code"]:
        raise ConfigError(
            f"{where}.{kind}: names code that would be run as it is; if you trust it, say so with "
            "allow_code: true in the config, or --allow-code"
        )
    if len(model["seeds"]) > 1:
        raise ConfigError(f"{where}.seeds: a model that is only asked is one run; give one seed")
    if config["explained_output"] == "logit" and options.get("gives") == "probabilities":
        raise ConfigError(
            f"explained_output: logit, but {where} gives probabilities, which logits cannot be told from; "
            "take margin or probability"
        )


def files(model: Mapping[str, Any]) -> list[str]:
    """The files and folders on this machine that a model which is only asked depends on.

    Examples
    --------
    >>> files({"function": {"name": "mine:predict", "files": ["weights.npz"]}})
    ['weights.npz']
    """
    kind, named = kind_of(model), _named(model)
    module = _module(model[kind]) if kind and registry.literal("backend", kind, "CODE") else None
    weights = [str(path) for name in named if name.endswith(".onnx") for path in weights_beside(name)]
    return [*([module] if module else []), *named, *weights]


def _named(model: Mapping[str, Any]) -> list[str]:
    """The files and folders that a model's block names."""
    kind = kind_of(model)
    named: list[str] = []
    for key in registry.literal("backend", kind, "PATHS") or () if kind else ():
        value = model[kind].get(key)
        named += [value] if isinstance(value, str) else value or []
    return named


def _module(options: Mapping[str, Any]) -> str | None:
    """The file of a function's module below this folder; importing it would run it."""
    path = Path(*options["name"].partition(":")[0].split("."))
    places = (path.with_suffix(".py"), path / "__init__.py")
    return next((str(place) for place in places if place.is_file()), None)


# ---- what a model cannot do ----


def lacks(config: Mapping[str, Any], name: str) -> dict[str, str]:
    """What cannot be had of a model: ``gradients``, ``attention``, ``tokens``; each with the reason.

    Examples
    --------
    >>> lacks({"models": {"tfidf": {"function": {"name": "mine:predict"}}}}, "tfidf")["gradients"]
    'it is only asked'
    """
    model = config["models"][name]
    if kind_of(model):
        return dict.fromkeys(("gradients", "attention", "tokens"), "it is only asked")
    shapes = [_shape(folder) for folder in _folders(config, model)]
    if "encoder-decoder" in shapes:
        return dict.fromkeys(("gradients", "attention"), "it is an encoder-decoder")
    return {"attention": "it is a decoder"} if "decoder" in shapes else {}


def why_not(config: Mapping[str, Any], explainer: str, name: str) -> str | None:
    """Why an explainer does not explain a model, in words; None where it does.

    A student is compared with its teacher, so what cannot be had of the teacher is not asked of the student.

    Examples
    --------
    >>> config = {"models": {"tfidf": {"teacher": None, "function": {"name": "mine:predict"}}}}
    >>> config["explainers"] = {"ig": {"method": "integrated_gradients"}, "lime": {"method": "lime"}}
    >>> why_not(config, "ig", "tfidf"), why_not(config, "lime", "tfidf")
    ('needs gradients, and it is only asked', None)
    """
    options = config["explainers"][explainer] or {}
    method = options.get("method", explainer)
    # Results may name methods that are not installed: nothing is known of their needs.
    needs = (
        registry.literal("explainer", method, "NEEDS") if method in registry.options("explainer") else None
    )
    needed = [need for need in (needs, "tokens" if options.get("unit") == "token" else None) if need]
    model = config["models"][name]
    for whose in filter(None, (name, model.get("teacher"))):
        if config["models"][whose].get("explanations"):
            continue
        reasons = lacks(config, whose) if needed else {}
        for need in needed:
            if need in reasons:
                of = "" if whose == name else f" (of its teacher {whose})"
                return f"needs {_IN_WORDS[need]}, and {reasons[need]}{of}"
    return None


def left_out(config: Mapping[str, Any]) -> list[str]:
    """A line for each model of which something cannot be had: what is left out, and why.

    Examples
    --------
    >>> config = {"models": {"tfidf": {"teacher": None, "function": {"name": "mine:predict"}}}}
    >>> config["explainers"] = {"ig": {"method": "integrated_gradients"}}
    >>> left_out(config)
    ['tfidf: ig is left out: needs gradients, and it is only asked',
     'tfidf: size and speed are left out: it is only asked']
    """
    said = []
    for name, model in config["models"].items():
        for explainer in config["explainers"]:
            reason = why_not(config, explainer, name)
            if reason and not model.get("explanations"):
                said.append(f"{name}: {explainer} is left out: {reason}")
        if kind_of(model):
            said.append(f"{name}: size and speed are left out: it is only asked")
    return said


def check_explainers(config: Mapping[str, Any]) -> None:
    """Refuse an explainer that explains no model of the study.

    Raises
    ------
    ConfigError
        With the reason.

    Examples
    --------
    >>> config = {"models": {"tfidf": {"teacher": None, "function": {"name": "mine:predict"}}}}
    >>> check_explainers(config | {"explainers": {"ig": {"method": "integrated_gradients"}}})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: explainers.ig: needs gradients, and it is only asked; ...
    """
    for explainer in config["explainers"]:
        reasons = [why_not(config, explainer, name) for name in config["models"]]
        if reasons and all(reasons):
            raise ConfigError(
                f"explainers.{explainer}: {reasons[0]}; no model of the study can be explained by it"
            )


# ---- how a word is removed ----


def removal_in_words(config: Mapping[str, Any]) -> str:
    """What a removed word becomes, and which models leave no other choice than to delete it.

    Examples
    --------
    >>> removal_in_words({"removal": {"neutral": "..."}, "models": {}})
    "A removed word becomes '...', for all models alike."
    """
    rule = config.get("removal") or MASK
    if rule == MASK:
        return "A removed word becomes the model's mask token, for all models alike."
    if rule != DELETE:
        return f"A removed word becomes {rule['neutral']!r}, for all models alike."
    without = [name for name, model in config["models"].items() if _maskless(config, model)]
    why = f" ({', '.join(without)}: no mask token)" if without else ""
    return f"A removed word is deleted, with the blanks before it, for all models alike{why}."


def complete_removal(config: dict[str, Any]) -> None:
    """Fill how a removed word looks: ``mask`` where all models have a mask token, else ``delete``.

    Of a checkpoint that is not on this machine yet it is taken that it has one; if not, its job says so.

    Raises
    ------
    ConfigError
        If words are to be masked for a model that has no mask token.

    Examples
    --------
    >>> tfidf = {"function": {"name": "mine:predict", "mask_token": None}, "explanations": None}
    >>> config = {"removal": None, "models": {"tfidf": tfidf}}
    >>> complete_removal(config)
    >>> config["removal"]
    'delete'
    """
    without = [name for name, model in config["models"].items() if _maskless(config, model)]
    if config["removal"] == MASK and without:
        raise ConfigError(
            f"removal: mask, but models.{without[0]} has no mask token; take delete or "
            '{neutral: "..."}, for all models of the study'
        )
    if config["removal"] is None:
        config["removal"] = DELETE if without else MASK


def _maskless(config: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    if model.get("explanations"):
        return False
    kind = kind_of(model)
    if kind and "mask_token" in registry.options("backend")[kind]:
        return model[kind]["mask_token"] is None
    if kind:
        # Beside the file that is asked, or in the folder above.
        named = [Path(place) for place in _named(model)]
        places = [place if place.is_dir() else place.parent for place in reversed(named)]
        places = [
            place for one in places for place in (one, one.parent) if (place / "tokenizer.json").is_file()
        ]
        return not places or bool(_shape(places[0]))
    return any(map(_shape, _folders(config, model)))


def _folders(config: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[Path]:
    """The folders of a model's checkpoints, where they are on this machine."""
    named = model.get("checkpoint") or []
    for name in [named] if isinstance(named, str) else named:
        source = config.get("checkpoints", {}).get(name, {})
        places = [source.get("local")]
        if config.get("mirror") and "hub" in source:
            places.append(str(Path(config["mirror"], source["hub"])))
        yield from (Path(place) for place in places if isinstance(place, str) and Path(place).is_dir())


def _shape(folder: Path) -> str | None:
    """``encoder-decoder`` or ``decoder``, as far as a folder's JSON files show; None for an encoder.

    A tokenizer without a mask token is a decoder's: an encoder learnt by filling them in.
    """
    if _read(folder / "config.json").get("is_encoder_decoder"):
        return "encoder-decoder"
    if not (folder / "tokenizer.json").is_file():
        return None
    said = [
        _read(folder / file).get("mask_token")
        for file in ("tokenizer_config.json", "special_tokens_map.json")
    ]
    added = [one.get("content") for one in _read(folder / "tokenizer.json").get("added_tokens", ())]
    return None if any(said) or any(mask in added for mask in _MASKS) else "decoder"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # what is wrong with it is said by the job that opens it
    return content if isinstance(content, dict) else {}
