"""What the page says of a task with several labels as a whole."""

import pandas as pd

from distillens.config.label_views import judged
from distillens.report import several_labels, study_data
from distillens.report.verdict import Verdict

TASKS = {
    "comments": {"type": "multi_label", "labels": ["toxic", "threat", "spam"], "columns": {"label": "t"}}
}
MODELS = {"bert": {"seeds": [1], "teacher": None}, "tiny": {"seeds": [1], "teacher": "bert"}}


def outline():
    return study_data.study_of({"models": MODELS, "explainers": {"shap": {"method": "shap"}}}, judged(TASKS))


def verdict(view, word):
    return Verdict(view, "tiny", "bert", "f1", [], [], None, {}, word)


def performance():
    row = dict.fromkeys(("value", "low", "high", "spread", "chance"), float("nan"))
    row |= {"task": "comments", "model": None, "seed": None, "metric": "map", "n": 40, "n_undefined": 0}
    runs = [
        {**row, "model": name, "seed": 1, "value": value} for name, value in (("bert", 0.9), ("tiny", 0.8))
    ]
    return pd.DataFrame([*runs, {**row, "value": 0.3}], dtype=object)


def test_all_labels_together_stand_beside_the_best_constant_answer():
    words = {"toxic": "gated", "threat": "no drift found", "spam": "gated"}
    verdicts = [verdict(f"comments--{label}", word) for label, word in words.items()]
    (table,) = several_labels.tables(outline(), performance(), verdicts)
    lines = [[cell.text for cell in line] for line in table.rows]
    assert table.caption == "All 3 labels of comments together"
    assert lines == [
        ["best constant answer", "–", "0.300"],
        ["bert", "teacher", "0.900"],
        ["tiny", "2 gated, 1 no drift found", "0.800"],
    ]


def test_a_study_without_several_labels_has_no_such_table():
    study = study_data.study_of({"models": MODELS, "explainers": {}}, {"moods": {"type": "classification"}})
    assert several_labels.tables(study, performance(), [verdict("moods", "gated")]) == []
    assert several_labels.facts(study) == []
    frame = pd.DataFrame({"task": ["moods"]})
    assert several_labels.for_each_label(frame, study.tasks) is frame
