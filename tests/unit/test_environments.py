"""The conda files have what the rules need, in the versions of the lock."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import pairwise

import pytest
import yaml

from distillens import provenance, registry
from distillens.provenance import ROOT

# Imported by functions that the rule does not call.
OPTIONAL = {
    "fetch_checkpoint": {"datasets"},  # reads data sets of the hub
    "fetch_dataset": {"torch", "safetensors"},  # unpickles checkpoints only
    "fetch_corpus": {"torch", "safetensors"},
}


def rules():
    """Every job rule with its environment."""
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        text = path.read_text("utf-8")
        for block in re.split(r"(?m)^(?= *(?:rule|use rule)[ :])", text)[1:]:
            # Rules that are made in a loop are called NAME_of_TASK.
            named = re.match(r" *(?:use )?rule (\w+)", block) or re.search(r'f"(\w+)_of_\{', block)
            name = named.group(1)
            if "script:" in block:
                yield name, re.search(r'"\.\./\.\./(envs/\w+\.yaml)"', block).group(1)


def pins(environment):
    """Names and versions of an environment's packages, in the order of the file."""
    parts = yaml.safe_load((ROOT / environment).read_text())["dependencies"]
    (pip,) = [part["pip"] for part in parts if isinstance(part, dict)]
    return [line.lower().replace("_", "-").split("==") for line in pip]


def methods(tree):
    """The modules of the kinds that a module loads by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "registry.load":
            kind = ast.literal_eval(node.args[0])
            yield from (registry.module_name(kind, name) for name in registry.options(kind))


def top_level_names(tree):
    """Of what a module imports, and of what it runs by ``-m``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.List):
            words = map(ast.unparse, node.elts)
            yield from (ast.literal_eval(word) for option, word in pairwise(words) if option == "'-m'")


def imported(rule):
    """Top-level names of everything that a rule's script reaches, loaded methods included."""
    open_, seen, names = [ROOT / "scripts" / f"{rule}.py"], set(), set()
    while open_:
        path = open_.pop()
        if path in seen:
            continue
        seen.add(path)
        tree = ast.parse(path.read_text("utf-8"))
        open_ += filter(None, map(provenance._module_path, [*provenance._imports(tree), *methods(tree)]))
        names.update(top_level_names(tree))
    return names - set(sys.stdlib_module_names) - {"distillens"}


@pytest.mark.parametrize(("rule", "environment"), list(rules()))
def test_a_rule_s_environment_has_what_its_script_imports(rule, environment):
    distributions = packages_distributions()
    has = dict(pins(environment))
    missing = {
        name for name in imported(rule) - OPTIONAL.get(rule, set())
        if not {of.lower().replace("_", "-") for of in distributions.get(name, [name])} & has.keys()
    }  # fmt: skip
    assert missing == set()


@pytest.mark.parametrize("environment", sorted({environment for _, environment in rules()}))
def test_an_environment_pins_a_package_once(environment):
    names = [name for name, _ in pins(environment)]
    assert sorted(names) == sorted(set(names))


def test_every_rule_has_an_environment_and_every_environment_a_rule():
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert {rule for rule, _ in rules()} == scripts
    assert {environment for _, environment in rules()} == {
        str(path.relative_to(ROOT)) for path in (ROOT / "envs").glob("*.yaml")
    }


def asked_for():
    """What pyproject.toml names, in all its groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return {re.match(r"[\w.-]+", line).group().lower() for group in groups for line in group}


def test_an_installed_package_has_what_it_imports():
    distributions = packages_distributions()
    libraries = set().union(*(imported(path.stem) for path in (ROOT / "scripts").glob("*.py")))
    assert {
        name
        for name in libraries
        if not {of.lower().replace("_", "-") for of in distributions.get(name, [name])} & asked_for()
    } == set()


def test_the_lock_has_all_that_is_asked_for():
    lines = (ROOT / "envs/requirements.lock").read_text().split()
    lock = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert [name for name in asked_for() if name.replace("_", "-") not in lock] == []
