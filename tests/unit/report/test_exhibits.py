"""A published study by number, case studies by rule, and the picture of the workflow."""

import csv
import html
import math
import re
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from distillens import tables
from distillens.config import validate
from distillens.provenance import ROOT
from distillens.report import buckets, case, cases, label_counts, probe_data, probes, study_data
from distillens.report.exhibits import grid, published
from distillens.report.exhibits.source import Source
from distillens.tables import TableError
from tests.fixtures import made_up_study

PAPER = validate.published("resources/published/sst5.yaml")
NUMBERS = ["figure-1", "figure-2", "figure-3", "figure-4", "table-1", "figure-5", "table-2", "figure-6"]
NUMBERS += ["table-3", "figure-7", "figure-8", "table-4", "table-5", "figure-9"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the made-up study's page."""
    folder = tmp_path_factory.mktemp("study")
    made_up_study.report(made_up_study.write(folder / "in", examples=16), folder / "index.html")
    return folder


@pytest.fixture(scope="module")
def poor(tmp_path_factory):
    """The same of a study without LIME, probes and a model for KD-TinyBERT."""
    folder = tmp_path_factory.mktemp("poor")
    settings = made_up_study.study(explainers=("shap", "random"), perturbations=())
    settings["probes"] = {}
    del settings["published"]["models"]["kd-tinybert"]
    arguments = made_up_study.write(folder / "in", settings, examples=8)
    made_up_study.report(arguments, folder / "index.html")
    return folder


def _csv(folder, number):
    with (folder / "published" / f"{number}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _exhibit(folder, number):
    page = (folder / "index.html").read_text("utf-8")
    return re.search(rf'<article class="exhibit \w+" id="published-{number}">.*?</article>', page, re.S)[0]


def _row(**columns):
    empty = dict.fromkeys(tables.SCHEMAS["scores"].names)
    numbers = dict.fromkeys(("value", "low", "high", "spread", "chance"), math.nan)
    return {**empty, **numbers, "task": "t", "n": 4, "n_undefined": 0, **columns}


def _source(rows, more=None, tasks=("t",), **changed):
    settings = {
        "models": {
            "big": {"teacher": None, "seeds": [4, 5]},
            "small": {"teacher": "big", "seeds": [1]},
            "tiny": {"teacher": "big", "seeds": [1]},
        },
        "explainers": {"shap": {}, "lime": {}},
        "probes": {},
        **(more or {}),
    }
    options = {"type": "classification", "labels": ["a", "b", "c"], "metrics": ["accuracy"]}
    study = study_data.study_of(settings, dict.fromkeys(tasks, options))
    scores = study_data.by_subject(pd.DataFrame(rows, columns=tables.SCHEMAS["scores"].names))
    names = {"bert": "BERT", "mini": "MiniBERT", "other": "OtherBERT"}
    given = {"models": {"bert": "big", "mini": "small"}, "explainers": {}, "splits": {}, "explained": {}}
    given |= {"probes": {}, "examples": scores, **changed}
    return Source(study=study, task="t", names=names, scores=scores, **given)


def test_every_exhibit_of_the_paper_is_there_in_its_order(made):
    page = (made / "index.html").read_text("utf-8")
    assert re.findall(r'id="published-((?:table|figure)-\d)"', page) == NUMBERS == list(PAPER["exhibits"])
    assert sorted(path.stem for path in (made / "published").glob("*.csv")) == sorted(NUMBERS)
    drawn = [name for name in NUMBERS if name.startswith("figure") and name != "figure-2"]
    assert sorted(path.stem for path in (made / "published").glob("*.svg")) == sorted(drawn)


def test_published_values_land_in_their_cells(made):
    found = {(row["paper_row"], row["column"]): row for row in _csv(made, "table-1")}
    assert found["BERT", "confidence drop @3"]["paper_value"] == "0.096"
    assert found["BERT", "confidence drop @3"]["paper_spread"] == "0.1"
    assert found["DistilBERT", "flip rate @3"]["paper_value"] == "0.393"
    assert found["KD-TinyBERT", "flip rate @3"]["paper_value"] == "0.0"
    assert found["KD-TinyBERT", "short-token ratio @3"]["paper_value"] == "0.33"
    pairs = {(row["paper_row"], row["column"]): row["paper_value"] for row in _csv(made, "table-2")}
    assert pairs["BERT – KD-TinyBERT", "overlap @10"] == "0.608"
    assert pairs["DistilBERT – KD-TinyBERT", "Jaccard @10"] == "0.449"
    assert pairs["BERT – DistilBERT", "overlap @10, corrected"] == ""
    ratios = {row["paper_row"]: row for row in _csv(made, "table-4") if row["paper_value"]}
    assert [ratios[name]["paper_spread"] for name in ("BERT", "DistilBERT", "KD-TinyBERT")] == [
        "0.09",
        "0.066",
        "0.112",
    ]
    bars = {(row["paper_row"], row["column"]): row["paper_value"] for row in _csv(made, "figure-4")}
    assert bars["DistilBERT", "weighted F1"] == "0.487"
    said = {(row["variant"], row["paper_model"]): row["paper_value"] for row in _csv(made, "table-5")}
    assert (
        said["without_but", "BERT"] == "neutral (0.452)"
        and said["flipped", "KD-TinyBERT"] == "negative (0.455)"
    )


def test_our_values_stand_beside_them_and_are_the_scores(made):
    scores = made / "tables" / "performance.csv"
    with scores.open(encoding="utf-8", newline="") as file:
        known = {
            (row["task"], row["model"], row["seed"], row["metric"]): row["value"]
            for row in csv.DictReader(file)
        }
    ours = {(row["row"], row["column"]): row["value"] for row in _csv(made, "figure-4")}
    assert ours["soft", "weighted F1"] == known["sst5", "soft", "0", "weighted_f1"]
    assert ours["teacher", "accuracy"] == known["sst5", "teacher", "0", "accuracy"]
    shown = _exhibit(made, "table-1")
    assert "the paper’s" in shown and '<td class="paper"><data value="0.096">0.096 ± 0.100</data>' in shown
    assert "random words" in shown
    assert "chance 0.160" in _exhibit(made, "table-2")


def test_what_is_missing_is_said_in_words_and_nothing_vanishes(poor):
    page = (poor / "index.html").read_text("utf-8")
    assert re.findall(r'id="published-((?:table|figure)-\d)"', page) == NUMBERS
    assert "This study has no explainer &#39;lime&#39;" in _exhibit(poor, "table-1")
    assert "This study has no model for KD-TinyBERT" in _exhibit(poor, "table-2")
    for number in ("table-4", "table-5", "figure-9"):
        assert "This study has no probe &#39;contrast&#39;" in _exhibit(poor, number)
    assert "not measured" in _exhibit(poor, "table-1") and "0.335" in _exhibit(poor, "table-1")
    assert "nothing stands for KD-TinyBERT" in page
    row = next(row for row in _csv(poor, "table-1") if row["column"] == "short-token ratio @3")
    assert row["value"] == "" and row["paper_value"] == "0.335" and row["missing"]


def test_without_a_published_study_there_is_no_such_section(tmp_path):
    settings = made_up_study.study(explainers=("shap",), perturbations=())
    settings["published"] = None
    made_up_study.report(made_up_study.write(tmp_path / "in", settings, examples=8), tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text("utf-8")
    assert 'id="published"' not in page and 'href="#published"' not in page
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize("turned", [False, True])
def test_pairs_have_no_order(turned):
    pair = {"model": "small", "seed": 1, "against": "big", "against_seed": 4}
    if turned:
        pair = {"model": "big", "seed": 4, "against": "small", "against_seed": 1}
    rows = [
        _row(explainer="shap", metric="cosine", value=0.7, **pair),
        _row(
            explainer="shap", metric="cosine", value=0.9, model="big", seed=5, against="big", against_seed=4
        ),
    ]
    source = _source(rows)
    select = {"subject": "agreement", "explainer": "shap", "metric": "cosine"}
    for one, other in (("bert", "mini"), ("mini", "bert")):
        row, why = source.find({**select, "model": one, "against": other})
        assert row["value"] == 0.7 and why == ""


def test_two_explainers_of_one_model_have_no_order():
    rows = [_row(explainer="lime", against_explainer="shap", metric="cosine", value=0.2, model="big", seed=4)]
    select = {"subject": "explainers", "metric": "cosine", "model": "bert"}
    for one, other in (("shap", "lime"), ("lime", "shap")):
        row, _ = _source(rows).find({**select, "explainer": one, "against_explainer": other})
        assert row["value"] == 0.2


def test_a_role_means_the_first_run_of_its_model():
    rows = [_row(metric="accuracy", value=0.1 * seed, model="big", seed=seed) for seed in (4, 5)]
    row, _ = _source(rows).find({"subject": "performance", "metric": "accuracy", "model": "bert"})
    assert row["seed"] == 4


@pytest.mark.parametrize(
    ("select", "why"),
    [
        ({"model": "other"}, "this study has no model for OtherBERT"),
        ({"explainer": "ig"}, "this study has no explainer 'ig'"),
        ({"task": "qnli"}, "this study has no task 'qnli'"),
        ({"metric": "flip_rate", "k": 3}, "flip rate @3 was not measured here"),
        ({"metric": "confidence_drop"}, "2 scores of confidence drop fit this selection"),
        ({"subject": "faith"}, "this exhibit selects 'faith'"),
        ({"metrics": "x"}, "this exhibit selects by 'metrics'"),
    ],
)
def test_why_there_is_no_score(select, why):
    common = {"explainer": "shap", "ranking": "own", "metric": "confidence_drop", "model": "big", "seed": 4}
    source = _source([_row(k=3, value=0.1, **common), _row(k=5, value=0.2, **common)])
    row, found = source.find({"subject": "faithfulness", "model": "bert", "explainer": "shap", **select})
    assert row is None and found.startswith(why)


def test_another_papers_tables_need_only_a_file(tmp_path):
    path = tmp_path / "glue.yaml"
    path.write_text(
        """
        title: Layers
        source: table 2
        names: {bert: BERT, mini: MiniBERT}
        exhibits:
          table-2:
            kind: table
            caption: Change of accuracy under keyboard errors
            select: {subject: robustness, perturbation: keyboard, metric: accuracy_change}
            rows:
              - {title: SST-2, select: {task: sst2}}
              - {title: RTE, select: {task: rte}}
            columns:
              - {title: BERT, select: {model: bert}, digits: 2}
              - {title: MiniBERT, select: {model: mini}, digits: 2}
            published: [[-0.295, -0.309], [null, -0.05]]
        """
    )
    cells = [("sst2", "big", 4, -0.2), ("sst2", "small", 1, -0.25), ("rte", "big", 4, -0.1)]
    rows = [
        _row(
            task=task, model=model, seed=seed, value=value, perturbation="keyboard", metric="accuracy_change"
        )
        for task, model, seed, value in cells
    ]
    settings = {"perturbations": {"keyboard": {}}}
    (exhibit,) = published.exhibits(validate.published(str(path)), _source(rows, settings, ("sst2", "rte")))
    shown = [[cell.text for cell in row] for row in exhibit.content.table.rows]
    assert shown == [
        ["SST-2", "−0.20", "−0.29", "−0.25", "−0.31"],
        ["RTE", "−0.10", "–", "not measured", "−0.05"],
    ]
    assert exhibit.name == "Table\u00a02"


def test_a_distribution_has_the_quantiles_of_the_texts(tmp_path):
    path = tmp_path / "paper.yaml"
    path.write_text(
        yaml.safe_dump(
            _published(
                kind="distribution",
                select={"subject": "agreement", "metric": "cosine", "against": "bert"},
                rows=[{"title": "SHAP", "select": {"explainer": "shap"}}],
                columns=[
                    {"title": "Mini", "select": {"model": "mini"}},
                    {"title": "Other", "select": {"model": "other"}},
                ],
            )
        )
    )
    pair = {"model": "small", "seed": 1, "against": "big", "against_seed": 4}
    what = {**pair, "explainer": "shap", "metric": "cosine"}
    values = [0.4, 0.0, math.nan, 0.1, 0.3, 0.2]
    singles = [_row(**what, value=value, example_id=str(i)) for i, value in enumerate(values)]
    frame = pd.DataFrame(singles, columns=tables.SCHEMAS["scores"].names)
    source = _source([_row(**what, value=0.2)], examples=study_data.by_subject(frame))
    (exhibit,) = published.exhibits(validate.published(str(path)), source)
    mine, other = exhibit.content.records
    assert mine[2:7] == pytest.approx([0.02, 0.1, 0.2, 0.3, 0.38]) and mine[7:] == [5, ""]
    assert other[2:] == [None] * 5 + [0, "this study has no model for OtherBERT"]
    assert exhibit.content.svg.startswith("<svg")
    assert "This study has no model for OtherBERT." in exhibit.content.notes


def test_the_glue_study_s_tables_are_whole():
    paper = validate.published("resources/published/glue.yaml")
    for number, exhibit in paper["exhibits"].items():
        if exhibit["kind"] == "table":
            # The study's tables 1 and 3 have no AlignedDistil, the last column.
            (width,) = {len(row) for row in exhibit["published"]}
            assert width == 4 and len(exhibit["columns"]) == (4 if number == "table-2" else 5), number
            assert len(exhibit["published"]) == len(exhibit["rows"]), number
    rows = paper["exhibits"]["table-2"]
    place = [row["title"] for row in rows["rows"]].index("RTE SHAP")
    assert rows["published"][place] == [-0.2212, -0.2777, -0.1709, -0.3036]


@pytest.mark.parametrize(
    "kind", ["labels", "examples", "projection", "contrast_words", "contrast_predictions"]
)
def test_an_exhibit_of_no_task_says_so(tmp_path, kind):
    path = tmp_path / "paper.yaml"
    path.write_text(
        yaml.safe_dump(_published(kind=kind, rows=["bert"], select={"probe": "x", "explainer": "shap"}))
    )
    source = replace(_source([]), task=None)
    (exhibit,) = published.exhibits(validate.published(str(path)), source)
    assert exhibit.content.notes and not exhibit.content.svg


def test_an_undefined_score_is_shown_as_such():
    row = _row(metric="accuracy", value=math.nan, n=0, n_undefined=4, model="big", seed=4)
    settings = {
        "select": {"subject": "performance"},
        "rows": ["bert"],
        "columns": [{"title": "accuracy", "select": {"metric": "accuracy"}}],
        "published": [[0.5]],
    }
    ((cell,),) = grid.fill(settings, _source([row]))
    assert grid.ours(cell).text == "undefined" and "4 of 4" in grid.ours(cell).hint
    assert grid.papers(cell).text == "0.500"


def test_a_renamed_explainer_is_found():
    rows = [
        _row(
            explainer="lime", metric="cosine", value=0.3, model="small", seed=1, against="big", against_seed=4
        )
    ]
    source = _source(rows, explainers={"the-papers": "lime"})
    select = {"subject": "agreement", "explainer": "the-papers", "model": "mini", "against": "bert"}
    assert source.find(select)[0]["value"] == 0.3


def _published(**exhibit):
    content = {"title": "t", "source": "s", "names": {"bert": "BERT"}}
    return {**content, "exhibits": {"table-1": {"kind": "table", "caption": "c", **exhibit}}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            _published(kind="tabel", rows=["bert"], columns=[]),
            "exhibits.table-1: no kind 'tabel'; did you mean 'table'?",
        ),
        (_published(), "exhibits.table-1: 'rows' is a required property"),
        (_published(rows=["bert"], columns=[{"select": {}}]), "'title' is a required property"),
        (_published(rows=["bert"], columns=[], first=3), "unknown key 'first'"),
        (
            {**_published(), "exhibits": {"tab-1": {"kind": "table", "caption": "c"}}},
            "'tab-1' does not match",
        ),
    ],
)
def test_a_wrong_file_is_refused_where_it_is_wrong(tmp_path, content, said):
    path = tmp_path / "paper.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(validate.ConfigError, match=re.escape(said)):
        validate.published(str(path))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"file": "resources/published/none.yaml"}, "published.file: no file"),
        (
            {"models": {"bert": "minilm"}},
            "published.models.bert: no model 'minilm'; did you mean 'minilm-6'?",
        ),
        ({"models": {"bart": "minilm-6"}}, "has no model 'bart'; did you mean 'bert'?"),
        ({"task": "sst"}, "published.task: no task 'sst'"),
        (
            {"explainers": {"shap": "shapp"}},
            "published.explainers.shap: no explainer 'shapp'; did you mean 'shap'?",
        ),
    ],
)
def test_a_config_that_names_what_is_not_there_is_refused(changed, said):
    study = yaml.safe_load((ROOT / "config.yaml").read_text())
    study["published"] = {"file": "resources/published/sst5.yaml", "models": {"bert": "minilm-6"}, **changed}
    with pytest.raises(validate.ConfigError, match=re.escape(said)):
        validate.complete(study)


