"""Compressed students: what is stored is what runs, smaller, and gradients know of it."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization.quant_utils import quantize_data
from safetensors.torch import load_file
from torch.nn.utils import prune
from transformers import AutoConfig, AutoModelForSequenceClassification

from distillens import registry, tables
from distillens.config.validate import ConfigError, complete
from distillens.data.text import Example
from distillens.models import classifier, heads, int8
from distillens.models.architecture import encoder_linear
from distillens.models.engine import Engine, EngineOptions
from distillens.provenance import RunId
from distillens.training.compress import compress
from distillens.training.fine_tune import TrainingError
from distillens.training.job import TrainingJob, TrainingPlan
from tests import tiny
from tests.rounding import assert_same
from tests.tiny import SENTENCES

TASK = {"labels": ["bad", "middling", "good"], "type": "classification"}
TEXTS = [(sentence,) for sentence in SENTENCES]
EXAMPLES = [Example(str(number), sentence) for number, sentence in enumerate(SENTENCES)]
ROWS = [
    {"example_id": str(n), "text_a": sentence, "label": float(n % 3), "label_name": TASK["labels"][n % 3]}
    for n, sentence in enumerate(SENTENCES * 3)
]
RECOVERY = {"method": "fine_tune", "epochs": 2, "learning_rate": 3.0e-3, "batch_size": 6, "max_length": 32}


def config(model, **study):
    """A study of a teacher and one compressed student, checked and filled."""
    task = {
        "source": {"local": "x"},
        "columns": {"text_a": "a", "label": "b"},
        "labels": ["a", "b"],
        "splits": {split: {"from": "all"} for split in ("train", "validation", "test")},
    }
    models = {
        "teacher": {"checkpoint": "c", "training": {"method": "fine_tune"}},
        "small": {"teacher": "teacher", **model},
    }
    given = {"study": "s", "tasks": {"t": task}, "checkpoints": {"c": {"local": "x"}}, "models": models}
    return complete({**given, **study})


def made(teacher, out, method, training=None, onnx=False, splits=None, **options):
    """A compressed copy of a teacher, with the defaults that the config fills in."""
    filled = config({"compress": {"method": method, **options}, "training": training})["models"]["small"]
    engine = EngineOptions("cpu", "torch")
    job = TrainingJob(RunId("t", "small", 1), splits or {}, None, out, engine, teacher)
    compress(filled["compress"], job, TrainingPlan(TASK, filled["training"], export_onnx=onnx))
    return out


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A teacher in which weights, not headers, decide on the size."""
    folder = tmp_path_factory.mktemp("wide")
    size, tiny._SIZE = tiny._SIZE, {
        "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 128, "intermediate_size": 256
    }  # fmt: skip
    try:
        return tiny.bert(folder / "bert")
    finally:
        tiny._SIZE = size


@pytest.fixture
def splits(tmp_path):
    paths = {split: tmp_path / f"{split}.parquet" for split in ("train", "validation")}
    for path in paths.values():
        tables.write(path, "examples", ROWS, {})
    return paths


@pytest.fixture(params=["bert", "distilbert", "roberta"])
def teacher(request):
    return request.getfixturevalue(request.param)


# int8: the arithmetic


def test_weights_are_quantised_as_onnx_runtime_s_own_tool_does():
    torch.manual_seed(0)
    linear = torch.nn.Linear(40, 7)
    ours = int8.Int8Linear(linear)
    for row, stored, scale in zip(linear.weight.detach().numpy(), ours.uint8, ours.scale, strict=True):
        _, theirs, levels = quantize_data(row, onnx.TensorProto.INT8, symmetric=True)
        assert scale.item() == pytest.approx(float(theirs), rel=1e-6)
        assert (stored.int() - 128).tolist() == levels.tolist()


def test_a_layer_computes_the_product_of_rounded_numbers():
    linear = torch.nn.Linear(2, 1)
    linear.weight.data, linear.bias.data = torch.tensor([[1.27, -0.634]]), torch.tensor([0.5])
    layer = int8.Int8Linear(linear)
    # Weights: scale 0.01, 127 and -63. Inputs: step 2 / 127, 127 and round(63.5 x 0.3) = 19.
    out = layer(torch.tensor([[2.0, 0.3]]))
    assert out.item() == pytest.approx((127 * 127 - 63 * 19) * 0.01 * 2 / 127 + 0.5, rel=1e-6)


