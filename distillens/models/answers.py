"""A model's answers, refused where they are no numbers or no probabilities; as logits, whatever it gives."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from distillens.models.errors import ModelError

LEAST = 1e-12
"""Smaller probabilities count as this: the logarithm of none is no number."""
_ROUNDING = 1e-3  # of probabilities that were written with three digits, or computed in half precision


def finite(logits: np.ndarray, names: Sequence[str], folder: str | Path) -> np.ndarray:
    """Return logits as they are, if all of them are finite.

    Parameters
    ----------
    logits : ndarray, shape (texts, outputs)
    names : sequence of str
        Of the texts.
    folder : str or Path
        The model's, for the message.

    Raises
    ------
    ModelError
        The message names the model, the first text and how many there are.

    Examples
    --------
    >>> finite(np.array([[0.5, 1.0]]), ["7"], "models/toy/tiny/1").tolist()
    [[0.5, 1.0]]
    >>> finite(np.array([[np.nan, 1.0]]), ["7"], "models/toy/tiny/1")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models/toy/tiny/1: its answer to text '7' is not finite ...
    """
    wrong = np.flatnonzero(~np.isfinite(logits).all(axis=-1))
    if wrong.size:
        raise ModelError(
            f"{folder}: its answer to text {names[wrong[0]]!r} is not finite "
            f"({wrong.size} of {len(logits)} texts): its numbers are too large to compute with; "
            "set precision: float32, or mend its weights"
        )
    return logits


def numbers(
    given: object, texts: Sequence[tuple[str, ...]], outputs: Sequence[int], where: str
) -> np.ndarray:
    """What a backend gave as an array of finite numbers, one row for each text.

    Parameters
    ----------
    given : array-like
    texts : sequence of tuples
        What it was asked.
    outputs : sequence of int
        The numbers of outputs that are right.
    where : str
        The model's key in the config, for messages.

    Raises
    ------
    ModelError
        If it is no such array; the message names the first text.

    Examples
    --------
    >>> numbers([[0.5, 0.5]], [("A film",)], [2], "models.tfidf").shape
    (1, 2)
    >>> numbers([[0.5, np.nan]], [("A film",)], [2], "models.tfidf")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.tfidf: its answer to the text 'A film' is not finite: ...
    """
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{where}: its answers are no numbers ({error}); give an array of them") from error
    if array.ndim == 1 and 1 in outputs:
        array = array[:, None]
    if array.ndim != 2 or len(array) != len(texts) or array.shape[1] not in outputs:
        wanted = " or ".join(map(str, outputs))
        raise ModelError(
            f"{where}: it was asked {len(texts)} texts and gave an array of shape {array.shape}; the task "
            f"needs a row for each text and {wanted} column{'s' if wanted != '1' else ''}"
        )
    wrong = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if wrong.size:
        row = wrong[0]
        raise ModelError(
            f"{where}: its answer to the text {shown(texts[row])} is not finite: {array[row].tolist()} "
            f"({wrong.size} of {len(texts)} texts); mend the model"
        )
    return array


def as_logits(
    answers: np.ndarray, gives: str, texts: Sequence[tuple[str, ...]], where: str, several: bool = False
) -> np.ndarray:
    """Logits whose softmax (of several labels: sigmoid of each) is what a classifier has answered.

    Parameters
    ----------
    answers : ndarray, shape (texts, classes), or (texts, 1) for the second of two
    gives : str
        ``logits`` or ``probabilities``.
    texts : sequence of tuples
    where : str
    several : bool
        Whether a text may have several labels: probabilities then need not sum to one.

    Returns
    -------
    ndarray of float32, shape (texts, classes)
        Of probabilities their logarithms; of one output z the logits 0 and z. Of several labels, log p less
        log(1 - p) of each.

    Raises
    ------
    ModelError
        If probabilities are none: below 0 or above 1, or in sum not 1.

    Examples
    --------
    >>> as_logits(np.array([[2.0]]), "logits", [("Good",)], "models.one").tolist()
    [[0.0, 2.0]]
    >>> as_logits(np.array([[0.9, 0.9]]), "probabilities", [("Good",)], "models.two")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.two: ... sum to 1.8 ...
    >>> two = as_logits(np.array([[0.9, 0.5]]), "probabilities", [("Good",)], "models.two", several=True)
    >>> two.astype(float).round(3).tolist()
    [[2.197, 0.0]]
    """
    if gives == "logits":
        if answers.shape[1] == 1 and not several:
            answers = np.hstack([np.zeros_like(answers), answers])
        return answers.astype(np.float32)
    outside = np.flatnonzero(((answers < -_ROUNDING) | (answers > 1 + _ROUNDING)).any(axis=1))
    if outside.size:
        row = outside[0]
        raise ModelError(
            f"{where}: its answer to the text {shown(texts[row])} is {answers[row].tolist()}, which are no "
            "probabilities; if they are logits or decision values, say gives: logits"
        )
    if several:
        yes, no = (np.log(np.maximum(one, LEAST)) for one in (answers, 1 - answers))
        return (yes - no).astype(np.float32)
    if answers.shape[1] == 1:
        answers = np.hstack([1 - answers, answers])
    sums = answers.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > _ROUNDING)
    if wrong.size:
        row = wrong[0]
        raise ModelError(
            f"{where}: its probabilities for the text {shown(texts[row])} sum to {sums[row]:.4g} "
            f"({wrong.size} of {len(texts)} texts); give probabilities that sum to one. If they are "
            "of several labels for one text (a sigmoid each), say type: multi_label of the task; if only one "
            "holds, normalise them"
        )
    return np.log(np.maximum(answers, LEAST)).astype(np.float32)


def shown(text: tuple[str, ...]) -> str:
    """A text or pair in a message, cut where it is long.

    Examples
    --------
    >>> shown(("A film", "A movie"))
    "'A film | A movie'"
    """
    whole = " | ".join(text)
    return repr(whole if len(whole) <= 80 else f"{whole[:77]}...")
