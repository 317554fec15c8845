"""Keys of an endpoint: from the environment into headers, and nowhere else."""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from distillens.models.endpoint.body import places
from distillens.models.errors import ModelError

_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
_FROM_ENV = re.compile(r"(?:[A-Za-z]+ )?\$[A-Z_][A-Z0-9_]*")
# A name that ends so holds a secret, whatever stands before: subscription-key, clientSecret, code.
_SECRET = re.compile(
    r".*(key|token|secret|sig|signature|sas|pass|passwd|password|passphrase|pwd|auth|authorization|authentication"
    r"|credentials?|jwt|bearer|code)[-_]?\d*",
    re.IGNORECASE | re.DOTALL,
)
_HARMLESS = re.compile(
    r"((pad|mask|sep|cls|bos|eos|unk|stop)[-_]?token|(sort|primary|row|partition)[-_]?key"
    r"|.*(lang|language|country|currency|zip|post|postal|bar|source|uni|en|de|trans)[-_]?code)",
    re.IGNORECASE | re.DOTALL,
)


def check_url(url: str) -> None:
    """Refuse a URL that is none, or that carries a secret.

    Raises
    ------
    ModelError

    Examples
    --------
    >>> check_url("https://example.org/predict?api-version=2")
    >>> check_url("https://example.org/predict?api_key=abc")
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: url: carries a secret ('api_key'); put it into headers_from_env
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError(f"url: {url!r} is no http or https address")
    if parts.username or parts.password:
        raise ModelError("url: carries a user or password; put them into headers_from_env")
    secret = next((name for name, _ in parse_qsl(parts.query) if _is_secret(name)), None)
    if secret is not None:
        raise ModelError(f"url: carries a secret ({secret!r}); put it into headers_from_env")


def from_env(headers: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Headers with their variables filled in.

    Parameters
    ----------
    headers : mapping
        Such as ``{"Authorization": "Bearer $MY_KEY"}``.
    environment : mapping

    Raises
    ------
    ModelError
        If a value is no name of a variable, which a secret in the config would not be, or there
        is no such variable. No message shows a value.

    Examples
    --------
    >>> from_env({"Authorization": "Bearer $MY_KEY"}, {"MY_KEY": "abc"})
    {'Authorization': 'Bearer abc'}
    >>> from_env({"Authorization": "Bearer $MY_KEY"}, {})
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: headers_from_env.Authorization: no environment variable MY_KEY; ...
    """
    check_headers(headers)
    filled = {}
    for header, value in headers.items():
        where = f"headers_from_env.{header}"
        (name,) = _VARIABLE.findall(value)
        if not environment.get(name):
            raise ModelError(f"{where}: no environment variable {name}; set it where the study is run")
        if not environment[name].isprintable():
            raise ModelError(f"{where}: the variable {name} has a line break or the like; set it without")
        filled[header] = value.replace(f"${name}", environment[name])
    return filled


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that are not taken from the environment; no message shows a value.

    Raises
    ------
    ModelError

    Examples
    --------
    >>> check_headers({"Authorization": "Bearer $MY_KEY"})
    >>> check_headers({"Authorization": "Bearer abc"})
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: headers_from_env.Authorization: no name of a variable; ...
    """
    for header, value in headers.items():
        if not _FROM_ENV.fullmatch(value):
            raise ModelError(
                f"headers_from_env.{header}: no name of a variable; write $NAME, or one word before it: "
                "Bearer $NAME"
            )


def check_body(template: Any) -> None:
    """Refuse a body with a key's place in it.

    Raises
    ------
    ModelError

    Examples
    --------
    >>> check_body({"inputs": "{texts}", "api_key": "abc"})
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: body: carries a secret ('api_key'); put it into headers_from_env
    """
    if isinstance(template, Mapping):
        fixed = [str(name) for name, value in template.items() if _is_fixed(value)]
        secret = next(filter(_is_secret, fixed), None)
        if secret is not None:
            raise ModelError(f"body: carries a secret ({secret!r}); put it into headers_from_env")
    for value in template.values() if isinstance(template, Mapping) else template:
        if isinstance(value, Mapping | list):
            check_body(value)


def _is_secret(name: str) -> bool:
    return bool(_SECRET.fullmatch(name)) and not _HARMLESS.fullmatch(name)


def _is_fixed(value: Any) -> bool:
    """Whether it could be a secret: no number, no yes or no, and no place of a text, such as of code."""
    return not isinstance(value, int | float | None) and not places(value)
