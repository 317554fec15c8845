"""The record of a study's verdicts: which reference counts, what a baseline is, how it is shown."""

import copy
import io
import json
import xml.etree.ElementTree as ET

import jsonschema
import markdown_it
import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from distillens.cli import gate
from distillens.cli.errors import CommandError
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from distillens.provenance import ROOT
from distillens.report import outcome
from distillens.report.baseline import BaselineError, compare, unpaired
from distillens.report.outcome import NOTHING, SEEDS, Evidence, decisions
from distillens.report.outcome_formats import junit, markdown
from distillens.report.outcome_status import WORSE, failures
from distillens.report.outcome_status import status as exit_status
from distillens.report.study_data import frame_of

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/outcome.schema.yaml").read_text("utf-8"))


def row(verdict=UNKNOWN, explainer="shap", student="tiny", missing=0, **columns):
    return {
        "task": "films", "student": student, "teacher": "bert", "explainer": explainer, "metric": "spearman",
        "agreement": 0.5, "agreement_low": 0.4, "agreement_high": 0.6, "n": 40, "n_undefined": 0,
        "teacher_runs_missing": missing, "gated": verdict == GATED, "verdict": verdict, **columns,
    }  # fmt: skip


def placed(verdict, explainer="occlusion", kind=None, **columns):
    return row(verdict, explainer, kind=kind, reference="prune 0.3", **columns)


def record(*students, level=0.5, noise=0.1):
    """A record with one task; agreement by text around a level."""
    rng = np.random.default_rng(0)
    texts = {str(number): float(value) for number, value in enumerate(rng.normal(level, noise, 40))}
    found = {
        "format": 2,
        "study": "audit",
        "status": 0,
        "about": {
            "teachers": {"bert": "aa"},
            "texts": {"films": {"n": 40, "sha256": "bb"}},
            "labelled": {"films": False},
            "explainers": {"shap": {"method": "shap"}},
            "explained_output": "margin",
            "accept": None,
        },
        "students": decisions([row(verdict, student=name) for name, verdict in students], []),
        "remarks": [],
        "against": [],
    }
    for one in found["students"]:
        one["performance"] = None
        for own in one["explainers"]:
            own["by_text"] = dict(texts)
    return found


def test_the_teachers_runs_are_the_reference_where_there_are_enough():
    (one,) = decisions([row(KEEPS)], [placed(DRIFTS)])
    assert (one["verdict"], one["reference"]) == (KEEPS, SEEDS)


def test_its_damaged_copies_are_where_there_are_not():
    drift = [row(explainer=name, missing=2) for name in ("occlusion", "shap")]
    kinds = [placed(None, kind="prune", dose=0.4, dose_low=0.3, dose_high=None, beyond=False)]
    (one,) = decisions(drift, [placed(DRIFTS), *kinds])
    assert (one["verdict"], one["reference"]) == (DRIFTS, "prune 0.3")
    assert [(own["explainer"], own["verdict"]) for own in one["explainers"]] == [
        ("occlusion", DRIFTS),
        ("shap", None),
    ]
    assert one["doses"][0]["dose"] == 0.4


def test_controls_other_metrics_and_gated_students_decide_nothing():
    rows = [row(DRIFTS, "random"), row(DRIFTS, metric="cosine"), row(GATED)]
    (one,) = decisions(rows, [], controls=["random"])
    assert one["verdict"] == NOTHING
    assert [own["explainer"] for own in one["explainers"]] == ["shap"]


def test_a_student_that_only_controls_explain_has_nothing_measured_and_fails():
    students = {("films", "tiny"): "bert", ("films", "small"): "bert"}
    decided = decisions([row(KEEPS), row(DRIFTS, "random", "small")], [], ["random"], students)
    assert [(one["student"], one["verdict"], one["reference"]) for one in decided] == [
        ("tiny", KEEPS, SEEDS),
        ("small", NOTHING, None),
    ]
    made = record(("tiny", KEEPS))
    made["students"] += [{**decided[1], "performance": None}]
    jsonschema.validate(made, SCHEMA)
    assert exit_status(made) == 5
    assert "| films | small | nothing measured | nothing | not measured | not known |" in markdown(made)
    assert "No explainer that counts\nexplains it." in markdown(made)
    assert ET.fromstring(junit(made, failures(made))).find("testsuite").get("failures") == "1"


