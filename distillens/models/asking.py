"""How a job asks a model that is only asked: where answers are kept, at what pace, within which limit.

None of this decides on an answer, so nothing is made again when it changes: it comes from the config itself,
not from a job's parameters or a model's card.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distillens import registry
from distillens.models.backends import Backend
from distillens.models.recall import Recall

ANSWERS = "answers"
"""The folder of all journals, beside the results."""


def free(kind: str) -> tuple[str, ...]:
    """The options of a kind that leave answers as they are.

    Examples
    --------
    >>> "most_calls" in free("http"), "url" in free("http")
    (True, False)
    """
    return registry.literal("backend", kind, "FREE") or ()


@dataclass(frozen=True)
class Asking:
    """What a job says when it opens a model.

    Attributes
    ----------
    root : str or None
        Folder of the journals; None keeps no answers.
    options : mapping
        Those that leave answers as they are; what is missing has its default.
    draw : str
        Of a model that does not answer the same twice; see `distillens.models.recall.Recall`.
    """

    root: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    draw: str = "0"

    @classmethod
    def of(cls, config: Mapping[str, Any], model: str, draw: str) -> "Asking":
        """What a config, complete or not, says of a model.

        Examples
        --------
        >>> block = {"http": {"url": "http://localhost", "most_calls": 9}}
        >>> Asking.of({"models": {"llm": block}}, "llm", "1").options
        {'most_calls': 9}
        """
        block = config.get("models", {}).get(model) or {}
        kinds = [kind for kind in registry.options("backend") if isinstance(block.get(kind), Mapping)]
        options = {key: block[kind][key] for kind in kinds for key in free(kind) if key in block[kind]}
        return cls(config.get(ANSWERS, ANSWERS), options, draw)

    def open(
        self,
        kind: str,
        options: Mapping[str, Any],
        labels: Sequence[str],
        name: str,
        pairs: bool,
        known: Mapping[str, Any] | None = None,
        several: bool = False,
    ) -> Backend:
        """Open what is asked; one whose answers are kept is asked its fixed texts, if it was never met.

        Parameters
        ----------
        kind : str
            A file of ``distillens/models/backends``.
        options : mapping
            Of the kind; those of `free` may be missing.
        labels : sequence of str
            The task's.
        name : str
            The model's.
        pairs : bool
            Whether the task has pairs of texts.
        known : mapping, optional
            The model's identity, where it has been met.
        several : bool
            Whether a text may have several labels.

        Raises
        ------
        ModelError
            If it cannot be opened.
        """
        backend = open_backend(kind, {**options, **self.options}, labels)
        if self.root is None or not registry.literal("backend", kind, "KEPT"):
            return backend
        outputs = outputs_of(labels, several)
        return Recall(backend, self.root, name, pairs, self.draw, known, outputs, several)


def outputs_of(labels: Sequence[str], several: bool = False) -> list[int]:
    """The numbers of outputs that a model may have: one for each label; one for two classes; one score.

    Examples
    --------
    >>> outputs_of(["bad", "good"]), outputs_of([])
    ([2, 1], [1])
    >>> outputs_of(["toxic", "threat"], several=True)
    [2]
    """
    return [2, 1] if len(labels) == 2 and not several else [len(labels) or 1]


def open_backend(kind: str, options: Mapping[str, Any], labels: Sequence[str]) -> Backend:
    """Open what is asked; nothing is asked yet. Options of `free` that are missing have their defaults.

    Raises
    ------
    ModelError
        If it cannot be opened.

    Examples
    --------
    >>> open_backend("onnx", {"file": "nowhere.onnx"}, [])
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: onnx: no file nowhere.onnx
    """
    schema = registry.options("backend")[kind]
    defaults = {key: schema[key]["default"] for key in free(kind) if "default" in schema[key]}
    return registry.load("backend", kind).open({**defaults, **options}, list(labels))