def test_a_complete_config_is_complete():
    full = validate.complete(yaml.safe_load((ROOT / "config.yaml").read_text()))
    assert validate.complete(full) == full, "the graph of the rules is asked for with a complete config"


def test_labels_are_counted_over_all_splits():
    texts = {
        ("t", "train"): [{"label": 0.0, "label_name": None}] * 2 + [{"label": 2.0, "label_name": None}],
        ("t", "test"): [{"label": 2.0, "label_name": None}],
    }
    options = {"type": "classification", "labels": ["a", "b", "c"]}
    assert label_counts.counts(options, texts, "t") == {
        "a": {"train": 2},
        "b": {},
        "c": {"train": 1, "test": 1},
    }
    assert label_counts.counts({"type": "regression", "labels": []}, texts, "t") == {}


def test_buckets_and_variants_in_words():
    assert buckets.bucket_name("only_minilm-3") == "only minilm-3"
    assert buckets.bucket_name("a+b") == "only a and b"
    assert buckets.bucket_name("all_correct") == "all right"
    assert buckets.bucket_name("6_of_7_correct") == "6 of 7"
    rows = [{"subset": name} for name in ("double", "original", "negated_negative", "negated", "own")]
    assert probes.variants(rows) == ["original", "negated", "negated_negative", "double", "own"]
    assert probes.variant_name("negated_negative") == "negated, of negative"


