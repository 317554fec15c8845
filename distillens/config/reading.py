"""How a study's texts are read: in which units they are explained, and in which windows long ones are."""

from collections.abc import Mapping
from typing import Any

from distillens.config.errors import ConfigError

_COMBINED = {
    "mean": "its logits are the means of theirs",
    "max": "each of its logits is the largest of theirs",
    "first": "its logits are those of the first one",
}


def check(config: Mapping[str, Any]) -> None:
    """Refuse what units and windows cannot be had together with.

    Raises
    ------
    ConfigError
        If windows are asked for a task of pairs, or the stability of units that edits change.

    Examples
    --------
    >>> check({"unit": "line", "windows": None, "stability": {"explainers": ["shap"]}, "tasks": {}})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: stability.explainers: compares the words that an edit leaves ...
    """
    if config["unit"] != "word" and config["stability"]["explainers"]:
        raise ConfigError(
            "stability.explainers: compares the words that an edit leaves as they were, and of "
            f"{config['unit']}s few are left; name none, or set unit: word"
        )
    for name, task in config["tasks"].items():
        if config["windows"] and task["columns"]["text_b"] is not None:
            raise ConfigError(
                f"windows: tasks.{name} has pairs (columns.text_b), and windows are of single texts; leave "
                "windows out, or join each pair to one text"
            )


def in_words(config: Mapping[str, Any]) -> list[str]:
    """What is to be said of a study that explains other units than words, or reads windows.

    Examples
    --------
    >>> in_words({"unit": "sentence", "windows": {"combine": "mean", "overlap": 32}})[1]
    'A text beyond a model’s longest input is read in windows that overlap by 32 pieces; its logits are ...'
    """
    said, unit, windows = [], config.get("unit", "word"), config.get("windows")
    if unit != "word":
        said.append(
            f"Each {unit} gets one value, and is removed as a whole. What is told of kinds of words and of "
            "short tokens is left out."
        )
    if windows:
        said.append(
            f"A text beyond a model’s longest input is read in windows that overlap by {windows['overlap']} "
            f"pieces; {_COMBINED[windows['combine']]}. Training cuts it off."
        )
    return said
