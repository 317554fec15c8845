"""Who gets a ladder, with which rungs, and what is accepted."""

import copy
import json

import pytest
import yaml

from distillens.config.ladder import ENOUGH_RUNS, kinds
from distillens.config.study import Study
from distillens.config.validate import ConfigError, complete
from distillens.metrics.run_pairs import TEACHER_RUNS
from distillens.provenance import ROOT

QUICKSTART = json.loads(json.dumps(yaml.safe_load((ROOT / "config.yaml").read_text())))


def config(seeds=(1,), reference=None, explainers=("occlusion", "random", "lime")):
    made = copy.deepcopy(QUICKSTART)
    made["models"]["minilm-6"]["seeds"] = list(seeds)
    made["explainers"] = {name: None for name in explainers}
    made["stability"] = {}
    if reference is not None:
        made["reference"] = reference
    return made


def ladder(**settings):
    return complete(config(**settings))["reference"]["ladder"]


def test_a_teacher_with_few_runs_has_a_ladder_unasked_by_the_cheapest_explainer_that_counts():
    found = ladder()
    assert found["teachers"] == ["minilm-6"] and found["explainers"] == ["occlusion"]
    assert sorted(kinds(found)) == ["noise", "prune"]
    assert found["noise"] == {"doses": [0.02, 0.05, 0.1, 0.2, 0.3, 0.5], "draws": 3}
    assert complete(config())["reference"]["accept"] == {"prune": 0.3}


def test_a_teacher_with_enough_runs_has_none_unless_it_is_asked_for():
    assert ENOUGH_RUNS == TEACHER_RUNS
    assert ladder(seeds=(1, 2, 3)) is None
    assert ladder(seeds=(1, 2, 3), reference={"ladder": {}})["teachers"] == ["minilm-6"]


def test_null_turns_it_off_and_so_do_explainers_that_do_not_count():
    assert ladder(reference={"ladder": None}) is None
    assert ladder(explainers=("random",)) is None
    tokens = config()
    tokens["explainers"] = {"occlusion": {"unit": "token"}}
    assert complete(tokens)["reference"]["ladder"] is None


def test_a_teacher_that_cannot_be_asked_has_none():
    described = config()
    described["models"]["minilm-6"] = {"explanations": {"file": "x.jsonl"}, "seeds": [1]}
    described["models"] = {
        "minilm-6": described["models"]["minilm-6"],
        "minilm-3": QUICKSTART["models"]["minilm-3"],
    }
    assert complete(described)["reference"]["ladder"] is None


def test_kinds_that_are_named_are_the_only_ones():
    found = ladder(reference={"ladder": {"prune": {"doses": [0.2, 0.4]}, "explainers": ["lime"]}})
    assert kinds(found) == {"prune": {"doses": [0.2, 0.4]}} and found["explainers"] == ["lime"]


def test_completing_twice_changes_nothing():
    full = complete(config())
    assert complete(full) == full


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"ladder": "on"}, "reference.ladder: 'on'"),
        ({"ladder": {"prun": None}}, "no kind of damage 'prun'; did you mean 'prune'"),
        ({"ladder": {"prune": {"doses": [0.5, 1.5]}}}, "reference.ladder.prune.doses"),
        ({"ladder": {"prune": {"doses": [0.5]}}}, "reference.ladder.prune.doses"),
        ({"ladder": {"prune": {"draws": 3}}}, "reference.ladder.prune: unknown key 'draws'"),
        ({"ladder": {"explainers": ["random"]}}, "explainers: no explainer that counts 'random'"),
        ({"ladder": {"teachers": ["minilm-3"]}}, "teachers: no teacher with weights 'minilm-3'"),
        ({"accept": {"prune": 0.9}}, "reference.accept.prune: 0.9 is not on the ladder, which ends at 0.8"),
        ({"accept": {"prne": 0.3}}, "reference.accept: the ladder has no kind 'prne'; did you mean 'prune'"),
        ({"accept": {"agreement": 1.2}}, "reference.accept.agreement: 1.2 is no agreement"),
        ({"accept": {"prune": 0.3, "noise": 0.1}}, "reference.accept"),
        ({"ladder": {"noise": None}}, "reference.accept: say how much damage is accepted"),
    ],
)
def test_what_no_ladder_can_be_made_of_is_refused_by_its_key(reference, message):
    with pytest.raises(ConfigError) as error:
        complete(config(reference=reference))
    assert message in str(error.value)


def test_a_study_without_a_ladder_asks_for_no_rung():
    study = Study(complete(config(reference={"ladder": None})))
    assert study.ladder["teachers"] == [] and study.ladder["explainers"] == []
    assert Study(complete(config())).ladder["teachers"] == ["minilm-6"]
