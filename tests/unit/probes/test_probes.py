"""Sentences of known reading: how they are built, and what is made of their explanations."""

import json
from collections import Counter

import numpy as np
import pytest
import yaml

from distillens import registry, tables
from distillens.config.job_code import JobCode
from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.validate import ConfigError, complete
from distillens.data.segmentation import spans
from distillens.data.text import Example
from distillens.evaluation.inputs import Settings
from distillens.evaluation.probes import score_probes
from distillens.metrics import probes
from distillens.probes import but, contrast, negation
from distillens.probes.build_probe import build_probe
from distillens.probes.sentences import ProbeError
from distillens.provenance import ROOT
from distillens.tables import TableError

PAPER = "The movie was weak but the ending was joyful."


def built(module, items=100, seed=3):
    return module.build([], {"items": items}, seed)


def by_item(sentences):
    items = {}
    for sentence in sentences:
        items.setdefault(sentence.item, {})[sentence.variant] = sentence
    return items


# Construction


@pytest.mark.parametrize("module", [contrast, negation])
def test_a_probe_has_three_sentences_an_item_and_no_two_alike(module):
    sentences = built(module, 400)
    assert len(sentences) == 1200
    assert set(Counter(s.variant for s in sentences).values()) == {400}
    assert len({s.example_id for s in sentences}) == 1200
    every = built(module, 18000 if module is contrast else 912)
    assert len({s.text for s in every}) == len(every)


@pytest.mark.parametrize("module", [contrast, negation])
def test_half_of_the_items_are_positive_and_a_larger_draw_begins_with_the_smaller(module):
    firsts = [next(iter(variants.values())) for variants in by_item(built(module)).values()]
    assert Counter(s.expected for s in firsts) == {1: 50, -1: 50}
    assert built(module, 40) == built(module)[:120]
    assert {s.item for s in built(module, seed=4)} != {s.item for s in built(module)}


@pytest.mark.parametrize("module", [contrast, negation])
def test_more_items_than_the_words_give_is_an_error_with_both_numbers(module):
    with pytest.raises(ProbeError, match=r"items: asks for 1000000, the templates and words .* give \d+"):
        built(module, 1_000_000)


@pytest.mark.parametrize("seed", range(5))
def test_the_paper_s_sentence_is_always_item_number_one(seed):
    texts = [(s.variant, s.text, s.expected) for s in built(contrast, 1, seed)]
    assert texts == [
        ("original", PAPER, 1),
        ("without_but", "The movie was weak. The ending was joyful.", 0),
        ("flipped", "The ending was joyful but the movie was weak.", -1),
    ]


def test_contrast_s_sentences_read_well_in_every_template():
    texts = {s.text for s in built(contrast, 18000)}
    assert {
        "To be honest, the first half was slow, but the second half was excellent.",
        "To be honest, the second half was excellent, but the first half was slow.",
        "To be honest, the first half was slow. The second half was excellent.",
        "The acting is superb, but the plot is ridiculous.",
        "For me, the story was beautiful but the music was annoying.",
        "For me, the story was beautiful. The music was annoying.",
        "I thought the premise was clever, but the execution was lazy.",
        "I thought the execution was lazy, but the premise was clever.",
    } <= texts
    assert all(text[0].isupper() and text.endswith(".") and "  " not in text for text in texts)


def test_contrast_s_cue_is_the_word_but_and_flipping_twice_gives_the_original():
    for variants in by_item(built(contrast, 200)).values():
        original, flipped, without = (variants[v] for v in ("original", "flipped", "without_but"))
        for sentence in (original, flipped):
            assert sentence.text[slice(*sentence.cue)] == "but"
        assert without.cue is None and " but " not in without.text
        assert original.expected == -flipped.expected != 0 == without.expected
        assert swapped(flipped.text) == original.text.lower()
        assert swapped(original.text) == flipped.text.lower()


def swapped(text):
    """The clauses around "but" change places; what introduces the first stays."""
    text = text.lower().removesuffix(".")
    lead = next((lead for lead in ("for me, ", "i thought ", "to be honest, ") if text.startswith(lead)), "")
    joint = ", but " if ", but " in text else " but "
    one, other = text.removeprefix(lead).split(joint)
    return f"{lead}{other}{joint}{one}."


