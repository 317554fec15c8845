"""Reads files that people write, with errors that name the file and the line."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import yaml

from distillens.config.errors import ConfigError

_T = TypeVar("_T")


def read(path: str | Path) -> Any:
    r"""What a YAML file says.

    Raises
    ------
    ConfigError
        If it is not in UTF-8, or is no YAML.

    Examples
    --------
    >>> _ = Path("mine.yaml").write_text("study: mine\ntasks: [")
    >>> read("mine.yaml")
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: mine.yaml: is no YAML: while parsing a flow node ... line 2, ...
    """
    return _parsed(path, yaml.safe_load)


def root(path: str | Path) -> yaml.Node | None:
    """The nodes of a YAML file, which know their lines; None for an empty one. Raises as `read`.

    Examples
    --------
    >>> _ = Path("mine.yaml").write_text("study: mine")
    >>> root("mine.yaml").value[0][0].value
    'study'
    """
    return _parsed(path, partial(yaml.compose, Loader=yaml.SafeLoader))


def text_of(path: str | Path) -> str:
    r"""The text of a file in UTF-8.

    Raises
    ------
    ConfigError
        If it is in another encoding.

    Examples
    --------
    >>> _ = Path("mine.yaml").write_bytes("study: mine\n# Café".encode("latin-1"))
    >>> text_of("mine.yaml")
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: mine.yaml: line 2 is not UTF-8; save the file as UTF-8
    """
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None


def _parsed(path: str | Path, parse: Callable[[str], _T]) -> _T:
    try:
        return parse(text_of(path))
    except yaml.YAMLError as error:
        said = " ".join(str(error).replace('in "<unicode string>", ', "").split())
        raise ConfigError(f"{path}: is no YAML: {said}") from None
