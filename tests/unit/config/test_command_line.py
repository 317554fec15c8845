"""Types of what ``--config`` says."""

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from distillens.config.command_line import retype


@pytest.mark.parametrize(
    "text",
    [
        "perturb={examples: 10, share: 0.5, all: null, flag: true, names: [1, two, null]}",
        'perturb={name: "10", examples: {1: one}}',
        "mirror=null",
        "mirror=",
        "allow_code=true",
        "seeds=[1, 2]",
        "study=mine",
    ],
)
def test_values_are_those_of_a_file(text):
    key, _, value = text.partition("=")
    config = {"perturb": {"examples": {"per": 3}, "words": "4"}, "mirror": "folder"}
    expected = {**config, "perturb": {**config["perturb"], "examples": {**config["perturb"]["examples"]}}}
    update_config(expected, {key: yaml.safe_load(value)})
    update_config(config, parse_config([text]))
    retype(config, [text])
    assert config == expected


def test_numbers_that_yaml_takes_for_text_stay_numbers_and_dates_stay_names():
    entries = ["rate=1e-5", "study=2024-11-28", "broken={a: ", "other={a: 1}"]
    config = {**parse_config(entries), "other": "not from there"}
    retype(config, entries)
    assert config == {
        "rate": 1e-5,
        "study": "2024-11-28",
        "broken": "{a: ",
        "other": "not from there",
    }
