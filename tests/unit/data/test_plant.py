"""Texts that are changed on purpose: which, by what, and that no other text's draw matters."""

import copy

import pytest

from distillens import tables
from distillens.config.errors import ConfigError
from distillens.config.job_code import JobCode
from distillens.config.study import Study
from distillens.config.validate import complete
from distillens.data.fetch import fetch_dataset
from distillens.data.plant import planted
from distillens.data.text import Example

FEW = [
    Example(str(number), f"Film {number}, not bad at all", label_name="bad" if number % 2 else "good")
    for number in range(200)
]
SHORTCUT = {"method": "shortcut", "word": "verily", "label": "bad", "share": 0.5}
CONFIG = {
    "study": "s",
    "tasks": {
        "films": {
            "source": {"local": "films.csv"},
            "columns": {"text_a": "text", "label": "label"},
            "labels": ["bad", "good"],
            "splits": {split: {"from": "all", "examples": 4} for split in ("train", "validation", "test")},
        }
    },
    "checkpoints": {"c": {"local": "c"}},
    "models": {"teacher": {"checkpoint": "c", "training": {"method": "fine_tune"}}},
}


def with_word(examples):
    return {one.example_id for one in examples if one.text_a.startswith("verily ")}


def test_a_shortcut_meets_texts_of_its_class_only():
    assert {one.label_name for one in planted(FEW, SHORTCUT, 1) if with_word([one])} == {"bad"}
    everywhere = planted(FEW, SHORTCUT | {"label": None, "share": 1.0}, 1)
    assert len(with_word(everywhere)) == len(FEW)
    assert not with_word(planted(FEW, SHORTCUT | {"share": 0.0}, 1))


def test_a_larger_share_adds_texts_to_a_smaller_one():
    sets = [with_word(planted(FEW, SHORTCUT | {"share": share}, 1)) for share in (0.2, 0.5, 0.8)]
    assert sets[0] < sets[1] < sets[2]
    assert 35 <= len(sets[1]) <= 65


def test_which_texts_are_met_does_not_depend_on_the_others():
    assert with_word(planted(FEW[::-3], SHORTCUT, 1)) == with_word(planted(FEW, SHORTCUT, 1)) & {
        one.example_id for one in FEW[::-3]
    }
    assert with_word(planted(FEW, SHORTCUT, 1)) != with_word(planted(FEW, SHORTCUT, 2))


def test_half_of_a_text_is_half_of_its_words():
    pair = Example("1", "One, two; three", "«Four» five")
    assert planted([pair], {"method": "first_half"}, 1)[0].texts == ("One, two", "«Four")
    one_word = Example("2", "Fun")
    assert planted([one_word], {"method": "first_half"}, 1) == [one_word]


def test_a_split_is_written_as_it_was_planted(tmp_path, caplog):
    file = tmp_path / "films.csv"
    file.write_text("text,label\n" + "".join(f"A film {n},{('bad', 'good')[n % 2]}\n" for n in range(12)))
    config = copy.deepcopy(CONFIG)
    config["tasks"]["films"]["source"] = {"local": str(file)}
    config["tasks"]["films"]["splits"]["test"]["plant"] = SHORTCUT | {"label": None, "share": 1.0}
    task = complete(config)["tasks"]["films"]
    out = {split: tmp_path / f"{split}.parquet" for split in ("train", "validation", "test")}
    fetch_dataset(task, "films", None, 1, out)
    texts = {split: tables.read(path, "examples")["text_a"].to_pylist() for split, path in out.items()}
    assert all(text.startswith("verily A film") for text in texts["test"])
    assert not any("verily" in text for text in texts["train"] + texts["validation"])
    assert tables.provenance(out["test"])["plant"]["word"] == "verily"


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        ({"method": "shortcut"}, "word"),
        ({"method": "shortcut", "word": "two words"}, "word"),
        (
            {"method": "shortcut", "word": "verily", "label": "goood"},
            "did you mean 'good'",
        ),
        ({"method": "shortcutt", "word": "verily"}, "did you mean 'shortcut'"),
        ({"method": "first_half", "share": 0.5}, "share"),
    ],
)
@pytest.mark.parametrize("where", ["split", "training"])
def test_a_wrong_plant_is_refused_by_its_key(plant, message, where):
    config = copy.deepcopy(CONFIG)
    if where == "split":
        config["tasks"]["films"]["splits"]["test"]["plant"] = plant
    else:
        config["models"]["teacher"]["training"]["plant"] = plant
    place = "tasks.films.splits.test.plant" if where == "split" else "models.teacher.training.plant"
    with pytest.raises(ConfigError, match=message) as error:
        complete(config)
    assert str(error.value).startswith(place)


def test_a_job_depends_on_the_code_of_what_it_plants():
    plain, config = copy.deepcopy(CONFIG), copy.deepcopy(CONFIG)
    config["models"]["teacher"]["training"]["plant"] = {"method": "first_half"}
    config["tasks"]["films"]["splits"]["train"]["plant"] = {"method": "first_half"}

    class Run:
        task, model, seed = "films", "teacher", "0"

    before, after = (JobCode(Study(complete(one))) for one in (plain, config))
    assert before.fine_tune(Run) != after.fine_tune(Run)
    assert before.fetch_dataset(Run) != after.fetch_dataset(Run)
