"""Writes the pages that are made of the schemas: ``python -m docs.generate``.

A test compares them with what is committed, so neither page can go stale.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import yaml

from distillens import registry, tables
from distillens.config import schema

DOCS = Path(__file__).parent
_TEMPLATES = DOCS / "templates"
_SIMPLE = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
_ENDS = ("_low", "_high")


def pages() -> dict[str, str]:
    """Every generated page, by its file's name."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    content = {
        "tables.md": {"version": tables.SCHEMA_VERSION, "files": list(_files()), "kinds": list(_kinds())},
        "config.md": {"blocks": list(blocks()), "methods": list(_methods())},
    }
    return {name: environment.get_template(f"{name}.j2").render(of) for name, of in content.items()}


def described() -> dict[str, Any]:
    """What is said of tables: their files, the rules that make them, the meaning of columns."""
    return yaml.safe_load((_TEMPLATES / "tables.yaml").read_text("utf-8"))


def _files() -> Iterator[dict[str, str]]:
    for kind, about in described()["kinds"].items():
        for path, rule in about["files"].items():
            yield {"path": path, "kind": f"[{kind}](#{kind})", "rule": rule if "`" in rule else f"`{rule}`"}


def _kinds() -> Iterator[dict[str, Any]]:
    known = described()
    for name, about in known["kinds"].items():
        fields, columns = tables.SCHEMAS[name], []
        meanings = {**known["common"], **about["columns"]}
        for field in fields:
            if field.name not in meanings and base_of(field.name) in fields.names:
                columns[-1]["name"] += f", `{field.name.removeprefix(base_of(field.name))}`"
            else:
                meaning = meanings[field.name]
                columns.append({"name": f"`{field.name}`", "type": arrow(field.type), "meaning": meaning})
        yield {"name": name, "about": about["about"], "columns": columns}


def base_of(column: str) -> str:
    """The column whose interval a column is an end of.

    Examples
    --------
    >>> base_of("drift_low")
    'drift'
    """
    return next((column.removesuffix(end) for end in _ENDS if column.endswith(end)), "")


def arrow(kind: pa.DataType) -> str:
    """A column's type in words.

    Examples
    --------
    >>> arrow(pa.list_(pa.float32()))
    'list of numbers'
    """
    if pa.types.is_list(kind):
        inner = arrow(kind.value_type)
        many = inner.replace("list", "lists", 1) if inner.startswith("list") else f"{inner}s"
        return f"list of {inner if inner.endswith('}') else many}"
    if pa.types.is_struct(kind):
        return f"{{{', '.join(field.name for field in kind)}}}"
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_integer(kind):
        return "whole number"
    return "number" if pa.types.is_floating(kind) else "text"


def blocks() -> Iterator[dict[str, Any]]:
    """The blocks of a config, each with its keys, as they are met from the top."""
    root = schema.of_study()
    waiting: list[tuple[str, Mapping[str, Any]]] = [("The study", root)]
    titles: dict[str, str] = {}
    while waiting:
        title, block = waiting.pop(0)
        entries, inner = [], []
        for name, own in block["properties"].items():
            path = ".".join([*re.findall(r"`([^`]+)`", title), name])
            needed, shown = name in block.get("required", ()), ""
            below = _below(path, own, root)
            if below is not None:
                key, heading, target = below
                if target is not None and key not in titles:
                    inner.append((heading, target))
                shown = _link(titles.setdefault(key, heading))
            entries.append(_entry(name, _resolved(own, root), needed, shown))
        yield {"title": title, "about": block.get("description", ""), "entries": entries}
        waiting = inner + waiting


def _below(
    path: str, own: Mapping[str, Any], root: Mapping[str, Any]
) -> tuple[str, str, Mapping[str, Any] | None] | None:
    """The block that a key leads to: what it is known by, its heading and its schema; None for plain values.

    Methods have a heading, but no schema here: their options are listed by kind.
    """
    of_names = own.get("additionalProperties")
    if isinstance(of_names, Mapping) and "$ref" in of_names:
        own, path = of_names, f"{path}.NAME"
    definition = own.get("$ref", "").rpartition("/")[2]
    if definition == "method":
        return path, f"`{path.removesuffix('.NAME')}`", None
    target = _resolved(own, root)
    if "properties" not in target:
        return None
    title = root["$defs"][definition].get("title", "") if definition else ""
    return definition or path, f"{title} `{path}`".strip(), target


