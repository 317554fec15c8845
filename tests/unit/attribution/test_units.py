"""Explanations of sentences, and of texts that are read in windows."""

import itertools
import json
import math
import shutil

import numpy as np
import pytest

from distillens import registry, tables
from distillens.attribution.explain import seen_part
from distillens.attribution.word_tree import tree
from distillens.data.text import Example
from distillens.metrics.explained_output import explained
from distillens.models.engine import Engine, EngineOptions
from distillens.models.windowed import windows_of
from tests import jobs, tiny
from tests.rounding import assert_same
from tests.unit.attribution.test_explainers import OPTIONS

TEXT = "A dull film. Not bad at all! It was joyful. The plot is the plot."


@pytest.fixture(scope="module")
def short(bert, tmp_path_factory):
    """A model that sees 12 pieces."""
    folder = shutil.copytree(bert, tmp_path_factory.mktemp("short") / "bert")
    limit(folder, 12)
    return folder


def limit(folder, length):
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_max_length": length}))


def windowed(folder, combine="mean", **more):
    return EngineOptions("cpu", windows={"combine": combine, "overlap": 4}, **more).load(folder)


def explain(method, examples, engine, output="logit", **options):
    chosen = registry.load("explainer", method)
    return list(chosen.explain(examples, engine, output, {**OPTIONS[method], **options}, seed=5))


def value_of(engine, example, output="logit"):
    """What every set of units that stay is worth, each asked as a text of its own."""
    units = len(example.words)
    sets = list(itertools.product([False, True], repeat=units))
    texts = [example.masked(keep, engine.encoder.mask) for keep in sets]
    return dict(zip(sets, explained(engine.logits(texts), output), strict=True))


def shapley(value, units):
    """The mean over all orders of what a unit adds."""
    total = np.zeros((units, len(next(iter(value.values())))))
    for order in itertools.permutations(range(units)):
        keep = [False] * units
        for unit in order:
            before = value[tuple(keep)]
            keep[unit] = True
            total[unit] += value[tuple(keep)] - before
    return total / math.factorial(units)


def owen(value, links, units):
    """The same over the orders in which no group of the hierarchy is broken up."""
    members = [[number] for number in range(units)]
    orders = {number: [[number]] for number in range(units)}
    for row, (left, right) in enumerate(links[:, :2].astype(int)):
        members.append(members[left] + members[right])
        orders[units + row] = [
            one + other
            for first, second in ((left, right), (right, left))
            for one in orders[first]
            for other in orders[second]
        ]
    every = orders[units + len(links) - 1] if len(links) else orders[0]
    total = np.zeros((units, len(next(iter(value.values())))))
    for order in every:
        keep = [False] * units
        for unit in order:
            before = value[tuple(keep)]
            keep[unit] = True
            total[unit] += value[tuple(keep)] - before
    return total / len(every)


def test_shap_of_two_sentences_is_shapley_by_brute_force(bert):
    engine, example = Engine(bert, "cpu"), Example("a", "A dull film. Not bad at all!", unit="sentence")
    (found,) = explain("shap", [example], engine)
    expected = shapley(value_of(engine, example), 2)
    assert_same(found.values, expected)
    assert np.abs(expected).max() > 0.01


@pytest.mark.parametrize("unit", ["sentence", "line", "paragraph"])
def test_shap_of_units_adds_up_over_the_orders_of_its_hierarchy(unit, bert):
    text = TEXT if unit == "sentence" else TEXT.replace(" Not", "\n\nNot").replace(" It", "\n It")
    engine, example = Engine(bert, "cpu"), Example("a", text, unit=unit)
    assert len(example.words) == {"sentence": 4, "line": 3, "paragraph": 2}[unit]
    (found,) = explain("shap", [example], engine)
    value = value_of(engine, example)
    assert_same(found.values, owen(value, tree(example), len(example.words)))
    assert_same(found.values.sum(0), found.output - found.base)


def test_lime_and_occlusion_hide_whole_sentences(bert):
    engine, example = Engine(bert, "cpu"), Example("a", TEXT, unit="sentence")
    value = value_of(engine, example)
    (found,) = explain("occlusion", [example], engine)
    everything = (True,) * 4
    without = [value[tuple(place != unit for place in range(4))] for unit in range(4)]
    assert_same(found.values, value[everything] - np.array(without))
    (fitted,) = explain("lime", [example], engine)
    assert fitted.values.shape == (4, 3) and np.isfinite(fitted.values).all()


@pytest.mark.parametrize("method", ["integrated_gradients", "input_x_gradient", "attention_rollout"])
def test_a_sentence_s_gradient_is_the_sum_of_its_words(method, bert):
    engine = Engine(bert, "cpu")
    (sentences,) = explain(method, [Example("a", TEXT, unit="sentence")], engine)
    (words,) = explain(method, [Example("a", TEXT)], engine)
    expected = [
        words.values[[unit.start <= word.start < unit.end for word in words.example.words]].sum(0)
        for unit in sentences.example.words
    ]
    assert_same(sentences.values, expected)


def test_a_sentence_that_is_seen_in_part_ends_there_and_counts_as_unseen(short):
    part, unseen = seen_part(Example("a", TEXT, unit="sentence"), Engine(short, "cpu"))
    assert (part.text_a, unseen) == ("A dull film. Not bad at all! It", 2)
    part, unseen = seen_part(
        Example("a", "A dull film. Bad" + " bad" * 20, unit="sentence"), Engine(short, "cpu")
    )
    assert ([word.text for word in part.words], unseen) == (["A dull film.", "Bad bad bad bad bad bad"], 1)
    whole = Example("a", TEXT, unit="sentence")
    assert seen_part(whole, windowed(short)) == (whole, 0)


