"""What is raised where a config is wrong, and how a misspelt name is answered."""

import difflib
from collections.abc import Iterable
from typing import Any


class ConfigError(ValueError):
    """The config is wrong; the message is one line that says where and what."""


def nearest(name: Any, known: Iterable[Any]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or what there is.

    Examples
    --------
    >>> nearest("sharp", ["shap", "lime"]), nearest("x", ["shap", "lime"])
    ("; did you mean 'shap'?", '; there are: shap, lime')
    """
    known = [str(item) for item in known]
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(known)}" if known else "; there are none"