def _resolved(own: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**root["$defs"].get(own.get("$ref", "").rpartition("/")[2], {}), **own}


def _entry(name: str, of: Mapping[str, Any], needed: bool, shown: str) -> dict[str, str]:
    default = "needed" if needed else _written(of["default"]) if "default" in of and not shown else ""
    cells = {"type": shown or in_words(of), "default": default, "meaning": of.get("description", "")}
    return {"name": name, **{key: _cell(text) for key, text in cells.items()}}


def _link(heading: str) -> str:
    return f"[{heading}](#{anchor(heading)})"


def anchor(heading: str) -> str:
    """Where a heading of a page is found, as GitHub has it.

    Examples
    --------
    >>> anchor("A task `tasks.NAME`")
    'a-task-tasksname'
    """
    return re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")


def in_words(of: Mapping[str, Any]) -> str:
    """What a JSON schema allows, in words.

    Examples
    --------
    >>> in_words({"type": ["integer", "null"], "minimum": 1})
    'whole number, at least 1; or null'
    """
    if "enum" in of:
        return ", ".join(f"`{_plain(value)}`" for value in of["enum"])
    kinds = [of["type"]] if isinstance(of["type"], str) else list(of["type"])
    said = [_one(kind, of) for kind in kinds if kind != "null"]
    limits = [f"{words} {of[name]}" for name, words in _LIMITS.items() if name in of]
    return ", ".join([" or ".join(said), *limits]) + ("; or null" if "null" in kinds else "")


def _one(kind: str, of: Mapping[str, Any]) -> str:
    if kind == "array":
        one, *limits = in_words(of["items"]).partition(",")
        return f"list of {one}{'' if 'enum' in of['items'] else 's'}{''.join(limits)}"
    if kind == "object":
        return "names with texts" if isinstance(of.get("additionalProperties"), Mapping) else "block"
    return _SIMPLE[kind]


def _methods() -> Iterator[dict[str, Any]]:
    for kind, (title, about) in _KINDS.items():
        every = registry.options(kind)
        common = registry.literal(kind, "__init__", "OPTIONS") or {}
        rows = [_entry(name, of, "default" not in of, "") for name, of in common.items()]
        methods = [{"title": "every method", "about": "", "entries": rows}] if rows else []
        for method, options in every.items():
            own = {name: of for name, of in options.items() if name not in common}
            rows = [_entry(name, of, "default" not in of, "") for name, of in own.items()]
            methods.append({"title": f"`{method}`", "about": _summary(kind, method), "entries": rows})
        yield {"title": title, "about": about, "methods": methods}


def _summary(kind: str, method: str) -> str:
    """The first sentence of a method's file, read without importing it."""
    path = Path(registry.__file__).parent / registry.KINDS[kind] / f"{method}.py"
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return _cell(said.partition("\n\n")[0].replace("\n", " "))


_KINDS = {
    "explainer": ("`explainers`", "`attention_rollout` and `random` are controls, which no verdict counts."),
    "backend": ("Models that are only asked", "Keys of a model, in place of `checkpoint`."),
    "perturbation": ("`perturbations`", "One edit of a text."),
    "probe": ("`probes`", "Sentences with a known right reading."),
    "plant": (
        "`plant`",
        "Of a split or a training: texts changed on purpose, a drift of known kind and size.",
    ),
    "distillation": ("`training.method`", "Beside `fine_tune` (gold labels) and `none`; `+` combines two."),
    "pretraining": ("`pretrain.method`", "Ways to make a checkpoint on a corpus."),
    "compression": ("`compress.method`", "Ways to make a student out of its teacher."),
    "damage": (
        "`reference.ladder`",
        "Kinds of damage, by name; `reference: {ladder: {prune: {doses: [0.2, 0.4]}}}`, say.",
    ),
}


def _written(value: Any) -> str:
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value or "''"
    return yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix("...").strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
