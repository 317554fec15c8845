"""Damaged copies of a model: what they are, what they depend on, and that work is kept."""

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from distillens import registry, tables
from distillens.attribution.explain import ExplanationPlan
from distillens.attribution.explain_rungs import explain_rungs, rungs_of
from distillens.models import classifier
from distillens.models.architecture import encoder_matrices
from distillens.models.engine import EngineOptions
from distillens.models.errors import ModelError
from distillens.models.job import ModelJob
from distillens.provenance import ExplanationId, digest
from tests import tiny
from tests.rounding import assert_same

LADDER = {"noise": {"doses": [0.1, 0.5], "draws": 2}, "prune": {"doses": [0.2, 0.6]}}
CPU = EngineOptions("cpu", "torch")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.bert(tmp_path_factory.mktemp("rungs") / "model", labels=3)


@pytest.fixture
def explained(tmp_path):
    rows = [{"example_id": str(n), "text_a": text, "label": 1.0} for n, text in enumerate(tiny.SENTENCES)]
    tables.write(tmp_path / "texts.parquet", "examples", rows, {})
    return tmp_path / "texts.parquet"


def rungs(model, explained, ladder=LADDER, method="occlusion", seed=1, name="rungs", engine=CPU, **options):
    job = ModelJob(ExplanationId("films", "bert", 1, "mine"), model, engine)
    filled = {name: option["default"] for name, option in registry.options("explainer")[method].items()}
    plan = ExplanationPlan({**filled, "method": method, **options}, "margin", seed)
    out = explained.parent / f"{name}.parquet"
    explain_rungs(job, plan, ladder, explained, out)
    return out


def by_rung(path):
    found = {}
    for row in tables.read(path, "rungs").to_pylist():
        key = (row["kind"], row["dose"], row["draw"])
        found.setdefault(key, {})[row["example_id"]] = np.array(row["values"])
    return found


def test_every_rung_explains_every_text_and_the_model_stays_as_it_was(model, explained):
    before = digest(model)
    found = by_rung(rungs(model, explained))
    assert list(found) == [tuple(rung) for rung in rungs_of(LADDER)] and len(found) == 6
    assert {tuple(texts) for texts in found.values()} == {tuple(map(str, range(len(tiny.SENTENCES))))}
    assert digest(model) == before


def test_a_rung_says_what_a_copy_damaged_by_hand_says(model, explained):
    found = tables.read(rungs(model, explained), "rungs").to_pylist()
    copy = classifier.load_classifier(model).eval()
    registry.load("damage", "prune").damage(copy, 0.6, seed=0)
    tokenizer = classifier.load_tokenizer(model)
    for row in found:
        if (row["kind"], row["dose"]) == ("prune", 0.6):
            inputs = tokenizer(tiny.SENTENCES[int(row["example_id"])], return_tensors="pt")
            with torch.no_grad():
                assert_same(row["logits"], copy(**inputs).logits[0].tolist())


def test_draws_differ_and_depend_on_the_seed_alone(model, explained):
    whole = by_rung(rungs(model, explained))
    alone = by_rung(rungs(model, explained, {"noise": {"doses": [0.5], "draws": 1}}, name="alone"))
    other = by_rung(rungs(model, explained, seed=2, name="other"))
    key = ("noise", 0.5, 0)
    assert (whole[key]["0"] == alone[key]["0"]).all()
    assert (whole[key]["0"] != whole["noise", 0.5, 1]["0"]).any()
    assert (whole[key]["0"] != other[key]["0"]).any()
    assert (whole["prune", 0.6, 0]["0"] == other["prune", 0.6, 0]["0"]).all()


