"""What explainers ask of a model that is only asked: the same as of an `Engine`, but for gradients.

Words are removed from the text itself, and each distinct text is asked once.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache

from distillens.data.text import Example
from distillens.joblog import Progress
from distillens.models import removal
from distillens.models.answers import as_logits, numbers
from distillens.models.asking import Asking, outputs_of
from distillens.models.asking import open_backend as open_backend
from distillens.models.backends import Backend, definition
from distillens.models.errors import ModelError
from distillens.models.masks import Masks
from distillens.models.tokenizer import Shares
from distillens.provenance import fingerprint

CARD = "training.json"
_SECONDS = 1e-3  # of a text; only the order of magnitude matters


class WholeText:
    """Stands for the tokenizer of a model that shows none: it sees every word of a text."""

    side = "right"

    def shares(self, example: Example) -> Shares:
        """Every word is one piece.

        Examples
        --------
        >>> sorted(WholeText().shares(Example("a", "Not bad")).seen)
        [0, 1]
        """
        words = np.arange(len(example.words))
        return Shares(words, words, np.ones(len(words)))

    def cuts(self, segments: tuple[str, ...]) -> bool:
        """Never."""
        return False

    def check_room(self, example: Example, rule: removal.Rule) -> None:
        """Nothing: how much it reads, only the model knows."""

    def in_tokens(self, example: Example) -> Example:
        """Refuse: it has no tokens that are known.

        Raises
        ------
        ModelError
            Always.
        """
        raise ModelError("unit: token, but the tokens of a model that is only asked are not known; use words")


class BlackBox:
    """A model that is only asked, behind a cache of what it has answered.

    Parameters
    ----------
    backend : Backend
    task : mapping
        ``type`` and ``labels`` of the task.
    order : sequence of int, optional
        Which of its outputs is each of the task's labels; None where they are in that order.
    rule : str or mapping
        How a removed word looks; see `distillens.models.removal.without`.
    where : str
        The model's key in the config, for messages.
    remembered : int
        How many texts the cache holds.

    Attributes
    ----------
    at_once : int
        How many sentences an explainer should advance together.

    Examples
    --------
    >>> class Length:
    ...     gives, labels, mask, encoder, at_once = "logits", None, None, None, 8
    ...     def answers(self, texts):
    ...         return np.array([[0.0, len(text[0])] for text in texts])
    ...     def identity(self):
    ...         return {}
    >>> task = {"type": "classification", "labels": ["short", "long"]}
    >>> box = BlackBox(Length(), task, rule="delete")
    >>> box.logits([("Not bad",)]).tolist()
    [[0.0, 7.0]]
    >>> box.masked([Masks.without(Example("a", "Not bad"), [[0]])]).tolist()
    [[0.0, 3.0]]
    """

    workers = 1

    def __init__(
        self,
        backend: Backend,
        task: dict[str, Any],
        order: Sequence[int] | None = None,
        rule: removal.Rule = removal.DELETE,
        where: str = "model",
        remembered: int = 50_000,
    ) -> None:
        self.backend, self.folder = backend, where
        self.at_once = max(1, min(backend.at_once, 16))
        self.encoder = backend.encoder or WholeText()
        self._task, self._order, self._rule = task, order, rule
        self._cache: LRUCache[tuple[str, ...], np.ndarray] = LRUCache(remembered)
        self.asked = 0

    @classmethod
    def load(
        cls, folder: str | Path, rule: removal.Rule = removal.DELETE, asking: Asking | None = None
    ) -> "BlackBox":
        """The model of a run's folder, as its card says.

        Raises
        ------
        ModelError
            If it is another model than when the card was written.
        """
        card = json.loads(Path(folder, CARD).read_text("utf-8"))
        said = card["asked"]
        backend = (asking or Asking()).open(
            said["kind"],
            said["options"],
            card["task_settings"]["labels"],
            card["model"],
            said["pairs"],
            said["identity"],
            several=card["task_settings"]["type"] == "multi_label",
        )
        model = cls(backend, card["task_settings"], said["order"], rule, f"models.{card['model']}")
        own = definition(backend)
        if own != {key: said["identity"].get(key) for key in own}:
            raise ModelError(
                f"models.{card['model']}: it is another than when the study took it in; run the study again"
            )
        if not said["alike_in_batches"]:
            backend.at_once = 1
        return model

    @cached_property
    def identity(self) -> str:
        """Digest of what decides on the answers."""
        return fingerprint(definition(self.backend))

    def seconds(self, texts: Sequence[tuple[str, ...]]) -> list[float]:
        """About how long the answer to each text takes; only the order of magnitude matters."""
        return [_SECONDS] * len(texts)

    @property
    def batching(self) -> dict[str, int]:
        """What decides which texts are asked together."""
        return {"at_once": self.backend.at_once}

    def deviation(self, texts: Sequence[tuple[str, ...]]) -> dict[str, float]:
        """Nothing: it has one precision."""
        return {}

    def provenance(self) -> dict[str, Any]:
        """What an artefact says of the model that it came from."""
        return {
            "model_sha256": self.identity,
            "backend": "asked",
            "device": "cpu",
            "precision": "float64",
            "asked": definition(self.backend),
            "versions": dict(self.backend.identity().get("versions", {})),
        }

    def logits(self, texts: Sequence[tuple[str, ...]], progress: Progress | None = None) -> np.ndarray:
        """Logits of texts or pairs; see `distillens.models.engine.Engine.logits`."""
        answers = {text: self._cache.get(text) for text in texts}
        new = sorted(text for text, answer in answers.items() if answer is None)
        if progress:
            progress.advance(len(texts) - len(new))
        for start in range(0, len(new), self.backend.at_once):
            some = new[start : start + self.backend.at_once]
            for text, row in zip(some, self._ask(some), strict=True):
                answers[text] = row
                self._cache[text] = row
            if progress:
                progress.advance(len(some))
        return np.array([answers[text] for text in texts], dtype=np.float32)

    def masked(self, asked: Sequence[Masks]) -> np.ndarray:
        """Logits of examples without some of their words; see `distillens.models.engine.Engine.masked`."""
        for one in asked:
            self.encoder.check_room(one.example, self._rule)
        how = (self._rule, self.backend.mask, self.folder)
        texts = [text for one in asked for text in removal.without(one.example, one.keep, *how)]
        return self.logits(texts) if texts else np.empty((0, 0), dtype=np.float32)

    def forget(self) -> None:
        """Empty the cache, so that what follows does not depend on what was asked before."""
        self._cache.clear()

    def _ask(self, texts: list[tuple[str, ...]]) -> np.ndarray:
        self.asked += len(texts)
        several = self._task["type"] == "multi_label"
        outputs = outputs_of([] if self._task["type"] == "regression" else self._task["labels"], several)
        try:
            given = self.backend.answers(texts)
        except ModelError as error:
            said = str(error)
            raise ModelError(said if said.startswith(self.folder) else f"{self.folder}: {said}") from error
        answers = numbers(given, texts, outputs, self.folder)
        if self._task["type"] == "regression":
            return answers.astype(np.float32)
        logits = as_logits(answers, self.backend.gives, texts, self.folder, several)
        return logits if self._order is None else logits[:, self._order]
