"""Fills texts into the JSON that an endpoint is asked with."""

import re
from collections.abc import Sequence
from typing import Any

from distillens.models.errors import ModelError

_PLACE = re.compile(r"\{(texts|texts_b|pairs|text|text_b|labels)\}")
_MANY, _ONE = {"texts", "texts_b", "pairs"}, {"text", "text_b"}


def places(template: Any) -> set[str]:
    """The places that a template has, anywhere in its strings.

    Examples
    --------
    >>> sorted(places({"messages": [{"content": "{labels}? {text}"}]}))
    ['labels', 'text']
    """
    if isinstance(template, dict):
        return set().union(*map(places, template.values()))
    if isinstance(template, list):
        return set().union(*map(places, template))
    return set(_PLACE.findall(template)) if isinstance(template, str) else set()


def check_template(template: Any, batch: int) -> None:
    """Refuse a template that has no place for texts, or one for another number of them.

    Raises
    ------
    ModelError

    Examples
    --------
    >>> check_template({"inputs": "{texts}"}, batch=8)
    >>> check_template({"inputs": "{text}"}, batch=8)
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: body: {text} takes one text, but batch is 8; set batch: 1, or ...
    """
    there = places(template)
    if there & _MANY and there & _ONE:
        raise ModelError("body: has places for one text and for several; keep {text} or {texts}")
    if not there & (_MANY | _ONE):
        raise ModelError("body: has no place for the texts; write {texts}, or {text} for one at a time")
    if there & _ONE and batch > 1:
        raise ModelError(
            f"body: {{text}} takes one text, but batch is {batch}; set batch: 1, or write {{texts}}"
        )


def fill(template: Any, texts: Sequence[tuple[str, ...]], labels: Sequence[str]) -> Any:
    """The body that asks about texts.

    A string that is ``{texts}`` (first segments), ``{texts_b}`` (second ones), ``{pairs}`` (both) or
    ``{labels}`` becomes a list. ``{text}``, ``{text_b}`` and ``{labels}`` may stand within a string.

    Parameters
    ----------
    template : JSON
    texts : sequence of tuples
        One or two segments each; a single one where the template has ``{text}``.
    labels : sequence of str

    Raises
    ------
    ModelError
        If a text has no second segment where one is asked for, or has one that is left out.

    Examples
    --------
    >>> fill({"inputs": "{texts}"}, [("A film",), ("Fun",)], [])
    {'inputs': ['A film', 'Fun']}
    >>> fill([{"content": "{labels}? {text}"}], [("{labels}",)], ["good", "bad"])
    [{'content': 'good, bad? {labels}'}]
    """
    seconds = {"texts_b", "pairs", "text_b"} & places(template)
    if any((len(text) == 2) != bool(seconds) for text in texts):
        raise ModelError(
            "body: the task has pairs of texts, but no place for the second; write {text_b}, {texts_b} or "
            "{pairs}"
            if not seconds
            else f"body: the task has single texts, but {{{min(seconds)}}} asks for a second; leave it out"
        )
    values = {
        "texts": [text[0] for text in texts],
        "texts_b": [text[-1] for text in texts],
        "pairs": [list(text) for text in texts],
        "text": texts[0][0],
        "text_b": texts[0][-1],
        "labels": list(labels),
    }
    return _filled(template, values)


def _filled(template: Any, values: dict[str, Any]) -> Any:
    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    whole = _PLACE.fullmatch(template)
    if whole:
        return values[whole.group(1)]
    return _PLACE.sub(lambda place: _in_a_sentence(values[place.group(1)]), template)


def _in_a_sentence(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value))
