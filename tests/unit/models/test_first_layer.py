import numpy as np
import pytest
import torch
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

from distillens.models import classifier
from distillens.models.first_layer import share
from distillens.models.tokenizer import Encoder
from tests.rounding import assert_same
from tests.tiny import SENTENCES

PAIRS = [(a, b) for a, b in zip(SENTENCES, reversed(SENTENCES), strict=True)]
COPIES = [(SENTENCES[0].replace(word, "dull"),) for word in SENTENCES[0].split()]


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_answers_are_as_before_and_each_token_at_each_place_is_projected_once(family, request):
    folder = request.getfixturevalue(family)
    whole, shared = (classifier.load_classifier(folder).eval() for _ in range(2))
    encoder = Encoder(folder, classifier.accepted_inputs(whole))

    def batch_of(texts):
        return {name: torch.from_numpy(part) for name, part in encoder.pad(encoder.encode(texts)).items()}

    assert share(shared, batch_of([("a b c d",), ("a",), ("a b", "c a")]))
    rows = []
    for module in shared.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda _, given: rows.append(len(given[0].flatten(0, -2))))
    for texts in ([(s,) for s in SENTENCES], PAIRS, COPIES, [("Fun",)]):
        batch = batch_of(texts)
        rows.clear()
        with torch.no_grad():
            assert_same(shared(**batch).logits, whole(**batch).logits)
        types = batch.get("token_type_ids", torch.zeros_like(batch["input_ids"]))
        places = {
            (column, *pair)
            for ids, own in zip(batch["input_ids"].tolist(), types.tolist(), strict=True)
            for column, pair in enumerate(zip(ids, own, strict=True))
        }
        assert rows[:3] == [len(places)] * 3
        assert batch["input_ids"].numel() in rows  # later layers differ from text to text


def test_a_model_of_another_build_is_left_as_it_was():
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    model = DebertaV2ForSequenceClassification(config).eval()
    batch = {"input_ids": torch.tensor([[1, 7, 9, 3], [1, 8, 3, 0]])}
    batch["attention_mask"] = (batch["input_ids"] > 0).long()
    names = [name for name, _ in model.named_modules()]
    with torch.no_grad():
        expected = model(**batch).logits
        assert not share(model, batch)
        np.testing.assert_array_equal(model(**batch).logits, expected)
    assert [name for name, _ in model.named_modules()] == names


def test_embeddings_that_depend_on_neighbours_are_not_shared(bert):
    model = classifier.load_classifier(bert).eval()
    model.bert.embeddings.register_forward_hook(lambda *given: given[2] + given[2].mean(1, keepdim=True))
    encoder = Encoder(bert, classifier.accepted_inputs(model))
    batch = classifier.unlike_lengths(encoder, model)
    with torch.no_grad():
        expected = model(**batch).logits
        assert not share(model, batch)
        np.testing.assert_array_equal(model(**batch).logits, expected)
