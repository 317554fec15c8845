"""A function that gives other answers each time, explained twice: its own R, by hand."""

import sys

import pytest

from distillens import registry, tables
from distillens.attribution.explain import ExplanationPlan, write_explanations
from distillens.metrics.reliability import reach
from distillens.models.asking import Asking
from distillens.models.connect_model import connect_model
from distillens.models.engine import EngineOptions
from distillens.models.job import ModelJob
from distillens.provenance import ExplanationId, RunId
from tests.fixtures.made_up_task import IDS, MORE_RUNS, drift

WORDS = ["alpha", "beta", "gamma", "delta"]
MODULE = """
WORDS = ["alpha", "beta", "gamma", "delta"]
MOOD = [4, 3, 1, 2]
calls = 0


def predict(texts):
    global calls
    calls += 1
    known = [[weight for word, weight in zip(WORDS, MOOD) if word in text.split()] for text in texts]
    # Of a text without these words it is never of one mind.
    return [[0.0, sum(own) if own else 0.2 * (-1) ** calls] for own in known]
"""
TEACHER, AGAIN = [4, 3, 2, 1], [3, 4, 1, 2]
RUN = RunId("films", "small", 0)


@pytest.fixture
def moody(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moody.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("moody", None)


def explained(folder, texts, again):
    run = ExplanationId("films", "small", 0, "occlusion")
    job = ModelJob(run, folder / "small", EngineOptions(rule="delete"), config={"answers": "answers"})
    out = folder / f"small-{again}.parquet"
    write_explanations(job, ExplanationPlan({"method": "occlusion"}, "margin", 7, again), texts, out)
    return out


@pytest.mark.parametrize("twice", [True, False])
def test_a_noisy_student_has_a_ceiling_of_its_own(twice, moody, study, tmp_path):
    rows = [{"example_id": i, "text_a": " ".join(WORDS)} for i in IDS]
    texts = study.write("texts", "examples", rows)
    options = {name: of.get("default") for name, of in registry.options("backend")["function"].items()}
    options |= {"name": "moody:predict", "gives": "logits"}
    (moody / "small").mkdir()
    connect_model(
        run=RUN,
        kind="function",
        options=options,
        labels=None,
        task={"type": "classification", "labels": ["no", "yes"]},
        test=texts,
        card=moody / "small" / "training.json",
        asking=Asking("answers"),
    )
    asked = [explained(moody, texts, again=False)]
    sys.modules["moody"].MOOD = AGAIN
    if twice:
        asked.append(explained(moody, texts, again=True))
    for path, weights in zip(asked, ([4, 3, 1, 2], AGAIN), strict=False):
        row = tables.read(path, "explanations").to_pylist()[0]
        assert [value for _, value in row["values"]] == pytest.approx(weights, abs=1e-5)
        assert tables.provenance(path)["asked"]["noise"] > 0.05

    own = tables.read(asked[0], "explanations").to_pylist()
    values = [[-weight, weight] for weight in TEACHER]
    teachers = [
        study.write(
            f"teacher-{seed}", "explanations", [{**row, "values": values} for row in own],
            task="films", model="big", seed=seed, explainer="occlusion", settings={"method": "occlusion"},
        )
        for seed in MORE_RUNS["big"]
    ]  # fmt: skip
    seeds = {**MORE_RUNS, "small": [0]}
    found = drift(study, tmp_path, [asked[0], *teachers], again=asked[1:], seeds=seeds)
    row = found[found["metric"] == "spearman"].iloc[0]
    # Spearman's: 1 - 6 (1 + 1) / (4 * 15) for each two neighbours that change places.
    assert row["agreement"] == pytest.approx(0.8)
    assert row["ceiling"] == row["explainer_ceiling"] == pytest.approx(1)
    assert row["student_explainer_ceiling"] == pytest.approx(0.8 if twice else float("nan"), nan_ok=True)
    if twice:
        reached = reach(row["ceiling"], row["explainer_ceiling"], row["student_explainer_ceiling"])
        assert reached == pytest.approx(0.8**0.5)
