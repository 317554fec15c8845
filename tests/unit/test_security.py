"""What code and shipped studies may not do; archives, names and pickles are tested beside what reads them."""

import ast
import re

import pytest
import yaml

from distillens.provenance import ROOT

SOURCES = [path for part in ("distillens", "scripts") for path in sorted((ROOT / part).rglob("*.py"))]
# Nobody could be asked for its revision where the study was written.
UNPINNED = {"google/mobilebert-uncased"}


def calls():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path, ast.unparse(node.func), node


def given(call):
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def test_code_of_a_checkpoint_is_never_run():
    # peft puts tensors into a model that is there; it looks for no code.
    loaders = [
        (path, call)
        for path, name, call in calls()
        if name.endswith("from_pretrained") and not name.startswith("peft.")
    ]
    assert loaders
    for path, call in loaders:
        # Spelt out, or among the safe arguments of distillens.models.classifier.
        assert given(call).get("trust_remote_code") == "False" or None in given(call), path
    assert not [path for path, _, call in calls() if given(call).get("trust_remote_code") == "True"]


def test_nothing_is_pickled_and_only_tensors_are_unpickled():
    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert not imported & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    for path, name, call in calls():
        assert name != "torch.save", path
        if name == "torch.load":
            assert given(call).get("weights_only") == "True", path
        if name in ("np.load", "numpy.load"):
            assert given(call).get("allow_pickle", "False") == "False", path


def test_nothing_is_handed_to_a_shell():
    for path, name, call in calls():
        assert given(call).get("shell", "False") == "False", path
        assert name not in ("os.system", "os.popen", "eval", "exec"), path


def sources(block):
    if isinstance(block, dict):
        if "hub" in block:
            yield block
        for value in block.values():
            yield from sources(value)


@pytest.mark.parametrize("path", [ROOT / "config.yaml", *sorted((ROOT / "resources/studies").glob("*.yaml"))])
def test_what_shipped_studies_fetch_is_pinned(path):
    study = yaml.safe_load(path.read_text("utf-8"))
    for source in sources(study):
        if source["hub"] not in UNPINNED:
            assert re.fullmatch("[0-9a-f]{40}", source["revision"]), source
    for checkpoint in study["checkpoints"].values():
        if "package" in checkpoint:
            assert re.fullmatch("[0-9a-f]{64}", checkpoint["sha256"]) and "==" in checkpoint["package"]
