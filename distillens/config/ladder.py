"""Which teachers get a ladder of damaged copies, with which rungs, and how much damage is accepted.

A teacher whose runs are too few to show how unlike they are gets one unasked, by the explainer that costs
least; any other only where the config asks for it.
"""

from collections.abc import Mapping
from typing import Any

from distillens import registry
from distillens.config import black_box, external, schema
from distillens.config.errors import ConfigError, nearest

AUTO = "auto"
ENOUGH_RUNS = 3
"""Runs of a teacher that show how unlike two of them are: `distillens.metrics.run_pairs.TEACHER_RUNS`."""
KINDS = ("noise", "prune")
"""What a ladder is made of unless the config names kinds."""
ACCEPT = {"prune": 0.3}
"""What is accepted unless the config says so. Of the teachers that were looked at, a copy with so many
weights zeroed was as accurate as before and gave nine of ten answers alike; with more it was not."""
AGREEMENT = "agreement"
_CHEAPEST = ("input_x_gradient", "occlusion", "integrated_gradients", "shap", "lime")
_WHERE = "reference.ladder"


def complete(config: dict[str, Any]) -> None:
    """Fill the block ``reference`` of an otherwise complete config, in place.

    ``ladder`` becomes a mapping of kinds of damage, ``explainers`` and ``teachers``, or None
    where no teacher has one.

    Raises
    ------
    ConfigError
        If it names what there is not, or what no ladder can be made of.

    Examples
    --------
    >>> teacher = dict.fromkeys(["teacher", "compress", "explanations"]) | {"checkpoint": "b", "seeds": [1]}
    >>> config = {"models": {"bert": teacher}, "explainers": {"occlusion": {"method": "occlusion"}}}
    >>> config["reference"] = {"ladder": "auto", "accept": None}
    >>> complete(config)
    >>> config["reference"]["ladder"]["teachers"], config["reference"]["accept"]
    (['bert'], {'prune': 0.3})
    """
    reference = config["reference"]
    ladder = reference["ladder"]
    possible = _teachers(config)
    if ladder == AUTO:
        few = [name for name in possible if len(config["models"][name]["seeds"]) < ENOUGH_RUNS]
        explainers = _explainers(config)
        ladder = {"teachers": few} if few and explainers else None
    if ladder is not None:
        ladder = {**ladder}
        asked = {key: ladder.pop(key, None) for key in ("teachers", "explainers")}
        kinds = ladder or dict.fromkeys(KINDS)
        ladder = {kind: _kind(kind, options) for kind, options in kinds.items()}
        ladder["teachers"] = _named(asked["teachers"], possible, "teachers", "teacher with weights", possible)
        countable = _explainers(config)
        ladder["explainers"] = _named(
            asked["explainers"], countable, "explainers", "explainer that counts", countable[:1]
        )
    reference["ladder"] = ladder
    reference["accept"] = _accepted(reference["accept"], ladder)


def kinds(ladder: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The kinds of damage of a complete ladder.

    Examples
    --------
    >>> kinds({"prune": {"doses": [0.1, 0.2]}, "teachers": ["bert"], "explainers": ["lime"]})
    {'prune': {'doses': [0.1, 0.2]}}
    """
    return {name: options for name, options in ladder.items() if name not in ("teachers", "explainers")}


def _teachers(config: Mapping[str, Any]) -> list[str]:
    """The teachers that have weights to damage, and are explained here."""
    return [
        name
        for name, model in config["models"].items()
        if model["teacher"] is None and external.has_weights(model) and model["explanations"] is None
    ]


def _explainers(config: Mapping[str, Any]) -> list[str]:
    """The explainers that count for a verdict and explain every model, the cheapest first.

    Pieces of a tokenizer (``unit: token``) are left out: students may have others.
    """
    controls, names = registry.controls(), []
    for name, options in config["explainers"].items():
        if options["method"] in (*controls, external.ELSEWHERE) or options.get("unit") == "token":
            continue
        if any(black_box.why_not(config, name, model) for model in config["models"]):
            continue
        names.append(name)
    order = {method: place for place, method in enumerate(_CHEAPEST)}
    return sorted(names, key=lambda name: order.get(config["explainers"][name]["method"], len(order)))


def _kind(kind: str, options: Any) -> dict[str, Any]:
    methods = registry.options("damage")
    if kind not in methods:
        raise ConfigError(f"{_WHERE}: no kind of damage {kind!r}{nearest(kind, methods)}")
    filled = schema.method("damage", f"{_WHERE}.{kind}", {"method": kind, **(options or {})})
    return {key: value for key, value in filled.items() if key != "method"}


def _named(
    names: list[str] | None, there_are: list[str], key: str, what: str, default: list[str]
) -> list[str]:
    for name in names or ():
        if name not in there_are:
            raise ConfigError(f"{_WHERE}.{key}: no {what} {name!r}{nearest(name, there_are)}")
    if not there_are:
        raise ConfigError(f"{_WHERE}: there is no {what}; set ladder: null")
    return sorted(names or default)


def _accepted(accept: Mapping[str, float] | None, ladder: Mapping[str, Any] | None) -> dict[str, float]:
    where = "reference.accept"
    if ladder is None:
        return dict(accept or ACCEPT)
    by_kind = kinds(ladder)
    if accept is None:
        if max(by_kind.get("prune", {}).get("doses", [0])) < ACCEPT["prune"]:
            raise ConfigError(f"{where}: say how much damage is accepted, such as {_example(by_kind)}")
        return dict(ACCEPT)
    ((kind, amount),) = accept.items()
    if kind == AGREEMENT:
        if not 0 < amount < 1:
            raise ConfigError(f"{where}.{kind}: {amount:g} is no agreement between 0 and 1")
        return dict(accept)
    if kind not in by_kind:
        raise ConfigError(f"{where}: the ladder has no kind {kind!r}{nearest(kind, [*by_kind, AGREEMENT])}")
    last = max(by_kind[kind]["doses"])
    if not 0 < amount <= last:
        raise ConfigError(f"{where}.{kind}: {amount:g} is not on the ladder, which ends at {last:g}")
    return dict(accept)


def _example(by_kind: Mapping[str, Mapping[str, Any]]) -> str:
    kind, options = next(iter(by_kind.items()))
    return f"{{{kind}: {min(options['doses']):g}}} or {{{AGREEMENT}: 0.8}}"