# ---- case studies ----


def _explained(name, logits, values=((1.0,) * 3, (-0.5,) * 3)):
    return {
        "example_id": name,
        "words": ["a", "b"],
        "spans": [{"segment": 0, "start": 0, "end": 1}, {"segment": 0, "start": 2, "end": 3}],
        "values": [list(value) for value in values],
        "output": list(logits),
        "logits": list(logits),
        "unseen": 0,
    }


def _texts(gold):
    return [
        {"example_id": str(place), "text_a": "a b", "text_b": None, "label": label, "label_name": None}
        for place, label in enumerate(gold)
    ]


_RIGHT = {0: (3.0, 0.0, 0.0), 1: (0.0, 3.0, 0.0), 2: (0.0, 0.0, 3.0)}


def _words(first):
    """The attribution of a text of two words: so much of it, with its sign, on the first."""
    return [[first] * 3, [1 - abs(first)] * 3]


def _chosen(texts, teacher, student, places=(), again=None):
    """The groups of a task with one student, from predictions and what lies on the first of two words.

    The first run of the teacher puts all on the first word, and ``again`` is what a second run puts there.
    """
    source, made = _source([]), {"task": "t", "explainer": "shap", "seed": 4, "model": "big"}
    places = places or [1.0] * len(texts)
    explanations = [
        (made, [_explained(str(place), logits, _words(1.0)) for place, logits in enumerate(teacher)]),
        (
            {**made, "seed": 1, "model": "small"},
            [_explained(str(p), logits, _words(places[p])) for p, logits in enumerate(student)],
        ),
    ]
    if again:
        rows = [_explained(str(p), logits, _words(again[p])) for p, logits in enumerate(teacher)]
        explanations.append(({**made, "seed": 5}, rows))
    examples = study_data.by_subject(pd.DataFrame([], columns=tables.SCHEMAS["scores"].names))
    return cases.choose(source.study, "t", texts, explanations, examples, {})


