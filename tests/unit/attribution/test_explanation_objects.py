"""The page's converters, as they stand there, on objects of the libraries: what comes out is imported."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
import shap
import torch
from captum.attr import visualization
from lime.lime_text import LimeTextExplainer

from distillens import tables
from distillens.attribution.import_explanations import ImportSettings, import_explanations
from distillens.data.text import Example
from distillens.provenance import ROOT, ExplanationId

TEXTS = {"1": "A dull, dull film.", "2": "Fun and joyful", "3": "It isn't bad at all"}
LABELS = ["negative", "positive"]
# The model has them the other way round.
OUTPUTS = ["positive", "negative"]
TOKENS = {
    "1": ["[CLS]", "a", "dull", ",", "dull", "fil", "##m", ".", "[SEP]"],
    "2": ["[CLS]", "fun", "and", "joy", "##ful", "[SEP]"],
    "3": ["[CLS]", "it", "isn", "'", "t", "bad", "at", "all", "[SEP]"],
}


@pytest.fixture(scope="module")
def page():
    text = (ROOT / "docs" / "explanation-objects.md").read_text("utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "docs/explanation-objects.md", "exec"), names)
    return names


@pytest.fixture
def taken(page, tmp_path):
    """Write rows and import them."""
    rows = [{"example_id": name, "text_a": text, "label": 0.0} for name, text in TEXTS.items()]
    tables.write(tmp_path / "test.parquet", "examples", rows, {})

    def take(made, explainer, **settings):
        page["write"](made, tmp_path / "own.jsonl")
        usual = {"name": "model", "missing": None, "unit": "word", "needed": []}
        task = {"type": "classification", "labels": LABELS}
        import_explanations(
            ExplanationId("films", "model", 0, explainer),
            ImportSettings(**{**usual, **settings}, task_settings=task, by_class=True),
            explained=tmp_path / "test.parquet",
            test=tmp_path / "test.parquet",
            file=tmp_path / "own.jsonl",
            out=tmp_path / "out.parquet",
        )
        return {
            row["example_id"]: row
            for row in tables.read(tmp_path / "out.parquet", "explanations").to_pylist()
        }

    return take


def answers(texts):
    """Probabilities in the model's order: each "dull" and "bad" is against it."""
    against = np.array([sum(text.count(word) for word in ("dull", "bad")) for text in texts], dtype=float)
    positive = 1 / (1 + np.exp(against))
    return np.stack([positive, 1 - positive], axis=1)


def test_shap(page, taken):
    explainer = shap.Explainer(answers, shap.maskers.Text(r"\W+"), output_names=OUTPUTS)
    explanation = explainer(list(TEXTS.values()), silent=True)
    logits = np.log(answers(TEXTS.values()))[:, ::-1]
    rows = taken(page["from_shap"](explanation, TEXTS, "model", LABELS, logits), "shap", missing="zero")
    words = rows["1"]["words"]
    values = dict(zip(words, np.array(rows["1"]["values"], dtype=float), strict=True))
    assert values["dull"][1] == pytest.approx(-values["dull"][0]) and values["dull"][1] < 0
    # Together they are what the words change; only the last full stop has no value.
    total = np.nansum(np.array(rows["1"]["values"], dtype=float), axis=0)
    assert total == pytest.approx(explanation.values[0].sum(axis=0)[::-1])
    assert rows["1"]["logits"] == pytest.approx(logits[0].tolist())


def test_lime(page, taken):
    explainer = LimeTextExplainer(class_names=OUTPUTS, random_state=0)
    made = [
        explainer.explain_instance(text, answers, num_features=100, num_samples=60, labels=(0, 1))
        for text in TEXTS.values()
    ]
    rows = taken(page["from_lime"](made, TEXTS, "model", "negative"), "lime", missing="zero")
    values = dict(zip(rows["1"]["words"], rows["1"]["values"], strict=True))
    both_places = dict(made[0].as_list(label=1))["dull"]
    assert values["dull"] == [pytest.approx(both_places / 2), None]
    assert values["dull"][0] > abs(values["film"][0])


def test_captum_records(page, taken):
    draw = np.random.default_rng(0)
    records = [
        visualization.VisualizationDataRecord(
            word_attributions=torch.tensor(draw.normal(size=len(tokens))), pred_prob=0.9, pred_class=1,
            true_class=1, attr_class=1, attr_score=0.5, raw_input_ids=tokens, convergence_score=0.01,
        )
        for tokens in TOKENS.values()
    ]  # fmt: skip
    rows = taken(page["from_captum"](records, TOKENS, "model", OUTPUTS), "integrated_gradients")
    assert rows["1"]["words"] == [word.text for word in Example("1", TEXTS["1"]).words]
    pieces = records[0].word_attributions
    film = rows["1"]["values"][rows["1"]["words"].index("film")]
    assert film == [pytest.approx(float(pieces[5] + pieces[6])), None]  # of the class "negative"
    stored = taken(
        page["from_captum"](records, TOKENS, "model", OUTPUTS), "integrated_gradients", unit="token"
    )
    assert stored["3"]["words"] == TOKENS["3"]


def test_captum_tensors_of_embeddings(page, taken):
    longest = max(map(len, TOKENS.values()))
    attributions = torch.randn(len(TOKENS), longest, 8, generator=torch.Generator().manual_seed(0))
    made = page["from_captum_tensors"](attributions, TOKENS.values(), TOKENS, "model", "positive")
    rows = taken(made, "integrated_gradients", unit="token")
    assert [value for _, value in rows["2"]["values"]] == pytest.approx(
        attributions[1, : len(TOKENS["2"])].sum(-1).tolist()
    )


@dataclass
class Explanation:
    """The attributes of ferret's own, which is not installed here."""

    text: str
    tokens: list
    scores: np.ndarray
    explainer: str
    target_pos_idx: int
    helper_type: str = "text-classification"
    target: str | None = None


def test_ferret(page, taken):
    draw = np.random.default_rng(0)
    made = [
        [
            Explanation(TEXTS[name], tokens, draw.normal(size=len(tokens)), explainer, target_pos_idx=0)
            for explainer in ("Partition SHAP", "LIME", "Gradient")
        ]
        for name, tokens in TOKENS.items()
    ]
    names = {"Partition SHAP": "shap", "LIME": "lime"}
    rows = list(page["from_ferret"](made, TOKENS, "model", OUTPUTS, names))
    assert len(rows) == 2 * len(TEXTS)
    for explainer, place in (("shap", 0), ("lime", 1)):
        stored = taken(rows, explainer, unit="token")["3"]
        assert [positive for _, positive in stored["values"]] == pytest.approx(made[2][place].scores.tolist())
        assert {negative for negative, _ in stored["values"]} == {None}