def test_the_record_says_which_students_only_controls_explain():
    frames = {kind: frame_of([], kind) for kind in ("placements", "scores", "text_agreement")}
    drift = pd.DataFrame([row(explainer="random")])
    evidence = Evidence(drift=drift, **frames, answers={}, explained={}, explanations=[])
    settings = {
        "name": "audit",
        "seed": 0,
        "tasks": {"films": {"columns": {"label": None}, "metrics": ["accuracy"]}},
        "models": {"bert": {"teacher": None}, "tiny": {"teacher": "bert"}},
        "explainers": {"random": {"method": "random"}},
        "metrics": {"confidence_level": 0.95},
        "explained_output": "margin",
    }
    made = outcome.record(settings, evidence)
    assert [(one["student"], one["verdict"]) for one in made["students"]] == [("tiny", NOTHING)]
    assert made["remarks"] == ["films: nothing is measured of tiny: no explainer that counts explains it"]


def test_texts_of_one_group_are_compared_with_a_baseline_as_one_draw():
    before, now = record(("tiny", KEEPS), level=0.5), record(("tiny", KEEPS), level=0.49)
    for name, value in now["students"][0]["explainers"][0]["by_text"].items():
        now["students"][0]["explainers"][0]["by_text"][name] = value - 0.02 * (int(name) < 20)
    (alone,) = compare(now, before)
    now["about"]["groups"] = {"films": {str(number): number // 10 for number in range(40)}}
    (parts,) = compare(now, before)
    now["about"]["groups"] = {"films": {str(number): 0 for number in range(40)}}
    (one,) = compare(now, before)
    assert alone["worse"] and alone["difference"] == parts["difference"] == one["difference"]
    assert parts["high"] - parts["low"] > 2 * (alone["high"] - alone["low"])
    assert (one["low"], one["worse"]) == (None, False)
    jsonschema.validate(now, SCHEMA)


@pytest.mark.parametrize(
    ("verdicts", "allow", "status"),
    [
        ([KEEPS], (), 0),
        ([KEEPS, UNKNOWN], (), 4),
        ([KEEPS, UNKNOWN], (UNKNOWN,), 0),
        ([GATED, UNKNOWN], (), 5),
        ([GATED, UNKNOWN, DRIFTS], (), 3),
        ([GATED, UNKNOWN, DRIFTS], (DRIFTS, UNKNOWN), 5),
        ([], (), 5),
    ],
)
def test_the_exit_status_is_the_documented_one(verdicts, allow, status):
    found = record(*((f"s{number}", verdict) for number, verdict in enumerate(verdicts)))
    assert exit_status(found, allow) == status
    assert f"| {status} |" in (ROOT / "docs/audit.md").read_text("utf-8")


def test_a_record_fits_its_schema_and_another_does_not():
    found = record(("tiny", DRIFTS))
    jsonschema.validate(found, SCHEMA)
    del found["students"][0]["verdict"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)


def test_a_student_that_agrees_less_on_the_same_texts_is_worse():
    before, now = record(("tiny", KEEPS), level=0.55), record(("tiny", KEEPS), level=0.5)
    (found,) = compare(now, before)
    assert found["worse"] and found["difference"] == pytest.approx(-0.05)
    now["against"] = [found]
    assert exit_status(now) == 6
    assert exit_status(now, (WORSE,)) == 0
    assert not compare(before, now)[0]["worse"]


def test_the_only_students_are_compared_whatever_their_names_and_several_by_name():
    assert compare(record(("new", KEEPS)), record(("old", KEEPS)))[0]["student"] == "new"
    found = compare(record(("a", KEEPS), ("b", KEEPS)), record(("b", KEEPS), ("c", KEEPS)))
    assert [one["student"] for one in found] == ["b"]
    assert unpaired(record(("a", KEEPS), ("b", KEEPS)), record(("b", KEEPS), ("c", KEEPS))) == [
        "films: a by shap is not in the baseline, and not compared",
        "films: c by shap is in the baseline only, and not compared",
    ]
    assert unpaired(record(("new", KEEPS)), record(("old", KEEPS))) == []
    with pytest.raises(BaselineError, match="none of the students, only c, d"):
        compare(record(("a", KEEPS), ("b", KEEPS)), record(("c", KEEPS), ("d", KEEPS)))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("teachers", {"bert": "other"}, "another teacher"),
        ("texts", {"films": {"n": 40, "sha256": "other"}}, "other texts"),
        ("explainers", {"shap": {"method": "shap", "max_evals": 9}}, "other explainers"),
        ("explained_output", "logit", "another explained output"),
    ],
)
def test_a_baseline_about_something_else_is_refused(key, value, message):
    other = copy.deepcopy(record(("tiny", KEEPS)))
    other["about"][key] = value
    with pytest.raises(BaselineError, match=message):
        compare(record(("tiny", KEEPS)), other)


