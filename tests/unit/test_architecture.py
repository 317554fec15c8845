"""What ARCHITECTURE.md says of the code is true of the code."""

import ast
import re
import subprocess

import pytest

from distillens.provenance import ROOT

TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def layers():
    """Module (or folder) names in the order of the table of layers, with their row."""
    section = TEXT.partition("## The layers")[2].partition("##")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name.rstrip("/"): row for row, cell in enumerate(rows) for name in re.findall(r"`(\w+/?)`", cell)}


def part_of(module):
    return module.split(".")[1]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "distillens":
            yield from (f"distillens.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("distillens."):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("distillens."))


def test_every_module_has_its_place_among_the_layers():
    parts = {path.stem if path.is_file() else path.name for path in (ROOT / "distillens").glob("[a-z]*")}
    assert parts == set(layers())


def test_a_module_imports_only_from_its_row_or_above():
    order = layers()
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in (ROOT / "distillens").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
        for module in imports(path)
        if order[part_of(module)] > order[path.relative_to(ROOT / "distillens").parts[0].removesuffix(".py")]
    ]
    assert wrong == []


def test_every_rule_has_a_script_of_its_name():
    rules = {
        name
        for path in (ROOT / "workflow" / "rules").glob("*.smk")
        # Rules that are made in a loop are called NAME_of_TASK.
        for names in re.findall(
            r'^ *rule (\w+):|^ *f"(\w+)_of_\{', path.read_text("utf-8"), flags=re.MULTILINE
        )
        for name in filter(None, names)
    }
    assert rules == {path.stem for path in (ROOT / "scripts").glob("*.py")}


def test_nothing_lies_at_the_top_that_an_example_left_there():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("no git checkout: what is tracked is not known")
    top = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} == {
        *("ARCHITECTURE.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "Makefile", "README.md", "Snakefile"),
        *("bench", "config.yaml", "distillens", "docs", "envs", "profiles", "pyproject.toml", "resources"),
        *("scripts", "tests", "workflow"),
    }


def test_scripts_are_thin_and_files_are_short():
    for path in (ROOT / "scripts").glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 20, path
    for path in [*(ROOT / "distillens").rglob("*.py"), *(ROOT / "workflow").rglob("*.smk")]:
        assert len(path.read_text("utf-8").splitlines()) <= (150 if path.suffix == ".smk" else 400), path


def names(tree):
    """Every variable and parameter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.arg):
            yield node.id if isinstance(node, ast.Name) else node.arg


def test_a_variable_says_what_it_holds_and_not_that_it_was_found():
    files = [
        path for part in ("distillens", "bench", "docs", "scripts") for path in (ROOT / part).rglob("*.py")
    ]
    assert len(files) > 100
    wrong = [path for path in files if "found" in names(ast.parse(path.read_text("utf-8")))]
    assert [str(path.relative_to(ROOT)) for path in wrong] == []


def parameters(function):
    """Names of all parameters of a function but its own object."""
    taken = function.args
    named = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    return [one.arg for one in named if one is not None and one.arg not in ("self", "cls")]


def test_no_function_has_more_than_eight_parameters_without_a_reason_above_it():
    wrong = []
    for path in (ROOT / "distillens").rglob("*.py"):
        text = path.read_text("utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and len(parameters(node)) > 8:
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                if not lines[first - 2].lstrip().startswith("#"):
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert wrong == []
