"""A checkpoint that is to be trained: its encoder must be whole, its heads may be anything."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertModel

from distillens.models.classifier import new_classifier
from distillens.models.errors import ModelError
from distillens.training.pretrain import load_masked
from tests import tiny

TASK = {"type": "classification", "labels": ["no", "yes"]}
KINDS = {
    "with another head": None,
    "without a head": BertModel,
    "with a masked-language head": BertForMaskedLM,
}


@pytest.fixture(params=KINDS)
def folder(request, tmp_path):
    """A checkpoint of two layers as other tasks leave it."""
    folder = tiny.bert(tmp_path / "bert")
    kind = KINDS[request.param]
    if kind:
        kind.from_pretrained(folder).save_pretrained(folder)
    return folder


def configure(folder, **changed):
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, **changed}))


def test_heads_do_not_matter(folder):
    assert new_classifier(folder, TASK, None).config.num_labels == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_hidden_layers": 1}, r"its weights have .*encoder.layer.1.* and 13 more, for which its config"),
        ({"num_hidden_layers": 3}, r"its checkpoint lacks .*encoder.layer.2.* and 13 more"),
        ({"intermediate_size": 48}, r"its checkpoint lacks .*encoder.layer.0.intermediate.dense.bias.* size"),
    ],
)
def test_an_encoder_that_is_not_its_config_s_is_refused(folder, changed, message):
    configure(folder, **changed)
    with pytest.raises(ModelError, match=message):
        new_classifier(folder, TASK, None)


def test_weights_that_are_no_numbers_are_refused(folder):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    weights[name][3, 1] = torch.inf
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="1 of .* numbers of bert.embeddings.word_embeddings.weight are not"):
        new_classifier(folder, TASK, None)


def test_a_pretraining_starts_from_a_whole_encoder(tmp_path):
    folder = tiny.bert(tmp_path / "bert")
    BertForMaskedLM(BertConfig.from_pretrained(folder)).save_pretrained(folder)
    assert load_masked(folder, headless=False).config.num_hidden_layers == 2
    configure(folder, num_hidden_layers=1)
    with pytest.raises(ModelError, match="and 13 more, for which its config.json has no place"):
        load_masked(folder, headless=False)