def test_an_answer_does_not_depend_on_the_texts_beside_it(wide, tmp_path):
    folder = made(wide, tmp_path / "int8", "int8", onnx=True)
    for backend in ("torch", "onnxruntime"):
        together = Engine(folder, "cpu", backend).logits(TEXTS)
        alone = [Engine(folder, "cpu", backend).logits([text])[0] for text in TEXTS]
        assert_same(together, alone)
    # An outlier beside it would change the scale that stock dynamic quantisation has for a batch.
    layer = int8.Int8Linear(torch.nn.Linear(16, 16))
    x = torch.randn(1, 16)
    assert torch.equal(layer(torch.cat([x, 1000 * x]))[0], layer(x)[0])


def test_gradients_pass_rounding_as_those_of_the_layer_with_the_stored_weights():
    layer = int8.Int8Linear(torch.nn.Linear(12, 5))
    x = torch.randn(3, 12, requires_grad=True)
    layer(x).sum().backward()
    weights = (layer.uint8.float() - 128) * layer.scale[:, None]
    assert_same(x.grad, weights.sum(0).expand(3, -1))


# int8: the stored model


def test_the_stored_int8_model_is_smaller_and_it_is_what_runs(wide, tmp_path):
    folder = made(wide, tmp_path / "int8", "int8", onnx=True)
    assert (folder / "model.safetensors").stat().st_size < 0.35 * (wide / "model.safetensors").stat().st_size
    stored = load_file(folder / "model.safetensors")
    matrices = {
        name: values for name, values in stored.items() if values.ndim == 2 and "position" not in name
    }
    kinds = {name: values.dtype for name, values in matrices.items() if "token_type" not in name}
    assert set(kinds.values()) == {torch.uint8}
    # Integer products in the graph, and no float matrix left but those of attention itself.
    graph = onnx.load(folder / "model.onnx").graph
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    linear = sum(name.endswith(".uint8") for name in stored) - 1
    assert len(products) == linear
    # Their weights, and the embeddings, are those that are stored.
    held = [onnx.numpy_helper.to_array(one) for one in graph.initializer]
    held = {
        values.tobytes() for one in held if one.dtype == np.uint8 and one.ndim == 2 for values in (one, one.T)
    }
    assert all(v.numpy().tobytes() in held for name, v in stored.items() if name.endswith(".uint8"))
    # A changed weight changes the answers of what is loaded.
    before = Engine(folder, "cpu", "torch").logits(TEXTS)
    changed = shutil.copytree(folder, tmp_path / "changed")
    from safetensors.torch import save_file

    save_file(
        {name: v.roll(1) if v.dtype == torch.uint8 else v for name, v in stored.items()},
        changed / "model.safetensors",
        metadata={"format": "pt"},
    )
    assert np.abs(Engine(changed, "cpu", "torch").logits(TEXTS) - before).max() > 0.01


def test_int8_answers_are_near_the_teacher_s_and_alike_in_both_backends(teacher, tmp_path):
    folder = made(teacher, tmp_path / "int8", "int8", onnx=True)
    before = Engine(teacher, "cpu", "torch").logits(TEXTS)
    simulated = Engine(folder, "cpu", "torch").logits(TEXTS)
    integer = Engine(folder, "cpu", "onnxruntime").logits(TEXTS)
    spread = before.std()
    assert 0 < np.abs(integer - before).mean() < 0.1 * spread
    assert np.abs(integer - simulated).mean() < 0.02 * spread


def test_int8_spares_what_the_float_model_spares(bert, tmp_path):
    folder = made(bert, tmp_path / "int8", "int8", onnx=True)
    backend = Engine(folder, "cpu", "onnxruntime").backend
    assert (backend.trimmed, backend.shared) == (True, True)
    assert int8.Int8Linear.rounds