def test_the_largest_disagreement_beyond_noise_is_chosen_among_texts_that_both_have_right():
    right, wrong = _RIGHT[0], _RIGHT[1]
    teacher = [right, right, wrong, right, right, right, right]
    student = [right, wrong, right, right, right, right, right]
    # The teacher's runs share 0.75 of each text, but half of text 5.
    again = [0.75, 0.75, 0.75, 0.75, 0.75, 0.5, 0.75]
    # What the student puts on the first word; it shares that much with the first run.
    places = [1.0, 0.0, 0.0, 0.25, 0.875, 0.25, 0.25]
    worst, _, drifted, _ = _chosen(_texts([0.0] * 7), teacher, student, places, again)
    # Text 3: 0.25 and 0.5, mean 0.375, of 0.75. Text 5: 0.25 and 0.75, mean 0.5, of 0.5: none beyond it.
    assert [case.example_id for case in drifted.cases] == ["3", "6"], "largest first, ties as in the data"
    facts = dict(drifted.cases[0].facts)
    assert facts["beyond noise"] == "0.38" and facts["the teacher’s runs share"] == "0.75"
    assert "all 2" in drifted.rule and drifted.none == ""
    assert [line.run.model for line in drifted.cases[0].lines] == ["big", "small"]
    # Whatever the answers: texts 1 and 2 share 0 and 0.25, mean 0.125.
    assert [row[0].text for row in worst.table.rows] == ["1", "2", "3", "6"]
    assert [row[4].value for row in worst.table.rows] == [0.625, 0.625, 0.375, 0.375]
    assert worst.table.rows[0][0].link == "#sentences?task=t&explainer=shap&student=small&example=1"
    assert worst.title == "The ten worst disagreements beyond noise: small"


