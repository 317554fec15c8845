"""What is raised where a config is wrong, and how a misspelt name is answered."""

import difflib
from collections.abc import Iterable
from typing import Any


class ConfigError(ValueError):
    """The config is wrong; the message is one line that says where and what."""


def nearest(name: Any, names: Iterable[Any]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or what there is.

    Examples
    --------
    >>> nearest("sharp", ["shap", "lime"]), nearest("x", ["shap", "lime"])
    ("; did you mean 'shap'?", '; there are: shap, lime')
    """
    names = [str(item) for item in names]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(names)}" if names else "; there are none"
