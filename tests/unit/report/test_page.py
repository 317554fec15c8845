"""The report: what stands on the page, that hostile text stays text, that bytes repeat."""

import base64
import csv
import html
import html.parser
import itertools
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from distillens import tables
from distillens.evaluation.agreement import score_agreement
from distillens.evaluation.buckets import score_buckets
from distillens.metrics import agreement
from distillens.provenance import ROOT
from distillens.report import case, formatting, study_data, verdict
from distillens.report.html import embedded
from distillens.report.page import _three
from distillens.report.short_numbers import STEPS
from distillens.tables import TableError
from tests.fixtures import made_up_study

_FOLDERS = ("tables/", "figures/", "published/")
_QUANTITIES = ("agreement", "ceiling", "explainer_ceiling", "floor", "normalised", "drift")
_PLAIN = ("student_explainer_ceiling", "margin", "effect_size", "p_adjusted", "p_no_drift")


def _steps(packed):
    """The 16-bit numbers that the page reads."""
    return np.frombuffer(base64.b64decode(packed), dtype="<i2")


class _Page(html.parser.HTMLParser):
    """What a browser would see: elements, their attributes, and text that is no script."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.scripts, self.styles, self._within = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._within.append(tag)

    def handle_endtag(self, tag):
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data):
        within = self._within[-1] if self._within else ""
        {"script": self.scripts, "style": self.styles}.get(within, self.text).append(data)

    def attributes(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The made-up study's tables and its report: (arguments, folder of the page)."""
    folder = tmp_path_factory.mktemp("study")
    arguments = made_up_study.write(folder / "in", examples=16)
    made_up_study.report(arguments, folder / "out" / "index.html")
    return arguments, folder / "out"


@pytest.fixture(scope="module")
def page(study):
    """The parsed page."""
    return _Page((study[1] / "index.html").read_text("utf-8"))


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _json(page, key):
    """What a script element of data holds, by its id."""
    ids = [attributes.get("id") for attributes in page.attributes("script")]
    return json.loads(page.scripts[ids.index(key)])


def _data(page):
    return _json(page, "data")


def _cells(text, name):
    """The rows of a table that the page draws when it is opened."""
    found = re.search(rf'<script type="application/json" id="cells-{name}"[^>]*>(.*?)</script>', text, re.S)
    return json.loads(found[1])["rows"] if found else []


def test_sections_come_in_order(page):
    ids = [attributes.get("id") for attributes in page.attributes("section")]
    assert ids[:6] == ["decision", "verdict", "three", "performance", "classes", "robustness"]
    assert ids[6:11] == ["agreement", "faithfulness", "probes", "buckets", "cases"]
    assert ids[11:] == ["published", "sentences", "files", "making"]
    listed = [a["href"] for a in page.attributes("a") if a["href"].removeprefix("#") in ids]
    assert listed[1 : len(ids) + 1] == [f"#{name}" for name in ids], "the contents name every section"


