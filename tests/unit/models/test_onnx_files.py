"""ONNX files that are asked: layouts, precisions, names of inputs and outputs, and what is refused."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from distillens import registry
from distillens.config import black_box
from distillens.models import classifier
from distillens.models.backends.onnx import open as open_onnx
from distillens.models.engine import Engine
from distillens.models.errors import ModelError
from tests import tiny
from tests.rounding import assert_same

LABELS = ["a", "b", "c"]
TEXTS = [(text,) for text in tiny.SENTENCES]


def spec(file, **options):
    defaults = {key: option.get("default") for key, option in registry.options("backend")["onnx"].items()}
    return {**defaults, "file": str(file), **options}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A classifier's folder with the graph that torch exports, of its logits."""
    folder = tiny.bert(tmp_path_factory.mktemp("onnx") / "bert")
    model = classifier.load_classifier(folder).eval()
    names = ["input_ids", "token_type_ids", "attention_mask"]
    batch = dict.fromkeys(names, torch.ones(2, 4, dtype=torch.int64))

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, *values):
            return self.model(**dict(zip(names, values, strict=True))).logits

    torch.onnx.export(
        Logits(),
        tuple(batch.values()),
        str(folder / "model.onnx"),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={name: {0: "n", 1: "l"} for name in names} | {"logits": {0: "n"}},
        dynamo=False,
    )
    return folder


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def edited(file, edit):
    """The graph, changed in place."""
    graph = onnx.load(file)
    edit(graph.graph)
    onnx.save(graph, file)
    return file


def ended_by(operator, **attributes):
    """An edit that puts an operator behind the logits."""

    def edit(graph):
        graph.node.append(helper.make_node(operator, ["logits"], ["scores"], **attributes))
        width = graph.output[0].type.tensor_type.shape.dim[1].dim_value
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", width]))

    return edit


def test_a_file_answers_as_the_folder_that_it_was_exported_from(folder):
    backend = open_onnx(spec(folder / "model.onnx"), LABELS)
    assert backend.gives == "logits" and backend.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert backend.mask == "[MASK]"
    assert_same(backend.answers(TEXTS), Engine(folder, "cpu").logits(TEXTS))


def test_optimum_s_layout_has_the_tokenizer_above(copy):
    (copy / "onnx").mkdir()
    (copy / "model.onnx").rename(copy / "onnx" / "model_quantized.onnx")
    backend = open_onnx(spec(copy / "onnx" / "model_quantized.onnx"), LABELS)
    assert_same(backend.answers(TEXTS), Engine(copy, "cpu").logits(TEXTS))


def test_setfit_s_layout_names_labels_in_a_file_of_its_own(copy):
    config = json.loads((copy / "config.json").read_text())
    del config["id2label"]
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "config_setfit.json").write_text(json.dumps({"normalize_embeddings": False, "labels": LABELS}))

    def with_label(graph):
        # A head of scikit-learn gives the label beside the probabilities.
        graph.node.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1))
        graph.node.append(helper.make_node("ArgMax", ["logits"], ["label"], axis=-1, keepdims=0))
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]))
        graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3]))

    backend = open_onnx(spec(edited(copy / "model.onnx", with_label)), LABELS)
    assert backend.labels == tuple(LABELS) and backend.gives == "probabilities"
    assert_same(backend.answers(TEXTS).sum(1), np.ones(len(TEXTS)))


def test_int8_weights_are_asked_as_they_are(copy):
    quantize_dynamic(copy / "model.onnx", copy / "model_quantized.onnx", weight_type=QuantType.QInt8)
    backend = open_onnx(spec(copy / "model_quantized.onnx"), LABELS)
    whole = open_onnx(spec(copy / "model.onnx"), LABELS)
    answers, before = backend.answers(TEXTS[:1]), whole.answers(TEXTS[:1])
    assert 0 < np.abs(answers - before).max() < 0.5 * np.abs(before).max()
    assert backend.identity()["onnx_sha256"] != whole.identity()["onnx_sha256"]


@pytest.mark.parametrize("location", ["weights.bin", "model.onnx_data", "w" * 200, None])
def test_weights_in_other_files_are_the_model_s_whatever_their_names(copy, location):
    graph = copy / "model[1].onnx"
    onnx.save(
        onnx.load(copy / "model.onnx"), graph, save_as_external_data=True, size_threshold=1024,
        all_tensors_to_one_file=bool(location), location=location, convert_attribute=True,
    )  # fmt: skip
    tensors = onnx.load(graph, load_external_data=False).graph.initializer
    entries = [entry for tensor in tensors for entry in tensor.external_data]
    files = {copy / entry.value for entry in entries if entry.key == "location"}
    assert files and {*black_box.files({"onnx": {"file": str(graph)}})} == {*map(str, (graph, *files))}
    backend = open_onnx(spec(graph), LABELS)
    before = backend.identity()
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert backend.identity() != before
        path.write_bytes(content)