def test_negations_read_well_in_every_template_and_point_where_a_reader_would():
    found = {s.text: (s.expected, s.cue and s.text[slice(*s.cue)]) for s in built(negation, 912)}
    for text, expected in {
        "The film was good.": (1, None),
        "The film was not good.": (-1, "not"),
        "It is not true that the film was not good.": (1, "not"),
        "This film isn't bad.": (1, "isn't"),
        "You can't say this film isn't bad.": (-1, "can't"),
        "Honestly, the plot wasn't boring.": (1, "wasn't"),
        "Honestly, I can't say the plot wasn't boring.": (-1, "can't"),
        "I didn't think the script was funny.": (-1, "didn't"),
        "I never thought the script wasn't funny.": (1, "never"),
        "The dialogue is never dull.": (1, "never"),
        "There is never a moment when the dialogue is not dull.": (-1, "never"),
        "This is not an original story.": (-1, "not"),
        "Nobody could say that this is not a silly story.": (-1, "Nobody"),
    }.items():
        assert found[text] == expected, text


def test_the_cue_of_a_double_negation_is_the_outer_negator():
    doubles = [s for s in built(negation, 300) if s.variant == "double"]
    negators = ("not", "n't", "never", "nobody")
    for sentence in doubles:
        start, end = sentence.cue
        assert not any(n in sentence.text[:start].lower() for n in negators)
        assert any(n in sentence.text[end:].lower() for n in negators)


@pytest.mark.parametrize("name", ["contrast", "negation"])
def test_there_are_twelve_adjectives_of_each_polarity_and_none_is_of_both(name):
    words = yaml.safe_load((ROOT / f"resources/probes/{name}.yaml").read_text())
    for block in [words, *words.get("pairs", [])]:
        for polarity in ("positive", "negative"):
            assert len(block[polarity]) == len(set(block[polarity]))
    assert min(len(words["positive"]), len(words["negative"])) >= 12
    assert not set(words["positive"]) & set(words["negative"])


@pytest.mark.parametrize(
    "text",
    [
        "a small but pleasant film indeed",
        "It is ridiculous, of course ... but it is also refreshing.",
        "``the plot is thin '', but the cast is great .",
        "Not a movie but a cartoon .",
        "we saw it all , but it was long",
    ],
)
def test_a_but_inside_a_sentence_is_found(text):
    start, end = but.cue_of(text)
    assert text[start:end] == "but" and (start, end) in spans(text)


@pytest.mark.parametrize(
    "text",
    [
        "a film without the word",
        "the butter was fine and the button too",
        "But what a film it is!",
        "`` But what a film it is!",
        "It is long. But it is also good.",
        "what a mess ! but we laughed",
        "It is long... But it is also good.",
        "dull but very pretty",
        "a pretty film but dull .",
        "long but good and slow but sure",
        "the film has nothing but love for its cast",
        "it is anything but dull to us",
        "all but the young should see it",
        "it is for no one but the fans",
        "you ca n't help but smile at it",
        "it would be great but for the music",
        "and last , but not least , the music",
    ],
)
def test_what_is_no_contrast_inside_a_sentence_is_left_out(text):
    assert but.cue_of(text) is None


def test_real_texts_keep_their_id_and_order_and_a_larger_draw_holds_the_smaller():
    pool = [Example(f"e{n}", f"film {n} is long but it is good") for n in range(30)] + [Example("x", "fine")]
    every = but.build(pool, {"examples": None}, 1)
    assert [s.example_id for s in every] == [s.item for s in every] == [f"e{n}" for n in range(30)]
    assert {(s.variant, s.expected) for s in every} == {("original", 0)}
    five, ten = ([s.example_id for s in but.build(pool, {"examples": n}, 1)] for n in (5, 10))
    assert len(five) == 5 and len(ten) == 10 and set(five) < set(ten)
    assert ten == sorted(ten, key=lambda name: int(name[1:]))


# Files


def test_a_probe_s_sentences_and_design_are_written_side_by_side(tmp_path):
    found = write_probe(tmp_path, "contrast-small", "contrast", {"items": 2})
    sentences, design = (tables.read(path, kind).to_pylist() for path, kind in found)
    assert [row["example_id"] for row in sentences] == [row["example_id"] for row in design]
    assert sentences[0]["text_a"] == PAPER and sentences[0]["label"] is None
    assert (design[0]["variant"], design[0]["expected"]) == ("original", 1)
    assert (design[0]["cue_start"], design[0]["cue_end"]) == (19, 22)
    source = tables.provenance(found[0][0])
    assert source == tables.provenance(found[1][0])
    assert {"task": "films", "probe": "contrast-small", "cue": "divides", "seed": 0}.items() <= source.items()


