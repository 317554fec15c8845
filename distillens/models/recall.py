"""Answers of a model that is only asked: those of its journal, and new ones, which the journal keeps."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from distillens.models import identity as identities
from distillens.models.answers import as_logits, numbers
from distillens.models.backends import Backend, definition
from distillens.models.identity import Identity
from distillens.models.journal import Journal

log = logging.getLogger("distillens")

Segments = tuple[str, ...]


class Recall:
    """A backend that does not ask the one inside it what its journal has; itself a backend.

    A job asks nothing twice, nor what was kept before. Jobs that run at the same time may ask the same text
    twice: each reads what others have kept just before it asks. For later jobs the first answer stands.

    Before the first new answer of a job, the model is asked its fixed texts: it may have become another.

    Parameters
    ----------
    backend : Backend
    root : str or Path
        Where all models' answers are kept.
    name : str
        The model's.
    pairs : bool
        Whether it takes two segments.
    draw : str
        Answers of a model that does not answer the same twice are kept apart by this: no draw reads what
        was answered to another. Of other models all draws are one.
    known : mapping, optional
        Its `identity` when it was met first, should its journal be gone.
    outputs : list of int
        The numbers of outputs that are right; None for two. An answer that is none is not kept.
    several : bool
        Whether each output is a label of its own, beside which others may hold.

    Attributes
    ----------
    asked, remembered : int
        Distinct texts that the model was asked, and that its journal answered.
    """

    def __init__(
        self,
        backend: Backend,
        root: str | Path,
        name: str,
        pairs: bool,
        draw: str = "0",
        known: Mapping[str, Any] | None = None,
        outputs: list[int] | None = None,
        several: bool = False,
    ) -> None:
        self._backend, self._pairs, self._name, self._outputs = backend, pairs, name, outputs or [2]
        self._several = several
        self.gives, self.labels, self.mask = backend.gives, backend.labels, backend.mask
        self.encoder, self.at_once = backend.encoder, backend.at_once
        known_by = definition(backend) | {"pairs": pairs}
        self.folder = identities.folder_of(root, name, known_by)
        if hasattr(backend, "count_in"):
            backend.count_in(self.folder)
        new = known is None and not (self.folder / "identity.json").is_file()
        before = (
            None
            if known is None
            else Identity(name, known_by, known["fixed_answers"], known["noise"], known["alike"])
        )
        self.known = identities.meet(self.folder, name, known_by, self._probabilities, pairs, before)
        self._checked = new
        if not self.known.alike:
            log.info(
                "models.%s: its answer to a text depends on those beside it: it is asked one at a time", name
            )
            self.at_once = 1
        if not self.known.repeatable:
            log.info(
                "models.%s: does not answer the same twice: probabilities differ by up to %.2g; say "
                "noisy: true, and R counts it for every explainer",
                name,
                self.known.noise,
            )
        self._journal = Journal(self.folder / ("any" if self.known.repeatable else draw))
        self.asked = self.remembered = 0

    def answers(self, texts: Sequence[Segments]) -> np.ndarray:
        """As the backend's; what has been answered is not asked."""
        distinct = dict.fromkeys(texts)
        if not all(text in self._journal for text in distinct):
            self._journal.refresh()
        new = [text for text in distinct if text not in self._journal]
        self.remembered += len(distinct) - len(new)
        if new and not self._checked:
            identities.check_unchanged(self.known, self._probabilities, self._pairs, self.folder)
            self._checked = True
        for start in range(0, len(new), self.at_once):
            some = new[start : start + self.at_once]
            self._journal.add(some, self._ask(some))
            self.asked += len(some)
        return np.array([self._journal[text] for text in texts])

    def identity(self) -> dict[str, Any]:
        """As the backend's, and what the model says to the fixed texts."""
        return {
            **self._backend.identity(),
            "fixed_answers": self.known.answers,
            "noise": self.known.noise,
            "alike": self.known.alike,
        }

    def _ask(self, texts: Sequence[Segments]) -> np.ndarray:
        """Answers that are numbers, and probabilities where these are given."""
        where = f"models.{self._name}"
        answers = numbers(self._backend.answers(texts), texts, self._outputs, where)
        if self.gives == "probabilities" and self._outputs != [1]:
            as_logits(answers, self.gives, texts, where, self._several)
        return answers

    def _probabilities(self, texts: Sequence[Segments]) -> np.ndarray:
        """Answers that can be compared: probabilities, or the score of a regression."""
        parts = [
            self._ask(texts[start : start + self.at_once]) for start in range(0, len(texts), self.at_once)
        ]
        answers = np.concatenate(parts)
        if self.gives != "logits" or self._outputs == [1]:
            return answers
        if self._several:
            return expit(answers)
        return softmax(answers, axis=-1) if answers.shape[-1] > 1 else answers


def note(model: object) -> None:
    """Log what a job has asked a model whose answers are kept, and what it has not; of others nothing.

    Examples
    --------
    >>> note("a model with weights")
    """
    backend = getattr(model, "backend", None)
    if isinstance(backend, Recall):
        log.info("%d texts asked, %d answered by its journal", backend.asked, backend.remembered)
