"""Texts without labels: no performance, nothing gated, and all that needs no label as ever."""

import numpy as np
import pandas as pd
import pytest

from distillens import tables
from distillens.config.errors import ConfigError
from distillens.config.external import check_tasks
from distillens.data.read import DataError, label_report, to_examples
from distillens.data.select import select
from distillens.data.text import Example
from distillens.evaluation.gates import gates_of
from distillens.evaluation.inputs import Settings, labels
from distillens.evaluation.performance import score_performance
from distillens.evaluation.robustness import score_robustness
from distillens.report.reasons import notes
from distillens.report.study_data import frame_of, study_of
from distillens.report.tables import performance
from distillens.report.verdict import of_study, records

TASK = {"type": "classification", "labels": ["bad", "good"], "metrics": ["accuracy", "macro_f1"]}
IDS = ["a", "b", "c", "d"]
SETTINGS = Settings(
    "films",
    TASK,
    {"resamples": 100, "confidence_level": 0.95},
    {"teacher": None, "student": "teacher"},
    {"teacher": [0], "student": [0]},
    seed=1,
    labelled=False,
)


@pytest.fixture
def files(tmp_path):
    """A test split without labels, an edit of each text, and what two models answer."""
    test = tmp_path / "test.parquet"
    tables.write(test, "examples", [{"example_id": name, "text_a": "A film"} for name in IDS], {})
    perturbed = tmp_path / "swap.parquet"
    rows = [
        {"example_id": name, "repeat": 0, "text_a": "film A", "changed": True, "edits": []} for name in IDS
    ]
    tables.write(perturbed, "perturbed", rows, {"perturbation": "swap"})
    predictions = []
    for model in ("teacher", "student"):
        path = tmp_path / f"{model}.parquet"
        rows = [
            {"perturbation": kind, "repeat": 0, "example_id": name, "logits": [0.0, 1.0 if of else -1.0]}
            for kind, answers in (("none", [1, 1, 0, 0]), ("swap", [1, 1, 1, 0]))
            for name, of in zip(IDS, answers, strict=True)
        ]
        tables.write(path, "predictions", rows, {"task": "films", "model": model, "seed": 0})
        predictions.append(path)
    return test, perturbed, predictions


def test_examples_have_no_label_and_the_report_is_empty():
    frame = pd.DataFrame({"text": ["A good film", "Dull"]})
    task = TASK | {"cut": None, "columns": {"text_a": "text", "label": None}}
    assert [one.label for one in to_examples(frame, task, "films.csv")] == [None, None]
    assert label_report(frame, task) == {}


def test_without_labels_as_many_texts_are_drawn_as_with_them():
    pool = [Example(str(number), "A film") for number in range(10)]
    chosen = [one.example_id for one in select(pool, 2, None, ["bad", "good"], seed=1)]
    assert len(set(chosen)) == 4
    assert chosen == [one.example_id for one in select(pool, None, None, ["bad", "good"], seed=1)][:4]


def test_examples_in_all_are_drawn_whatever_their_class():
    pool = [Example(str(number), "A film", label_name="bad") for number in range(10)]
    assert len(select(pool, 30, None, ["bad", "good"], seed=1, in_all=5)) == 5
    with pytest.raises(DataError, match=r"explain\.examples: asks for 11 examples, but .* has 10"):
        select(pool, 30, None, ["bad", "good"], seed=1, in_all=11)


def test_the_performance_is_not_known_and_nothing_is_gated(files, tmp_path):
    test, _, predictions = files
    out = tmp_path / "performance.parquet"
    score_performance(test, predictions, settings=SETTINGS, out=out)
    rows = tables.read(out, "scores").to_pylist()
    assert {(row["model"], row["metric"]) for row in rows} == {
        (None, "majority"),
        *((model, metric) for model in ("teacher", "student") for metric in TASK["metrics"]),
    }
    assert all((row["value"], row["n"], row["n_undefined"]) == (None, 0, 4) for row in rows)
    assert gates_of(out, SETTINGS) == {("teacher", 0): False, ("student", 0): False}
    assert labels(test, SETTINGS).isna().all()


def test_page_and_terminal_say_that_it_is_not_known(files, tmp_path):
    out = tmp_path / "performance.parquet"
    score_performance(files[0], files[2], settings=SETTINGS, out=out)
    scores = frame_of([out], "scores")
    models = {"teacher": {"seeds": [0]}, "student": {"seeds": [0], "teacher": "teacher"}}
    study = study_of({"models": models}, {"films": TASK})
    shown = performance(study, "films", scores)
    assert [[cell.text for cell in row[2:]] for row in shown.rows] == [["not known"] * 2] * 2
    drift = frame_of([], "drift")
    verdicts = of_study(study, scores, drift)
    assert "not known" in str(records(study, verdicts))
    assert "Without labels: films." in " ".join(notes(study, verdicts))


def test_what_an_edit_changes_is_known_without_labels(files, tmp_path):
    test, perturbed, predictions = files
    out = tmp_path / "robustness.parquet"
    score_robustness(test, [perturbed], predictions, settings=SETTINGS, out=out)
    rows = [row for row in tables.read(out, "scores").to_pylist() if row["model"] == "student"]
    assert [(row["metric"], row["value"]) for row in rows] == [("consistency", 0.75)]
    assert rows[0]["low"] <= 0.75 <= rows[0]["high"] and np.isfinite(rows[0]["low"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": {"method": "fine_tune"}}, "models.bert is trained here, which takes labels"),
        ({"probes": ["but"]}, "probes: need a task whose texts have labels"),
    ],
)
def test_training_and_probes_need_labels(change, message):
    model = {"checkpoint": "bert", "compress": None, "training": change.get("training")}
    task = {"splits": dict.fromkeys(("train", "validation", "test")), "columns": {"label": None}}
    task["probes"] = change.get("probes", [])
    with pytest.raises(ConfigError, match=message):
        check_tasks({"models": {"bert": model}, "tasks": {"films": task}})
