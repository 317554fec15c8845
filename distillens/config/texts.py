"""How many texts are explained, where that is planned by a pilot: the config's number, then a file's.

A number that depends on results is no part of a config. It stands in ``results/STUDY/texts.yaml``, which
`distillens extend` (and `run` and `audit` for ``until: told``) writes, and which every later run of the study
obeys: so a study that was extended stays so. ``stages`` are the numbers before: texts are explained in
groups that end there, so that those of an earlier stage are found again. Each number stands beside the
config's own that it was planned from; where the config has another one by now, the config counts.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from distillens.config.errors import ConfigError

TEXTS = "texts.yaml"
_HEAD = """\
# Texts that are explained, as planned from a pilot. Written by distillens; without this file a study begins
# with its pilot again. `from` is what the config says: where it says something else, the config counts.
# `stages`: how many there were before.
"""


def check(name: str, task: Mapping[str, Any]) -> None:
    """Check what a task says of its pilot.

    Raises
    ------
    ConfigError
        If ``until`` and ``most`` are not together, all texts are a pilot, or the pilot is beyond ``most``.

    Examples
    --------
    >>> explain = {"per_class": 5, "examples": None, "until": "told", "most": 8}
    >>> check("films", {"explain": explain, "labels": ["bad", "good"]})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: tasks.films.explain.most: 8 texts are fewer than the pilot's 10
    """
    explain, where = task["explain"], f"tasks.{name}.explain"
    if (explain["until"] is None) != (explain["most"] is None):
        here, other = ("until", "most: 500") if explain["most"] is None else ("most", "until: told")
        raise ConfigError(f"{where}.{here}: say {other}, too; a pilot goes on up to most")
    if explain["until"] is None:
        return
    count = texts_of(task)
    if count is None:
        raise ConfigError(
            f"{where}.until: all texts are explained (per_class: null); say how many are a pilot"
        )
    if count > explain["most"]:
        raise ConfigError(f"{where}.most: {explain['most']} texts are fewer than the pilot's {count}")


def check_explainers(explainers: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Refuse explainers of fewer texts where as many are explained as the verdict needs.

    Raises
    ------
    ConfigError
        If one has ``examples``: more texts of the others would not decide what it leaves open.

    Examples
    --------
    >>> check_explainers({"shap": {"examples": 60}})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: explainers.shap.examples: as many texts as the verdict needs ...
    """
    for name, options in explainers.items():
        if (options or {}).get("examples") is not None:
            raise ConfigError(
                f"explainers.{name}.examples: as many texts as the verdict needs are every explainer's; "
                "leave it out, or the explainer, or explain a fixed number of texts"
            )


def texts_of(task: Mapping[str, Any]) -> int | None:
    """How many texts of a task are explained in all; None for all that there are.

    Examples
    --------
    >>> texts_of({"explain": {"per_class": 5, "examples": None}, "labels": ["bad", "good"]})
    10
    """
    explain = task["explain"]
    if explain["examples"] is not None:
        return explain["examples"]
    return None if explain["per_class"] is None else explain["per_class"] * (len(task["labels"]) or 1)


def with_count(task: Mapping[str, Any], texts: int) -> dict[str, int]:
    """The key of ``explain`` that says how many, for so many texts or a few more (as many of each class).

    Examples
    --------
    >>> with_count({"explain": {"per_class": 5, "examples": None}, "labels": ["bad", "good"]}, 41)
    {'per_class': 21}
    """
    if task["explain"]["examples"] is not None:
        return {"examples": texts}
    return {"per_class": math.ceil(texts / (len(task["labels"]) or 1))}


class Planned(NamedTuple):
    """The key of ``explain`` that counts, as the config has it and as it was planned, and texts before."""

    before: dict[str, int]
    after: dict[str, int]
    stages: list[int]


def with_planned_texts(config: dict[str, Any], results: Path | None = None) -> dict[str, Any]:
    """A complete config with the numbers of texts that were planned, in place.

    Where there are such, ``explain`` gets the key ``stages``, too.

    Parameters
    ----------
    config : dict
    results : Path, optional
        By default ``results/STUDY`` in this folder.

    Raises
    ------
    ConfigError
        If the file is not what `write` writes.

    Examples
    --------
    >>> task = {"explain": {"per_class": None, "examples": 30}, "labels": []}
    >>> write(Path("."), {"films": Planned({"examples": 30}, {"examples": 120}, [30])})
    >>> with_planned_texts({"study": "toy", "tasks": {"films": task}}, Path("."))["tasks"]["films"]["explain"]
    {'per_class': None, 'examples': 120, 'stages': [30]}
    """
    for name, planned in read(results or Path("results", config["study"])).items():
        explain = config["tasks"].get(name, {}).get("explain")
        if explain is not None and all(explain[key] == number for key, number in planned.before.items()):
            explain |= {**planned.after, "stages": planned.stages}
    return config


def read(results: Path) -> dict[str, Planned]:
    """What was planned for each task; nothing where there is no file.

    Raises
    ------
    ConfigError
        If the file is not what `write` writes.

    Examples
    --------
    >>> _ = Path("texts.yaml").write_text("films: many")
    >>> read(Path("."))
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: texts.yaml: not what distillens writes there; delete it, ...
    """
    path = results / TEXTS
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text("utf-8")) or {}
        planned = {
            name: Planned(dict(block["from"]), dict(block["to"]), list(block["stages"]))
            for name, block in content.items()
        }
        wrong = not all(map(_is_plan, planned.values()))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError):
        wrong, planned = True, {}
    if wrong:
        raise ConfigError(f"{path}: not what distillens writes there; delete it, and the study begins anew")
    return planned


def _is_plan(planned: Planned) -> bool:
    numbers = [*planned.before.values(), *planned.after.values(), *planned.stages]
    keys = [list(planned.before), list(planned.after)]
    return keys in ([["examples"]] * 2, [["per_class"]] * 2) and all(
        type(one) is int and one > 0 for one in numbers
    )


def write(results: Path, planned: Mapping[str, Planned]) -> None:
    """Write what was planned.

    Examples
    --------
    >>> write(Path("."), {"films": Planned({"per_class": 6}, {"per_class": 40}, [12])})
    >>> read(Path("."))
    {'films': Planned(before={'per_class': 6}, after={'per_class': 40}, stages=[12])}
    """
    content = {
        name: {"from": dict(one.before), "to": dict(one.after), "stages": list(one.stages)}
        for name, one in planned.items()
    }
    results.mkdir(parents=True, exist_ok=True)
    (results / TEXTS).write_text(_HEAD + yaml.safe_dump(content, sort_keys=True), encoding="utf-8")
