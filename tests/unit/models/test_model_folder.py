"""What a classifier's folder shows without loading it; a folder of something else is refused by name."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from distillens.config.errors import ConfigError
from distillens.models.model_folder import read


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "bert"
    place.mkdir()
    settings = {"architectures": ["BertForSequenceClassification"], "id2label": {"1": "good", "0": "bad"}}
    (place / "config.json").write_text(json.dumps(settings))
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4)}, place / "model.safetensors")
    return place


def edit(folder, **keys):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def test_outputs_stand_in_their_order_and_weights_are_counted(folder):
    model = read(folder)
    assert (model.outputs, model.parameters, model.unnamed) == (("bad", "good"), 10, False)


def test_the_same_weights_elsewhere_have_the_same_digest_and_others_another(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert read(copy).digest == read(folder).digest
    save_file({"a": torch.ones(2, 3), "b": torch.zeros(4)}, copy / "model.safetensors")
    assert read(copy).digest != read(folder).digest


def test_outputs_that_nobody_named_are_the_two_of_the_library(folder):
    edit(folder, id2label=None)
    assert read(folder).outputs == ("LABEL_0", "LABEL_1")
    assert read(folder).unnamed


def test_what_is_no_classifier_is_refused(folder):
    edit(folder, problem_type="multi_label_classification")
    with pytest.raises(ConfigError, match="several labels to one text"):
        read(folder)
    edit(folder, architectures=["BertForMaskedLM"])
    with pytest.raises(ConfigError, match="BertForMaskedLM is no text classifier"):
        read(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="is not JSON"):
        read(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"config\.json: no such file"):
        read(folder)


def test_weights_that_are_missing_or_broken_are_refused(folder):
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"no model\.safetensors"):
        read(folder)