def test_a_job_that_is_run_again_makes_only_what_is_new(model, explained, monkeypatch):
    first = rungs(model, explained).read_bytes()
    made = []
    load = EngineOptions.load

    def counted(self, folder, change=None):
        made.append(change.keywords["rung"].dose if hasattr(change, "keywords") else None)
        return load(self, folder, change)

    monkeypatch.setattr(EngineOptions, "load", counted)
    assert rungs(model, explained).read_bytes() == first
    assert made == [None]  # the teacher, to say where groups end
    more = {**LADDER, "prune": {"doses": [0.2, 0.6, 0.9]}}
    rungs(model, explained, more)
    assert made == [None, None, 0.9]


def test_words_cut_by_another_version_are_explained_anew(model, explained, monkeypatch):
    made, prune = [], registry.load("damage", "prune").damage
    monkeypatch.setattr(
        registry.load("damage", "prune"), "damage", lambda *all, **more: made.append(1) or prune(*all, **more)
    )
    for number, version in enumerate(["77", "77", "78"]):
        monkeypatch.setattr("distillens.attribution.explain.cutter", lambda texts, own=version: {"icu": own})
        out = rungs(model, explained, {"prune": {"doses": [0.2]}})
        assert len(made) == [1, 1, 2][number]
        assert tables.provenance(out)["versions"]["icu"] == version


def test_a_copy_whose_answers_overflow_is_refused_by_name(model, explained):
    with pytest.raises(
        ModelError, match=r"model, damaged by noise of 1e\+38: its answer to text '0' is not finite"
    ):
        rungs(model, explained, {"noise": {"doses": [1e38], "draws": 1}})


def test_explainers_that_draw_draw_anew_for_each_rung(model, explained):
    tiny_dose = {"prune": {"doses": [0.5, 0.5 + 1e-9]}}  # the same weights: both copies are one model
    one, other = by_rung(rungs(model, explained, tiny_dose, "lime", samples=20, common_masks=False)).values()
    assert (one["0"] != other["0"]).any()
    one, other = by_rung(rungs(model, explained, tiny_dose, "lime", samples=20, common_masks=True)).values()
    assert (one["0"] == other["0"]).all()


@pytest.mark.parametrize("kind", sorted(registry.options("damage")))
def test_more_of_a_dose_is_more_damage(kind, model):
    method, doses = registry.load("damage", kind), registry.options("damage")[kind]["doses"]["default"]
    whole = dict(encoder_matrices(classifier.load_classifier(model)))
    distances = []
    for dose in doses:
        copy = classifier.load_classifier(model)
        method.damage(copy, dose, seed=3)
        distances.append(sum(float((w - whole[name]).detach().norm()) for name, w in encoder_matrices(copy)))
    assert distances == sorted(distances) and distances[0] > 0


def test_a_copy_that_is_the_model_itself_is_no_rung(model, explained, tmp_path):
    with pytest.raises(
        ModelError, match=r"reference\.ladder\.prune: a dose of 1e-09 changes no weight of .*doses"
    ):
        rungs(model, explained, {"prune": {"doses": [1e-9]}})
    half = classifier.load_classifier(model)
    half.to(torch.bfloat16).save_pretrained(tmp_path / "half")
    AutoTokenizer.from_pretrained(model).save_pretrained(tmp_path / "half")
    with pytest.raises(ModelError, match="precision: a dose of 16 changes no weight"):
        rungs(tmp_path / "half", explained, {"precision": {"doses": [16]}})


def test_a_copy_is_held_against_the_model_as_it_is_computed(model, explained):
    ladder = {"precision": {"doses": [16]}}
    rungs(model, explained, ladder)
    with pytest.raises(ModelError, match="a dose of 16 changes no weight .* as it is computed"):
        rungs(model, explained, ladder, name="half", engine=EngineOptions("cpu", "torch", "bfloat16"))


@pytest.mark.parametrize("kind", sorted(registry.options("damage")))
def test_every_kind_says_what_its_dose_is(kind):
    words, number = (registry.literal("damage", kind, name) for name in ("WORDS", "NUMBER"))
    assert words.count("{}") == 1 and number.format(1.0)
