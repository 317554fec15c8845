"""What a config says of files: keys that stand twice in its YAML, paths that are not there."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from distillens.config import black_box, model_kind, yaml_file
from distillens.config.validate import ConfigError

_BRACE = re.compile(r"[{}]")
_WHY = "has a brace, which Snakemake takes for a wildcard"


def refuse_duplicates(files: Iterable[str | Path]) -> None:
    r"""Refuse a YAML file in which a key stands twice: its first block would vanish in silence.

    Raises
    ------
    ConfigError
        With the key and both lines; also for a file that is no YAML in UTF-8.

    Examples
    --------
    >>> _ = Path("study.yaml").write_text("seed: 1\nseed: 2\n")
    >>> refuse_duplicates(["study.yaml"])
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: seed: stands twice in study.yaml, in line 1 and in line 2; ...
    """
    for file in map(Path, files):
        if file.suffix in (".yaml", ".yml") and file.is_file():
            _walk(yaml_file.root(file), file.name, "", set())


def _walk(node: yaml.Node | None, file: str, where: str, seen: set[int]) -> None:
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _walk(item, file, where, seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            path = f"{where}.{name}" if where else name
            if name in lines:
                raise ConfigError(
                    f"{path}: stands twice in {file}, in line {lines[name]} and in line {line}; "
                    "remove one or give it another name"
                )
            lines[name] = line
            _walk(value, file, path, seen)


def refuse_missing(config: Mapping[str, Any]) -> None:
    """Refuse a complete config that names a file or folder that is not there.

    Raises
    ------
    ConfigError
        With the key and the path.

    Examples
    --------
    >>> refuse_missing({"mirror": "nowhere", "tasks": {}, "corpora": {}, "checkpoints": {}})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: mirror: no folder nowhere; name one that is there, or null for none
    """
    mirror = config["mirror"]
    if mirror is not None and not Path(mirror).is_dir():
        raise ConfigError(f"mirror: no folder {mirror}; name one that is there, or null for none")
    for where, path in _local_paths(config):
        if not Path(path).exists():
            raise ConfigError(f"{where}: no file or folder {path} (below {Path.cwd()}, or absolute)")


def refuse_patterns(config: Mapping[str, Any], folders: Mapping[str, str | Path]) -> None:
    """Refuse paths with braces, which Snakemake takes for wildcards and cannot be told not to.

    Parameters
    ----------
    config : mapping
        Complete; every file that it names, and those in its folders.
    folders : mapping
        Further ones, by what they are: that of the run, that of the project.

    Raises
    ------
    ConfigError
        With the key and the path.

    Examples
    --------
    >>> config = {"mirror": None, "tasks": {}, "corpora": {}, "models": {}}
    >>> refuse_patterns({**config, "checkpoints": {"bert": {"local": "my{1}bert"}}}, {})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: checkpoints.bert.local: 'my{1}bert' has a brace, ...
    """
    for what, folder in folders.items():
        if _BRACE.search(str(folder)):
            raise ConfigError(f"{what}: {str(folder)!r} {_WHY}; rename it, or work elsewhere")
    for where, path in _paths(config):
        within = Path(path).rglob("*[{}]*") if where != "mirror" else ()
        wrong = next((one for one in (path, *map(str, within)) if _BRACE.search(one)), None)
        if wrong is not None:
            raise ConfigError(f"{where}: {wrong!r} {_WHY}; rename it, or name a link to it (ln -s)")


def _paths(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if config["mirror"]:
        yield "mirror", config["mirror"]
    yield from _local_paths(config)
    for name, model in config["models"].items():
        if model.get("explanations"):
            yield f"models.{name}.explanations.file", model["explanations"]["file"]


def _local_paths(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The files and folders that sources and models name, by their keys."""
    for where, source in _sources(config):
        local = source.get("local", {})
        for split, path in (local if isinstance(local, dict) else {None: local}).items():
            yield f"{where}.local" if split is None else f"{where}.local.{split}", path
    for name, model in config.get("models", {}).items():
        soft = (model.get("training") or {}).get("soft_labels")
        if soft:
            yield f"models.{name}.training.soft_labels.file", soft["file"]
        for path in black_box.files(model):
            yield f"models.{name}.{model_kind.kind_of(model)}", path
        if model.get("adapter"):
            yield f"models.{name}.adapter", model["adapter"]


def _sources(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for section in ("tasks", "corpora"):
        for name, block in config[section].items():
            yield f"{section}.{name}.source", block["source"]
    for name, source in config["checkpoints"].items():
        yield f"checkpoints.{name}", source