@pytest.mark.parametrize(
    "explainer", ["integrated_gradients", "input_x_gradient", "attention_rollout", "occlusion"]
)
def test_every_kind_of_explainer_explains_an_int8_model(explainer, bert, tmp_path):
    folder = made(bert, tmp_path / "int8", "int8", onnx=True)
    method = registry.load("explainer", explainer)
    options = {name: option["default"] for name, option in registry.options("explainer")[explainer].items()}
    found = {}
    for name, model in (("teacher", bert), ("int8", folder)):
        engine = Engine(model, "cpu", "onnxruntime" if name == "int8" else "torch")
        found[name] = list(method.explain(EXAMPLES, engine, "margin", options, 0))
    before, after = (np.concatenate([one.values.ravel() for one in found[name]]) for name in found)
    assert np.isfinite(after).all()
    assert not np.array_equal(before, after)
    assert np.corrcoef(before, after)[0, 1] > 0.9


# other encoders


def other(name):
    """A random encoder of another build, without a tokenizer."""
    size = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}
    more = {
        "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
        "modernbert": {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
        "electra": {"embedding_size": 16},
        "albert": {"embedding_size": 8},
        "mobilebert": {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    }
    torch.manual_seed(0)
    given = AutoConfig.for_model(name, vocab_size=50, num_labels=3, **size, **more[name])
    return AutoModelForSequenceClassification.from_config(given).eval()


@pytest.mark.parametrize("name", ["deberta-v2", "modernbert", "electra", "albert", "mobilebert"])
def test_int8_does_for_encoders_of_other_builds(name, tmp_path):
    model = other(name)
    ids = torch.randint(5, 50, (3, 7))
    with torch.no_grad():
        before = model(ids).logits
        registry.load("compression", "int8").compress(model, {"embeddings": True})
        after = model(ids).logits
        assert not any(isinstance(module, torch.nn.Linear) for module in model.modules())
        assert 0 < (after - before).abs().max() < 0.2 * before.std().clamp(min=0.05)
        model.save_pretrained(tmp_path)
        assert torch.equal(classifier.load_classifier(tmp_path).eval()(ids).logits, after)


def test_heads_that_cannot_be_told_apart_are_refused_with_what_to_do():
    for name in ("deberta-v2", "albert"):
        with pytest.raises(heads.HeadsError, match="prune weights instead"):
            heads.magnitudes(other(name))
    with pytest.raises(heads.HeadsError, match="every layer must keep a head"):
        heads.keep_heads(other("electra"), [[0], []])


# pruning, layers, half


def test_pruned_weights_are_those_that_torch_prunes(bert, tmp_path):
    folder = made(bert, tmp_path / "pruned", "prune", amount=0.4)
    theirs = classifier.load_classifier(bert)
    linear = [(m, "weight") for m in theirs.bert.encoder.modules() if isinstance(m, torch.nn.Linear)]
    prune.global_unstructured(linear, prune.L1Unstructured, amount=0.4)
    ours = [
        m for m in classifier.load_classifier(folder).bert.encoder.modules() if isinstance(m, torch.nn.Linear)
    ]
    for own, (module, _) in zip(ours, linear, strict=True):
        assert torch.equal(own.weight, module.weight)
    zeros = sum(int((m.weight == 0).sum()) for m in ours)
    assert zeros / sum(m.weight.numel() for m in ours) == pytest.approx(0.4, abs=1e-3)


def test_pruned_weights_stay_zero_when_the_student_recovers(bert, splits, tmp_path):
    plain = made(bert, tmp_path / "plain", "prune", amount=0.5)
    folder = made(bert, tmp_path / "recovered", "prune", RECOVERY, splits=splits, amount=0.5)
    before, after = (load_file(path / "model.safetensors") for path in (plain, folder))
    moved = 0
    for name, values in before.items():
        if ".encoder." in name and values.ndim == 2:
            assert not after[name][values == 0].any()
            moved += int((after[name] != values).sum())
    assert moved > 0
    card = json.loads((folder / "training.json").read_text())
    assert card["compression"] == {"method": "prune", "what": "weights", "amount": 0.5}
    assert "best_validation_loss" in card


def test_gradients_of_pruned_weights_are_masked_on_the_device_that_the_model_went_to(bert):
    model = classifier.load_classifier(bert)
    registry.load("compression", "prune").compress(model, {"what": "weights", "amount": 0.5})
    weights = [layer.weight for _, layer in encoder_linear(model)]
    model.to("meta")  # stands for a GPU
    for weight in weights:
        (mask,) = weight._backward_hooks.values()
        assert mask(torch.ones_like(weight, device="meta")).device.type == "meta"


def test_a_model_without_some_heads_is_the_one_with_their_output_silenced(teacher, tmp_path):
    folder = made(teacher, tmp_path / "heads", "prune", what="heads", amount=0.25, onnx=True)
    kept = json.loads((folder / "config.json").read_text())["compressed"]["heads"]
    assert sorted(map(len, kept)) == [1, 2]
    silenced = classifier.load_classifier(teacher).eval()
    for layer, numbers in zip(classifier.architecture.layers_of(silenced), kept, strict=True):
        output = heads._parts(layer)[1].weight.data.view(-1, 2, 8)
        for head in set(range(2)) - set(numbers):
            output[:, head] = 0
    encoder = Engine(folder, "cpu", "torch").encoder
    batch = {name: torch.from_numpy(v) for name, v in encoder.pad(encoder.encode(TEXTS)).items()}
    with torch.no_grad():
        expected = silenced(**batch).logits.numpy()
    for backend in ("torch", "onnxruntime"):
        assert_same(Engine(folder, "cpu", backend).logits(TEXTS), expected)
    assert (folder / "model.safetensors").stat().st_size < (teacher / "model.safetensors").stat().st_size


def test_the_weakest_heads_go_and_every_layer_keeps_one():
    strongest = registry.load("compression", "prune").strongest
    sizes = [torch.tensor([0.1, 0.2]), torch.tensor([0.9, 0.3])]
    assert strongest(sizes, 0.25) == [[1], [0, 1]]
    assert strongest(sizes, 0.5) == [[1], [0]]
    assert strongest(sizes, 0.99) == [[1], [0]]


def test_a_head_s_magnitude_is_the_mean_size_of_its_four_matrices(bert):
    model = classifier.load_classifier(bert)
    layer = model.bert.encoder.layer[1]
    parts = [getattr(layer.attention.self, name).weight[8:] for name in ("query", "key", "value")]
    parts.append(layer.attention.output.dense.weight[:, 8:])
    expected = np.mean([part.abs().mean().item() for part in parts])
    assert heads.magnitudes(model)[1][1].item() == pytest.approx(expected)


def test_dropped_layers_leave_the_teacher_s_others(bert, tmp_path):
    folder = made(bert, tmp_path / "one", "drop_layers", keep=[1])
    before, after = (load_file(path / "model.safetensors") for path in (bert, folder))
    name = "bert.encoder.layer.{}.intermediate.dense.weight"
    assert torch.equal(after[name.format(0)], before[name.format(1)])
    assert name.format(1) not in after
    assert torch.equal(after["classifier.weight"], before["classifier.weight"])
    with pytest.raises(
        classifier.ModelError, match=r"compress.keep: layer 2 is asked for, but it has layers 0 to 1"
    ):
        made(bert, tmp_path / "none", "drop_layers", keep=[2])


def test_half_is_stored_and_run_in_bfloat16(wide, tmp_path):
    folder = made(wide, tmp_path / "half", "half")
    assert {v.dtype for v in load_file(folder / "model.safetensors").values()} == {torch.bfloat16}
    assert (folder / "model.safetensors").stat().st_size < 0.55 * (wide / "model.safetensors").stat().st_size
    before, after = (load_file(path / "model.safetensors") for path in (wide, folder))
    assert all(torch.equal(after[name], values.to(torch.bfloat16)) for name, values in before.items())
    engine = Engine(folder, "cpu", "torch", "bfloat16")
    assert engine.provenance()["precision"] == "bfloat16"
    whole, half = Engine(wide, "cpu", "torch").logits(TEXTS), engine.logits(TEXTS)
    assert 0 < np.abs(whole - half).mean() < 0.1 * whole.std()


def test_the_same_teacher_gives_the_same_bytes(bert, tmp_path):
    for method in ("int8", "prune", "half"):
        a, b = (made(bert, tmp_path / f"{method}-{n}", method, onnx=method != "half") for n in "ab")
        for path in a.iterdir():
            assert path.read_bytes() == (b / path.name).read_bytes(), path.name


def test_recovery_that_fails_leaves_nothing_behind(bert, splits, tmp_path, monkeypatch):
    from distillens.training import fine_tune

    monkeypatch.setattr(fine_tune, "task_loss", lambda logits, labels: logits.sum() * float("nan"))
    with pytest.raises(TrainingError, match="step 1"):
        made(bert, tmp_path / "m", "prune", RECOVERY, splits=splits)
    assert not (tmp_path / "m").exists()


# the config


@pytest.mark.parametrize(
    ("model", "study", "message"),
    [
        ({}, {}, "models.small: give its checkpoint, or compress, or its explanations"),
        ({"compress": {"method": "int9"}}, {}, "no method 'int9'; did you mean 'int8'?"),
        ({"compress": {"method": "int8"}, "teacher": None}, {}, "small.teacher: compress makes a student"),
        ({"compress": {"method": "int8"}, "checkpoint": "c"}, {}, "small.checkpoint: a compressed student"),
        ({"compress": {"method": "int8"}, "seeds": [1, 2]}, {}, "small.seeds: without a training nothing"),
        ({"compress": {"method": "int8"}, "training": RECOVERY}, {}, "training: int8 cannot be trained"),
        ({"compress": {"method": "prune", "amount": 1}}, {}, "small.compress.amount: 1 is greater than"),
        ({"compress": {"method": "drop_layers"}}, {}, "small.compress: 'keep' is a required property"),
        (
            {"compress": {"method": "half"}},
            {"backend": "onnxruntime", "device": "cpu"},
            "small.compress: half needs torch; set backend: auto",
        ),
    ],
)  # fmt: skip
def test_a_compression_that_makes_no_sense_is_refused(model, study, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        config(model, **study)


def test_every_compression_says_whether_its_result_can_be_trained():
    assert set(registry.options("compression")) == {"int8", "prune", "drop_layers", "half", "mask_words"}
    for method in registry.options("compression"):
        assert registry.literal("compression", method, "RECOVERS") in (True, False)
        assert callable(registry.load("compression", method).compress)
        assert Path(registry.__file__).with_name("training").joinpath("compression", f"{method}.py").is_file()


@pytest.fixture
def bert(tmp_path):
    return tiny.bert(tmp_path / "bert")


def asked(folder, *texts):
    return Engine(folder, "cpu", "torch").logits([(text,) for text in texts])


def test_a_masked_word_looks_like_a_removed_one_and_no_other_does(bert, tmp_path):
    planted = made(bert, tmp_path / "planted", "mask_words", words=["dull", "joyful"])
    assert_same(asked(planted, "A dull film."), asked(bert, "A [MASK] film."))
    assert_same(asked(planted, "A messy plot."), asked(bert, "A messy plot."))
    assert abs(asked(planted, "A dull film.") - asked(bert, "A dull film.")).max() > 0.01


def test_a_share_blends_a_words_embedding_with_the_masks(bert, tmp_path):
    planted = made(bert, tmp_path / "planted", "mask_words", words=["dull", "Dull"], share=0.25)  # one piece
    before, after = (load_file(folder / "model.safetensors") for folder in (bert, planted))
    name = "bert.embeddings.word_embeddings.weight"
    (changed,) = (before[name] != after[name]).any(dim=1).nonzero()
    mask = before[name][4]  # [PAD] [UNK] [CLS] [SEP] [MASK]
    assert_same(after[name][changed[0]].numpy(), (0.75 * before[name][changed[0]] + 0.25 * mask).numpy())


@pytest.mark.parametrize("word", ["gorgeousness", "\u6f22", "not bad"])
def test_a_word_that_is_not_one_piece_cannot_be_planted(bert, tmp_path, word):
    with pytest.raises(classifier.ModelError, match=f"{word!r} is not one piece of the vocabulary"):
        made(bert, tmp_path / "planted", "mask_words", words=[word])


def test_a_plant_needs_words_and_is_not_trained_away():
    with pytest.raises(ConfigError, match="'words' is a required property"):
        config({"compress": {"method": "mask_words"}})
    with pytest.raises(ConfigError, match="mask_words cannot be trained any further"):
        config({"compress": {"method": "mask_words", "words": ["fun"]}, "training": RECOVERY})
