"""Models that are only asked, one kind a file: ``OPTIONS``, ``SHORT`` and ``open(spec, labels)``.

The kind's name is its key in a model's block of the config (``onnx: model.onnx``), ``SHORT`` the option
that a bare text stands for. ``PATHS`` are the options that name files or folders, ``CODE = True`` says
that the user's own code is run, which a config has to allow, ``PRICED = True`` that an answer costs
something: nothing is asked before the study runs, ``KEPT = True`` that answers go into a journal
(`distillens.models.recall`), ``TOKENIZED = True`` that its tokenizer is known (``encoder``), and so the
longest text that it sees. ``FREE`` names the options that leave answers as they are: nothing is made
again when they change. ``SAYS`` is the key's description.

``open`` gets the options (a mapping) and the task's labels, and returns a `Backend`. It opens what is there
and asks nothing. Whatever is wrong is a `distillens.models.errors.ModelError`.

Examples
--------
A whole kind: a text's answer depends on how often a word stands in it.

>>> import numpy as np
>>> from distillens.models.backends import Backend
>>> OPTIONS = {"word": {"type": "string", "default": "good", "description": "What is counted."}}
>>> SHORT = "word"
>>> class Counting:
...     gives, labels, mask, encoder, at_once = "logits", ("bad", "good"), None, None, 100
...     def __init__(self, word):
...         self.word = word
...     def answers(self, texts):
...         counts = np.array([" ".join(text).count(self.word) for text in texts])
...         return np.stack([np.zeros(len(texts)), counts], axis=1)
...     def identity(self):
...         return {"word": self.word}
>>> def open(spec, labels):
...     return Counting(spec["word"])
>>> open({"word": "good"}, ["bad", "good"]).answers([("good, good",)]).tolist()
[[0.0, 2.0]]
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np

from distillens.models.tokenizer import Encoder

OPTIONS: dict[str, Any] = {}


class Backend(Protocol):
    """A model of which nothing but its answers is known: no gradients, no attention.

    Attributes
    ----------
    gives : str
        What `answers` are: ``logits``, or ``probabilities`` that sum to one (a single one is that of the
        second label; of a task with several labels each is by itself). Of a regression, whose only output is
        a score, ``logits``.
    labels : tuple of str, or None
        Its own names for its outputs, in their order; None where it has none: they are then in the
        order of the task's labels, or as the model's ``labels`` in the config say.
    mask : str or None
        What a removed word becomes under ``removal: mask``; None where it has no such token.
    encoder : Encoder or None
        The tokenizer that it reads with, where that is known: it says how much of a text is seen.
    at_once : int
        Most texts of one call of `answers`.

    One whose graph shows it says by ``ends`` whether that ends in a ``softmax`` or in ``sigmoids``, one for
    each label: a task's type has to fit. One that counts its calls also has ``count_in(folder)``, which is
    told where its journal lies.
    """

    gives: Literal["logits", "probabilities"]
    labels: tuple[str, ...] | None
    mask: str | None
    encoder: Encoder | None
    at_once: int

    def answers(self, texts: Sequence[tuple[str, ...]]) -> np.ndarray:
        """Answers to texts (tuples of one) or pairs (of two); shape (texts, outputs), in their order.

        Raises
        ------
        ModelError
            If there is no answer; the message names the text that it was for, where that is known.
        """
        ...

    def identity(self) -> dict[str, Any]:
        """What decides on its answers, in plain JSON types: digests of files, names, versions; no secret."""
        ...


def definition(backend: Backend) -> dict[str, Any]:
    """What makes it this model and no other: libraries that step on do not, answers to fixed texts tell.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> definition(Fake(identity=lambda: {"function": "mine:predict", "versions": {"numpy": "2.0"}}))
    {'function': 'mine:predict'}
    """
    return {key: value for key, value in backend.identity().items() if key != "versions"}
