import pytest

from distillens import tables
from distillens.models import predict
from distillens.models.engine import Engine
from tests import jobs, tiny

IDENTITY = {"task": "t", "model": "m", "seed": 0}
CPU = {"device": "cpu", "backend": "torch"}


@pytest.fixture
def test_split(tmp_path):
    rows = [{"example_id": str(number), "text_a": text} for number, text in enumerate(tiny.SENTENCES)]
    tables.write(tmp_path / "test.parquet", "examples", rows, {})
    return tmp_path / "test.parquet"


def perturbed(folder, name, edit):
    rows = [
        {"example_id": str(number), "repeat": 0, "text_a": edit(text), "changed": True, "edits": []}
        for number, text in enumerate(tiny.SENTENCES)
    ]
    tables.write(folder / f"{name}.parquet", "perturbed", rows, {"perturbation": name})
    return folder / f"{name}.parquet"


def test_one_more_perturbation_asks_for_its_own_texts_only(test_split, bert, tmp_path, monkeypatch):
    lower = perturbed(tmp_path, "lower", str.lower)
    # Half of these texts are as they were.
    longer = perturbed(tmp_path, "longer", lambda text: text if len(text) < 30 else f"{text} At all")
    asked = []
    logits = Engine.logits

    def counting(engine, texts, progress=None):
        asked.extend(texts)
        return logits(engine, texts, progress)

    def predict_split(out, *perturbations):
        asked.clear()
        predict.write_predictions(jobs.model_job(IDENTITY, bert, CPU, "code"), test_split, perturbations, out)
        return out.read_bytes()

    monkeypatch.setattr(Engine, "logits", counting)
    (tmp_path / "fresh").mkdir()
    fresh = predict_split(tmp_path / "fresh" / "out", lower, longer)
    predict_split(tmp_path / "out", lower)
    both = predict_split(tmp_path / "out", lower, longer)
    changed = [text for text in tiny.SENTENCES if len(text) >= 30]
    assert 0 < len(changed) < len(tiny.SENTENCES)
    originals = [(text,) for text in tiny.SENTENCES]  # asked once more, for the texts that are as they were
    assert asked == [*originals, *((f"{text} At all",) for text in changed)]
    assert both == fresh
    predict_split(tmp_path / "out", lower, longer)
    assert asked == []
