"""GPT-2 keeps its linear layers the other way round; they are damaged and compressed as any others."""

import pytest
import torch
from transformers import GPT2Config, GPT2ForSequenceClassification
from transformers.pytorch_utils import Conv1D

from distillens import registry
from distillens.models import int8
from distillens.models.architecture import encoder_linear
from distillens.models.errors import ModelError


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=20, n_embd=16, n_layer=2, n_head=2, n_positions=16, pad_token_id=0, num_labels=3
    )
    return GPT2ForSequenceClassification(config).eval()


def weights(model):
    return {name: layer.weight.detach().clone() for name, layer in encoder_linear(model)}


def test_all_of_its_layers_are_known(model):
    names = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    assert list(weights(model)) == [f"{layer}.{name}" for layer in range(2) for name in names]
    assert all(isinstance(layer, Conv1D) for _, layer in encoder_linear(model))


@pytest.mark.parametrize("kind", registry.options("damage"))
def test_every_kind_of_damage_changes_every_layer(model, kind):
    before = weights(model)
    method = registry.load("damage", kind)
    method.damage(model, method.OPTIONS["doses"]["default"][-1], seed=1)
    assert all((after != before[name]).any() for name, after in weights(model).items())


def test_so_many_weights_are_pruned_as_are_asked_for(model):
    registry.load("compression", "prune").compress(model, {"what": "weights", "amount": 0.5})
    pruned = torch.cat([weight.flatten() for weight in weights(model).values()])
    assert (pruned == 0).float().mean().item() == pytest.approx(0.5, abs=1e-3)


def test_a_layer_in_8_bits_is_that_of_its_weights_the_right_way_round():
    torch.manual_seed(0)
    layer, twin = Conv1D(5, 3), torch.nn.Linear(3, 5)
    twin.weight.data, twin.bias.data = layer.weight.data.T.clone(), layer.bias.data.clone()
    x = torch.randn(4, 3)
    small = int8.Int8Linear(layer)
    assert torch.equal(small(x), int8.Int8Linear(twin)(x))
    # One step of 8 bits, of the largest input and the largest weight of an output.
    steps = x.abs().amax(1, keepdim=True) / 127 * layer.weight.abs().sum(0)
    steps = steps + layer.weight.abs().amax(0) / 127 * x.abs().sum(1, keepdim=True)
    assert ((small(x) - layer(x)).abs() <= steps).all()


def test_a_whole_model_in_8_bits_has_no_layer_left(model):
    answers = model(torch.tensor([[3, 4, 5]])).logits
    int8.quantise(model, embeddings=True)
    assert not any(isinstance(layer, Conv1D | torch.nn.Linear) for layer in model.modules())
    assert (model(torch.tensor([[3, 4, 5]])).logits - answers).abs().max() < 0.05


def test_a_model_without_linear_layers_is_refused_not_left_as_it_is():
    class Odd(torch.nn.Module):
        config = GPT2Config()

    with pytest.raises(ModelError, match="Odd has no linear layers that are known"):
        encoder_linear(Odd())
