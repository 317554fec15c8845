"""Siblings: further runs of a finished teacher, trained here from the checkpoint that it was made from.

The teacher's own run has seed 0, its siblings 1 to N. They are runs like any other, so the verdict is that by
the runs of the teacher, in the same words: two siblings make three runs.
"""

from collections.abc import Mapping
from typing import Any

from distillens.config import external, schema
from distillens.config.errors import ConfigError, nearest

OWN = 0
"""Seed of the teacher's own run."""


def add_seeds(config: dict[str, Any]) -> None:
    """Give each teacher that says how it was trained the seeds of its siblings, in place.

    Raises
    ------
    ConfigError
        If there is a number of siblings and no teacher says how, or the other way round, or such a
        model is no finished teacher of one run.

    Examples
    --------
    >>> bert = {"checkpoint": "own", "training": {"method": "none"}, "teacher": None, "seeds": None}
    >>> bert |= {"compress": None, "siblings": {"checkpoint": "base", "training": {"method": "fine_tune"}}}
    >>> config = {"models": {"bert": bert}, "reference": {"siblings": 2}}
    >>> add_seeds(config)
    >>> config["models"]["bert"]["seeds"]
    [0, 1, 2]
    """
    count, models = config["reference"]["siblings"], config["models"]
    having = [name for name, model in models.items() if model["siblings"] is not None]
    if count is not None and not having:
        raise ConfigError(
            "reference.siblings: no model says how it was trained; say models.TEACHER.siblings: "
            "{checkpoint: the one that it started from, training: {method: fine_tune}}, and give its task "
            "the splits train and validation"
        )
    for name in having:
        model, where = models[name], f"models.{name}.siblings"
        if count is None:
            raise ConfigError(f"{where}: say how many, too: reference: {{siblings: 2}} makes three runs")
        if model["teacher"] is not None:
            raise ConfigError(f"{where}: it is a student; only a teacher's runs are a reference")
        finished = external.has_weights(model) and model["training"] is not None
        if not finished or external.trains(model) or isinstance(model["checkpoint"], list):
            raise ConfigError(
                f"{where}: only of one finished model (training: none); a model that is trained here gets "
                "more runs by its seeds"
            )
        if model["seeds"] not in (None, [OWN]):
            raise ConfigError(f"{where}: its own run has seed {OWN}; remove seeds")
        model["seeds"] = [OWN, *range(1, count + 1)]


def check(config: Mapping[str, Any], name: str, model: Mapping[str, Any]) -> None:
    """Check how a teacher's siblings are trained, and fill what is left open.

    Raises
    ------
    ConfigError
        If they start from no checkpoint that there is, or learn otherwise than from gold labels.

    Examples
    --------
    >>> block = {"checkpoint": "bse", "training": {"method": "fine_tune"}}
    >>> check({"checkpoints": {"base": {}}}, "bert", {"siblings": block})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: models.bert.siblings.checkpoint: no checkpoint 'bse'; did you ...
    """
    block, where = model["siblings"], f"models.{name}.siblings"
    if block is None:
        return
    if block["checkpoint"] not in config["checkpoints"]:
        near = nearest(block["checkpoint"], config["checkpoints"])
        raise ConfigError(f"{where}.checkpoint: no checkpoint {block['checkpoint']!r}{near}")
    if block["checkpoint"] == model["checkpoint"]:
        raise ConfigError(
            f"{where}.checkpoint: that is the finished model itself; name the one that it was trained from"
        )
    if block["training"]["method"] != "fine_tune":
        raise ConfigError(f"{where}.training.method: siblings learn from gold labels; say fine_tune")
    properties = schema.of_study()["$defs"]["training"]["properties"]
    known = {"type": "object", "properties": properties, "additionalProperties": False}
    schema.check(block["training"], known, f"{where}.training")


def of(model: Mapping[str, Any], seed: int) -> Mapping[str, Any] | None:
    """How a run was trained here if it is a sibling; None for any other.

    Examples
    --------
    >>> model = {"siblings": {"checkpoint": "base"}}
    >>> of(model, 0), of(model, 2)
    (None, {'checkpoint': 'base'})
    """
    block = model.get("siblings")
    return block if block is not None and seed != OWN else None
