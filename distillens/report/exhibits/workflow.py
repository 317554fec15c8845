"""How everything was made: the rules of the workflow, each below what it needs."""

import re
from collections.abc import Mapping
from typing import Any

from distillens.provenance import ROOT
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.source import Source

OPTIONS = {}

_PICTURE = ROOT / "resources" / "page" / "rulegraph.svg"


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Show the committed picture of the rules' graph (``make rulegraph``).

    Examples
    --------
    >>> ("explain",) in show("figure-1", {}, None).records
    True
    """
    svg = _PICTURE.read_text("utf-8")
    return Content(("rule",), [(rule,) for rule in re.findall(r">(\w+)</text>", svg)], svg=svg)
