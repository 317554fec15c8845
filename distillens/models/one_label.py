"""One label of a model that gives a text several, as a classifier of two classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from distillens.joblog import Progress
from distillens.models.black_box import BlackBox
from distillens.models.engine import Engine
from distillens.models.masks import Masks


def two_classes(logits: np.ndarray, label: int) -> np.ndarray:
    """The logits of no and yes.

    Parameters
    ----------
    logits : ndarray, shape (..., labels)
    label : int

    Returns
    -------
    ndarray, shape (..., 2)
        0, and the logit of the label: their softmax is its sigmoid.

    Examples
    --------
    >>> two_classes(np.array([[0.5, -2.0]]), 1).tolist()
    [[0.0, -2.0]]
    """
    own = logits[..., label]
    return np.stack([np.zeros_like(own), own], axis=-1)


class OneLabel:
    """A model with several labels, asked about one; all else is the model's own.

    Examples
    --------
    >>> class Model:
    ...     folder = "models/toy"
    ...     def logits(self, texts, progress=None):
    ...         return np.array([[0.5, -2.0]] * len(texts))
    >>> one = OneLabel(Model(), 1)
    >>> one.logits([("A film",)]).tolist(), one.folder
    ([[0.0, -2.0]], 'models/toy')
    """

    def __init__(self, engine: Engine | BlackBox, label: int) -> None:
        self._engine, self._label = engine, label

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def logits(self, texts: Sequence[tuple[str, ...]], progress: Progress | None = None) -> np.ndarray:
        """Logits of no and yes, shape (texts, 2)."""
        return two_classes(self._engine.logits(texts, progress), self._label)

    def masked(self, asked: Sequence[Masks]) -> np.ndarray:
        """The same of examples without some of their words."""
        answers = self._engine.masked(asked)
        return two_classes(answers, self._label) if answers.size else answers