def test_real_texts_keep_their_label_and_group_and_built_ones_have_none(tmp_path):
    (sentences, _), _ = write_probe(tmp_path, "but", "but", {"examples": None}, group="review 3")
    assert tables.read(sentences, "examples").to_pylist() == [
        {
            "example_id": "e1",
            "text_a": "It is long but it is good.",
            "text_b": None,
            "label": 1.0,
            "label_name": "good",
            "group": "review 3",
        }
    ]


def test_a_probe_without_a_sentence_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ProbeError, match=r"tasks.films.probes: 'but' finds no sentence in .*test.parquet"):
        write_probe(tmp_path, "but", "but", {"examples": None}, text="It is good.")
    assert not (tmp_path / "but-sentences.parquet").exists()


def test_a_word_that_is_listed_twice_is_an_error(tmp_path, monkeypatch):
    words = yaml.safe_load((ROOT / "resources/probes/negation.yaml").read_text())
    words["templates"]["not"]["subjects"] = ["film", "film"]
    twice = built(negation, 1)
    monkeypatch.setattr(negation, "build", lambda *_: [*twice, *twice])
    with pytest.raises(ProbeError, match="probes.negation: two sentences are .*; is a word listed twice"):
        write_probe(tmp_path, "negation", "negation", {"items": 2})


def write_probe(folder, name, method, options, text="It is long but it is good.", group=None):
    test = folder / "test.parquet"
    rows = [
        {"example_id": "e0", "text_a": "Fine.", "label": 0.0, "label_name": "bad"},
        {"example_id": "e1", "text_a": text, "label": 1.0, "label_name": "good", "group": group},
    ]
    tables.write(test, "examples", rows, {"task": "films"})
    out = [folder / f"{name}-{part}.parquet" for part in ("sentences", "design")]
    build_probe(test, *out, name=name, method=method, task="films", options=options, seed=0)
    return [(out[0], "examples"), (out[1], "probes")]


# Metrics, on four words: "dull but very good"

CUE = np.array([False, True, False, False])
AFTER = np.array([False, False, True, True])


def test_the_ratio_behind_the_cue_leaves_the_cue_out():
    # 1 before, 5 for the cue itself, 2 + 1 behind: 3 / 4; two words of three stand there.
    assert probes.post_cue_ratio([1, 5, -2, 1], CUE, AFTER) == 0.75
    assert probes.post_cue_ratio([1.5e308, 1e308, -1.5e308, 1.5e308], CUE, AFTER) == pytest.approx(2 / 3)
    assert probes.post_cue_share(CUE, AFTER) == 2 / 3
    assert probes.post_cue_ratio([0.3, 0, 0.3, -0.3], CUE, AFTER) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("values", "cue", "after"),
    [
        ([0, 0, 0, 0], CUE, AFTER),
        ([0, 9, 0, 0], CUE, AFTER),
        ([1, 1, np.nan, 1], CUE, AFTER),
        ([1, 1, 1, 1], CUE & False, AFTER),
        ([1, 1, 1, 1], CUE, AFTER & False),
        ([1, 1, 1, 1], ~AFTER, AFTER),
    ],
    ids=["zero", "zero but for the cue", "nan", "no cue", "nothing behind", "nothing before"],
)
def test_without_mass_cue_or_sides_the_ratio_is_undefined(values, cue, after):
    assert np.isnan(probes.post_cue_ratio(values, cue, after))


