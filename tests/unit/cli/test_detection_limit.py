"""What `check` and `audit` say that so many texts have found elsewhere."""

import pandas as pd
import pytest

from bench.detection.limits import CURVES, limits
from distillens.cli import detection_limit
from distillens.provenance import ROOT

TABLE = """\
explainer,texts,passes,found,said,shortcut,words,negation
occlusion,25,10.0,0.2,0.0,,1.0,
occlusion,100,10.0,0.61,0.07,0.5,0.75,1.0
shap,100,500.0,0.4,0.06,1.0,,
"""


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    (tmp_path / "resources").mkdir()
    (tmp_path / detection_limit.TABLE).write_text(TABLE)
    monkeypatch.setattr(detection_limit, "ROOT", tmp_path)


def config(examples=100, **explainers):
    explain = {"examples": examples, "per_class": None, "until": None, "most": None}
    return {
        "tasks": {"films": {"type": "classification", "explain": explain, "labels": ["bad", "good"]}},
        "models": {"bert": {"teacher": None}, "tiny": {"teacher": "bert"}},
        "explainers": {
            name: {"method": method, "examples": few} for name, (method, few) in explainers.items()
        },
    }


def said(*given, **explainers):
    return list(detection_limit.lines(config(*given, **explainers)))


def test_it_says_what_so_many_texts_found_and_from_which_size_on():
    assert said(occlusion=("occlusion", None)) == [
        "films: occlusion with 100 texts found 61 % of the drifts planted in the study detection-mini "
        "(from a shortcut in 50 % of one class's training texts, three words 75 % erased, negation 100 % "
        "erased), the verdict by three runs 7 %"
    ]


def test_of_a_number_between_it_takes_the_next_lower():
    assert said(99, occlusion=("occlusion", None))[0].startswith("films: occlusion with 25 texts found 20 %")


def test_an_explainer_of_fewer_texts_is_judged_by_its_own():
    assert said(occlusion=("occlusion", 30))[0].startswith("films: occlusion with 25 texts found 20 %")


def test_what_finds_more_for_fewer_passes_is_named():
    assert said(mine=("shap", None))[0].endswith("; occlusion with 100 found 61 %, for fewer passes")


def test_nothing_is_said_of_fewer_texts_than_were_counted_nor_of_other_explainers():
    assert said(20, occlusion=("occlusion", None)) == []
    assert said(occlusion=("attention_rollout", None)) == []


def test_nothing_is_said_where_no_student_is_judged():
    only = config(occlusion=("occlusion", None))
    del only["models"]["tiny"]
    assert list(detection_limit.lines(only)) == []


def test_the_shipped_table_is_that_of_the_committed_curves(tmp_path):
    limits(pd.read_csv(ROOT / CURVES)).to_csv(tmp_path / "again.csv", index=False)
    assert (tmp_path / "again.csv").read_bytes() == (ROOT / detection_limit.TABLE).read_bytes()