def test_weights_in_the_file_itself_are_nowhere_else(copy):
    assert black_box.files({"onnx": {"file": str(copy / "model.onnx")}}) == [str(copy / "model.onnx")]


def test_fp16_answers_become_ordinary_numbers(copy):
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half = convert_float_to_float16(onnx.load(copy / "model.onnx"), keep_io_types=False)
    onnx.save(half, copy / "half.onnx")
    backend = open_onnx(spec(copy / "half.onnx"), LABELS)
    answers = backend.answers(TEXTS[:1])
    assert answers.dtype == np.float64
    whole = open_onnx(spec(copy / "model.onnx"), LABELS).answers(TEXTS[:1])
    assert 0 < np.abs(answers - whole).max() < 0.05 * np.abs(whole).max()


def test_inputs_may_be_fewer_and_narrower(copy):
    def narrow(graph):
        for one in graph.input:
            one.type.tensor_type.elem_type = TensorProto.INT32
            graph.node.insert(
                0, helper.make_node("Cast", [one.name], [f"{one.name}_wide"], to=TensorProto.INT64)
            )
            for node in graph.node[1:]:
                if node.op_type != "Cast" or node.output[0] != f"{one.name}_wide":
                    node.input[:] = [f"{one.name}_wide" if name == one.name else name for name in node.input]

    expected = open_onnx(spec(copy / "model.onnx"), LABELS).answers(TEXTS)
    backend = open_onnx(spec(edited(copy / "model.onnx", narrow)), LABELS)
    assert_same(backend.answers(TEXTS), expected)


def test_texts_end_where_the_model_does(copy):
    config = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps({**config, "model_max_length": 10**30}))
    assert open_onnx(spec(copy / "model.onnx"), LABELS).encoder.max_length == 64
    assert open_onnx(spec(copy / "model.onnx", max_length=8), LABELS).encoder.max_length == 8
    long = (" ".join(["film"] * 200),)
    assert open_onnx(spec(copy / "model.onnx"), LABELS).answers([long]).shape == (1, 3)


def test_a_softmax_at_the_end_gives_probabilities(copy):
    backend = open_onnx(spec(edited(copy / "model.onnx", ended_by("Softmax", axis=-1))), LABELS)
    assert backend.gives == "probabilities"
    assert_same(backend.answers(TEXTS).sum(1), np.ones(len(TEXTS)))


def test_a_sigmoid_for_each_of_three_outputs_is_known_by_the_end_of_the_graph(copy):
    assert open_onnx(spec(copy / "model.onnx"), LABELS).ends is None
    backend = open_onnx(spec(edited(copy / "model.onnx", ended_by("Sigmoid"))), LABELS)
    assert (backend.ends, backend.gives) == ("sigmoids", "probabilities")


def strange_input(graph):
    graph.input.append(helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3]))


def two_outputs(graph):
    for name in ("first", "second"):
        graph.node.append(helper.make_node("Identity", ["logits"], [name]))
    del graph.output[:]
    for name in ("first", "second"):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (strange_input, r"model.onnx takes an input 'pixel_values' \(tensor\(float\)\), which is not known"),
        (two_outputs, r"which of its outputs \(first, second\) are scores of classes is not known; say it"),
    ],
)
def test_unknown_inputs_and_outputs_are_refused(copy, edit, message):
    edited(copy / "model.onnx", edit)
    with pytest.raises(ModelError, match=message):
        open_onnx(spec(copy / "model.onnx"), LABELS)


def test_an_output_can_be_named(copy):
    expected = open_onnx(spec(copy / "model.onnx"), LABELS).answers(TEXTS)
    edited(copy / "model.onnx", two_outputs)
    assert_same(open_onnx(spec(copy / "model.onnx", output="second"), LABELS).answers(TEXTS), expected)
    with pytest.raises(ModelError, match="has no output 'third'; there are: first, second"):
        open_onnx(spec(copy / "model.onnx", output="third"), LABELS)


def test_what_is_missing_or_no_model_is_named(copy):
    with pytest.raises(ModelError, match="has 3 outputs .*, the task 2; give a model of this task"):
        open_onnx(spec(copy / "model.onnx"), LABELS[:2])
    (copy / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="broken.onnx cannot be opened: .*; export it again"):
        open_onnx(spec(copy / "broken.onnx"), LABELS)
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="no tokenizer.json in .*; name its folder"):
        open_onnx(spec(copy / "model.onnx"), LABELS)
