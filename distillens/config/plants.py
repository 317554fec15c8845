"""What a config plants: texts of a split, or of a training, that are changed on purpose."""

from collections.abc import Mapping
from typing import Any

from distillens.config import schema
from distillens.config.errors import ConfigError, nearest


def check(config: Mapping[str, Any]) -> None:
    """Check every ``plant`` of a config, and fill its options.

    Raises
    ------
    ConfigError
        If a method, an option or a label does not exist.

    Examples
    --------
    >>> split = {"from": "all", "plant": {"method": "shortcut", "word": "verily", "label": "oh"}}
    >>> task = {"labels": ["bad", "good"], "splits": {"test": split}}
    >>> check({"tasks": {"films": task}, "models": {}})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: tasks.films.splits.test.plant.label: ...
    """
    tasks = config["tasks"]
    for name, task in tasks.items():
        for split, options in task["splits"].items():
            _check(f"tasks.{name}.splits.{split}.plant", options.get("plant"), {name: task})
    for name, model in config["models"].items():
        _check(f"models.{name}.training.plant", (model["training"] or {}).get("plant"), tasks)


def _check(where: str, options: dict[str, Any] | None, tasks: Mapping[str, Any]) -> None:
    if options is None:
        return
    schema.method("plant", where, options)
    label = options.get("label")
    for name, task in tasks.items():
        if label is not None and label not in task["labels"]:
            raise ConfigError(f"{where}.label: no label {label!r} of {name}{nearest(label, task['labels'])}")
