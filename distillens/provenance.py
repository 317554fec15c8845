"""What files say of where they come from: which run, digests of code and files, versions of libraries.

Snakemake does not track modules that a script imports. `code` makes up for it: a digest
of the syntax trees of the script and of every local module that it reaches, to be put
into a rule's ``params``. Comments and formatting do not change it; docstrings are
removed, so they do not either.
"""

import ast
import hashlib
import importlib.metadata
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
ROOT = PACKAGE / "_project" if (PACKAGE / "_project").is_dir() else PACKAGE.parent
"""The folder of the workflow: beside the package in a clone, inside it where a wheel was installed."""
DOCUMENTATION = "https://github.com/distillens/distillens/tree/main/docs"
"""Where the pages of ``docs`` are, which no wheel carries."""


def project_file(path: str | Path) -> Path:
    """A file of the folder that the user is in; else the project's own of that path, if it has one.

    Examples
    --------
    >>> project_file("resources/studies/sst5.yaml").is_file()
    True
    """
    return Path(path) if Path(path).exists() or not (ROOT / path).exists() else ROOT / path


def prefer_this_package() -> None:
    """Let the scripts of a clone import the clone's package where another one is installed as well.

    Snakemake puts the workflow's folder at the end of a script's search path, behind what is installed.
    """
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if PACKAGE.parent == ROOT and path[0] != str(ROOT):
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, path)])


@dataclass(frozen=True)
class RunId:
    """One run: a model, trained with one seed for a task."""

    task: str
    model: str
    seed: int

    @staticmethod
    def of(wildcards: Mapping[str, str]) -> "RunId":
        """The run that a job is about, by its wildcards; an `ExplanationId` where they name an explainer.

        Examples
        --------
        >>> RunId.of({"task": "sst2", "model": "bert", "seed": "1"})
        RunId(task='sst2', model='bert', seed=1)
        """
        named = {**wildcards}
        kind = ExplanationId if "explainer" in named else RunId
        own = {field.name: named[field.name] for field in fields(kind) if field.name in named}
        return kind(**{**own, "seed": int(named["seed"])})

    def provenance(self) -> dict[str, Any]:
        """What a file says that is about it."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class ExplanationId(RunId):
    """The attributions of a run by one explainer, for a task's texts or the sentences of a probe."""

    explainer: str
    probe: str | None = None


@cache
def code(*parts: str) -> str:
    """Digest of scripts and modules, and of the local modules that they reach.

    Parameters
    ----------
    *parts : str
        A script, such as ``scripts/explain.py``, and modules that it loads by name, such as
        ``distillens.attribution.explainers.shap``.

    Examples
    --------
    >>> code("scripts/explain.py") == code("scripts/explain.py", "distillens.attribution.explainers.shap")
    False
    """
    paths = (ROOT / part if part.endswith(".py") else _module_path(part) for part in parts)
    open_, seen = [*filter(None, paths)], {}
    while open_:
        path = open_.pop()
        if path not in seen:
            names, seen[path] = _parsed(path.read_text("utf-8"))
            open_ += filter(None, map(_module_path, names))
    digest = hashlib.sha256()
    for name, tree in sorted((_name(path), tree) for path, tree in seen.items()):
        digest.update(f"{name}\x1f{tree}\x1e".encode())
    return digest.hexdigest()[:16]


def files_of(path: str | Path) -> list[Path]:
    """A file; of a folder all files in and below it, in order, but those that Python itself writes there.

    Examples
    --------
    >>> Path("mine/__pycache__").mkdir(parents=True)
    >>> for name in ("mine/rules.py", "mine/__pycache__/rules.pyc"):
    ...     Path(name).touch()
    >>> [file.as_posix() for file in files_of("mine")]
    ['mine/rules.py']
    """
    if not Path(path).is_dir():
        return [Path(path)]
    below = (file for file in Path(path).rglob("*") if "__pycache__" not in file.parts)
    return sorted(file for file in below if file.is_file())


def digest(*paths: str | Path) -> str:
    """SHA-256 of the content of files; of a folder, of its files in the order of their names.

    Examples
    --------
    >>> _ = Path("text").write_text("A film")
    >>> digest("text")[:8]
    'e13b25a6'
    """
    total = hashlib.sha256()
    for path in paths:
        for file in files_of(path):
            with file.open("rb") as stream:
                total.update(file.name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def fingerprint(said: Any) -> str:
    """SHA-256 of plain JSON values, whatever the order of their keys.

    Examples
    --------
    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of packages.

    Examples
    --------
    >>> list(versions("numpy", "pandas"))
    ['numpy', 'pandas']
    """
    return {package: importlib.metadata.version(package) for package in packages}


def release() -> dict[str, str]:
    """What made a file: ``version``, and in a clone the ``commit`` with its ``date``.

    No clock is read, so the same code gives the same answer. Of changed code the commit ends in ``-dirty``.

    Examples
    --------
    >>> sorted(release())
    ['commit', 'date', 'version']
    """
    about = ROOT / "pyproject.toml"  # a clone need not be installed
    if about.is_file():
        version = tomllib.loads(about.read_text("utf-8"))["project"]["version"]
    else:
        version = importlib.metadata.version("distillens")
    record = {"version": version, "commit": "", "date": ""}
    if (ROOT / ".git").exists():
        asked = {"commit": ("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")}
        asked["date"] = ("log", "-1", "--format=%cs")
        try:
            record |= {name: _git(*words) for name, words in asked.items()}
        except (OSError, subprocess.CalledProcessError):  # no git, or not its user's folder
            return record
    return record


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", ROOT, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@cache
def _parsed(source: str) -> tuple[tuple[str, ...], str]:
    """What a file imports of the package, and its syntax tree; most files are reached by many scripts."""
    tree = ast.parse(source)
    return tuple(_imports(tree)), ast.dump(_without_docstrings(tree))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.partition(".")[0] == "distillens")


def _name(path: Path) -> str:
    """A file's path below the workflow or beside the package: the same in a clone and in a wheel."""
    return path.relative_to(ROOT if path.is_relative_to(ROOT) else PACKAGE.parent).as_posix()


def _module_path(name: str) -> Path | None:
    base = PACKAGE.parent / name.replace(".", "/")
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            node.body = body[1:]
    return tree
