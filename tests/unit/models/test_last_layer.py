import copy

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    ElectraConfig,
    ElectraForSequenceClassification,
    MobileBertConfig,
    MobileBertForSequenceClassification,
)

from distillens.models import classifier
from distillens.models.last_layer import trim
from distillens.models.tokenizer import Encoder
from tests.rounding import assert_same
from tests.tiny import SENTENCES

PAIRS = [(a, b) for a, b in zip(SENTENCES, reversed(SENTENCES), strict=True)]


def batch_of(folder, model, texts):
    encoder = Encoder(folder, classifier.accepted_inputs(model))
    return {name: torch.from_numpy(part) for name, part in encoder.pad(encoder.encode(texts)).items()}


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_a_trimmed_model_answers_as_before_with_less_work(family, request):
    folder = request.getfixturevalue(family)
    whole = classifier.load_classifier(folder).eval()
    trimmed = copy.deepcopy(whole)
    assert trim(trimmed, batch_of(folder, whole, [("a b c d",), ("a",)]))
    for texts in ([(s,) for s in SENTENCES], PAIRS, [("Fun",)]):
        batch = batch_of(folder, whole, texts)
        assert_same(trimmed(**batch).logits.detach(), whole(**batch).logits.detach())
    assert flop(trimmed, batch) < 0.8 * flop(whole, batch)


def flop(model, batch):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(**batch)
    return counter.get_total_flops()


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_gradients_of_a_trimmed_model_are_those_of_the_whole(family, request):
    folder = request.getfixturevalue(family)
    found = []
    for trimmed in (False, True):
        model = classifier.load_classifier(folder).eval().double()
        batch = batch_of(folder, model, [(s,) for s in SENTENCES])
        if trimmed:
            assert trim(model, batch)
        embedded = model.get_input_embeddings()(batch.pop("input_ids")).detach().requires_grad_()
        model(inputs_embeds=embedded, **batch).logits.sum().backward()
        found.append(embedded.grad.numpy())
    np.testing.assert_allclose(*found, atol=1e-9)


SIZE = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def test_an_electra_is_trimmed():
    torch.manual_seed(0)
    model = ElectraForSequenceClassification(ElectraConfig(**SIZE, embedding_size=16)).eval()
    assert_unchanged(model, trimmed=True)


def test_a_model_of_another_build_is_left_as_it_was():
    torch.manual_seed(0)
    config = MobileBertConfig(**SIZE, embedding_size=16, intra_bottleneck_size=8, true_hidden_size=8)
    assert_unchanged(MobileBertForSequenceClassification(config).eval())


def test_a_classifier_that_reads_every_position_is_left_as_it_was(bert):
    model = classifier.load_classifier(bert).eval()
    model.bert.pooler = MeanPooler()
    assert not assert_unchanged(model)


class MeanPooler(torch.nn.Module):
    def forward(self, hidden):
        return hidden.mean(1)


def assert_unchanged(model, trimmed=None):
    batch = {"input_ids": torch.tensor([[1, 7, 9, 3], [1, 8, 3, 0]])}
    batch["attention_mask"] = (batch["input_ids"] > 0).long()
    with torch.no_grad():
        expected = model(**batch).logits
        was = trim(model, batch)
        assert_same(model(**batch).logits, expected)
    assert trimmed is None or was == trimmed
    return was
