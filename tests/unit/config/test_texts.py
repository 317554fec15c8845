"""The number of texts: what the config says, what a pilot has planned, and which of both counts."""

import pytest
import yaml

from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.config.texts import TEXTS, Planned, check_explainers, read, with_planned_texts, write
from distillens.config.validate import ConfigError, complete
from tests.unit.config.test_ladder import config


def study(**explain):
    made = config(seeds=(1,))
    made["tasks"]["snippets-5"]["explain"] = explain
    return complete(made)


def explained(made):
    return made["tasks"]["snippets-5"]["explain"]


@pytest.mark.parametrize(
    ("explain", "message"),
    [
        ({"until": "told"}, "until: say most: 500, too"),
        ({"most": 100}, "most: say until: told, too"),
        ({"until": "told", "most": 20, "examples": 30}, "most: 20 texts are fewer than the pilot's 30"),
        ({"until": "told", "most": 500, "per_class": None}, "all texts are explained"),
        ({"until": "decided", "most": 500}, "'decided' is not one of told"),
    ],
)
def test_a_pilot_that_makes_no_sense_is_refused(explain, message):
    with pytest.raises(ConfigError, match=message):
        study(**explain)


def test_an_explainer_of_fewer_texts_has_no_pilot():
    explainers = {"occlusion": None, "shap": {"examples": 60}}
    with pytest.raises(ConfigError, match="explainers.shap.examples: as many texts as the verdict needs"):
        check_explainers(explainers)
    check_explainers({"occlusion": None, "shap": {"samples": 3}})


def test_a_planned_number_counts_as_long_as_the_config_says_what_it_was_planned_from(tmp_path):
    write(tmp_path, {"snippets-5": Planned({"per_class": 6}, {"per_class": 40}, [30])})
    for pilot, counts in ((6, 40), (8, 8)):
        made = with_planned_texts(study(per_class=pilot, until="told", most=500), tmp_path)
        assert explained(made)["per_class"] == counts
        assert explained(made).get("stages") == ([30] if counts == 40 else None)
    other = with_planned_texts(study(examples=6, until="told", most=500), tmp_path)
    assert explained(other)["examples"] == 6  # the other key: per_class is its default, 30


def test_a_plan_of_a_task_that_is_gone_is_nothing(tmp_path):
    write(tmp_path, {"gone": Planned({"per_class": 6}, {"per_class": 40}, [30])})
    assert explained(with_planned_texts(study(per_class=6), tmp_path)) == explained(study(per_class=6))


@pytest.mark.parametrize(
    "content",
    [
        "films: 12",
        "[1, 2]",
        "films: {from: {per_class: 6}, to: {examples: 9}, stages: []}",
        "films: {from: {per_class: 6}, to: {per_class: many}, stages: []}",
        "films: {from: {per_class: 6}, to: {per_class: 9}, stages: [true]}",
        "films: {from: {per_class: 6}, to: {per_class: 9}}",
        "films: {from",
    ],
)
def test_a_file_that_distillens_did_not_write_is_refused(tmp_path, content):
    (tmp_path / TEXTS).write_text(content)
    with pytest.raises(ConfigError, match=r"texts\.yaml: not what distillens writes there; delete it"):
        read(tmp_path)


def test_what_is_written_says_what_it_is_and_is_read_back(tmp_path):
    planned = {"a": Planned({"examples": 30}, {"examples": 120}, [30, 80])}
    write(tmp_path, planned)
    assert read(tmp_path) == planned and read(tmp_path / "nowhere") == {}
    text = (tmp_path / TEXTS).read_text()
    assert text.startswith("# Texts that are explained") and list(yaml.safe_load(text)) == ["a"]


def test_that_a_pilot_may_go_on_changes_no_job():
    class Films:
        task = "snippets-5"

    made = [study(per_class=6), study(per_class=6, until="told", most=500)]
    one, other = (JobParams(Study(each)).select_examples(Films) for each in made)
    assert one == other and Study(made[1]).pilots() == ["snippets-5"] and Study(made[0]).pilots() == []
