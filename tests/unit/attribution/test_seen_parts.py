"""Where words of a long text stand, of which a model sees the begin or the end."""

import json

import pytest

from distillens import tables
from distillens.attribution.delete import DeletionPlan, write_deletions
from distillens.attribution.explain import seen_part
from distillens.attribution.rankings import Rankings, orders
from distillens.data.text import Example
from distillens.models.engine import Engine
from tests import jobs, tiny

CPU = {"device": "cpu", "backend": "torch"}
TEXT = "A dull film. Not bad at all! The ending was joyful, but the start is dull. It is good."


@pytest.fixture(params=["left", "right"])
def short(tmp_path, request):
    """A model of 12 pieces that keeps the end of a text, or its begin."""
    folder = tiny.bert(tmp_path / "model")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config |= {"truncation_side": request.param, "model_max_length": 12}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("given", ["word", "token", "sentence"])
def test_stored_spans_are_places_in_the_whole_text(short, tmp_path, given):
    explained, out = tmp_path / "explained.parquet", tmp_path / "out.parquet"
    about = {"unit": "sentence"} if given == "sentence" else {}
    rows = [
        {"example_id": "one", "text_a": " " + TEXT},
        {"example_id": "two", "text_a": TEXT, "text_b": TEXT},
    ]
    tables.write(explained, "examples", rows, about)
    block = {"method": "occlusion", "unit": "token" if given == "token" else "word"}
    identity = {"task": "t", "model": "m", "seed": 0, "explainer": "occlusion"}
    jobs.explain(explained, short, out, identity, block, "margin", CPU, 3)
    for row, stored in zip(rows, tables.read(out, "explanations").to_pylist(), strict=True):
        texts = [row["text_a"], row.get("text_b")]
        assert stored["unseen"] > 0 and stored["words"]
        assert stored["words"] == [texts[s["segment"]][s["start"] : s["end"]] for s in stored["spans"]]


def test_the_words_that_a_ranking_names_are_those_that_are_removed(short, tmp_path):
    explained, own = tmp_path / "explained.parquet", tmp_path / "own.parquet"
    tables.write(explained, "examples", [{"example_id": "a", "text_a": TEXT}], {})
    seen, _ = seen_part(Example("a", TEXT), Engine(short, "cpu"))
    for block in ({"method": "occlusion"}, {"method": "occlusion", "unit": "token"}):
        identity = {"task": "t", "model": "m", "seed": 0, "explainer": "occlusion"}
        jobs.explain(explained, short, own, identity, block, "margin", CPU, 3)
        rankings = {("occlusion", "own"): Rankings.read(own)}
        _, _, _, units, order = next(orders(seen, rankings, 0, seed=0))
        assert [units.places[number] for number in order] == rankings["occlusion", "own"].words["a"]


def test_deletions_by_attributions_from_elsewhere_name_words_of_the_whole_text(short, tmp_path):
    """The last word is worth most, the first one next; the model sees one of them."""
    explained, own, out = (tmp_path / f"{name}.parquet" for name in ("explained", "own", "out"))
    tables.write(explained, "examples", [{"example_id": "a", "text_a": TEXT, "label": 0.0}], {})
    words = Example("a", TEXT).words
    worth = [2.0, *[1.0 / number for number in range(2, len(words))], 3.0]
    row = {
        "example_id": "a", "words": [word.text for word in words],
        "values": [[one, -one, 0.0] for one in worth],
        "spans": [{"segment": 0, "start": word.start, "end": word.end} for word in words],
        "logits": [1.0, 0.0, 0.0], "unseen": 0,
    }  # fmt: skip
    told = {"explainer": "given", "settings": {"unit": "word"}, "brought": True}
    tables.write(own, "explanations", [row], told)
    identity, curves = {"task": "t", "model": "m", "seed": 0}, tmp_path / "curves.parquet"
    plan = DeletionPlan([1], draws=0, beam=1, seed=3)
    write_deletions(jobs.model_job(identity, short, CPU), plan, explained, [own], [], out, curves)
    ((removed,),) = tables.read(out, "deletions")["removed"].to_pylist()
    seen, unseen = seen_part(Example("a", TEXT), Engine(short, "cpu"))
    assert unseen > 0
    assert seen.places[removed] == (words[-1] if seen.text_a.endswith("good.") else words[0])