def test_a_score_is_told_in_tables_and_beside_the_words_and_one_that_nobody_knows_as_such():
    files = [
        ({"task": "t", "explainer": "shap", "model": model, "seed": seed}, [row])
        for model, seed, row in (
            ("big", 4, {**_explained("0", (0.5,), [[1.0], [0.0]]), "unseen": 1}),
            ("small", 1, {**_explained("0", (0.75,), [[0.0], [1.0]]), "logits": None}),
        )
    ]
    study = study_data.study_of(_source([]).study.settings, {"t": {"type": "regression", "labels": []}})
    examples = study_data.by_subject(pd.DataFrame([], columns=tables.SCHEMAS["scores"].names))
    (worst,) = cases.choose(study, "t", _texts([0.25]), files, examples, {})
    assert [cell.text for cell in worst.table.rows[0][2:4]] == ["0.50; 1 word cut off", "not known"]
    said = [line.prediction for line in worst.cases[0].lines]
    assert said == ["says 0.50; 1 word cut off", "says not known"]


def test_where_both_look_at_one_word_there_is_no_case_whatever_the_ranks():
    # Ranks of three words of next to no weight are turned round; both models look at the last.
    other = [0.001, 0.002, 0.003]
    texts = [{**_texts([0.0])[0], "text_a": "a b c d"}]
    spans = [{"segment": 0, "start": place, "end": place + 1} for place in (0, 2, 4, 6)]

    def row(values):
        return {**_explained("0", _RIGHT[0], [[value] * 3 for value in values]), "spans": spans}

    made = {"task": "t", "explainer": "shap", "seed": 4, "model": "big"}
    files = [
        (made, [row([*other, 1.0])]),
        ({**made, "seed": 5}, [row([*other, 0.99])]),
        ({**made, "model": "small", "seed": 1}, [row([*other[::-1], 1.0])]),
    ]
    examples = study_data.by_subject(pd.DataFrame([], columns=tables.SCHEMAS["scores"].names))
    worst, *_ = cases.choose(_source([]).study, "t", texts, files, examples, {})
    assert worst.table is None or worst.table.rows[0][4].value < 0.01


