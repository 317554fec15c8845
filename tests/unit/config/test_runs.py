"""Which runs a student has, and that no two runs of a study share what they draw."""

from itertools import product
from pathlib import Path

import pytest
import yaml

from distillens.config.study import Study
from distillens.config.validate import ConfigError, complete
from distillens.provenance import ROOT, RunId
from distillens.training.job import stream_of

STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "resources" / "studies").glob("*.yaml"))]


def config(**students):
    """The quickstart with other students of its teacher, which has the seeds 1, 2 and 3."""
    full = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    plain = full["models"]["minilm-3"]
    models = {"minilm-6": full["models"]["minilm-6"] | {"seeds": [3, 1, 2]}}
    for name, changes in students.items():
        model = {**plain, **changes}
        models[name] = {key: value for key, value in model.items() if value != "left out"}
    return full | {"models": models}


def compressed(**changes):
    gone = dict.fromkeys(("checkpoint", "layers", "training"), "left out")
    return {**gone, "compress": {"method": "int8"}, "seeds": None, **changes}


def distilled(**changes):
    return {"training": {"method": "soft_logits"}, "seeds": None, **changes}


def of(name, **students):
    return complete(config(**students))["models"][name]


def test_seeds_are_put_in_order():
    assert of("minilm-6", a={})["seeds"] == [1, 2, 3]


def test_a_student_that_is_made_here_has_a_run_for_each_of_its_teachers():
    made = complete(config(gold={"seeds": None}, kd=distilled(), int8=compressed()))["models"]
    assert [made[name]["seeds"] for name in ("gold", "kd", "int8")] == [[1, 2, 3]] * 3
    assert [made[name]["teacher_seeds"] for name in ("gold", "kd", "int8")] == [None, [1, 2, 3], [1, 2, 3]]


def test_runs_are_paired_in_order_and_again_from_the_first():
    assert of("kd", kd=distilled(seeds=[9, 4, 7, 5]))["teacher_seeds"] == [1, 2, 3, 1]


def test_a_pairing_that_is_written_goes_with_its_seeds():
    found = of("kd", kd=distilled(seeds=[9, 4], teacher_seeds=[3, 1]))
    assert (found["seeds"], found["teacher_seeds"]) == ([4, 9], [1, 3])


def test_a_run_of_a_student_reads_its_own_run_of_the_teacher():
    study = Study(complete(config(kd=distilled(), gold={"seeds": [1, 2]})))
    assert [study.teacher("kd", seed) for seed in (1, 2, 3)] == [("minilm-6", seed) for seed in (1, 2, 3)]
    assert [study.teacher("gold", seed) for seed in (1, 2)] == [("minilm-6", 1)] * 2


@pytest.mark.parametrize(
    ("student", "message"),
    [
        ({"teacher_seeds": [1]}, "learns from gold labels, not from a run; remove it"),
        (distilled(teacher_seeds=[1, 2, 8]), "its teacher has no seed 8; there are: 1, 2, 3"),
        (distilled(seeds=[1, 2], teacher_seeds=[1]), "1 for 2 seeds; name one for each"),
        (compressed(seeds=[1, 2, 3, 4]), "two runs of one teacher's seed would be the same"),
    ],
)
def test_a_pairing_that_cannot_be_is_refused(student, message):
    with pytest.raises(ConfigError, match=message):
        complete(config(student=student))


def test_a_teacher_has_no_teacher_to_be_paired_with():
    full = config(a={})
    full["models"]["minilm-6"]["teacher_seeds"] = [1]
    with pytest.raises(ConfigError, match="models.minilm-6.teacher_seeds: it has no teacher"):
        complete(full)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_no_two_runs_of_a_study_share_a_stream(path: Path):
    full = complete(yaml.safe_load(path.read_text("utf-8")))
    runs = Study(full).runs()
    streams = [stream_of(RunId(task, *run)) for task, run in product(full["tasks"], runs)]
    assert len(set(streams)) == len(streams) == len(runs) * len(full["tasks"])
