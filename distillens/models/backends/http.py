"""A model behind an endpoint: JSON with texts goes to a url, JSON with numbers comes back.

With ``chat`` the endpoint is a language model with OpenAI's chat completions, whose first token is read.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from distillens.models.endpoint import body, chat
from distillens.models.endpoint.budget import Budget
from distillens.models.endpoint.calls import Calls
from distillens.models.endpoint.client import Client
from distillens.models.endpoint.secrets import check_body, check_headers, check_url, from_env
from distillens.models.errors import ModelError

OPTIONS = {
    "url": {"type": "string", "description": "Where the requests are posted to; it carries no key."},
    "body": {
        "type": ["object", "array", "string"],
        "items": {"type": ["object", "string"]},
        "default": {"inputs": "{texts}"},
        "description": "The request's JSON. A string {texts} becomes a list of texts ({texts_b}: of second "
        "ones, {pairs}: of pairs); {text}, {text_b}, {labels} may stand within a string, one text a request.",
    },
    "answer": {
        "type": "string",
        "default": "",
        "description": "Where the numbers stand in the answer: keys and places with / between them, * for "
        "each item, such as predictions/*/scores. A list of them for each text, or by label.",
    },
    "gives": {
        "enum": ["probabilities", "logits"],
        "default": "probabilities",
        "description": "What the numbers are; log-probabilities count as logits.",
    },
    "outputs": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "default": None,
        "description": "The endpoint's own names of its outputs, in its order; null for the task's labels.",
    },
    "chat": {
        "type": ["string", "null"],
        "default": None,
        "description": "Name of a model that is asked by OpenAI's chat completions, instead of body and "
        "answer: the log-probabilities of its first token are read for the labels.",
    },
    "prompt": {
        "type": ["string", "null"],
        "default": None,
        "description": "What a chat model is told, with {text} and {labels}; null for a sentence in English.",
    },
    "words": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "default": {},
        "description": "What a chat model writes for a label, where that is not its name.",
    },
    "headers_from_env": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "default": {},
        "description": "Headers from environment variables, such as {Authorization: Bearer $MY_KEY}.",
    },
    "batch": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "Texts of one request; null for 16, or for 1 where the body takes one.",
    },
    "rate": {
        "type": ["number", "null"],
        "exclusiveMinimum": 0,
        "default": None,
        "description": "Most requests a second, of all jobs together; null for as many as go.",
    },
    "timeout": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 60.0,
        "description": "Seconds after which a request is made again.",
    },
    "most_calls": {
        "type": "integer",
        "minimum": 0,
        "description": "No more requests than these, repeated ones included, over all runs of the study.",
    },
    "version": {
        "type": "string",
        "pattern": "^[A-Za-z0-9._-]+$",
        "default": "1",
        "description": "Another one asks everything anew.",
    },
    "noisy": {
        "type": "boolean",
        "default": False,
        "description": "Whether it gives other answers each time; every explainer is then run twice, for R.",
    },
    "mask_token": {
        "type": ["string", "null"],
        "default": None,
        "description": "What it reads as a word that is hidden; null where it has no such token.",
    },
}
SHORT = "url"
SAYS = "Instead of a checkpoint: an endpoint that is asked by HTTP."
KEPT = True
PRICED = True
FREE = ("headers_from_env", "batch", "rate", "timeout", "most_calls", "noisy")
_BATCH = 16


class Http:
    """An endpoint that answers; see `distillens.models.backends.Backend`."""

    encoder = None

    def __init__(self, spec: Mapping[str, Any], labels: Sequence[str]) -> None:
        self._spec = spec
        self._names = list(spec["outputs"] or labels or ["score"])
        self._words = [spec["words"].get(name, name) for name in self._names] if spec["chat"] else None
        self._template, self._path = _asked(spec)
        self.gives = "probabilities" if spec["chat"] else spec["gives"]
        self.labels = tuple(spec["outputs"]) if spec["outputs"] else None
        self.mask, self.at_once = spec["mask_token"], spec["batch"] or _most_at_once(self._template)
        body.check_template(self._template, self.at_once)
        self._folder = Path("answers")

    def count_in(self, folder: Path) -> None:
        """Share the count of calls with all that use this folder."""
        self._folder = folder

    @cached_property
    def _client(self) -> Client:
        # What is in the journal can be had without a key.
        budget = Budget(self._folder, self._spec.get("most_calls", 0), self._spec["rate"])
        calls = Calls(
            self._spec["url"], from_env(self._spec["headers_from_env"]), self._spec["timeout"], budget
        )
        return Client(calls, self._template, self._path, self._names, self._words)

    def answers(self, texts: Sequence[tuple[str, ...]]) -> np.ndarray:
        """What the endpoint says; see `distillens.models.endpoint.client.Client.answers`."""
        return self._client.answers(texts)

    def identity(self) -> dict[str, Any]:
        """Where and how it is asked."""
        return {
            "url": self._spec["url"],
            "body": self._template,
            "answer": self._path,
            "gives": self.gives,
            "outputs": self._names,
            "words": self._words,
            "version": self._spec["version"],
        }


def open(spec: Mapping[str, Any], labels: Sequence[str]) -> Http:
    """Get ready to ask an endpoint; nothing is asked.

    Raises
    ------
    ModelError
        If the url is none or carries a secret, or the body has no place for texts.

    Examples
    --------
    >>> spec = {name: option.get("default") for name, option in OPTIONS.items()}
    >>> open({**spec, "url": "http://localhost/predict", "most_calls": 10}, ["bad", "good"]).at_once
    16
    >>> open({**spec, "url": "http://localhost", "chat": "small", "most_calls": 10}, ["bad", "good"]).at_once
    1
    """
    check_url(spec["url"])
    check_body(spec["body"])
    check_headers(spec["headers_from_env"])
    unknown = sorted(spec["words"].keys() - {*(spec["outputs"] or labels)})
    if unknown:
        raise ModelError(f"words: no label {unknown[0]!r}; there are: {', '.join(labels)}")
    return Http(spec, labels)


def _asked(spec: Mapping[str, Any]) -> tuple[Any, str]:
    """The body and the path of the answer."""
    if spec["chat"]:
        return chat.body(spec["chat"], spec["prompt"] or chat.PROMPT), chat.ANSWER
    if spec["prompt"] or spec["words"]:
        raise ModelError("prompt and words are for a chat model; name it (chat), or leave them out")
    return spec["body"], spec["answer"]


def _most_at_once(template: Any) -> int:
    return 1 if {"text", "text_b"} & body.places(template) else _BATCH
