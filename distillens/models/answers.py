"""A model's answers, refused where they are no numbers: none may pass as a prediction."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from distillens.models.errors import ModelError


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
