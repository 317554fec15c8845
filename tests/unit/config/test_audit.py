"""The config of an audit, from what folders and a file show."""

import pytest

from distillens.config.audit import (
    SPEEDS,
    Amount,
    Model,
    Texts,
    config_of,
    named,
    reference_in_words,
    remarks,
    task_of,
)
from distillens.config.validate import ConfigError, complete
from distillens.registry import literal

REVIEWS = Texts("in/My Reviews.csv", "text", None, "mood", rows=5000, wordless=3)


def model(folder, *outputs, parameters=None, digest=None):
    return Model(folder, outputs or ("bad", "good"), parameters, digest or folder)


def config(teacher, *students, texts=REVIEWS, labels=None, amount=None, accept=None):
    return config_of("audit", texts, named([teacher, *students]), labels, amount, accept)


def test_the_config_is_a_study_that_asks_for_nothing_else():
    full = complete(config(model("prod"), model("small"), model("smaller")))
    assert full["tasks"]["my-reviews"]["labels"] == ["bad", "good"]
    assert full["tasks"]["my-reviews"]["explain"]["examples"] == SPEEDS["default"]["texts"]
    assert [one["teacher"] for one in full["models"].values()] == [None, "prod", "prod"]
    assert not full["perturbations"] and not full["stability"]["explainers"] and not full["probes"]
    assert not full["metrics"]["faithfulness"]
    assert full["device"] == "auto"


@pytest.mark.parametrize("speed", SPEEDS)
def test_every_speed_is_complete_and_costs_more_than_the_one_before(speed):
    chosen = config(model("prod"), model("small"), amount=Amount(speed))["explainers"]
    assert list(complete(config(model("prod"), model("small"), amount=Amount(speed)))["explainers"]) == list(
        chosen
    )
    sizes = [(one["texts"], len(one["explainers"])) for one in SPEEDS.values()]
    assert sizes == sorted(sizes)


def test_a_fast_audit_draws_nothing_at_random_so_nothing_is_explained_twice():
    assert not any(literal("explainer", name, "DRAWS") for name in SPEEDS["fast"]["explainers"])


def test_few_texts_are_all_explained_and_those_without_a_word_leave_enough():
    block = config(model("a"), model("b"), texts=Texts("r.csv", "t", None, None, rows=9, wordless=2))[
        "tasks"
    ]["r"]
    assert block["explain"] == {"examples": 7}
    assert block["splits"]["test"]["examples"] == 9
    block = config(model("a"), model("b"), texts=Texts("r.csv", "t", None, None, rows=900, wordless=2))[
        "tasks"
    ]["r"]
    assert block["splits"]["test"]["examples"] == block["explain"]["examples"] + 2


def test_labels_in_another_order_are_matched_by_name_and_it_is_said():
    teacher, student = model("a", "bad", "good"), model("b", "GOOD", "BAD")
    assert "labels" not in config(teacher, student)["models"]["b"]
    assert "another order (GOOD, BAD)" in remarks(named([teacher, student]))[0]


def test_outputs_without_names_get_those_that_are_given():
    teacher, student = model("a", "LABEL_0", "LABEL_1"), model("b", "LABEL_0", "LABEL_1")
    made = config(teacher, student, labels=["bad", "good"])
    assert made["tasks"]["my-reviews"]["labels"] == ["bad", "good"]
    assert [one["labels"] for one in made["models"].values()] == [["bad", "good"]] * 2


def test_outputs_without_names_in_both_are_taken_by_their_numbers():
    made = config(model("a", "LABEL_0", "LABEL_1"), model("b", "LABEL_0", "LABEL_1"))
    assert made["tasks"]["my-reviews"]["labels"] == ["LABEL_0", "LABEL_1"]


def test_a_regression_has_no_labels():
    full = complete(config(model("a", "LABEL_0"), model("b", "LABEL_0")))
    assert full["tasks"]["my-reviews"]["type"] == "regression"
    assert full["tasks"]["my-reviews"]["metrics"] == ["pearson", "spearman"]


def test_a_swapped_pair_and_the_same_weights_are_said_and_not_refused():
    said = remarks(named([model("s", parameters=10), model("t", parameters=90)]))
    assert said == ["t has more weights (90) than its teacher s (10); are teacher and student swapped?"]
    same = named([model("s", digest="x"), model("s", digest="x")])
    assert list(same) == ["s", "s-2"]
    assert "same weights" in remarks(same)[0]


@pytest.mark.parametrize(
    ("teacher", "student", "labels", "message"),
    [
        (("bad", "good"), ("LABEL_0", "LABEL_1"), None, "which is which is not known.*--labels"),
        (
            ("bad", "good"),
            ("LABEL_0", "LABEL_1"),
            ["no", "yes"],
            "names its outputs bad, good, and not no, yes",
        ),
        (("bad", "good"), ("no", "yes"), None, "other names than its teacher's"),
        (("bad", "good"), ("bad", "so-so", "good"), None, "has 3 outputs .*its teacher 2"),
        (("bad", "good"), ("bad", "good"), ["no", "yes"], "names its outputs bad, good, and not no, yes"),
        (("LABEL_0",), ("LABEL_0",), ["a"], "one output, a score"),
        (("LABEL_0", "LABEL_1"), ("LABEL_0", "LABEL_1"), ["a", "b", "c"], "3 names, but a has 2 outputs"),
    ],
)
def test_outputs_that_cannot_be_matched_are_refused(teacher, student, labels, message):
    with pytest.raises(ConfigError, match=message):
        one = model("a", *teacher)
        task_of(one, labels)
        config(one, model("b", *student), labels=labels)


def test_texts_without_a_word_are_no_audit():
    with pytest.raises(ConfigError, match="no text has a word"):
        config(model("a"), model("b"), texts=Texts("r.csv", "t", None, None, rows=2, wordless=2))


def test_another_kind_of_damage_is_made_where_it_is_accepted():
    full = complete(config(model("a"), model("b"), accept={"precision": 20}))
    assert {"noise", "prune", "precision"} <= set(full["reference"]["ladder"])
    fast = complete(config(model("a"), model("b"), amount=Amount("fast"), accept={"agreement": 0.8}))
    assert fast["reference"]["ladder"]["noise"]["draws"] == 1
    assert fast["reference"]["accept"] == {"agreement": 0.8}


def test_it_is_said_what_can_be_decided():
    full = complete(config(model("a"), model("b"), accept={"prune": 0.2}))
    assert reference_in_words(full).endswith("at least as much as a copy damaged by prune 0.2")
    full["models"]["a"]["seeds"] = [1, 2, 3]
    assert "than another run of the teacher" in reference_in_words(full)