def test_a_teacher_that_was_renamed_is_the_same():
    other = record(("tiny", KEEPS))
    other["about"]["teachers"] = {"production": "aa"}
    assert not compare(record(("tiny", KEEPS)), other)[0]["worse"]


def test_a_baseline_that_does_not_know_its_teacher_is_refused():
    unknown = record(("tiny", KEEPS))
    unknown["about"]["teachers"] = {"bert": None}  # as on a page that was made without explanations
    jsonschema.validate(unknown, SCHEMA)
    with pytest.raises(BaselineError, match="does not tell whether its teacher is the same"):
        compare(unknown, copy.deepcopy(unknown))


def test_a_baseline_that_is_no_record_is_refused(tmp_path):
    path = tmp_path / "old.json"
    path.write_text("[]")
    with pytest.raises(CommandError, match="is not what --json writes"):
        gate.baseline(path)
    path.write_text(json.dumps(record(("tiny", KEEPS)) | {"format": 1}))
    with pytest.raises(CommandError, match="has format 1, this distillens reads 2; make a baseline anew"):
        gate.baseline(path)
    path.write_text(json.dumps(record(("tiny", KEEPS))))
    assert gate.baseline(path)["study"] == "audit"


def test_junit_has_a_case_per_student_and_counts_what_fails():
    found = record(("a", KEEPS), ("b", UNKNOWN), ("c", DRIFTS), ("d<&", UNKNOWN))
    suite = ET.fromstring(junit(found, failures(found, (UNKNOWN,)))).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "2")
    assert {case.get("name"): [part.tag for part in case] for case in suite} == {
        "a": [], "b": ["skipped"], "c": ["failure"], "d<&": ["skipped"],
    }  # fmt: skip


def test_markdown_has_a_row_and_a_section_per_student():
    found = record(("a", KEEPS), ("b|c", DRIFTS))
    said = markdown(found, failures(found))
    assert "| films | b\\|c | drift found (fails) |" in said
    assert said.count("### Agreement with its teacher’s reasons") == 2
    assert "No drift found on films" in said


def test_the_model_card_says_which_explainers_had_fewer_texts():
    found = record(("tiny", KEEPS))
    (row,) = found["students"][0]["explainers"]
    few = row | {"explainer": "lime", "n": row["n"] - 5, "n_undefined": 2}
    found["students"][0]["explainers"].append(few)
    assert f"(of {row['n'] - 3} texts, undefined on 2)" in markdown(found)
    assert markdown(found).count("(of ") == 1


def test_the_model_card_says_on_how_many_texts_the_agreement_is_undefined():
    made = record(("tiny", KEEPS))
    made["students"][0]["explainers"][0] |= {"n": 33, "n_undefined": 7}
    assert "On 40 texts" in markdown(made) and "shap 0.50 [0.40, 0.60] (undefined on 7)." in markdown(made)


def test_the_terminal_shows_labels_as_they_are():
    made = record(("tiny", KEEPS))
    made["remarks"] = ["films: bert gives one answer ([/red]) to 100 % of the texts"]
    console = Console(file=io.StringIO(), width=200)
    gate._print(made, {}, console)
    assert "one answer ([/red]) to" in console.file.getvalue()


def test_markdown_shows_labels_and_names_as_they_are():
    made = record(("a_b", KEEPS))
    made["remarks"] = ["films: bert gives one answer (<b>|*good*\n_x_ [l](u)) to 100 % of the texts"]
    made["students"][0]["explainers"][0]["explainer"] = "s|hap"
    said = markdown(made)
    html = markdown_it.MarkdownIt("commonmark").enable("table").render(said)
    assert "(&lt;b&gt;|*good* _x_ [l](u)) to 100" in html
    assert "<td>a_b</td>" in html and "<td>s|hap 0.50 [0.40, 0.60]</td>" in html
