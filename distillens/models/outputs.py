"""Which output of a finished classifier is which label: by name, or as the config says; no contradiction."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from distillens.models.errors import ModelError

Labels = Sequence[str] | Mapping[str, str]


def order_of(
    names: Sequence[str], task: Mapping[str, Any], labels: Labels | None, where: str
) -> list[int] | None:
    """Which output of a classifier is each of the task's labels.

    Parameters
    ----------
    names : sequence of str
        What the checkpoint calls its outputs.
    task : mapping
        The task's ``type`` and ``labels``.
    labels : sequence or mapping of str, or None
        The task's labels in the order of the outputs; or, for each of the checkpoint's names, the
        label that it is, which is taken at its word. None goes by the checkpoint's names.
    where : str
        The model's key in the config, for messages.

    Returns
    -------
    list of int or None
        The output that becomes the first, the second, ...; None for a regression.

    Raises
    ------
    ModelError
        If there are more or fewer outputs than labels, names that are not those of the labels,
        or a list that contradicts the checkpoint's own names.

    Examples
    --------
    >>> task = {"type": "classification", "labels": ["negative", "positive"]}
    >>> order_of(["POSITIVE", "NEGATIVE"], task, None, "models.tiny")
    [1, 0]
    >>> order_of(["POSITIVE", "NEGATIVE"], task, ["negative", "positive"], "models.tiny")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.tiny.labels: ... calls its outputs POSITIVE, NEGATIVE...
    >>> order_of(["LABEL_0", "LABEL_1"], task, {"LABEL_0": "positive", "LABEL_1": "negative"}, "models.tiny")
    [1, 0]
    """
    outputs = f"{len(names)} output{'s' if len(names) > 1 else ''} ({', '.join(names)})"
    if task["type"] == "regression":
        if len(names) != 1:
            raise ModelError(f"{where}: its checkpoint has {outputs}, a regression has one; name another")
        return None
    if len(names) != len(task["labels"]):
        single = "; one output with a threshold is no class: write it as two" if len(names) == 1 else ""
        raise ModelError(
            f"{where}: its checkpoint has {outputs}, but the task has {len(task['labels'])} labels "
            f"({', '.join(task['labels'])}); name a checkpoint of this task, or mend the task's labels"
            f"{single}"
        )
    said = _in_order(names, labels, where) if isinstance(labels, Mapping) else list(labels or names)
    form = _common_form(said, task["labels"])
    if form is None:
        given = (
            f"{', '.join(said)}" if labels else f"its checkpoint calls its outputs {', '.join(names)}, which"
        )
        raise ModelError(
            f"{where}.labels: {given} cannot be matched by name with the task's labels; give "
            f"the task's labels ({', '.join(task['labels'])}) in the order of the checkpoint's outputs"
        )
    wanted, named = ([form(name) for name in group] for group in (task["labels"], said))
    if labels and not isinstance(labels, Mapping):
        _check_contradiction(names, said, where)
    if labels:
        pairs = ", ".join(f"{name} is {label}" for name, label in zip(names, said, strict=True))
        logging.getLogger("distillens").info("%s: outputs go by the config's labels: %s", where, pairs)
    return [named.index(label) for label in wanted]


def single_output(name: str, wanted: Sequence[str], labels: Labels | None, where: str) -> int:
    """Which of two labels the one output z of a classifier speaks for; the other one's logit is 0.

    Parameters
    ----------
    name : str
        What the classifier calls its output.
    wanted : sequence of str
        The task's two labels.
    labels : list or dict of one str, or None
        The label as the config has it.
    where : str
        For messages.

    Returns
    -------
    int
        The label of the config or of that name, else the second, which is said aloud.

    Raises
    ------
    ModelError
        If the config names more than one label, or one that the task does not have.

    Examples
    --------
    >>> single_output("LABEL_0", ["bad", "good"], None, "models.one")
    1
    >>> single_output("LABEL_0", ["bad", "good"], ["bad"], "models.one")
    0
    """
    said = list(labels.values() if isinstance(labels, Mapping) else labels or [name])
    plain = [_plain(label) for label in wanted]
    if labels and (len(said) != 1 or _plain(said[0]) not in plain):
        raise ModelError(
            f"{where}.labels: it has one output ({name}); name the label that it speaks for: one of "
            f"{', '.join(wanted)}"
        )
    which = plain.index(_plain(said[0])) if _plain(said[0]) in plain else 1
    other = wanted[1 - which]
    logging.getLogger("distillens").info(
        "%s: has one output (%s): taken as the logit of %s, where that of %s is 0",
        where,
        name,
        wanted[which],
        other,
    )
    return which


def _in_order(names: Sequence[str], labels: Mapping[str, str], where: str) -> list[str]:
    """The labels of a mapping, in the order of the outputs."""
    form = _common_form(list(labels), names)
    if form is None:
        raise ModelError(
            f"{where}.labels: {', '.join(labels)} are not the names of the checkpoint's outputs "
            f"({', '.join(names)}); give a label for each of these"
        )
    by_name = {form(name): label for name, label in labels.items()}
    return [by_name[form(name)] for name in names]


def _check_contradiction(names: Sequence[str], said: Sequence[str], where: str) -> None:
    """Refuse a list that gives an output one label where the checkpoint names it by another."""
    for name, label in zip(names, said, strict=True):
        meant = [one for one in said if one == name] or [one for one in said if _plain(one) == _plain(name)]
        if meant and label not in meant:
            mapping = ", ".join(f"{one}: {other}" for one, other in zip(names, said, strict=True))
            raise ModelError(
                f"{where}.labels: its checkpoint calls its outputs {', '.join(names)}, in this order, but "
                f"labels say {', '.join(said)}; leave labels out to go by the checkpoint's names, or insist "
                f"that they are wrong: labels: {{{mapping}}}"
            )


def _common_form(given: Sequence[str], wanted: Sequence[str]) -> Callable[[str], str] | None:
    """The form in which names are those that are wanted, each once; None where they are others.

    As they are written first: of "-1" and "+1", or of two emoji, nothing else would be left.
    """
    for form in (str, _plain):
        one, other = (sorted(map(form, group)) for group in (given, wanted))
        if one == other and len(set(one)) == len(one):
            return form
    return None


def check_names(config: Any, where: str) -> None:
    """Refuse a checkpoint whose two lists of names contradict each other.

    Parameters
    ----------
    config : PretrainedConfig
        Its ``id2label`` and ``label2id``.
    where : str
        For messages.

    Raises
    ------
    ModelError
        If ``label2id`` has the names of ``id2label`` under other numbers.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> check_names(Fake(id2label={0: "bad", 1: "good"}, label2id={"bad": 0, "good": 1}), "models.tiny")
    """
    forth = {str(name): int(number) for number, name in config.id2label.items()}
    back = {str(name): int(number) for name, number in (config.label2id or {}).items()}
    wrong = [name for name in forth if name in back and back[name] != forth[name]]
    if wrong:
        raise ModelError(
            f"{where}: its config.json contradicts itself: id2label says that output {forth[wrong[0]]} is "
            f"{wrong[0]!r}, label2id that output {back[wrong[0]]} is; mend config.json"
        )


def check_kind(config: Any, task: Mapping[str, Any], where: str) -> None:
    """Refuse a checkpoint that says its outputs are of another kind than the task's.

    Parameters
    ----------
    config : PretrainedConfig
        What it says under ``problem_type``, ``function_to_apply`` and ``sentence_transformers``.
    task : mapping
        The task's ``type``.
    where : str
        For messages.

    Raises
    ------
    ModelError
        If one of checkpoint and task gives a text several labels, each with a sigmoid of its own, or is a
        regression, and the other not.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> check_kind(Fake(problem_type="regression", num_labels=1), {"type": "classification"}, "models.tiny")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.tiny: ... is a regression ...
    """
    kind = config.problem_type
    functions = [
        getattr(config, "function_to_apply", None),
        (getattr(config, "sentence_transformers", None) or {}).get("activation_fn"),
    ]
    sigmoid = any(str(function).lower().endswith("sigmoid") for function in functions)
    several = kind == "multi_label_classification" or (sigmoid and config.num_labels > 1)
    if several and task["type"] != "multi_label":
        said = kind or "a sigmoid for each output"
        raise ModelError(
            f"{where}: its checkpoint gives several labels to one text ({said}), the task has one for each; "
            "say type: multi_label of the task, or name a checkpoint of this task"
        )
    if task["type"] == "multi_label":
        if kind is not None and not several:
            raise ModelError(
                f"{where}: its checkpoint gives one label to a text (problem_type {kind!r}), the task "
                "several (type: multi_label); name a checkpoint of this task"
            )
        if not several:
            logging.getLogger("distillens").info(
                "%s: its config.json says no problem_type: taken as a sigmoid for each output", where
            )
        return
    if (kind == "regression") != (task["type"] == "regression") and kind is not None:
        one = "regression" if kind == "regression" else "classification"
        raise ModelError(
            f"{where}: its checkpoint is a {one} (problem_type {kind!r}), the task is a {task['type']}; "
            "name a checkpoint of this task"
        )


def _plain(name: str) -> str:
    """A label without what writers differ in: case, and what stands between words."""
    return re.sub(r"(?<=[^\W_])[\s_-]+(?=[^\W_])", " ", name.strip()).casefold()