def test_one_run_of_the_teacher_shows_no_noise_and_the_page_says_so():
    worst, _, drifted, _ = _chosen(_texts([0.0] * 3), [_RIGHT[0]] * 3, [_RIGHT[0]] * 3, [0.5, 0.25, 1.0])
    assert (
        worst.title == "The ten worst disagreements: small" and "one run of big shows no noise" in worst.rule
    )
    assert [row[0].text for row in worst.table.rows] == ["1", "0"]
    assert [(row[4].text, row[4].value, row[5].value) for row in worst.table.rows] == [
        ("–", None, 0.25),
        ("–", None, 0.5),
    ]
    assert "beyond noise" not in dict(drifted.cases[0].facts)


def test_what_every_run_answers_otherwise_stands_beside_what_all_answer_alike_for_other_reasons():
    right, wrong = _RIGHT[0], _RIGHT[1]
    teacher = [right, right, right, right]
    student = [wrong, right, wrong, right]
    # The teacher's runs share all of every text but the last, half of it.
    again, places = [1.0, 1.0, 1.0, 0.5], [1.0, 0.25, 0.5, 0.75]
    _, apart, *_ = _chosen(_texts([0.0] * 4), teacher, student, places, again)
    # Text 2 shares half with both runs; text 3 shares 0.75 with both, more than they share.
    assert [(row[0].text, row[1].text, row[6].value) for row in apart.table.rows] == [
        ("2", "other answer", 0.5),
        ("0", "other answer", 0.0),
        ("1", "same answer, other reasons", 0.75),
    ]
    assert "another: 2 of 4 texts" in apart.rule and "(2)" in apart.rule