def test_hostile_text_makes_no_elements(page):
    kinds = [attributes.get("type") for attributes in page.attributes("script")]
    assert set(kinds[:-1]) == {"application/json"} and kinds[-1] is None
    assert not page.attributes("img")
    assert not page.attributes("b") or all(not attributes for attributes in page.attributes("b"))
    handlers = [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    assert handlers == []


def test_hostile_text_arrives_whole(page):
    examples = {example["id"]: example for example in _data(page)[0]["examples"]}
    for index, text in enumerate(made_up_study.HOSTILE):
        assert "".join(examples[f"sst5-{index}"]["pieces"][0]) == text


def test_embedded_json_cannot_leave_its_element():
    text = embedded({"a": "</script><!--\u2028\u2029&", "b": "\ud800"})
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii()
    assert json.loads(text)["a"] == "</script><!--\u2028\u2029&"
    with pytest.raises(ValueError):
        embedded(math.nan)


def test_policy_forbids_everything_but_the_page_itself(page):
    (policy,) = [a["content"] for a in page.attributes("meta") if a.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy and "*" not in policy
    assert "base-uri 'none'; form-action 'none'" in policy
    assert not any("style" in attributes for _, attributes in page.elements)
    assert len(page.attributes("style")) == 1


def test_nothing_is_loaded_from_elsewhere(study, page):
    links = [a[key] for _, a in page.elements for key in ("src", "href", "xlink:href", "action") if key in a]
    files = [link for link in links if not link.startswith(("#", "data:"))]
    assert {"verdict.json", "summary.md", "study.yaml", "../in/drift.parquet"} <= set(files)
    assert [link for link in files if not (study[1] / link).is_file()] == []
    assert "url(" not in "".join(page.styles) and "@import" not in "".join(page.styles)


def test_values_of_the_page_equal_the_csv_files(study):
    text = (study[1] / "index.html").read_text("utf-8")

    def shown(name):
        body = re.search(rf'<table class="sortable" id="table-{name}">(.*?)</table>', text, re.S)[1]
        drawn = [cell[1] for row in _cells(text, name) for cell in row if isinstance(cell, list)]
        drawn = [value for value in drawn if value is not None]
        return drawn + [float(value) for value in re.findall(r'<data value="([^"]+)"', body)]

    verdicts = _rows(study[1] / "tables" / "verdict.csv")
    columns = ["drift_shap", "drift_lime", "drift_ig", "value", "teacher_value", "majority"]
    assert shown("verdict") == [float(row[c]) for row in verdicts for c in columns if row[c]]
    scores = _rows(study[1] / "tables" / "performance.csv")
    expected = [float(row["value"]) for row in scores if row["task"] == "sst5"]
    assert sorted(shown("performance-sst5")) == sorted(expected)
    scores = [row for row in _rows(study[1] / "tables" / "robustness.csv") if row["task"] == "sst5"]
    runs = {(row["model"], row["seed"]) for row in scores if row["model"]}
    # What is edited is the same for every run, and stands beside each.
    expected = [float(row["value"]) for row in scores for _ in range(1 if row["model"] else len(runs))]
    assert sorted(shown("robustness-sst5")) == sorted(expected)
    drift = _rows(study[1] / "tables" / "drift.csv")
    expected = [
        float(row[column])
        for row in drift
        if row["task"] == "stsb" and row["explainer"] != "random"
        for column in (*_QUANTITIES, *_PLAIN)
    ]
    assert sorted(shown("headline-stsb")) == sorted(expected)


def test_csv_files_hold_the_tables_numbers(study):
    arguments, out = study
    drift = tables.read(arguments["drift"], "drift").to_pylist()
    written = _rows(out / "tables" / "drift.csv")
    assert sorted(float(row["agreement"]) for row in written) == sorted(row["agreement"] for row in drift)
    aggregates, _ = study_data.scores(arguments["scores"])
    names = ("performance", "robustness", "agreement", "explainers", "projection", "faithfulness", "buckets")
    names += ("probes",)
    assert sum(len(_rows(out / "tables" / f"{name}.csv")) for name in names) == len(aggregates)


def test_same_inputs_give_the_same_bytes(study):
    arguments, out = study
    again = out.parent / "again"  # as far from the tables, which the page has links to
    turned = {key: value[::-1] if isinstance(value, list) else value for key, value in arguments.items()}
    made_up_study.report(turned, again / "index.html")
    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    differing = [str(name) for name in files if (out / name).read_bytes() != (again / name).read_bytes()]
    assert differing == []


def test_verdicts_in_words(study):
    rows = _rows(study[1] / "tables" / "verdict.csv")
    said = {(row["task"], row["student"]): row["verdict"] for row in rows}
    assert said["sst5", "soft"] == "no drift found"
    assert said["sst5", "half"] == "drift found"
    assert said["stsb", "tiny"] == "gated"
    assert len(said) == len(rows) == 6


def test_gated_students_are_grey(study):
    text = (study[1] / "index.html").read_text("utf-8")
    row = re.search(r'<tr class="gated">.*?</tr>', text, re.S)[0]
    assert row.count("judged gated") == 3 and "tiny" in row
    assert "tiny (gated)" in (study[1] / "figures" / "agreement-sst5.svg").read_text("utf-8")


def test_random_control_decides_nothing(study):
    columns = _rows(study[1] / "tables" / "verdict.csv")[0]
    assert "normalised_shap" in columns and "normalised_random" not in columns


def test_undefined_values_are_counted(study, page):
    rows = _rows(study[1] / "tables" / "undefined.csv")
    assert {"metric": "Kendall τ", "undefined": "320", "defined": "0"} in rows
    assert "undefined" in page.text


def test_sentences_explain_the_teachers_class(study, page):
    data = _data(page)
    view = next(view for view in data[0]["explainers"] if view["name"] == "shap")
    roles = [run["role"] for run in view["runs"]]
    assert roles == ["teacher", "seed", "seed", "student", "student", "student", "student", "student"]
    rows = _json(page, view["rows"])["rows"]
    rows = {(e["id"]): row for e, row in zip(data[0]["examples"], rows, strict=True)}
    teacher, half = rows["sst5-10"][0], rows["sst5-10"][6]
    assert half["t"] == teacher["t"] == teacher["p"]
    assert len(half["v"]) == len(teacher["v"]) == len(data[0]["classes"]) == len(made_up_study.LABELS)
    words = len(data[0]["examples"][10]["pieces"][0]) // 2
    assert [len(_steps(packed)) for packed in half["v"]] == [words] * 5
    file = next(
        path
        for path in study[0]["explanations"]
        if {"task": "sst5", "explainer": "shap", "model": "half", "seed": 0}.items()
        <= tables.provenance(path).items()
    )
    exact = np.array(tables.read(file, "explanations").to_pylist()[10]["values"]).T
    for packed, largest, values in zip(half["v"], half["m"], exact, strict=True):
        # As precise as half a step of the largest.
        assert np.abs(_steps(packed) / STEPS * largest - values).max() <= np.abs(values).max() / STEPS
    assert -1 <= half["r"] <= 1 and "r" not in teacher
    assert rows["sst5-9"][7]["r"] is None, "a constant attribution agrees with nothing"
    pairs = _json(page, data[1]["explainers"][0]["rows"])
    assert data[1]["examples"][10]["gold"].endswith(".25") and "ok" not in pairs["rows"][0][0]
    assert data[1]["classes"] is None and data[1]["labels"] == []
    assert data[0]["labels"] == [label for label in made_up_study.LABELS if label in data[0]["labels"]]


def test_a_cell_of_the_verdict_opens_its_student_and_explainer(study):
    table = _table((study[1] / "index.html").read_text("utf-8"), "verdict")
    links = [html.unescape(link) for link in re.findall(r'href="(#sentences[^"]*)"', table)]
    expected = [
        f"#sentences?task={task}&explainer={explainer}&student={student}"
        for task in ("sst5", "stsb")
        for student in ("soft", "half", "tiny")
        for explainer in ("shap", "lime", "ig")
    ]
    assert links == expected


def test_a_verdict_leads_to_its_figure(study, page):
    table = _table((study[1] / "index.html").read_text("utf-8"), "verdict")
    targets = re.findall(r'href="#(figure-[^"]*)"', table)
    assert targets == ["figure-agreement-sst5"] * 3 + ["figure-agreement-stsb"] * 3
    assert set(targets) <= {attributes.get("id") for attributes in page.attributes("figure")}


def test_long_and_folded_tables_are_data_until_they_are_opened(study, page):
    text = (study[1] / "index.html").read_text("utf-8")
    assert "<tr" not in _table(text, "robustness-sst5").partition("</thead>")[2]
    assert "<tr" in _table(text, "performance-sst5").partition("</thead>")[2]
    assert len(_cells(text, "robustness-sst5")) == 6 * 8


def test_disagreement_beyond_noise_is_on_the_page_as_the_attributions_have_it(study, page):
    view = next(view for view in _data(page)[0]["explainers"] if view["name"] == "shap")
    found = _json(page, view["rows"])["students"]["soft"]
    values = {}
    for path in study[0]["explanations"]:
        source = tables.provenance(path)
        if (source["task"], source["explainer"]) == ("sst5", "shap"):
            row = tables.read(path, "explanations").to_pylist()[10]
            values[source["model"], source["seed"]] = np.array(row["values"]), np.array(row["logits"])
    says = [int(values["teacher", seed][1].argmax()) for seed in (0, 1, 2)]
    target = max(set(says), key=says.count)

    def shared(*pair):
        p, q = (values[run][0][:, target] / np.abs(values[run][0][:, target]).sum() for run in pair)
        return 1 - np.abs(p - q).sum() / 2

    # Each run of "soft" belongs to the teacher's run of its seed.
    own = np.mean([shared(("soft", seed), ("teacher", seed)) for seed in (0, 1, 2)])
    runs = [("teacher", seed) for seed in (0, 1, 2)]
    ceiling = np.mean([shared(*pair) for pair in itertools.combinations(runs, 2)])
    assert found["shared"][10] == float(f"{own:.3g}") and found["ceiling"][10] == float(f"{ceiling:.3g}")
    assert found["beyond"][10] == float(f"{ceiling - own:.3g}") and found["runs"] == 3


def test_figures_are_svg_of_text_in_the_readers_ink(study):
    files = sorted((study[1] / "figures").glob("*.svg"))
    assert len(files) == 18
    for file in files:
        root = ET.parse(file).getroot()
        assert not [e for e in root.iter() if "style" in e.attrib or e.tag.endswith("metadata")]
        assert [e for e in root.iter() if e.tag.endswith("text")]
        assert "currentColor" in file.read_text("utf-8")


def test_one_teacher_seed_leaves_the_verdict_open(tmp_path):
    arguments = made_up_study.write(tmp_path / "in", made_up_study.study(teacher_seeds=[0]), examples=8)
    made_up_study.report(arguments, tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "A teacher has only one run that counts" in text
    said = {row["student"]: row["verdict"] for row in _rows(tmp_path / "tables" / "verdict.csv")}
    assert said == {"soft": "not decided", "half": "not decided", "tiny": "gated"}
    assert not re.search(r">\s*\[?(nan|none)\b", text.partition("<main>")[2].partition("<script")[0], re.I)


@pytest.mark.parametrize("missing", ["perturbations", "explainers", "everything"])
def test_missing_pieces_still_give_a_page(tmp_path, missing):
    parts = {"perturbations", "explainers"} if missing == "everything" else {missing}
    settings = made_up_study.study(**dict.fromkeys(parts, ()))
    arguments = made_up_study.write(tmp_path / "in", settings, examples=8)
    if missing == "everything":
        nothing = tmp_path / "drift.parquet"
        tables.write(nothing, "drift", [], {})
        arguments |= {"explained": [], "explanations": [], "scores": [], "drift": nothing}
        settings["models"] = {"teacher": settings["models"]["teacher"]}
    made_up_study.report(arguments, tmp_path / "index.html")
    page = _Page((tmp_path / "index.html").read_text("utf-8"))
    ids = {attributes["id"] for attributes in page.attributes("section")}
    assert {"verdict", "files", "making"} <= ids
    # What was not measured has no section, and none in the contents.
    gone = {"perturbations": {"robustness"}, "explainers": {"agreement", "faithfulness", "cases", "three"}}
    for name in parts:
        assert not ids & gone[name]
        assert not {f"#{one}" for one in gone[name]} & {a["href"] for a in page.attributes("a")}


def test_explanations_must_say_what_they_are_about(study, tmp_path):
    arguments, _ = study
    rows = tables.read(arguments["explanations"][0], "explanations")
    tables.write(tmp_path / "x.parquet", "explanations", rows.replace_schema_metadata(), {"task": "sst5"})
    with pytest.raises(TableError, match=r"x\.parquet: .* does not name explainer, model, seed"):
        made_up_study.report(arguments | {"explanations": [tmp_path / "x.parquet"]}, tmp_path / "index.html")


def test_csv_runs_no_formulas(tmp_path):
    rows = [("=1+1", -1.5, None), ("+x", 2, math.nan), ("-x", 0.1, ""), ("@x", 3, "plain, text")]
    formatting.write_csv(tmp_path / "t.csv", ("text", "number", "other"), rows)
    lines = (tmp_path / "t.csv").read_text("utf-8").splitlines()
    assert lines == ["text,number,other", "'=1+1,-1.5,", "'+x,2,", "'-x,0.1,", '\'@x,3,"plain, text"']


@pytest.mark.parametrize(
    ("value", "signed", "expected"),
    [
        (0.456, False, "0.46"),
        (-0.456, True, "−0.46"),
        (-0.001, False, "0.00"),
        (0.1, True, "+0.10"),
        (None, True, "–"),
    ],
)
def test_numbers_are_written_for_reading(value, signed, expected):
    assert formatting.number(value, signed=signed) == expected


def test_report_imports_no_torch():
    root = ROOT
    code = "import sys, distillens.report.page; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


def test_a_report_without_texts_has_none_of_the_data_anywhere(tmp_path):
    settings = made_up_study.study() | {"show_texts": False}
    arguments = made_up_study.write(tmp_path / "in", settings, examples=12)
    made_up_study.report(arguments, tmp_path / "out" / "index.html")
    texts = [
        row["text_a"] for path in arguments["explained"] for row in tables.read(path, "examples").to_pylist()
    ]
    assert len(texts) >= 12
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        written = path.read_text("utf-8")
        for text in texts:
            for form in (text, html.escape(text), json.dumps(text)[1:-1]):
                assert form not in written, path
    assert "show_texts: false" in (tmp_path / "out" / "index.html").read_text("utf-8")
    # What a probe builds is nobody's data.
    assert "weak but the ending was joyful" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_explainers_are_shown_by_what_they_are_not_by_the_alphabet():
    names = ("attention_rollout", "integrated_gradients", "lime-100", "mine", "random", "shap")
    settings = {"models": {}, "explainers": {name: {"method": name.split("-")[0]} for name in names}}
    about = study_data.study_of(settings, {})
    shown = ["shap", "lime-100", "integrated_gradients", "mine", "attention_rollout", "random"]
    assert list(about.settings["explainers"]) == shown
    assert about.explainers == ("shap", "lime-100", "integrated_gradients", "mine")


def test_what_drives_a_drift_is_shown_by_kind_of_word_and_by_word(study, page):
    rows = _rows(study[1] / "tables" / "word_shifts.csv")
    assert {row["kind"] for row in rows} == {"sense", "part", "word"}
    text = (study[1] / "index.html").read_text("utf-8")
    assert 'id="table-kinds-sst5"' in text and 'id="table-words-sst5"' in text
    assert not any(row["explainer"] == "random" for row in rows) or "random" not in _table(text, "kinds-sst5")


def _table(text, name):
    return re.search(rf'<table class="sortable" id="table-{name}">(.*?)</table>', text, re.S)[1]


def test_one_entry_of_the_registry_brings_a_metric_into_every_table(tmp_path, monkeypatch):
    constant = agreement.AgreementMetric(
        lambda a, b, k: np.full(len(a), 0.75),
        lambda a, b, k: 0.25,
        "made up",
        "a metric of a test",
        at_k=True,
        in_buckets=True,
    )
    monkeypatch.setitem(agreement.METRICS, "invented", constant)
    arguments = made_up_study.write(tmp_path / "in", examples=6)
    task = [path for path in arguments["explanations"] if tables.provenance(path)["task"] == "sst5"]
    scoring = made_up_study.scoring("sst5", arguments["study"])
    agreed, split = tmp_path / "agreement.parquet", tmp_path / "buckets.parquet"
    explained = arguments["explained"][0]
    score_agreement(explained, task, out=agreed, settings=scoring)
    score_buckets(explained, task, out=split, settings=scoring)
    drift = tables.read(arguments["drift"], "drift").to_pylist()
    drift += [{**row, "metric": "invented", "k": 3} for row in drift if row["metric"] == "spearman"]
    tables.write(tmp_path / "drift.parquet", "drift", drift, {})
    arguments |= {"scores": [agreed, split], "drift": tmp_path / "drift.parquet"}
    made_up_study.report(arguments, tmp_path / "out" / "index.html")

    for name in ("agreement", "explainers", "buckets"):
        rows = [
            row for row in _rows(tmp_path / "out" / "tables" / f"{name}.csv") if row["metric"] == "invented"
        ]
        assert {row["k"] for row in rows} == {"3"}, name
        assert {row["value"] for row in rows} - {""} == {"0.75"}, name  # a bucket may be empty
        assert name == "buckets" or {row["chance"] for row in rows} == {"0.25"}, name
    text = (tmp_path / "out" / "index.html").read_text("utf-8")
    for name in ("agreement-sst5", "explainers-of-sst5", "all-buckets-sst5", "drift-sst5", "drift-stsb"):
        assert "made up @3" in _table(text, name) + str(_cells(text, name)), name
    assert "a metric of a test" in _table(text, "agreement-sst5") and "chance 0.25" in text


def test_one_more_column_stands_on_the_page_in_the_terminal_and_in_the_csv_file(tmp_path, monkeypatch):
    own = verdict._columns

    def columns(*about):
        extra = formatting.Column(
            "explainers",
            lambda v: formatting.Cell(str(len(v.drift))),
            "how many",
            "count",
            lambda v: [len(v.drift)],
        )
        return [*own(*about), extra]

    monkeypatch.setattr(verdict, "_columns", columns)
    made_up_study.report(made_up_study.write(tmp_path / "in", examples=6), tmp_path / "index.html")
    assert {row["count"] for row in _rows(tmp_path / "tables" / "verdict.csv")} == {"3"}
    page = _table((tmp_path / "index.html").read_text("utf-8"), "verdict")
    assert "explainers" in page and "how many" in page
    # The terminal prints the same table.
    assert verdict.table(study_data.study_of(made_up_study.study(), {}), []).head[-1].text == "explainers"


def test_the_summary_shows_three_cases_and_no_text_twice():
    def group(*ids):
        return case.Group("rule", "", [case.Case(name, (), (), f"#{name}") for name in ids])

    chosen = [("t", [group("a", "b"), group("a", "c"), group("d"), group()])]
    assert [case.example_id for _, case in _three(chosen)] == ["a", "d", "b"]
