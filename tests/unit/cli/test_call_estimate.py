"""What a study would ask an endpoint, counted by hand; nobody is asked."""

import io
from pathlib import Path

from rich.console import Console

from distillens.cli import check
from distillens.cli.call_estimate import Calls, calls
from distillens.config.study import Study
from distillens.config.validate import complete
from distillens.models.backends.http import open as open_endpoint
from distillens.models.endpoint.budget import Budget
from distillens.models.identity import folder_of

HTTP = {"url": "http://127.0.0.1:9/nobody", "most_calls": 60, "batch": 5}
WORDS, TEXTS, TEST, FIXED = 5, 4, 10, 4


def config(**given):
    task = {
        "source": {"local": "x"},
        "columns": {"text_a": "a", "label": "b"},
        "labels": ["bad", "good"],
        "splits": {"test": {"from": "all", "examples": TEST}},
        "explain": {"per_class": 2, "max_words": WORDS},
    }
    study = {
        "study": "s",
        "tasks": {"toy": task},
        "models": {"llm": {"http": HTTP}},
        "explainers": {"occlusion": None},
        "metrics": {"faithfulness": False},
    }
    return complete({**study, **given})


def texts(given):
    (row,) = calls(given, Path("none"))
    return row.texts


OCCLUSION = TEXTS * (WORDS + 2) + FIXED
KNOWN = TEST + FIXED + OCCLUSION + 2 * FIXED


def test_texts_of_every_job_are_counted_with_the_fixed_ones():
    (row,) = calls(config(), Path("none"))
    assert row.texts == KNOWN
    assert (row.least, row.spent, row.most, row.enough) == (-(-KNOWN // 5), 0, 60, True)


def test_an_explainer_that_draws_is_asked_twice_and_one_of_gradients_never():
    lime = {"lime": {"samples": 10}}
    alone = texts(config(explainers=lime)) - texts(config()) + OCCLUSION
    assert alone % 2 == 0 and alone > 2 * TEXTS * 10
    both = {"integrated_gradients": None, "occlusion": None}
    models = {"bert": {"checkpoint": {"local": "x"}, "training": "none"}}
    models["llm"] = {"http": HTTP, "teacher": "bert"}
    assert texts(config(explainers=both, models=models)) == KNOWN


def test_a_noisy_model_is_asked_twice_by_every_explainer():
    given = config(models={"llm": {"http": {**HTTP, "noisy": True}}})
    assert texts(given) == KNOWN + OCCLUSION
    assert Study(given).explainers_again("llm") == ["occlusion"]
    assert Study(config()).explainers_again("llm") == []


def test_perturbed_texts_that_are_explained_count_too():
    given = config(
        perturbations={"swap": None}, repeats=2, stability={"explainers": ["occlusion"], "examples": 3}
    )
    assert texts(given) == KNOWN + 2 * TEST + 3 * 2 * (WORDS + 2) + FIXED


def test_what_students_learn_from_counts_once_and_their_copies_each():
    def learning(method, **training):
        given = config()
        task = {**given["tasks"]["toy"]}
        task["splits"] = {**task["splits"], "train": {"from": "all", "examples": 20}}
        task["splits"]["validation"] = {"from": "all", "examples": 6}
        student = {"checkpoint": {"local": "x"}, "teacher": "llm", "seeds": [1, 2], "teacher_seeds": [0, 0]}
        models = {"llm": {"http": HTTP}, "kd": {**student, "training": {"method": method, **training}}}
        return texts(config(models=models, tasks={"toy": task}))

    assert learning("soft_logits") == KNOWN + 26 + 2 * FIXED
    assert learning("masked_consistency", masked_copies=3) == KNOWN + 26 + 2 * FIXED + 6 * (20 + FIXED)


def test_calls_that_were_made_are_shown_and_too_few_are_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = config(models={"llm": {"http": {**HTTP, "most_calls": 10}}})
    backend = open_endpoint(given["models"]["llm"]["http"], ["bad", "good"])
    budget = Budget(folder_of("answers", "llm", {**backend.identity(), "pairs": False}), 10)
    for _ in range(3):
        budget.take()
    (row,) = calls(given, Path("none"))
    assert (row.spent, row.most) == (3, 10)
    assert not row.enough
    both = {"toy": given["tasks"]["toy"], "other": given["tasks"]["toy"]}
    (row,) = calls({**given, "tasks": both}, Path("none"))
    assert row.spent == 3  # its answers are shared


def test_the_table_says_texts_calls_and_the_limit():
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(check._calls([Calls("llm", 1200, 16, 30, 60), Calls("new", None, 1, 0, 9)]))
    rows = [line.split() for line in console.export_text().splitlines()]
    assert ["llm", "1,200", "75", "to", "1,200", "30", "60"] in rows
    assert ["new", "once", "fetched", "once", "fetched", "0", "9"] in rows


def test_texts_that_are_not_there_yet_have_no_number():
    task = {
        "source": {"local": "x"},
        "columns": {"text_a": "a", "label": "b"},
        "labels": ["bad", "good"],
        "splits": {"test": {"from": "all", "examples": None}},
        "explain": {"per_class": 2},
    }
    (row,) = calls(config(tasks={"toy": task}), Path("none"))
    assert row.texts is row.least is None and row.enough