def test_the_border_is_where_the_teacher_wavers_most():
    # Gaps of the two largest probabilities: e^0.1, e^2, e^0, e^1 against 1, in this order.
    teacher = [(0.1, 0.0, -9.0), (2.0, 0.0, -9.0), (0.0, 0.0, -9.0), (1.0, 0.0, -9.0)]
    *_, border = _chosen(_texts([0.0] * 4), teacher, [_RIGHT[0]] * 4)
    assert [case.example_id for case in border.cases] == ["2", "0", "3"]
    # (e - 1) / (e + 1 + e^-9)
    assert dict(border.cases[2].facts)["gap of their probabilities"] == "0.462"


def test_without_a_common_right_answer_the_group_says_so():
    *_, drifted, _ = _chosen(_texts([2.0]), [_RIGHT[0]], [_RIGHT[2]], [0.5])
    assert drifted.cases == [] and drifted.none == "big and small are both right on no explained text."


def test_contrasts_are_where_a_student_differs_most_from_the_teacher():
    source = _source([])
    texts = _texts([None] * 4)
    design = [
        {"example_id": str(place), "item": str(place), "variant": variant, "expected": 1}
        for place, variant in enumerate(("original", "original", "flipped", "original"))
    ]
    made = {"task": "t", "probe": "contrast", "explainer": "shap"}
    explanations = [
        ({**made, "model": model, "seed": seed}, [_explained(str(place), _RIGHT[0]) for place in range(4)])
        for model, seed in (("big", 4), ("small", 1), ("tiny", 1))
    ]
    ratios = {"big": (0.6, 0.6, 0.6, 0.6), "small": (0.5, 0.7, 0.1, 0.6), "tiny": (0.6, 0.3, 0.6, math.nan)}
    rows = [
        _row(
            probe="contrast",
            subset=design[place]["variant"],
            explainer="shap",
            metric="post_cue_ratio",
            model=model,
            seed=4 if model == "big" else 1,
            example_id=str(place),
            value=value,
        )
        for model, values in ratios.items()
        for place, value in enumerate(values)
    ]
    examples = study_data.by_subject(pd.DataFrame(rows, columns=tables.SCHEMAS["scores"].names))
    asked = {("t", "contrast"): probe_data.Probe("t", "contrast", texts, design, explanations)}
    own = [
        ({**made, "model": model, "seed": seed}, [_explained("0", _RIGHT[0])])
        for model, seed in (("big", 4), ("small", 1), ("tiny", 1))
    ]
    *_, group = cases.choose(source.study, "t", _texts([0.0]), own, examples, asked)
    assert {case.link for case in group.cases} == {""}, "the viewer has no texts of probes"
    assert [case.example_id for case in group.cases] == ["1", "0", "3"], (
        "0.3, 0.1 and 0.0 away; flipped is left out"
    )