def test_polarities_lie_evenly_and_the_middle_class_is_exactly_neutral():
    assert probes.polarities(5).tolist() == [-1, -0.5, 0, 0.5, 1]
    assert probes.polarities(2).tolist() == [-1, 1]
    assert [probes.polarities(n)[n // 2] for n in (3, 7, 11)] == [0, 0, 0]
    assert probes.polarities(4) == pytest.approx([-1, -1 / 3, 1 / 3, 1])


def test_direction_and_rating_of_a_prediction():
    logits = np.log([[0.5, 0.2, 0.1, 0.1, 0.1], [0.1, 0.1, 0.4, 0.2, 0.2], [0.1, 0.1, 0.1, 0.6, 0.1]])
    assert probes.directions(logits).tolist() == [-1, 0, 1]
    assert probes.ratings(logits) == pytest.approx([-0.45, 0.15, 0.25])


def test_polar_attributions_weigh_classes_by_polarity():
    # Three classes: minus the first, plus the third.
    values = [[0.2, 9, 0.5], [0.1, 0.1, 0.1], [0.3, 0, 0]]
    assert probes.polar(values) == pytest.approx([0.3, 0, -0.3])
    assert probes.polar([[0.7], [-0.2]]).tolist() == [0.7, -0.2]
    assert probes.polar(np.full((2, 7), 0.1)).tolist() == [0, 0]


def test_a_negator_of_several_pieces_adds_up_and_a_constant_model_has_none():
    assert probes.cue_attribution([1, -0.5, -0.25, 1], np.array([False, True, True, False])) == -0.75
    assert probes.cue_attribution([1, 0, 1, 1], CUE) == 0
    assert np.isnan(probes.cue_attribution([0, 0, 0, 0], CUE))
    assert np.isnan(probes.cue_attribution([1, 1, 1, 1], CUE & False))
    assert probes.points([-2, 3, 0], [-1, -1, 1]).tolist() == [1, 0, 0]
    assert np.isnan(probes.points([np.nan], [1])).all()


# Scores

SETTINGS = {
    "task": "films",
    "task_settings": {"type": "classification", "labels": ["bad", "so-so", "good"], "metrics": ["accuracy"]},
    "metrics": {"resamples": 200, "confidence_level": 0.95},
    "teachers": {"big": None, "small": "big"},
    "seeds": {"big": [7], "small": [0]},
    "seed": 0,
}
RUNS = [("big", 7), ("small", 0)]
BAD, MIDDLE, GOOD = np.log([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]]).tolist()


class Asked:
    """A probe of made-up sentences, with explanations that the test gives."""

    def __init__(self, folder, name, cue, rows, texts):
        self.folder, self.name, self.rows, self.texts = folder, name, rows, texts
        source = {"task": "films", "probe": name, "cue": cue}
        self.sentences, self.design = folder / f"{name}-s.parquet", folder / f"{name}-d.parquet"
        more = [{key: row.pop(key, None) for key in ("label", "group")} for row in rows]
        examples = [
            {"example_id": row["example_id"], "text_a": text, **of}
            for row, text, of in zip(rows, texts, more, strict=True)
        ]
        tables.write(self.sentences, "examples", examples, source)
        tables.write(self.design, "probes", rows, source)

    def explained(self, run, values, logits, explainer="shap", words=None, skip=0):
        rows = []
        for n, (row, text) in enumerate(zip(self.rows, self.texts, strict=True)):
            places = spans(text)[: (words or {}).get(n)]
            rows.append(
                {
                    "example_id": row["example_id"],
                    "words": [text[start:end] for start, end in places],
                    "spans": [{"segment": 0, "start": start, "end": end} for start, end in places],
                    "values": np.array(values[n], dtype=float).tolist(),
                    "logits": logits[n],
                }
            )
        path = self.folder / f"{self.name}-{run[0]}-{run[1]}-{explainer}.parquet"
        identity = {"task": "films", "model": run[0], "seed": run[1], "probe": self.name}
        tables.write(path, "explanations", rows[skip:], {**identity, "explainer": explainer})
        return path


def scores(asked, explanations, out):
    sentences, designs = [a.sentences for a in asked], [a.design for a in asked]
    score_probes(sentences, designs, explanations, out=out, settings=Settings(**SETTINGS))
    return tables.read(out, "scores").to_pandas()


def value(found, metric, subset, column="value", **where):
    """The one aggregate with these names."""
    of = found[(found["metric"] == metric) & (found["subset"] == subset) & found["example_id"].isna()]
    for key, wanted in {"model": "big", **where}.items():
        of = of[of[key] == wanted]
    assert len(of) == 1, of
    return of[column].iloc[0]


@pytest.fixture
def contrasted(tmp_path):
    """Two items of "dull but very good", forwards, without "but" and flipped."""
    texts, rows = [], []
    for item, (one, other, sign) in {"i": ("dull", "very good", 1), "j": ("fun", "very long", -1)}.items():
        variants = {
            "original": (f"{one} but {other}", sign, len(one) + 1),
            "without_but": (f"{one}. {other}", 0, None),
            "flipped": (f"{other} but {one}", -sign, len(other) + 1),
        }
        for variant, (text, expected, start) in variants.items():
            texts.append(text)
            end = None if start is None else start + 3
            rows.append({"example_id": f"{item}-{variant}", "item": item, "variant": variant})
            rows[-1] |= {"expected": expected, "cue_start": start, "cue_end": end}
    return Asked(tmp_path, "contrast", "divides", rows, texts)


def towards(target, *columns):
    """Attributions of words to one of three classes; the other two get noise that must not count."""
    values = np.full((len(columns), 3), 7.0)
    values[:, target] = columns
    return values


def test_contrast_scores_of_hand_worked_explanations(contrasted, tmp_path):
    logits = [GOOD, MIDDLE, BAD, GOOD, GOOD, GOOD]
    values = [
        towards(2, 1, 5, -2, 1),  # 3 / 4
        towards(1, 1, 1, 1, 1),
        towards(0, 1, 1, 9, 2),  # 2 / 4
        towards(2, 1, 0, 0.5, 0.5),  # 1 / 2
        towards(2, 1, 1, 1, 1),
        towards(2, 0, 0, 0, 0),  # undefined
    ]
    files = [contrasted.explained(run, values, logits) for run in RUNS]
    found = scores([contrasted], files, tmp_path / "scores.parquet")
    assert set(found["task"]) == {"films"} and set(found["probe"]) == {"contrast"}

    assert value(found, "post_cue_ratio", "original", explainer="shap") == pytest.approx(0.625)
    assert value(found, "post_cue_ratio", "original", "spread") == pytest.approx(0.25 / np.sqrt(2))
    assert value(found, "post_cue_ratio", "original", "chance") == pytest.approx(2 / 3)
    assert value(found, "post_cue_share", "flipped") == pytest.approx(1 / 3)
    assert value(found, "post_cue_lift", "original") == pytest.approx(0.625 - 2 / 3)
    undefined = [
        value(found, "post_cue_ratio", "flipped", column) for column in ("value", "n", "n_undefined")
    ]
    assert undefined == [0.5, 1, 1]
    assert set(found[found["metric"] == "post_cue_ratio"]["subset"].dropna()) == {
        *("original", "original_positive", "original_negative"),
        *("flipped", "flipped_positive", "flipped_negative"),
    }

    assert value(found, "expected_direction", "original") == 0.5
    assert value(found, "expected_direction", "original_negative") == 0
    assert value(found, "expected_direction", "flipped") == 1
    assert "without_but" not in set(found[found["metric"] == "expected_direction"]["subset"])
    shares = [value(found, f"direction_{d}", "without_but") for d in ("positive", "neutral", "negative")]
    assert shares == [0.5, 0.5, 0]
    assert value(found, "confidence", "original") == pytest.approx(0.6)
    assert value(found, "rating", "original") == pytest.approx(0.5)
    # From 0.5 to 0 in one item, no change in the other.
    assert value(found, "rating_change", "without_but") == pytest.approx(-0.25)
    assert value(found, "rating_change", "flipped_positive") == pytest.approx(-1)
    assert "original" not in set(found[found["metric"] == "rating_change"]["subset"])
    # Of the class that is predicted with "but": 0.6 to 0.2, and 0.6 to 0.6.
    assert value(found, "confidence_change", "without_but") == pytest.approx(-0.2)
    low, high = (value(found, "confidence_change", "without_but", column) for column in ("low", "high"))
    assert low == pytest.approx(-0.4) and high == pytest.approx(0)
    assert "accuracy" not in set(found["metric"])


def test_single_sentences_have_rows_for_the_ratio_only(contrasted, tmp_path):
    values = [towards(2, 1, 1, 1, 1)] * 6
    files = [contrasted.explained(run, values, [GOOD] * 6) for run in RUNS]
    found = scores([contrasted], files, tmp_path / "scores.parquet")
    singles = found[found["example_id"].notna() & (found["model"] == "small")].set_index("example_id")
    assert set(singles["metric"]) == {"post_cue_ratio"}
    assert singles["value"].to_dict() == pytest.approx(
        {"i-original": 2 / 3, "i-flipped": 1 / 3, "j-original": 2 / 3, "j-flipped": 1 / 3}
    )
    assert singles["chance"].tolist() == singles["value"].tolist()
    assert singles["subset"]["j-flipped"] == "flipped"


def test_answers_stand_once_a_run_and_under_no_explainer(contrasted, tmp_path):
    values = [towards(2, 1, 1, 1, 1)] * 6
    files = [contrasted.explained(run, values, [GOOD] * 6, e) for run in RUNS for e in ("shap", "lime")]
    found = scores([contrasted], files, tmp_path / "scores.parquet")
    answers = found[found["metric"] == "rating"]
    assert answers["explainer"].isna().all()
    assert len(answers) == 2 * 3 * 3
    ratios = found[(found["metric"] == "post_cue_ratio") & found["example_id"].isna()]
    assert Counter(ratios["explainer"]) == {"shap": 12, "lime": 12}


def test_a_cue_beyond_what_the_model_sees_is_undefined_and_counted(contrasted, tmp_path):
    values = [towards(2, 1, 1, 1, 1)] * 6
    cut = [values[0][:1], *values[1:]]
    files = [contrasted.explained(RUNS[0], cut, [GOOD] * 6, words={0: 1})]
    files += [contrasted.explained(RUNS[1], [values[0][:2], *values[1:]], [GOOD] * 6, words={0: 2})]
    found = scores([contrasted], files, tmp_path / "scores.parquet")
    for model in ("big", "small"):
        counts = [
            value(found, metric, "original", column, model=model)
            for metric in ("post_cue_ratio", "post_cue_share", "post_cue_lift")
            for column in ("n", "n_undefined")
        ]
        assert counts == [1, 1] * 3


def test_pieces_of_a_token_explainer_are_found_by_their_place(contrasted, tmp_path):
    # "dull" in two pieces: 1 + 1 before, 2 + 1 behind.
    values = [towards(2, 1, 1, 5, 2, 1)] + [towards(2, 1, 1, 1, 1)] * 5
    path = contrasted.explained(RUNS[0], [v[:4] for v in values], [GOOD] * 6)
    rows = tables.read(path, "explanations").to_pylist()
    rows[0]["values"] = values[0].tolist()
    rows[0]["spans"] = [
        {"segment": 0, "start": start, "end": end}
        for start, end in ((0, 2), (2, 4), (5, 8), (9, 13), (14, 18))
    ]
    tables.write(path, "explanations", rows, tables.provenance(path))
    files = [path, contrasted.explained(RUNS[1], [towards(2, 1, 1, 1, 1)] * 6, [GOOD] * 6)]
    found = scores([contrasted], files, tmp_path / "scores.parquet")
    assert value(found, "post_cue_ratio", "original_positive") == pytest.approx(3 / 5)
    assert value(found, "post_cue_share", "original_positive") == pytest.approx(2 / 4)


def test_negation_scores_of_hand_worked_explanations(tmp_path):
    rows, texts = [], []
    for item, sign in (("good", 1), ("bad", -1)):
        for variant, text, factor, start in (
            ("affirmative", f"it was {item}", 1, None),
            ("negated", f"it wasn't {item}", -1, 3),
        ):
            texts.append(text)
            end = start and start + len("wasn't")
            rows.append({"example_id": f"{item}-{variant}", "item": item, "variant": variant})
            rows[-1] |= {"expected": sign * factor, "cue_start": start, "cue_end": end}
    asked = Asked(tmp_path, "negation", "negates", rows, texts)
    # Word by class; the negator's polar attribution is the third minus the first.
    flat = [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    down, up = ([flat[0], [0.5, 9, 0.25], flat[2]], [flat[0], [0.25, 9, 0.5], flat[2]])
    logits = [GOOD, BAD, BAD, BAD]
    files = [
        asked.explained(RUNS[0], [flat, down, flat, down], logits),
        asked.explained(RUNS[1], [flat, up, flat, np.zeros((3, 3))], [GOOD, BAD, BAD, MIDDLE]),
    ]
    found = scores([asked], files, tmp_path / "scores.parquet")
    assert value(found, "cue_direction", "negated") == 0.5
    assert value(found, "cue_direction", "negated", "chance") == 0.5
    assert value(found, "cue_direction", "negated_positive") == 1
    assert value(found, "cue_direction", "negated_negative") == 0
    assert value(found, "cue_attribution", "negated_negative") == pytest.approx(-0.25)
    assert value(found, "expected_direction", "negated_positive") == 1
    assert value(found, "expected_direction", "negated_negative") == 0
    assert value(found, "rating_change", "negated_positive") == pytest.approx(-1)
    assert value(found, "rating_change", "negated_negative") == pytest.approx(0, abs=1e-12)
    small = {"model": "small"}
    assert value(found, "cue_direction", "negated", **small) == 0
    assert value(found, "cue_direction", "negated", "n_undefined", **small) == 1
    assert value(found, "rating_change", "negated_negative", **small) == pytest.approx(0.5)
    assert value(found, "direction_neutral", "negated_negative", **small) == 1
    assert not any(metric.startswith("post_cue") for metric in found["metric"])
    assert "affirmative" not in set(found[found["metric"] == "cue_direction"]["subset"])


def test_real_texts_have_an_accuracy_and_no_expectation(tmp_path):
    rows = [
        {"example_id": f"e{n}", "item": f"e{n}", "variant": "original", "expected": 0}
        | {"cue_start": 5, "cue_end": 8, "label": label}
        for n, label in enumerate([0.0, 2.0, 1.0, 1.0])
    ]
    asked = Asked(tmp_path, "but", "divides", rows, ["dull but very good"] * 4)
    values = [towards(2, 1, 1, 1, 1)] * 4
    files = [asked.explained(run, values, [BAD, BAD, MIDDLE, GOOD]) for run in RUNS]
    found = scores([asked], files, tmp_path / "scores.parquet")
    assert value(found, "accuracy", "original") == 0.5
    assert set(found["subset"]) == {"original"}
    assert not {"expected_direction", "rating_change", "confidence_change"} & set(found["metric"])


def test_real_texts_of_one_group_are_one_draw(tmp_path):
    """Four texts of two documents, then of one: a share has wider bounds, then none, like a mean."""

    def bounds(folder, groups):
        rows = [
            {"example_id": f"e{n}", "item": f"e{n}", "variant": "original", "expected": 0}
            | {"cue_start": 5, "cue_end": 8, "label": 2.0, "group": group}
            for n, group in enumerate(groups)
        ]
        (tmp_path / folder).mkdir()
        asked = Asked(tmp_path / folder, "but", "divides", rows, ["dull but very good"] * 4)
        values = [towards(2, 1, 1, n, n) for n in range(4)]
        files = [asked.explained(run, values, [BAD, BAD, GOOD, GOOD]) for run in RUNS]
        found = scores([asked], files, tmp_path / folder / "scores.parquet")
        found = found[found["example_id"].isna() & (found["model"] == "big")].set_index("metric")
        return (found["high"] - found["low"])[["accuracy", "post_cue_ratio"]]

    alone, pairs, one = bounds("alone", [None] * 4), bounds("pairs", "aabb"), bounds("one", "aaaa")
    assert pairs["accuracy"] > alone["accuracy"] and one.isna().all()


def test_without_probes_the_table_is_empty(tmp_path):
    assert len(scores([], [], tmp_path / "scores.parquet")) == 0


def test_the_same_inputs_give_the_same_bytes_in_any_order(contrasted, tmp_path):
    values = [towards(2, 1, n, 2, 3) for n in range(6)]
    files = [contrasted.explained(run, values, [GOOD, BAD] * 3) for run in RUNS]
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    scores([contrasted], files, one)
    scores([contrasted], files, two)
    assert one.read_bytes() == two.read_bytes()
    backwards = scores([contrasted], files[::-1], two)
    assert backwards.equals(tables.read(one, "scores").to_pandas())


def test_a_model_that_cannot_be_asked_has_no_answers(contrasted, tmp_path):
    file = contrasted.explained(RUNS[0], [towards(2, 1, 1, 1, 1)] * 6, [GOOD] * 6)
    out = tmp_path / "scores.parquet"
    told = Settings(**SETTINGS, attributions_only=["small"])
    score_probes([contrasted.sentences], [contrasted.design], [file], out=out, settings=told)
    assert set(tables.read(out, "scores").to_pandas()["model"].dropna()) == {"big"}


def test_what_is_missing_or_foreign_is_an_error_that_names_it(contrasted, tmp_path):
    values = [towards(2, 1, 1, 1, 1)] * 6
    files = [contrasted.explained(run, values, [GOOD] * 6) for run in RUNS]
    out = tmp_path / "scores.parquet"
    with pytest.raises(TableError, match="no explanations of probe 'contrast' by 'shap' for 'small', seed 0"):
        scores([contrasted], files[:1], out)
    with pytest.raises(TableError, match="probe 'contrast' has only one of sentences and explanations"):
        scores([contrasted], [], out)
    short = contrasted.explained(RUNS[0], values, [GOOD] * 6, skip=1)
    with pytest.raises(TableError, match="big-7-shap.parquet: does not explain each sentence of 'contrast'"):
        scores([contrasted], [short, files[1]], out)
    tables.write(
        contrasted.design, "probes", contrasted.rows, {"task": "other", "probe": "contrast", "cue": "divides"}
    )
    with pytest.raises(TableError, match="contrast-d.parquet: is not the design of"):
        scores([contrasted], files, out)
    assert not out.exists()


# Config

QUICKSTART = json.loads(json.dumps(yaml.safe_load((ROOT / "config.yaml").read_text())))


def config(probes_of_task=("contrast",), probes=None, **task):
    full = json.loads(json.dumps(QUICKSTART))
    full["tasks"]["snippets-5"] |= {"probes": list(probes_of_task), **task}
    full["tasks"]["snippets-5"] = {k: v for k, v in full["tasks"]["snippets-5"].items() if v is not None}
    full["probes"] = {"contrast": {"explainers": ["shap"]}} if probes is None else probes
    return full


def test_options_of_probes_are_filled_and_a_probe_can_have_another_name():
    full = complete(config(["few"], {"few": {"method": "contrast", "explainers": ["shap"], "items": 7}}))
    assert full["probes"]["few"] == {"method": "contrast", "explainers": ["shap"], "items": 7}
    assert (
        complete(QUICKSTART)["probes"] == {} and complete(QUICKSTART)["tasks"]["snippets-5"]["probes"] == []
    )
    assert complete(full) == full
    assert set(registry.options("probe")) == {"but", "contrast", "negation"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (config(["contrst"]), r"tasks.snippets-5.probes: no probe 'contrst'; did you mean 'contrast'\?"),
        (config(probes={"contrst": {}}), "probes.contrst: no method 'contrst'; did you mean 'contrast'"),
        (config(probes={"contrast": None}), "probes.contrast.explainers: say which explainers .* shap"),
        (config(probes={"contrast": {"explainers": []}}), "probes.contrast.explainers: "),
        (
            config(probes={"contrast": {"explainers": ["shapp"]}}),
            "probes.contrast.explainers: no explainer 'shapp'; did you mean 'shap'",
        ),
        (config(probes={"contrast": {"explainers": ["shap"], "item": 3}}), "did you mean 'items'"),
        (
            config(probes={"contrast": {"explainers": ["shap"], "items": 0}}),
            "probes.contrast.items: 0 is less",
        ),
        (
            config(columns={"text_a": "text", "text_b": "id", "label": "rating"}),
            "tasks.snippets-5.probes: probes are single texts; this task has pairs",
        ),
        (
            config(type="regression", labels=None, cut=None, metrics=["pearson"]),
            "tasks.snippets-5.probes: probes ask for a sentiment class; a regression has none",
        ),
    ],
)
def test_a_wrong_probe_is_refused_in_one_line(given, message):
    with pytest.raises(ConfigError, match=message) as caught:
        complete(given)
    assert "\n" not in str(caught.value)


def test_who_explains_a_probe_does_not_change_its_sentences_and_its_words_do(monkeypatch, tmp_path):
    class Wildcards:
        task, probe = "snippets-5", "contrast"

    study = Study(complete(config()))
    params, job_code = JobParams(study), JobCode(study)
    before = params.build_probe(Wildcards), job_code.build_probe(Wildcards)
    params.config["probes"]["contrast"]["explainers"] = ["lime"]
    assert (params.build_probe(Wildcards), job_code.build_probe(Wildcards)) == before
    assert before[0]["options"] == {"items": 100} and before[0]["method"] == "contrast"
    words = tmp_path / "resources" / "probes" / "contrast.yaml"
    words.parent.mkdir(parents=True)
    words.write_text("first: Another.")
    monkeypatch.setattr("distillens.config.job_code.ROOT", tmp_path)
    assert job_code.build_probe(Wildcards) != before[1]
