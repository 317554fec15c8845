"""Takes in a model that is only asked: whether it answers, which output is which label, what it is."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from distillens import tables
from distillens.data.text import examples
from distillens.models.asking import Asking
from distillens.models.backends import Backend
from distillens.models.black_box import BlackBox
from distillens.models.errors import ModelError
from distillens.models.outputs import Labels, order_of, single_output
from distillens.models.recall import Recall
from distillens.provenance import RunId

log = logging.getLogger("distillens")
_TEXTS = 8
_SAME = 1e-5  # more than floating point makes of another order of sums


def connect_model(
    *,
    run: RunId,
    kind: str,
    options: dict[str, Any],
    labels: Labels | None,
    task: dict[str, Any],
    test: str | Path,
    card: str | Path,
    asking: Asking | None = None,
) -> None:
    """Ask a model a few texts, and write the card that stands for it.

    It is asked the first texts of the test split together, and each alone, twice. Where that is not the
    same (whole batches are quantised together, say), it is asked one text at a time from then on.

    Parameters
    ----------
    run : RunId
    kind : str
        A file of ``distillens/models/backends``.
    options : dict
        Of the kind.
    labels : list or dict of str, or None
        See `distillens.models.outputs.order_of`.
    task : dict
        The task's ``type`` and ``labels``.
    test : str or Path
        The test split.
    card : str or Path
        Target file.
    asking : Asking, optional
        How its answers are kept.

    Raises
    ------
    ModelError
        If it cannot be opened, its answers are no numbers, no probabilities or of another number of classes,
        or its outputs are not the task's labels.
    """
    where = f"models.{run.model}"
    texts = list(dict.fromkeys(one.texts for one in examples(tables.read(test, "examples"))))[:_TEXTS]
    pairs = any(len(text) == 2 for text in texts)
    try:
        several = task["type"] == "multi_label"
        backend = (asking or Asking()).open(kind, options, task["labels"], run.model, pairs, several=several)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error
    _check_end(getattr(backend, "ends", None), several, where)
    order = _order(backend, task, labels, where)
    box = BlackBox(backend, task, order, where=where)
    together = box.logits(texts)
    _check_kind(box, together, where, several)
    if several:
        _check_several(box, together, where)
    repeatable, alike = _tried(box, texts, together, where)
    content = {
        **run.provenance(),
        "asked": {
            "kind": kind,
            "options": options,
            "order": order,
            "mask": backend.mask,
            "gives": backend.gives,
            "labels": None if backend.labels is None else list(backend.labels),
            "identity": backend.identity(),
            "alike_in_batches": alike,
            "repeatable": repeatable,
            "pairs": pairs,
        },
        "settings": {"method": "none", "labels": labels},
        "task_settings": task,
    }
    Path(card).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _tried(
    box: BlackBox, texts: Sequence[tuple[str, ...]], together: np.ndarray, where: str
) -> tuple[bool, bool]:
    """Whether it answers the same twice, and whether to a text alone as to several."""
    if isinstance(box.backend, Recall):  # tried when it was met; what it keeps is always the same
        return box.backend.known.repeatable, box.backend.known.alike
    alone, again = _one_by_one(box, texts), _one_by_one(box, texts)
    repeatable = _same(alone, again)
    if not repeatable:
        log.warning(
            "%s: does not answer the same twice (by up to %.2g): its noise counts as disagreement",
            where,
            np.abs(alone - again).max(),
        )
    # Of answers that change by themselves nothing can be said.
    alike = not repeatable or _same(alone, together)
    if not alike:
        log.warning(
            "%s: its answer to a text depends on those beside it (by up to %.2g): it is asked one at a time",
            where,
            np.abs(alone - together).max(),
        )
    return repeatable, alike


def _one_by_one(box: BlackBox, texts: Sequence[tuple[str, ...]]) -> np.ndarray:
    box.forget()
    return np.concatenate([box.logits([text]) for text in texts])


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=_SAME * max(1.0, float(np.abs(one).max()))))


def _order(backend: Backend, task: dict[str, Any], labels: Labels | None, where: str) -> list[int] | None:
    """Which of its outputs is each of the task's labels; None where they are in that order."""
    if task["type"] == "regression":
        return None
    names = backend.labels
    single = len(task["labels"]) == 2 and task["type"] != "multi_label"
    if names is not None and len(names) == 1 and single:
        return [1, 0] if single_output(names[0], task["labels"], labels, where) == 0 else None
    if names is None:
        if labels is None:
            log.info("%s: says no names of its outputs: taken as %s", where, ", ".join(task["labels"]))
            return None
        if not isinstance(labels, Sequence):
            raise ModelError(
                f"{where}.labels: it has no names of its own; give a list in the order of its outputs"
            )
        names = tuple(labels)
        labels = None
    return order_of(names, task, labels, where)


def _check_end(ends: str | None, several: bool, where: str) -> None:
    """Refuse a graph that ends in a sigmoid for each output, or in a softmax, where the other is due."""
    if ends == "sigmoids" and not several:
        raise ModelError(
            f"{where}: ends in a sigmoid for each output: several labels for one text; say type: multi_label "
            "of the task, or, if only one of them holds, export it without the sigmoid"
        )
    if ends == "softmax" and several:
        raise ModelError(
            f"{where}: ends in a softmax: one label for a text, and the task has several (type: "
            "multi_label); name a model of this task, or say type: classification"
        )


def _check_several(box: BlackBox, logits: np.ndarray, where: str) -> None:
    """Refuse probabilities of one label for a text: those of several do not sum to one each time."""
    if box.backend.gives == "probabilities" and len(logits) > 1:
        sums = expit(logits.astype(np.float64)).sum(axis=1)
        if np.abs(sums - 1).max() < _SAME:
            raise ModelError(
                f"{where}: its probabilities sum to one for every text: one label for a text, and the task "
                "has several (type: multi_label); name a model of this task, or say type: classification"
            )


def _check_kind(box: BlackBox, logits: np.ndarray, where: str, several: bool) -> None:
    """Refuse probabilities that pass for logits: of several texts each row is positive and sums to one."""
    if box.backend.gives == "logits" and logits.shape[1] > 1 and len(logits) > 1:
        if several and ((logits >= 0) & (logits <= 1)).all():
            raise ModelError(
                f"{where}: said to give logits, but all its answers lie between 0 and 1, as probabilities "
                "do; say gives: probabilities"
            )
        sums = logits.sum(axis=1)
        if (logits >= 0).all() and np.abs(sums - 1).max() < 1e-3:
            raise ModelError(
                f"{where}: said to give logits, but all its answers are probabilities that sum to one; "
                "say gives: probabilities"
            )
