"""From a template to one file that needs nothing beside it: style, scripts and data are inside."""

import base64
import hashlib
import json
from typing import Any

import jinja2
from markupsafe import Markup

from distillens.provenance import ROOT
from distillens.report import rows, template_nouns
from distillens.report.formatting import capitalised

_RESOURCES = ROOT / "resources" / "page"


def render(template: str, unit: str = "word", **context: Any) -> str:
    """Fill a template of ``resources/page``.

    Parameters
    ----------
    template : str
    unit : str
        What the page is about, which its text calls words; see `distillens.report.nouns`.
    **context
        What the template names.

    Raises
    ------
    jinja2.UndefinedError
        If the template names what is not given.

    Examples
    --------
    >>> render("compare.html.j2", names=["v1", "v2"])
    Traceback (most recent call last):
        ...
    jinja2.exceptions.UndefinedError: 'changes' is undefined
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_RESOURCES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[template_nouns.Named],
    )
    environment.unit = unit
    as_json = {"json": lambda value: Markup(embedded(value))}
    as_json["packed"] = lambda table: Markup(embedded(rows.packed(table)))
    environment.filters |= {"capital": capitalised, **as_json}
    environment.tests["data"] = rows.is_data
    style = (_RESOURCES / "page.css").read_text("utf-8")
    # One script: it starts when the page is read, so the order of its files does not matter.
    files = [path.read_text("utf-8") for path in sorted((_RESOURCES / "scripts").glob("*.js"))]
    script = "\n".join(['"use strict";', *files])
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
    policy += "base-uri 'none'; form-action 'none'"
    return environment.get_template(template).render(
        **context, unit=unit, style=Markup(style), script=Markup(script), policy=policy
    )


def embedded(value: Any) -> str:
    """Write JSON that may stand inside a script element, whatever the text in it says.

    Nothing outside ASCII and none of ``<``, ``>``, ``&`` is left, so no text can close the
    element, begin a comment, or end a line of the script.

    Examples
    --------
    >>> "</script>" in embedded({"text": "</script>"})
    False
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())
    return f"'sha256-{digest.decode()}'"
