"""Tasks with several labels for one text: each label is judged as a task of its own, of two classes.

A model of a task with ``type: multi_label`` is trained and explained once, with a sigmoid for each label.
From there on each label is a *view*: a task ``TASK--LABEL`` whose classes are ``not LABEL`` and ``LABEL``,
with the logits 0 and z. Its files are cut from those of the task (`distillens.evaluation.cut_label`), so that
nothing behind them knows of several labels.
"""

import re
from collections.abc import Mapping
from typing import Any

from distillens import registry
from distillens.config.errors import ConfigError, nearest

MULTI_LABEL = "multi_label"
METRICS = ("micro_f1", "macro_f1", "map")
VIEW_METRICS = ("f1", "accuracy")
"""F1 leads: where a label is rare, hardly any model has a better accuracy than a constant no."""
MOST_LABELS = 50
"""A set of labels is kept as one number, a binary digit for each."""
_LEARNS_ONE_CLASS = ("saliency", "integrated_gradients")
_OF_ONE_COLUMN = ("separator", "none")


def is_multi(task: Mapping[str, Any]) -> bool:
    """Whether a text of a task may have several labels.

    Examples
    --------
    >>> is_multi({"type": "multi_label"}), is_multi({"type": "classification"})
    (True, False)
    """
    return task.get("type") == MULTI_LABEL


