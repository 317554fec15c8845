"""Makes matplotlib's SVG fit to stand inside a page.

Style attributes become plain attributes (the page's content security policy allows no
inline styles), the ink follows the reader's colour scheme, and nothing that differs
from run to run remains.
"""

import re
import xml.etree.ElementTree as ET

INK = "#010203"
"""Stands for the colour of text while matplotlib draws; it becomes ``currentColor``."""

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_ALONE = "svg{color:#30363d}@media(prefers-color-scheme:dark){svg{color:#d7dce1}}"

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def inline(drawn: str, name: str, title: str) -> str:
    """Turn matplotlib's SVG into an element for the page.

    Parameters
    ----------
    drawn : str
        What ``savefig(format="svg")`` wrote.
    name : str
        Distinguishes the identifiers of this figure from those of others on the page.
    title : str
        What the figure shows, for readers who do not see it.

    Examples
    --------
    >>> drawn = f'<svg xmlns="{_SVG}" viewBox="0 0 3 3"><g id="a" style="fill: {INK}; opacity: 0.5"/></svg>'
    >>> inline(drawn, "figure", "A mark").partition("<g ")[2]
    'fill="currentColor" opacity="0.5" /></svg>'
    """
    root = ET.fromstring(drawn)
    _drop(root, {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"})
    for element in root.iter():
        _attributes(element)
    _identifiers(root, name)
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    root.attrib = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width * 4 / 3:.0f}",
        "height": f"{height * 4 / 3:.0f}",
        "role": "img",
        "aria-label": title,
        "stroke-linejoin": "round",
        "font-family": "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif",
    }
    text = ET.tostring(root, encoding="unicode").replace(INK, "currentColor")
    return re.sub(r">\s+<", "><", re.sub(r" ?\n", " ", text))


def standalone(figure: str) -> str:
    """Complete a figure into a file of its own that suits light and dark viewers.

    Examples
    --------
    >>> standalone('<svg xmlns="http://www.w3.org/2000/svg"></svg>').splitlines()[0]
    '<?xml version="1.0" encoding="utf-8"?>'
    """
    start, rest = figure.split(">", 1)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{start}><style>{_ALONE}</style>{rest}\n'


def _attributes(element: ET.Element) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key and key != "font-family":
            element.set(key, value)


def _drop(root: ET.Element, tags: set[str]) -> None:
    for parent in root.iter():
        for child in [child for child in parent if child.tag in tags]:
            parent.remove(child)


def _identifiers(root: ET.Element, name: str) -> None:
    """Keep only identifiers that are referred to, made unique on the page."""
    used = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            match = re.fullmatch(r"url\(#(.+)\)", value) or (key == _LINK and re.fullmatch(r"#(.+)", value))
            if match:
                used.add(match[1])
                element.set(key, value.replace(f"#{match[1]}", f"#{name}-{match[1]}"))
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if identifier in used:
            element.set("id", f"{name}-{identifier}")
