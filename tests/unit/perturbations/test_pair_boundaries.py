"""After each perturbation both texts of a pair are where they were, and the model sees where one ends."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from distillens import registry, tables
from distillens.data.text import Example
from distillens.models import predict
from distillens.models.engine import Engine
from distillens.models.tokenizer import Encoder
from distillens.perturbations.edits import Edit, apply
from distillens.perturbations.perturb import perturb_examples
from tests import jobs, tiny
from tests.rounding import assert_same

METHODS = list(registry.options("perturbation"))
FOLDS = 4
PAIRS = [
    ("Did the children walk home?", "They walked home, and nobody stayed behind."),
    ("The film tells a simple story.", "The film tells a simple story."),
    ("Who wrote the book", "?!"),
    ("...", "The story was written by an old man."),
    ("A man is playing a guitar - loudly", '"A woman" isn\'t singing; she plays 2 drums.'),
    ("The café [SEP] was closed.", "Nobody thinks that [MASK] works."),
]
REAL = {
    "rte": ("sentence1", "sentence2"),
    "mrpc": ("sentence1", "sentence2"),
    "qnli": ("question", "sentence"),
}


def made_up():
    return [Example(f"p{n}", *texts) for n, texts in enumerate(PAIRS)]


def real(mirror, task):
    table = pq.read_table(mirror / f"nyu-mll/glue/{task}/validation.parquet").slice(0, 40)
    first, second = REAL[task]
    return [Example(str(row["idx"]), row[first], row[second]) for row in table.to_pylist()]


def roomy(model, folder):
    """A model's encoder, with which nothing here is cut off."""
    config = json.loads((model / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "model_max_length": 512}))
    shutil.copy(model / "tokenizer.json", folder)
    return Encoder(folder)


def check(pairs, method):
    """Check every perturbed pair, and return which of its texts was edited; None where none could be."""
    originals, segments = {pair.example_id: pair.texts for pair in pairs}, []
    for row in perturb_examples(pairs, method, method, FOLDS, 0, {}):
        before, after = originals[row["example_id"]], (row["text_a"], row["text_b"])
        differing = [segment for segment in (0, 1) if before[segment] != after[segment]]
        assert len(differing) == row["changed"]
        assert {edit["segment"] for edit in row["edits"]} == set(differing)
        for segment in differing:
            edits = [Edit(edit["start"], edit["before"], edit["after"]) for edit in row["edits"]]
            assert apply(before[segment], edits) == after[segment]
            assert method == "tense" or len(edits) == 1
        segments.append(differing[0] if differing else None)
    return segments


@pytest.mark.parametrize("method", METHODS)
def test_one_text_is_edited_and_both_stay_where_they_are(method):
    segments = check(made_up(), method)
    assert {0, 1} <= set(segments)
    by_pair = np.array(segments, dtype=object).reshape(-1, FOLDS)
    # Where one text has nothing to edit, it is always the other.
    assert 1 not in by_pair[2] and 0 not in by_pair[3]


@pytest.mark.parametrize("task", REAL)
@pytest.mark.parametrize("method", METHODS)
def test_of_real_pairs_each_text_is_edited_about_as_often(method, task, mirror):
    segments = [segment for segment in check(real(mirror, task), method) if segment is not None]
    assert len(segments) > 0.95 * 40 * FOLDS
    assert 0.3 < np.mean(segments) < 0.8


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_given_each_text_between_its_own_marks(method, family, request, tmp_path):
    encoder = roomy(request.getfixturevalue(family), tmp_path)
    pairs = made_up()[:-1]  # in the last one a text holds a mark itself
    for row in perturb_examples(pairs, method, method, FOLDS, 0, {}):
        texts = (row["text_a"], row["text_b"])
        (both,), alone = encoder.encode([texts]), encoder.encode([(text,) for text in texts])
        opening, closing = alone[0]["input_ids"][0], alone[0]["input_ids"][-1]
        inner = [one["input_ids"][1:-1] for one in alone]
        between = [closing] if family == "bert" else [closing, closing]
        assert both["input_ids"] == [opening, *inner[0], *between, *inner[1], closing]
        assert all(both["attention_mask"])
        if family == "bert":
            kinds = [0] * (len(inner[0]) + 2) + [1] * (len(inner[1]) + 1)
            assert both["token_type_ids"] == kinds


@pytest.mark.parametrize("method", METHODS)
def test_the_boundary_stands_where_a_text_is_cut(method, bert):
    encoder = Encoder(bert)
    long = [Example(str(n), " ".join(tiny.SENTENCES[n:]), " ".join(tiny.SENTENCES)) for n in range(4)]
    for row in perturb_examples(long, method, method, FOLDS, 0, {}):
        (both,) = encoder.encode([(row["text_a"], row["text_b"])])
        first, last = (n for n, piece in enumerate(both["input_ids"]) if piece == both["input_ids"][-1])
        assert last == encoder.max_length - 1 and 0 < first < last - 1
        assert both["token_type_ids"] == [0] * (first + 1) + [1] * (last - first)


def test_predictions_are_of_the_pairs_as_they_were_perturbed(bert, tmp_path):
    pairs = made_up()
    rows = [{"example_id": p.example_id, "text_a": p.text_a, "text_b": p.text_b, "label": 0.0} for p in pairs]
    tables.write(tmp_path / "test", "examples", rows, {})
    asked = {(p.example_id, "none", 0): p.texts for p in pairs}
    for method in METHODS:
        made = list(perturb_examples(pairs, method, method, 2, 0, {}))
        tables.write(tmp_path / method, "perturbed", made, {"perturbation": method})
        asked |= {(r["example_id"], method, r["repeat"]): (r["text_a"], r["text_b"]) for r in made}
    engine = {"device": "cpu", "backend": "torch", "precision": "float32"}
    files = [tmp_path / method for method in METHODS]
    job = jobs.model_job({"task": "t", "model": "m", "seed": 0}, bert, engine)
    predict.write_predictions(job, tmp_path / "test", files, tmp_path / "out")
    found = {
        (row["example_id"], row["perturbation"], row["repeat"]): row["logits"]
        for row in tables.read(tmp_path / "out", "predictions").to_pylist()
    }
    assert set(found) == set(asked)
    model = Engine(bert, **engine)
    alone = [model.logits([texts])[0] for texts in asked.values()]
    assert_same([found[key] for key in asked], alone)
    swapped = [texts[::-1] for texts in asked.values()]
    assert np.abs(model.logits(swapped) - np.array(list(found.values()))).max() > 1e-2
