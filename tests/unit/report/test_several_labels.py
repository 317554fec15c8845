"""What the page says of a task with several labels as a whole."""

import pandas as pd

from distillens import tables
from distillens.config.label_views import judged
from distillens.report import several_labels, study_data

TASKS = {
    "comments": {"type": "multi_label", "labels": ["toxic", "threat", "spam"], "columns": {"label": "t"}}
}
MODELS = {"bert": {"seeds": [1], "teacher": None}, "tiny": {"seeds": [1], "teacher": "bert"}}


def outline():
    return study_data.study_of({"models": MODELS, "explainers": {"shap": {"method": "shap"}}}, judged(TASKS))


def drift(view, verdict, missing=0):
    row = dict.fromkeys(tables.SCHEMAS["drift"].names) | {"task": view, "student": "tiny", "teacher": "bert"}
    return row | {
        "explainer": "shap", "metric": "spearman", "verdict": verdict, "teacher_runs_missing": missing,
        "agreement": 0.5, "agreement_low": 0.4, "agreement_high": 0.6, "n": 9, "n_undefined": 0,
    }  # fmt: skip


def performance():
    row = dict.fromkeys(("value", "low", "high", "spread", "chance"), float("nan"))
    row |= {"task": "comments", "model": None, "seed": None, "metric": "map", "n": 40, "n_undefined": 0}
    runs = [
        {**row, "model": name, "seed": 1, "value": value} for name, value in (("bert", 0.9), ("tiny", 0.8))
    ]
    return pd.DataFrame([*runs, {**row, "value": 0.3}], dtype=object)


def cells(placements, *rows):
    (table,) = several_labels.tables(outline(), performance(), pd.DataFrame(rows), pd.DataFrame(placements))
    return table, [[cell.text for cell in line] for line in table.rows]


def test_all_labels_together_stand_beside_the_best_constant_answer():
    rows = [
        drift("comments--toxic", "drift found"),
        drift("comments--threat", "no drift found"),
        drift("comments--spam", "drift found"),
    ]
    table, lines = cells([], *rows)
    assert table.caption == "All 3 labels of comments together"
    assert lines == [
        ["best constant answer", "–", "0.300"],
        ["bert", "teacher", "0.900"],
        ["tiny", "2 drift found, 1 no drift found", "0.800"],
    ]


def test_where_runs_are_missing_the_ladder_says_it():
    row = drift("comments--toxic", "not decided", missing=2)
    placed = row | {"kind": None, "reference": "prune 0.3", "verdict": "no drift found", "gated": False}
    _, lines = cells([placed], row)
    assert lines[2][1] == "1 no drift found"


def test_a_study_without_several_labels_has_no_such_table():
    study = study_data.study_of({"models": MODELS, "explainers": {}}, {"moods": {"type": "classification"}})
    assert (
        several_labels.tables(study, performance(), pd.DataFrame([drift("moods", "x")]), pd.DataFrame()) == []
    )
    assert several_labels.facts(study) == []
    frame = pd.DataFrame({"task": ["moods"]})
    assert several_labels.for_each_label(frame, study.tasks) is frame