def view_names(name: str, labels: list[str]) -> list[str]:
    """The names of a task's views, in the order of its labels: file names and names in every table.

    Examples
    --------
    >>> view_names("comments", ["toxic", "Severe toxic"])
    ['comments--toxic', 'comments--severe-toxic']
    >>> view_names("comments", ["怒", "喜"])  # numbers, where letters of a name are not enough
    ['comments--1', 'comments--2']
    """
    plain = [re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-") for label in labels]
    if not all(plain) or len(set(plain)) < len(plain):
        plain = [str(number) for number in range(1, len(labels) + 1)]
    return [f"{name}--{one}" for one in plain]


def views(name: str, task: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The views of a task of a complete config, by name; none unless it is one of several labels.

    ``of`` says which label of which task each is.

    Examples
    --------
    >>> view = views("comments", {"type": "multi_label", "labels": ["toxic", "threat"]})["comments--threat"]
    >>> view["type"], view["labels"], view["of"]
    ('classification', ['not threat', 'threat'],
     {'task': 'comments', 'label': 'threat', 'number': 1, 'labels': ['toxic', 'threat']})
    """
    if not is_multi(task):
        return {}
    labels = list(task["labels"])
    return {
        view: {
            **task,
            "type": "classification",
            "labels": [f"not {label}", label],
            "metrics": list(VIEW_METRICS),
            "of": {"task": name, "label": label, "number": number, "labels": labels},
        }
        for number, (view, label) in enumerate(zip(view_names(name, labels), labels, strict=True))
    }


def judged(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What verdicts are about: the tasks, with the views of each that has several labels in its place.

    Examples
    --------
    >>> tasks = {"sst2": {"type": "classification"}}
    >>> tasks["comments"] = {"type": "multi_label", "labels": ["toxic", "threat"]}
    >>> list(judged(tasks))
    ['sst2', 'comments--toxic', 'comments--threat']
    """
    by_name: dict[str, Mapping[str, Any]] = {}
    for name, task in tasks.items():
        by_name |= views(name, task) or {name: task}
    return by_name


def families(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """For each of some judged tasks that is one label of several the task that has them.

    Examples
    --------
    >>> families(judged({"comments": {"type": "multi_label", "labels": ["toxic", "threat"]}}))
    {'comments--toxic': 'comments', 'comments--threat': 'comments'}
    """
    return {name: task["of"]["task"] for name, task in tasks.items() if task.get("of")}


def of_labels(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """By task with several labels, its labels' tasks among some judged ones, in their order.

    Examples
    --------
    >>> of_labels({"sst2": {}, "comments--toxic": {"of": {"task": "comments"}}})
    {'comments': ['comments--toxic']}
    """
    by_task: dict[str, list[str]] = {}
    for name, whole in families(tasks).items():
        by_task.setdefault(whole, []).append(name)
    return by_task


def spell_out(config: dict[str, Any]) -> None:
    """Fill what has another default for several labels, in place, before defaults are filled.

    A list of columns becomes a mapping: they are called as the labels are.

    Examples
    --------
    >>> task = {"type": "multi_label", "columns": {"label": ["toxic", "threat"]}}
    >>> spell_out({"tasks": {"comments": task}})
    >>> task["columns"]["label"], task["metrics"]
    ({'toxic': 'toxic', 'threat': 'threat'}, ['micro_f1', 'macro_f1', 'map'])
    """
    tasks = config.get("tasks")
    for task in tasks.values() if isinstance(tasks, dict) else ():
        if isinstance(task, dict) and task.get("type") == MULTI_LABEL:
            task.setdefault("metrics", list(METRICS))
            columns = task.get("columns")
            if isinstance(columns, dict) and isinstance(columns.get("label"), list):
                columns["label"] = {str(name): str(name) for name in columns["label"]}


def check_task(name: str, task: Mapping[str, Any]) -> None:
    """Check what a task with several labels says, and that no other says what only such a one can.

    Raises
    ------
    ConfigError
        For the first thing that is wrong.

    Examples
    --------
    >>> task = {"type": "multi_label", "labels": ["toxic", "threat"], "columns": {"label": {"toxic": "t"}}}
    >>> check_task("comments", {**task, "cut": None})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: tasks.comments.columns.label: no column for the label 'threat'; ...
    """
    where, columns = f"tasks.{name}", task["columns"]
    if not is_multi(task):
        _check_single(where, columns)
        return
    labels = task["labels"]
    if not labels:
        raise ConfigError(f"{where}.labels: name the labels that a text may have")
    if len(labels) > MOST_LABELS:
        raise ConfigError(f"{where}.labels: {len(labels)} are more than {MOST_LABELS}; leave some out")
    if task["cut"] is not None:
        raise ConfigError(f"{where}.cut: makes one class of a rating; give columns of 0 and 1")
    if isinstance(columns["label"], dict):
        _check_columns(where, columns, labels)
    elif columns.get("none") is not None and columns.get("separator") is None:
        raise ConfigError(f"{where}.columns.none: goes with separator; a list without labels is empty")
    if columns.get("none") is not None and columns["none"] in labels:
        raise ConfigError(f"{where}.columns.none: {columns['none']!r} is one of the labels")


def _check_single(where: str, columns: Mapping[str, Any]) -> None:
    """What only several labels have is not said of a task with one."""
    if isinstance(columns.get("label"), (dict, list)):
        raise ConfigError(
            f"{where}.columns.label: several columns are those of several labels; say type: {MULTI_LABEL}"
        )
    for key in _OF_ONE_COLUMN:
        if columns.get(key) is not None:
            raise ConfigError(f"{where}.columns.{key}: is for several labels; say type: {MULTI_LABEL}")


def _check_columns(where: str, columns: Mapping[str, Any], labels: list[str]) -> None:
    """Each label has a column of its own."""
    of_labels = columns["label"]
    for one in labels:
        if one not in of_labels:
            raise ConfigError(f"{where}.columns.label: no column for the label {one!r}; name one")
    for one in of_labels:
        if one not in labels:
            raise ConfigError(f"{where}.columns.label: no label {one!r}{nearest(one, labels)}")
    named = list(of_labels.values())
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise ConfigError(f"{where}.columns.label: {twice[0]!r} is the column of two labels; name others")
    for key in _OF_ONE_COLUMN:
        if columns.get(key) is not None:
            raise ConfigError(f"{where}.columns.{key}: is for one column; here each label has its own")


def check(config: Mapping[str, Any]) -> None:
    """Refuse what does not apply to tasks with several labels.

    Raises
    ------
    ConfigError
        Says what does not apply, and what to do.

    Examples
    --------
    >>> check({"tasks": {"sst2": {"type": "classification"}}})
    """
    tasks = config["tasks"]
    for name, task in tasks.items():
        if is_multi(task):
            _check_applies(config, name, task)
            for view in view_names(name, task["labels"]):
                if view in tasks:
                    raise ConfigError(
                        f"tasks.{view}: stands for a label of {name!r}; give the task another name"
                    )


def _check_applies(config: Mapping[str, Any], name: str, task: Mapping[str, Any]) -> None:
    why = f"tasks.{name} has several labels for one text"
    if task["explain"]["until"] is not None:
        raise ConfigError(
            f"tasks.{name}.explain.until: is not planned for several labels; say a fixed number (per_class)"
        )
    if config["explained_output"] == "probability":
        raise ConfigError(
            f"explained_output: {why}, which are explained on their logits; say margin or logit (the same "
            "for them)"
        )
    if config["stability"]["explainers"]:
        raise ConfigError(f"stability.explainers: {why}; leave them out, or make a study of the other tasks")
    if (config["published"] or {}).get("task") == name:
        raise ConfigError(f"published.task: {why}; name another task")
    for split, options in task["splits"].items():
        if options.get("plant"):
            raise ConfigError(f"tasks.{name}.splits.{split}.plant: {why}; a plant goes by one class")
    for model_name, model in config["models"].items():
        _check_model(f"models.{model_name}", model, why)


def _check_model(where: str, model: Mapping[str, Any], why: str) -> None:
    if model["explanations"] is not None:
        raise ConfigError(
            f"{where}.explanations: {why}, whose attributions are computed here only; give the model itself, "
            "or one task for each label (classes no and yes)"
        )
    if (model.get("http") or {}).get("chat"):
        raise ConfigError(
            f"{where}.http.chat: shares probability among the labels, as if one held, and {why}; ask an "
            "endpoint that gives a probability for each (body and answer)"
        )
    training = model["training"] or {}
    for method in registry.parts(training.get("method", "")):
        if method in _LEARNS_ONE_CLASS:
            raise ConfigError(
                f"{where}.training.method: {method} learns from the one class that the teacher "
                f"predicts, and {why}; take soft_logits or masked_consistency"
            )
    if training.get("plant"):
        raise ConfigError(f"{where}.training.plant: {why}; a plant goes by one class")