def test_one_sentence_has_one_value(bert):
    (found,) = explain("shap", [Example("a", "Not bad at all", unit="sentence")], Engine(bert, "cpu"))
    assert_same(found.values[0], found.output - found.base)


@pytest.mark.parametrize("unit", ["word", "sentence"])
@pytest.mark.parametrize("combine", ["mean", "max", "first"])
def test_gradients_of_windows_add_up_to_the_combined_output(combine, unit, short):
    engine = windowed(short, combine)
    example = Example("a", TEXT, unit=unit)
    assert len(windows_of(engine, example)) > 2
    (found,) = explain("integrated_gradients", [example], engine, "margin", steps=256, max_steps=512)
    assert_same(found.output, explained(engine.logits([(TEXT,)]), "margin")[0])
    gap = np.abs(found.values.sum(0) - (found.output - found.base))
    assert (gap < 0.05 * np.abs(found.values).sum(0)).all()
    seen = windows_of(engine, example)[0].words
    if combine == "first":
        assert not found.values[[n for n in range(len(example.words)) if n not in seen]].any()
    else:
        assert np.abs(found.values[-1]).max() > 0


def test_input_x_gradient_of_a_mean_is_the_mean_over_windows(short):
    engine, plain, example = windowed(short), Engine(short, "cpu"), Example("a", TEXT)
    (found,) = explain("input_x_gradient", [example], engine)
    own = windows_of(engine, example)
    expected = np.zeros_like(found.values)
    for window in own:
        (one,) = explain("input_x_gradient", [window.example], plain)
        expected[window.words] += one.values / len(own)
    assert_same(found.values, expected)


def test_rollout_of_windows_is_their_mean_and_of_the_first_its_own(short):
    plain, example = Engine(short, "cpu"), Example("a", TEXT)
    own = windows_of(windowed(short), example)
    flows = np.zeros((len(own), len(example.words)))
    for row, window in enumerate(own):
        (one,) = explain("attention_rollout", [window.example], plain)
        flows[row, window.words] = one.values[:, 0]
    for combine, expected in (("mean", flows.mean(0)), ("first", flows[0])):
        (found,) = explain("attention_rollout", [example], windowed(short, combine))
        assert_same(found.values[:, 0], expected)


def test_long_and_short_texts_have_the_gradients_that_they_have_alone(short):
    engine = windowed(short)
    examples = [
        Example(str(n), text) for n, text in enumerate(["Fun", TEXT, "not bad", TEXT + " Fun and bad."])
    ]
    together = explain("integrated_gradients", examples, engine, "margin")
    for example, found in zip(examples, together, strict=True):
        (alone,) = explain("integrated_gradients", [example], windowed(short), "margin")
        assert_same(found.values, alone.values)


def test_gradients_of_a_decoder_s_windows_are_those_of_each_window(tmp_path):
    folder = tiny.llama(tmp_path / "llama")
    limit(folder, 12)
    engine, plain = windowed(folder, rule="delete"), Engine(folder, "cpu", rule="delete")
    examples = [Example("a", TEXT), Example("b", "not bad"), Example("c", TEXT + " Fun.")]
    for example, found in zip(examples, explain("input_x_gradient", examples, engine), strict=True):
        own = windows_of(engine, example)
        expected = np.zeros_like(found.values)
        for window in own:
            (one,) = explain("input_x_gradient", [window.example], plain)
            expected[window.words] += one.values / len(own)
        assert_same(found.values, expected)


def test_mask_explainers_of_windows_are_by_hand_those_of_the_combination(short):
    engine, example = windowed(short, "max"), Example("a", TEXT, unit="sentence")
    (found,) = explain("occlusion", [example], engine)
    plain = Engine(short, "cpu")

    def answer(removed):
        logits = []
        for window in windows_of(engine, example):
            keep = [number != removed for number in window.words]
            logits.append(plain.logits([window.example.masked(keep, "[MASK]")])[0])
        return np.max(logits, axis=0)

    assert_same(found.output, answer(None))
    assert_same(found.values, [answer(None) - answer(unit) for unit in range(4)])
    assert np.abs(found.values[-1]).max() > 0  # no model without windows sees it


def test_a_job_writes_the_units_and_windows_that_it_explained(short, tmp_path):
    rows = [{"example_id": str(n), "text_a": TEXT + " Fun." * n} for n in range(3)]
    tables.write(tmp_path / "explained.parquet", "examples", rows, {"unit": "sentence"})
    engine = {"device": "cpu", "windows": {"combine": "mean", "overlap": 4}}
    identity = {"task": "toy", "model": "bert", "seed": 1, "explainer": "occlusion"}
    for place, more in (("whole", engine), ("cut", {"device": "cpu"})):
        jobs.explain(
            tmp_path / "explained.parquet", short, tmp_path / place / "e.parquet", identity,
            {"method": "occlusion"}, "margin", more, 1,
        )  # fmt: skip
    told = tables.provenance(tmp_path / "whole" / "e.parquet")
    assert (told["unit"], told["windows"]) == ("sentence", {"combine": "mean", "overlap": 4})
    whole, cut = (
        tables.read(tmp_path / place / "e.parquet", "explanations").to_pylist() for place in ("whole", "cut")
    )
    assert [len(row["words"]) for row in whole] == [4, 5, 6] and not any(row["unseen"] for row in whole)
    assert all(row["unseen"] for row in cut)
