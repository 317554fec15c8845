"""The graph of the workflow's rules: asked of Snakemake, laid out in layers, drawn."""

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import fmean
from typing import Any

from distillens.provenance import ROOT

Edge = tuple[str, str]
"""A rule, and one that needs what it makes."""

_SVG = "http://www.w3.org/2000/svg"
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
_HEIGHT, _GAP, _BETWEEN, _PER_LETTER, _MARGIN = 24.0, 14.0, 34.0, 6.3, 4.0
_SWEEPS = 8
# They make nothing that is shown but the drawing itself.
_LEFT_OUT = {"all", "draw_workflow"}


class GraphError(RuntimeError):
    """Snakemake did not tell its rules; the message has what it said."""


def write_graph(config: Mapping[str, Any], out: str | Path) -> None:
    """Write the graph of a study's rules in the language of Graphviz (DOT).

    Snakemake itself is asked, in another process and without running or locking anything,
    so that this works within a run. It draws all that the study asks for, made or not.

    Parameters
    ----------
    config : mapping
        The study as Snakemake has it, with what the command line said.
    out : str or Path

    Raises
    ------
    GraphError
        If Snakemake fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder, "study.json")
        study.write_text(json.dumps(config))
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(ROOT / "Snakefile"),
            "--configfile",
            str(study),
        ]
        command += ["--dry-run", "--nolock", "--forceall", "--rulegraph", "dot", "--quiet", "all"]
        command += ["--profile", "none", "--workflow-profile", "none"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SNAKEMAKE_")}
        said = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    edges = parse(said.stdout)
    if said.returncode or not edges:
        raise GraphError(f"snakemake --rulegraph: {(said.stderr or said.stdout).strip()[-2000:]}")
    # Snakemake numbers the rules in no fixed order.
    lines = [f"    {json.dumps(before)} -> {json.dumps(after)};\n" for before, after in edges]
    Path(out).write_text("digraph rules {\n" + "".join(lines) + "}\n", "utf-8")


def parse(dot: str) -> list[Edge]:
    """The edges of a graph, sorted: as Snakemake prints it, or as `write_graph` writes it."""
    names = dict(re.findall(r'^\s*(\d+)\[label = "([^"\\]+)"', dot, flags=re.MULTILINE))
    numbered = re.findall(r"^\s*(\d+) -> (\d+)\s*$", dot, flags=re.MULTILINE)
    named = re.findall(r'^\s*"([^"\\]+)" -> "([^"\\]+)";$', dot, flags=re.MULTILINE)
    every = {(names[before], names[after]) for before, after in numbered} | set(named)
    # A rule that feeds itself, with another file, would be a circle.
    return sorted((before, after) for before, after in every if before != after)


def layers(edges: Sequence[Edge]) -> list[list[str]]:
    """Rules in layers, each below all that it needs; within a layer near what it is connected with.

    A rule's layer is the length of the longest way that leads to it. Edges over several
    layers pass through empty places, which are named ``(before, after, layer)``.
    """
    depth = _depths(edges)
    rows: list[list[Any]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(depth, key=lambda name: (depth[name], name)):
        rows[depth[name]].append(name)
    for before, after in edges:
        for place in range(depth[before] + 1, depth[after]):
            rows[place].append((before, after, place))
    near = _neighbours(edges, depth)
    # The barycentre method of Sugiyama, Tagawa and Toda (1981), down and up in turn.
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for index in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            above = {node: place for place, node in enumerate(rows[index - 1 if down else index + 1])}
            centre = {
                node: fmean([above[other] for other in near[node] if other in above] or [place])
                for place, node in enumerate(rows[index])
            }
            rows[index].sort(key=lambda node, centre=centre: (centre[node], str(node)))
    return rows


def reduced(edges: Sequence[Edge]) -> list[Edge]:
    """The edges without those that a longer way says already."""
    after: dict[str, set[str]] = {}
    for one, other in edges:
        after.setdefault(one, set()).add(other)
    reach: dict[str, set[str]] = {}
    before = {name: after.get(name, set()) for edge in edges for name in edge}
    for name in TopologicalSorter(before).static_order():
        reach[name] = set().union(*({other, *reach[other]} for other in before[name]))
    return [(a, b) for a, b in edges if not any(b in reach[other] for other in after[a])]


def draw(edges: Sequence[Edge], title: str) -> str:
    """The graph as an SVG element for the page, from the top down."""
    edges = reduced([edge for edge in edges if not _LEFT_OUT & set(edge)])
    rows = layers(edges)
    width = max(_width(row) for row in rows)
    at: dict[Any, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        x = (width - _width(row)) / 2
        for node in row:
            at[node] = (x + _room(node) / 2, _MARGIN + number * (_HEIGHT + _BETWEEN) + _HEIGHT / 2)
            x += _room(node) + _GAP
    height = len(rows) * (_HEIGHT + _BETWEEN) - _BETWEEN + 2 * _MARGIN
    size = {"width": f"{width + 2 * _MARGIN:.0f}", "height": f"{height:.0f}"}
    box = f"{-_MARGIN:g} 0 {width + 2 * _MARGIN:.0f} {height:.0f}"
    root = ET.Element("svg", xmlns=_SVG, viewBox=box, **size, role="img")
    root.attrib |= {"aria-label": title, "font-family": _FONT, "font-size": "11"}
    depth = {node: number for number, row in enumerate(rows) for node in row}
    lines = ET.SubElement(root, "g", fill="none", stroke="currentColor")
    lines.attrib |= {"stroke-opacity": "0.4", "stroke-width": "1.2"}
    for before, after in edges:
        through = [(before, after, place) for place in range(depth[before] + 1, depth[after])]
        ET.SubElement(lines, "path", d=_path([at[node] for node in (before, *through, after)]))
    for node in (node for row in rows for node in row if isinstance(node, str)):
        _box(root, node, *at[node])
    return ET.tostring(root, encoding="unicode")


def _depths(edges: Sequence[Edge]) -> dict[str, int]:
    needs: dict[str, set[str]] = {}
    for before, after in edges:
        needs.setdefault(before, set())
        needs.setdefault(after, set()).add(before)
    depth: dict[str, int] = {}
    for name in TopologicalSorter(needs).static_order():
        depth[name] = 1 + max((depth[other] for other in needs[name]), default=-1)
    return depth


def _neighbours(edges: Sequence[Edge], depth: Mapping[str, int]) -> dict[Any, list[Any]]:
    near: dict[Any, list[Any]] = {}
    for before, after in edges:
        way = [before, *((before, after, place) for place in range(depth[before] + 1, depth[after])), after]
        for one, other in zip(way, way[1:], strict=False):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    return near


def _room(node: Any) -> float:
    return len(node) * _PER_LETTER + 18 if isinstance(node, str) else 0.0


def _width(row: Sequence[Any]) -> float:
    return sum(map(_room, row)) + _GAP * (len(row) - 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A line through the middles of boxes and empty places, from below the first to above the last."""
    (x, y), *rest = points
    text, y = f"M{x:.1f} {y + _HEIGHT / 2:.1f}", y + _HEIGHT / 2
    for number, (to_x, middle) in enumerate(rest):
        to_y = middle - _HEIGHT / 2
        bend = (to_y - y) / 2
        text += f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
        if number < len(rest) - 1:
            y = middle + _HEIGHT / 2
            text += f"L{x:.1f} {y:.1f}"
    return text


def _box(root: ET.Element, name: str, x: float, y: float) -> None:
    width = _room(name)
    frame = {"x": f"{x - width / 2:.1f}", "y": f"{y - _HEIGHT / 2:.1f}", "width": f"{width:.1f}"}
    frame |= {"height": f"{_HEIGHT:g}", "rx": "5", "stroke": "currentColor", "stroke-opacity": "0.55"}
    ET.SubElement(root, "rect", **frame, fill="currentColor", attrib={"fill-opacity": "0.06"})
    text = ET.SubElement(root, "text", x=f"{x:.1f}", y=f"{y + 4:.1f}", fill="currentColor")
    text.set("text-anchor", "middle")
    text.text = name
