"""An endpoint that is asked about texts: fills its body, posts it, reads the numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distillens.models.endpoint import answer, body, label_tokens
from distillens.models.endpoint.calls import Calls
from distillens.models.errors import ModelError


class Client:
    """Texts to the outputs of an endpoint.

    Parameters
    ----------
    calls : Calls
    template : JSON
        The body; see `distillens.models.endpoint.body.fill`.
    path : str
        Where the numbers stand; see `distillens.models.endpoint.answer.at`.
    names : sequence of str
        Of the outputs, in their order.
    words : sequence of str, optional
        What a language model writes for each output; the path then leads to its likeliest tokens.
    """

    def __init__(
        self, calls: Calls, template: Any, path: str, names: Sequence[str], words: Sequence[str] | None = None
    ) -> None:
        self._calls, self._template, self._path = calls, template, path
        self._names, self._words = list(names), words
        self._many = bool({"texts", "pairs"} & body.places(template))

    def answers(self, texts: Sequence[tuple[str, ...]]) -> np.ndarray:
        """The outputs for some texts, by one call; shape (texts, outputs).

        Raises
        ------
        SpentBudget
            If no call is left.
        ModelError
            If there is no answer, or none that can be read; with the first text.
        """
        said = self._calls.post(body.fill(self._template, texts, self._words or self._names))
        try:
            if self._words is None:
                return answer.rows(said, self._path, len(texts), self._many, self._names)
            return label_tokens.probabilities(_tokens(said, self._path), self._words)[None]
        except ModelError as error:
            raise ModelError(f"{error} (asked about {texts[0][0][:80]!r})") from None


def _tokens(said: Any, path: str) -> Any:
    """The likeliest tokens, or nothing where the answer has none."""
    try:
        return answer.at(said, path)
    except ModelError:
        if isinstance(said, Mapping) and said.get("choices"):
            return None
        raise
