"""Which runs a model has, and which run of its teacher each of them belongs to.

A student's run that is distilled or compressed belongs to one run of its teacher. By default it has as many
runs as its teacher, each of another: with all from one, nobody could tell what is the recipe's and
what that run's.
A student that learns from gold labels belongs to no run, and is compared with all of them.

Seeds are put in order, so that nothing depends on the order in which they are written.
"""

from collections.abc import Mapping
from typing import Any

from distillens.config import external
from distillens.config.errors import ConfigError
from distillens.config.study import origin

_BELONG = ("distilled", "compressed")


def pair_runs(config: dict[str, Any]) -> None:
    """Fill ``seeds`` and ``teacher_seeds`` of every model, in place.

    Raises
    ------
    ConfigError
        If a run is paired with a run that its teacher does not have, a model that belongs to no run
        names one, or runs would be the same twice.

    Examples
    --------
    >>> labels = {"checkpoint": "bert", "compress": None, "training": {"method": "fine_tune"}}
    >>> bert = labels | {"teacher": None, "seeds": [3, 1, 2], "teacher_seeds": None}
    >>> kd = bert | {"training": {"method": "soft_logits"}, "teacher": "bert", "seeds": None}
    >>> config = {"models": {"kd": kd, "bert": bert}}
    >>> pair_runs(config)
    >>> config["models"]["kd"]["seeds"], config["models"]["kd"]["teacher_seeds"]
    ([1, 2, 3], [1, 2, 3])
    """
    models = config["models"]
    students = {name: model for name, model in models.items() if models.get(model["teacher"])}
    for model in models.values():
        if model["teacher"] is None:
            model["seeds"] = model["seeds"] or [0]
            _put_in_order(model)
    for name, model in students.items():
        teacher = models[model["teacher"]]
        made_here = model["compress"] is not None or external.trains(model)
        model["seeds"] = model["seeds"] or (teacher["seeds"] if made_here and teacher["seeds"] else [0])
        _put_in_order(model)
        model["teacher_seeds"] = _teacher_seeds(f"models.{name}", model, teacher)
    for name, model in models.items():
        if model["teacher"] is None and model["teacher_seeds"] is not None:
            raise ConfigError(f"models.{name}.teacher_seeds: it has no teacher; remove it")


def _put_in_order(model: dict[str, Any]) -> None:
    """Seeds in order, and with each what belongs to it."""
    order = sorted(range(len(model["seeds"])), key=model["seeds"].__getitem__)
    for key in ("checkpoint", "teacher_seeds"):
        if isinstance(model[key], list) and len(model[key]) == len(order):
            model[key] = [model[key][place] for place in order]
    model["seeds"] = [model["seeds"][place] for place in order]


def _teacher_seeds(where: str, model: Mapping[str, Any], teacher: Mapping[str, Any]) -> list[int] | None:
    named, seeds = model["teacher_seeds"], model["seeds"]
    belongs = origin(model) in _BELONG
    if named is None and not belongs:
        return None
    if origin(model) == "fine_tuned":
        raise ConfigError(f"{where}.teacher_seeds: it learns from gold labels, not from a run; remove it")
    if named is None:
        named = [teacher["seeds"][run % len(teacher["seeds"])] for run in range(len(seeds))]
    if len(named) != len(seeds):
        raise ConfigError(f"{where}.teacher_seeds: {len(named)} for {len(seeds)} seeds; name one for each")
    for seed in named:
        if seed not in teacher["seeds"]:
            there_are = ", ".join(map(str, teacher["seeds"]))
            raise ConfigError(
                f"{where}.teacher_seeds: its teacher has no seed {seed}; there are: {there_are}"
            )
    if origin(model) == "compressed" and model["training"] is None and len(set(named)) < len(named):
        raise ConfigError(
            f"{where}.seeds: without a training nothing is drawn, so two runs of one teacher's seed would be "
            "the same; give as many seeds as the teacher has, or fewer"
        )
    return list(named)
