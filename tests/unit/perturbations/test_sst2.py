"""The six perturbations on the 872 validation sentences of SST-2: the same bytes, and how much they edit."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from distillens import tables
from distillens.data.text import examples
from distillens.metrics.edit_rates import Extent, extent
from distillens.perturbations.lexicon import tagged
from distillens.perturbations.perturb import PerturbationPlan, write_perturbed

REPEATS = 2

# Measured in ten repeats: share of texts changed (in every repeat the same: it depends on the text alone),
# and of words and characters edited.
RATES = {
    "character": (0.9989, 0.0486, 0.0094),
    "keyboard": (0.9989, 0.0486, 0.0094),
    "spelling": (0.9874, 0.0481, 0.0130),
    "swap": (0.9966, 0.0971, 0.0748),
    "synonym": (0.9885, 0.0481, 0.0603),
    "tense": (0.8693, 0.0902, 0.0420),
}


@pytest.fixture
def sentences(mirror, tmp_path):
    """The table of examples, and the same with its rows the other way round."""
    found = pq.read_table(mirror / "nyu-mll/glue/sst2/validation.parquet").to_pylist()
    assert len(found) == 872
    rows = [
        {"example_id": str(row["idx"]), "text_a": row["sentence"], "label": float(row["label"])}
        for row in found
    ]
    for name, ordered in (("forwards", rows), ("backwards", rows[::-1])):
        tables.write(tmp_path / name, "examples", ordered, {"task": "sst2"})
    return tmp_path


@pytest.mark.parametrize("method", RATES)
def test_same_bytes_in_any_order_and_as_many_edits_as_recorded(method, sentences):
    def perturbed(of, name):
        plan = PerturbationPlan(name=method, method=method, options={}, repeats=REPEATS, seed=42)
        write_perturbed(sentences / of, sentences / name, task="sst2", plan=plan)
        return tables.read(sentences / name, "perturbed")

    table = perturbed("forwards", "one")
    perturbed("forwards", "two")
    assert (sentences / "one").read_bytes() == (sentences / "two").read_bytes()
    rows = table.to_pylist()
    other = perturbed("backwards", "three").to_pylist()
    assert [row["example_id"] for row in other] != [row["example_id"] for row in rows]
    place = {(row["example_id"], row["repeat"]): n for n, row in enumerate(rows)}
    assert sorted(other, key=lambda row: place[row["example_id"], row["repeat"]]) == rows

    originals = {one.example_id: one for one in examples(tables.read(sentences / "forwards", "examples"))}
    for row in rows:
        text = originals[row["example_id"]].text_a
        assert row["changed"] == bool(row["edits"]) == (row["text_a"] != text)
        assert row["text_b"] is None and {edit["segment"] for edit in row["edits"]} <= {0}
        if method == "tense":
            verbs = {token.start for token in tagged(text) if token.tag.startswith("VB")}
            assert {edit["start"] for edit in row["edits"]} <= verbs
        else:
            assert len(row["edits"]) <= 1
    edited = max(len(row["edits"]) for row in rows)
    assert edited > 1 if method == "tense" else edited == 1

    changed, words, characters = RATES[method]
    by_repeat = np.array([row["changed"] for row in rows]).reshape(-1, REPEATS)
    assert by_repeat.mean(axis=0) == pytest.approx([changed] * REPEATS, abs=0.0005)
    whole = Extent(
        *np.sum([extent(originals[row["example_id"]], row["edits"]) for row in rows], axis=0).tolist()
    )
    assert whole.edited_words / whole.words == pytest.approx(words, rel=0.03)
    assert whole.edited_characters / whole.characters == pytest.approx(characters, rel=0.06)
