"""The examples of the docstrings: they run, and no public function lacks one."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "distillens"

# Packages in which every public function has an example; "" holds the modules that lie loose.
COMPLETE: tuple[str, ...] = ("", "config", "data", "metrics", "perturbations", "probes")

# Public functions that have none, and why.
WITHOUT = {
    "data.corpus.fetch_corpus": "takes a whole block of a config, and a file of texts",
    "data.fetch.fetch_checkpoint": "takes a checkpoint; `copy_checkpoint` shows what is left of it",
    "data.fetch.fetch_dataset": "takes a whole block of a config, and a file of texts",
    "data.packages.fetch_package": "downloads",
    "joblog.logging_to": "takes over the log of the whole process",
}

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules(room: str) -> dict[str, ast.Module]:
    """Syntax trees of a package's modules, or of the loose modules, by name without ``distillens.``."""
    folder = PACKAGE / room
    paths = sorted(folder.rglob("*.py") if room else folder.glob("*.py"))
    names = [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]
    return {
        name.removesuffix(".__init__"): ast.parse(path.read_text())
        for name, path in zip(names, paths, strict=True)
    }


def has_example(node: ast.AST) -> bool:
    documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return documented and ">>>" in (ast.get_docstring(node) or "")


def public_functions(room: str) -> dict[str, ast.AST]:
    return {
        f"{module}.{node.name}": node
        for module, tree in modules(room).items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }


def rooms() -> list[str]:
    return ["", *sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))]


@pytest.mark.parametrize("room", rooms())
def test_the_examples_run(room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []
    for name, tree in modules(room).items():
        if any(map(has_example, ast.walk(tree))):
            module = importlib.import_module(f"distillens.{name}" if name != "__init__" else "distillens")
            report: list[str] = []
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            for test in doctest.DocTestFinder(exclude_empty=True).find(module):
                folder = tmp_path / test.name  # files of one docstring's examples are not another's
                folder.mkdir()
                monkeypatch.chdir(folder)
                runner.run(test, out=report.append)
            failed += report
    assert not failed, "".join(failed)


@pytest.mark.parametrize("room", COMPLETE)
def test_every_public_function_has_an_example(room: str) -> None:
    missing = {name for name, node in public_functions(room).items() if not has_example(node)}
    assert not sorted(missing - WITHOUT.keys())


def test_the_exceptions_are_still_needed() -> None:
    functions = {name: node for room in rooms() for name, node in public_functions(room).items()}
    assert not [name for name in WITHOUT if name not in functions or has_example(functions[name])]