def test_words_are_coloured_by_sign_and_size():
    segments = case._segments([1.0, -0.5], [["", "a", " ", "b", ""]])
    # 9 of 9 steps, and 4.5, which is rounded up.
    assert list(segments) == [
        [("", "", ""), ("a", "w pos l9", "+1"), (" ", "", ""), ("b", "w neg l5", "−0.5"), ("", "", "")]
    ]


def test_cases_on_the_page_are_inert_and_say_their_rule(made):
    page = (made / "index.html").read_text("utf-8")
    section = re.search(r'<section id="cases".*?</section>', page, re.S)[0]
    assert "both teacher and soft classify right" in section and "wavers most" in section
    assert "builds, those on which the share" in section
    written = re.findall(r'<p dir="auto">(.*?)</p>', section)
    whole = {html.unescape(re.sub(r"</?span[^>]*>", "", line)) for line in written}
    assert set(made_up_study.CONTRAST) <= whole, "texts are whole, whatever they say"
    assert "&lt;" in section and not re.search(r"<(script|img)", section)
    assert "style=" not in section


# ---- probes' files ----


def test_a_probe_without_its_design_is_refused(tmp_path):
    tables.write(tmp_path / "s.parquet", "examples", _texts([None]), {"task": "t", "probe": "contrast"})
    with pytest.raises(TableError, match="probe 'contrast' of task 't' has no design"):
        probe_data.read([], [tmp_path / "s.parquet"], [])


def test_an_item_is_found_by_any_of_its_sentences():
    texts = [{"example_id": str(place), "text_a": text} for place, text in enumerate(("x", "y", "z"))]
    design = [
        {"example_id": "0", "item": "one", "variant": "original"},
        {"example_id": "1", "item": "two", "variant": "original"},
        {"example_id": "2", "item": "two", "variant": "flipped"},
    ]
    asked = probe_data.Probe("t", "contrast", texts, design)
    variants, found = asked.variants("z")
    assert found and {name: row["text_a"] for name, row in variants.items()} == {
        "original": "y",
        "flipped": "z",
    }
    variants, found = asked.variants("not there")
    assert not found and variants["original"]["text_a"] == "x"


# ---- the picture of the rules ----


def test_the_committed_picture_is_that_of_the_workflow(tmp_path):
    study = ROOT / "resources" / "studies" / "sst5.yaml"
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", study]
    command += ["--cores", "1", "--forceall", "--nolock", "--rulegraph", "dot", "--quiet", "all"]
    dot = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    rules, edges = re.findall(r'label = "(\w+)"', dot), re.findall(r"(\d+) -> (\d+)", dot)
    svg = (ROOT / "resources" / "page" / "rulegraph.svg").read_text("utf-8")
    assert sorted(re.findall(r">(\w+)</text>", svg)) == sorted(rules), "make rulegraph"
    # Lines that a longer way says as well are left out.
    assert set(re.findall(r"<title>(\d+)&#45;&gt;(\d+)</title>", svg)) <= set(edges), "make rulegraph"
    assert "style=" not in svg, "the page allows no inline styles"
