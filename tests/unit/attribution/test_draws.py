"""Which explainers draw at random, and who shares the draws."""

import pytest

from distillens import registry, tables
from distillens.data.text import Example
from distillens.models.engine import Engine
from tests import jobs, tiny

CPU = {"device": "cpu", "backend": "torch", "precision": "float32"}
METHODS = [name for name in registry.options("explainer") if name != "elsewhere"]
DRAWING = [name for name in METHODS if registry.literal("explainer", name, "DRAWS")]
TEXTS = ["a dull film , but a joyful ending", "it was not bad at all"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.bert(tmp_path_factory.mktemp("draws") / "model", labels=2)


def options(method):
    filled = {name: option["default"] for name, option in registry.options("explainer")[method].items()}
    return {**filled, "samples": 50} if method == "lime" else filled


@pytest.mark.parametrize("method", METHODS)
def test_an_explainer_that_does_not_say_so_draws_nothing(method, model):
    examples = [Example(str(number), text) for number, text in enumerate(TEXTS)]
    explain = registry.load("explainer", method).explain
    engine = Engine(model, device="cpu")
    one, other = (
        [a.values for a in explain(examples, engine, "margin", options(method), seed)] for seed in (1, 2)
    )
    same = [(a == b).all() for a, b in zip(one, other, strict=True)]
    assert same == [method not in DRAWING] * len(TEXTS)


def values(folder, model, name, seed=1, again=False, **changes):
    explained, out = folder / "texts.parquet", folder / f"{name}-{seed}-{again}.parquet"
    rows = [{"example_id": str(n), "text_a": text, "label": 1.0} for n, text in enumerate(TEXTS)]
    tables.write(explained, "examples", rows, {"task": "films"})
    identity = {"task": "films", "model": name, "seed": seed, "explainer": "lime"}
    explainer = {"method": "lime", "unit": "word", **options("lime"), **changes}
    jobs.explain(explained, model, out, identity, explainer, "margin", CPU, 3)
    return tables.read(out, "explanations")["values"].to_pylist()


def test_every_run_has_masks_of_its_own(model, tmp_path):
    first = values(tmp_path, model, "teacher")
    assert first != values(tmp_path, model, "student") and first != values(tmp_path, model, "teacher", seed=2)


def test_masks_that_are_shared_on_purpose_are_the_same_for_all(model, tmp_path):
    first, *others = (values(tmp_path, model, name, common_masks=True) for name in ("teacher", "student"))
    assert others == [first]
