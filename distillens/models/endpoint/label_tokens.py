"""Probabilities of labels from the log-probabilities of the first token that a language model would write."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distillens.models.errors import ModelError

# A token that may begin several labels is left out if it is less likely than this, beside the labels.
_NEGLIGIBLE = 0.01
# Of the probability that is seen the labels hold at least this, all spellings together. With less the answer
# is about something else, and small chances of what is hardly written would become confident numbers.
_LEAST = 0.1


def probabilities(top: Any, words: Sequence[str]) -> np.ndarray:
    """The probability of each label, among the labels.

    A token counts for the label whose word begins with it; case and blanks around do not matter.
    A label without a token among ``top`` gets the least probability that stands there, which is
    the most that it can have.

    Parameters
    ----------
    top : list of dict
        The likeliest tokens with their ``logprob``, as OpenAI's ``top_logprobs``.
    words : sequence of str
        What the model writes for each label.

    Returns
    -------
    ndarray of float64, shape (labels,)
        They sum to one.

    Raises
    ------
    ModelError
        If the answer has no log-probabilities, the labels hold less than a tenth of them, or a token may
        be several labels'.

    Examples
    --------
    >>> top = [{"token": " Pos", "logprob": -0.5}, {"token": "neg", "logprob": -1.0}]
    >>> probabilities(top, ["negative", "positive"]).round(3).tolist()
    [0.378, 0.622]
    """
    if not isinstance(top, list) or not all(isinstance(one, Mapping) for one in top) or not top:
        raise ModelError(
            "answer: comes without log-probabilities of tokens; name a model and a server that give "
            "logprobs with top_logprobs"
        )
    try:
        tokens = [(str(one["token"]).strip().casefold(), float(one["logprob"])) for one in top]
    except (KeyError, TypeError, ValueError):
        raise ModelError(f"answer: {top[0]!r} is no token with its logprob") from None
    sums, unclear = np.zeros(len(words)), {}
    for token, logprob in tokens:
        own = [n for n, word in enumerate(words) if token and word.casefold().startswith(token)]
        if len(own) > 1:
            unclear[token] = np.exp(logprob)
        elif own:
            sums[own[0]] += np.exp(logprob)
    for token, chance in unclear.items():
        if chance > _NEGLIGIBLE * sums.sum():
            raise ModelError(
                f"answer: the token {token!r} may begin several of {', '.join(words)}; say by words what the "
                "model writes for each label, with beginnings that are unlike"
            )
    held, seen = sums.sum(), sum(np.exp(logprob) for _, logprob in tokens)
    share = held / seen if held else 0.0
    if not share >= _LEAST:
        likeliest = [token for token, _ in sorted(tokens, key=lambda one: one[1], reverse=True)]
        raise ModelError(
            f"answer: the labels ({', '.join(words)}) hold {share:.2g} of the probability of its likeliest "
            f"tokens ({', '.join(map(repr, likeliest[:5]))}), which must be {_LEAST} or more; let the prompt "
            "ask for a label alone, whatever the text, or say by words what the model writes"
        )
    sums[sums == 0] = np.exp(min(logprob for _, logprob in tokens))
    return sums / sums.sum()
