"""Models that are already fine-tuned, one of each family, with their real tokenizer classes."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2ForSequenceClassification,
    pipeline,
)

from distillens import registry
from distillens.data import fetch
from distillens.data.packages import FetchError
from distillens.data.text import Example
from distillens.models.classifier import ModelError
from distillens.models.engine import Engine
from distillens.models.import_model import import_model
from distillens.models.masks import Masks
from distillens.models.outputs import order_of
from distillens.models.tokenizer import Encoder, EncodingError
from distillens.models.tokenizer_files import check_pieces
from distillens.provenance import RunId
from tests.families import FAMILIES, family
from tests.rounding import assert_same
from tests.tiny import SENTENCES

TASK = {"type": "classification", "labels": ["good", "bad", "middling"]}
TEXTS = [*[(text,) for text in SENTENCES], ("a " * 100,)]
EXAMPLES = [Example(str(number), text) for number, text in enumerate(SENTENCES)]
EXAMPLES.append(Example("pair", "The plot is dull", "and it doesn't work"))


def take_in(checkpoint, out, task=TASK, labels=None, max_length=None, onnx=False):
    import_model(
        checkpoint=checkpoint,
        out=out,
        run=RunId("t", "mine", 0),
        task=task,
        labels=labels,
        max_length=max_length,
        export_onnx=onnx,
    )
    return out


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request, tmp_path_factory):
    """A family's checkpoint, and what became of it."""
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = family(request.param, folder)
    return checkpoint, take_in(checkpoint, folder / "out", onnx=True)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return family("bert", tmp_path_factory.mktemp("bert"))


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_every_family_answers_as_the_stock_pipeline_in_the_task_s_order(pair, backend):
    checkpoint, out = pair
    stock = pipeline("text-classification", model=str(checkpoint), top_k=None, function_to_apply="none")
    expected = []
    for (text,) in TEXTS:
        answers = {one["label"]: one["score"] for one in stock([text], truncation=True, max_length=60)[0]}
        expected.append([answers[label] for label in TASK["labels"]])
    assert_same(Engine(out, "cpu", backend).logits(TEXTS), expected)


def test_the_tokenizer_of_every_family_gives_what_its_own_class_gives(pair):
    checkpoint, out = pair
    tokenizer, encoder = AutoTokenizer.from_pretrained(checkpoint), Engine(out, "cpu").encoder
    for texts in (*TEXTS, ("The plot is dull", "but the ending"), ("a " * 80, "the film " * 40)):
        expected = tokenizer(*texts, truncation=True)
        (found,) = encoder.encode([texts])
        assert found == {name: expected[name] for name in encoder.inputs}


def test_words_line_up_across_wordpiece_bpe_and_sentencepiece(pair):
    encoder = Engine(pair[1], "cpu").encoder
    for example in EXAMPLES:
        owners = encoder.owners(example)
        # Every word has its pieces, side by side and in order, and the ends of the input have none.
        assert sorted(set(owners) - {-1}) == list(range(len(example.words)))
        assert (owners[0], owners[-1]) == (-1, -1)
        owned = [owner for owner in owners if owner >= 0]
        assert owned == sorted(owned)


def test_a_removed_word_is_one_mask_token_in_every_vocabulary(pair):
    encoder = Engine(pair[1], "cpu").encoder
    mask = encoder.encode([(encoder.mask,)])[0]["input_ids"][1]
    example = EXAMPLES[1]
    for number in range(len(example.words)):
        keep = np.arange(len(example.words)) != number
        (found,) = encoder.encode([example.masked(keep, encoder.mask)])
        assert found["input_ids"].count(mask) == 1


@pytest.mark.parametrize(
    "method", ["integrated_gradients", "input_x_gradient", "occlusion", "attention_rollout"]
)
def test_every_family_is_explained_word_by_word(pair, method):
    engine = Engine(pair[1], "cpu")
    options = {
        name: option["default"]
        for name, option in registry.options("explainer")[method].items()
        if name != "unit"
    }
    found = list(registry.load("explainer", method).explain(EXAMPLES, engine, "margin", options, 0))
    for attribution, example in zip(found, EXAMPLES, strict=True):
        assert attribution.values.shape == (len(example.words), 3)
        assert np.isfinite(attribution.values).all()
        assert np.abs(attribution.values).max() > 0
    if method == "integrated_gradients":
        # A random model may bend more than all steps follow: then what is missing is said.
        for attribution in found:
            gap = np.abs(attribution.values.sum(0) - (attribution.output - attribution.base))
            missing = gap / np.abs(attribution.values).sum(0)
            assert attribution.diagnostics["ig_delta"] == pytest.approx(missing.tolist())
            assert missing.max() <= 0.05 or 2 * attribution.diagnostics["ig_steps"] > options["max_steps"]


def test_the_weights_are_those_of_the_checkpoint(checkpoint, tmp_path):
    out = take_in(checkpoint, tmp_path / "out")
    before, after = (load_file(folder / "model.safetensors") for folder in (checkpoint, out))
    same = [name for name in before if torch.equal(before[name], after[name])]
    assert set(before) - set(same) <= {"classifier.bias", "classifier.weight"}
    assert torch.equal(after["classifier.weight"], before["classifier.weight"][[2, 0, 1]])
    card = json.loads((out / "training.json").read_text())
    assert (card["outputs"], card["order"]) == (["bad", "middling", "good"], [2, 0, 1])


def test_inputs_are_cut_where_the_tokenizer_says_or_the_config_or_the_model_ends(tmp_path):
    checkpoint = family("roberta", tmp_path)
    lengths = [
        Engine(take_in(checkpoint, tmp_path / str(length), max_length=length), "cpu").encoder.max_length
        for length in (None, 20, 500)
    ]
    assert lengths == [60, 20, 62]  # RoBERTa's positions begin behind that of padding


@pytest.mark.parametrize(
    ("names", "labels", "order"),
    [
        (["bad", "middling", "good"], None, [2, 0, 1]),
        (["GOOD", "Bad", "Middling"], None, [0, 1, 2]),
        (["LABEL_0", "LABEL_1", "LABEL_2"], ["middling", "good", "bad"], [1, 2, 0]),
    ],
)
def test_outputs_are_matched_by_name_whatever_their_case_and_order(names, labels, order):
    assert order_of(names, TASK, labels, "models.mine") == order


def test_what_stands_between_words_of_a_label_does_not_matter():
    task = {"type": "classification", "labels": ["very bad", "not-bad"]}
    assert order_of(["NOT_BAD", "Very_Bad"], task, None, "models.mine") == [1, 0]


def test_a_sign_is_a_part_of_a_name():
    task = {**TASK, "labels": ["1", "0"]}
    with pytest.raises(ModelError, match="its checkpoint calls its outputs 0, -1, which cannot be matched"):
        order_of(["0", "-1"], task, None, "models.mine")


@pytest.mark.parametrize("labels", [["-1", "+1"], ["🙁", "🙂"], ["-", "+"], ["C", "C++"], ["good", "Good"]])
def test_names_without_letters_or_alike_but_for_signs_are_matched_as_they_are_written(labels):
    task = {**TASK, "labels": labels}
    assert order_of(labels[::-1], task, None, "models.mine") == [1, 0]
    assert order_of(["LABEL_0", "LABEL_1"], task, labels, "models.mine") == [0, 1]


@pytest.mark.parametrize("labels", [["-1", "+1"], ["C", "C++"], ["good", "Good"]])
def test_names_that_differ_by_case_or_signs_only_are_matched_as_they_are_written(labels):
    task = {**TASK, "labels": labels}
    assert order_of(labels[::-1], task, None, "models.mine") == [1, 0]
    assert order_of(["LABEL_0", "LABEL_1"], task, labels, "models.mine") == [0, 1]
    with pytest.raises(ModelError, match="leave labels out"):
        order_of(labels[::-1], task, labels, "models.mine")
    assert order_of(labels, task, dict(zip(labels, labels[::-1], strict=True)), "models.mine") == [1, 0]


def test_one_shared_name_is_enough_to_contradict():
    with pytest.raises(ModelError, match="calls its outputs bad, LABEL_1, LABEL_2"):
        order_of(["bad", "LABEL_1", "LABEL_2"], TASK, ["good", "bad", "middling"], "models.mine")
    names = ["bad", "LABEL_1", "LABEL_2"]
    assert order_of(names, TASK, ["bad", "good", "middling"], "models.mine") == [1, 0, 2]


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (
            ["LABEL_0", "LABEL_1", "LABEL_2"],
            None,
            r"models.mine.labels: its checkpoint calls its outputs LABEL_0, LABEL_1, LABEL_2, which cannot "
            r"be matched .* give the task's labels \(good, bad, middling\) in the order of the checkpoint's",
        ),
        (["bad", "good", "neutral"], None, "cannot be matched by name"),
        (["bad", "good", "good"], None, "cannot be matched by name"),
        (["a", "b", "c"], ["good", "bad"], "models.mine.labels: good, bad cannot be matched by name"),
        (
            ["bad", "good"],
            None,
            r"2 outputs \(bad, good\), but the task has 3 labels \(good, bad, middling\)",
        ),
    ],
)
def test_outputs_that_cannot_be_matched_are_refused(names, labels, message):
    with pytest.raises(ModelError, match=message):
        order_of(names, TASK, labels, "models.mine")


def test_a_regression_has_one_output(tmp_path):
    regression = {"type": "regression", "labels": []}
    out = take_in(family("bert", tmp_path / "a", labels=("LABEL_0",)), tmp_path / "out", regression)
    assert Engine(out, "cpu").logits(TEXTS).shape == (len(TEXTS), 1)
    with pytest.raises(ModelError, match="has 3 outputs .* a regression has one"):
        take_in(family("bert", tmp_path / "b"), tmp_path / "other", regression)


def test_a_checkpoint_of_another_number_of_labels_is_refused_and_nothing_is_written(checkpoint, tmp_path):
    with pytest.raises(ModelError, match="has 3 outputs .* but the task has 2 labels"):
        take_in(checkpoint, tmp_path / "out", {"type": "classification", "labels": ["bad", "good"]})
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_without_a_classifier_is_refused(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "headless")
    config = BertConfig.from_pretrained(checkpoint)
    BertForMaskedLM(config).save_pretrained(folder)
    with pytest.raises(
        ModelError, match="lacks .*classifier.bias.*: it is not fine-tuned.*method: fine_tune"
    ):
        take_in(folder, tmp_path / "out")


def test_a_tokenizer_without_a_mask_token_is_for_studies_that_delete_words(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "unmasked")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["added_tokens"] = [one for one in tokenizer["added_tokens"] if one["content"] != "[MASK]"]
    tokenizer["model"]["vocab"]["[mask-no-more]"] = tokenizer["model"]["vocab"].pop("[MASK]")
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    del settings["mask_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    engine = Engine(take_in(folder, tmp_path / "out"), "cpu", rule="delete")
    assert_same(engine.masked([Masks.without(Example("1", "Fun film"), [[1]])]), engine.logits([("Fun",)]))


def test_a_folder_without_a_tokenizer_is_refused(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "wordless")
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(ModelError, match="models.mine: .*wordless has no tokenizer.*save it with the model"):
        take_in(folder, tmp_path / "out")


def test_a_tokenizer_of_another_model_is_refused(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "mixed")
    for path in family("roberta", tmp_path).glob("tokenizer*"):
        shutil.copy(path, folder)
    with pytest.raises(
        ModelError, match="models.mine: .*its tokenizer has .* pieces, its model .*trained with"
    ):
        take_in(folder, tmp_path / "out")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_customised_file_of_every_family_gives_its_own_pieces(name, tmp_path):
    checkpoint = family(name, tmp_path)
    content = json.loads((checkpoint / "tokenizer.json").read_text())
    digits = {"type": "Digits", "individual_digits": True}
    content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, content["pre_tokenizer"]]}
    (checkpoint / "tokenizer.json").write_text(json.dumps(content))
    out = take_in(checkpoint, tmp_path / "out")
    assert (out / "tokenizer.json").read_bytes() == (checkpoint / "tokenizer.json").read_bytes()
    raw, stock = Tokenizer.from_file(str(checkpoint / "tokenizer.json")), AutoTokenizer.from_pretrained(out)
    raw.no_padding()
    for text in ("In 2019, 12345 films", "A gorgeous, witty film; 7x3 is 21!"):
        (found,) = Engine(out, "cpu").encoder.encode([(text,)])
        assert found["input_ids"] == raw.encode(text).ids == stock(text)["input_ids"]


def test_a_tokenizer_that_reads_otherwise_after_import_is_refused(checkpoint, tmp_path):
    saved = shutil.copytree(checkpoint, tmp_path / "saved")
    content = json.loads((saved / "tokenizer.json").read_text())
    content["normalizer"]["lowercase"] = False
    (saved / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(EncodingError, match=r"gives other pieces than its source for \('The film is not bad"):
        check_pieces(checkpoint, Encoder(saved), "models.mine")


def test_a_vocabulary_without_tokenizer_json_is_converted(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "old")
    vocabulary = AutoTokenizer.from_pretrained(checkpoint).get_vocab()
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)) + "\n")
    (folder / "tokenizer.json").unlink()
    before, after = (
        Engine(take_in(one, tmp_path / name), "cpu").logits(TEXTS)
        for one, name in ((checkpoint, "a"), (folder, "b"))
    )
    assert_same(after, before)


def test_vocabulary_and_merges_without_tokenizer_json_are_converted(tmp_path):
    checkpoint = family("roberta", tmp_path)
    before = Engine(take_in(checkpoint, tmp_path / "a"), "cpu").logits(TEXTS)
    model = json.loads((checkpoint / "tokenizer.json").read_text())["model"]
    (checkpoint / "vocab.json").write_text(json.dumps(model["vocab"]))
    (checkpoint / "merges.txt").write_text(
        "\n".join(["#version: 0.2", *map(" ".join, model["merges"])]) + "\n"
    )
    (checkpoint / "tokenizer.json").unlink()
    assert_same(Engine(take_in(checkpoint, tmp_path / "b"), "cpu").logits(TEXTS), before)


def test_a_local_folder_with_a_pickle_only_is_refused_with_the_way_out(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "pickled")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FetchError, match="its only weights are a pickle .* write safetensors once"):
        fetch.fetch_checkpoint({"local": str(folder)}, "mine", None, tmp_path / "c", tmp_path / "c.json")


def test_a_decoder_is_taken_with_the_padding_that_it_names(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "decoder")
    vocabulary = len(AutoTokenizer.from_pretrained(checkpoint))
    config = GPT2Config(
        vocab_size=vocabulary, n_embd=16, n_layer=1, n_head=2, n_positions=64, pad_token_id=0, num_labels=3
    )
    config.id2label = dict(enumerate(TASK["labels"]))
    GPT2ForSequenceClassification(config).save_pretrained(folder)
    assert Engine(take_in(folder, tmp_path / "out"), "cpu").logits(TEXTS).shape == (len(TEXTS), 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"model_type": "newest", "auto_map": {"AutoModel": "code.Model"}},
            "'newest'.*code is never run",
        ),
        ({"model_type": "vit"}, "'vit'.* is no classifier"),
        ({"problem_type": "multi_label_classification"}, "several labels to one text"),
    ],
)
def test_an_unsupported_architecture_is_an_error_that_says_what_to_do(checkpoint, tmp_path, changed, message):
    folder = shutil.copytree(checkpoint, tmp_path / "strange")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changed}))
    with pytest.raises(ModelError, match=f"models.mine: .*{message}"):
        take_in(folder, tmp_path / "out")


def test_weights_that_do_not_fit_the_config_are_refused(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "misfit")
    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"] = weights["classifier.weight"][:2].contiguous()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="lacks classifier.weight, or has them in another size"):
        take_in(folder, tmp_path / "out")


def test_weights_that_are_no_numbers_are_refused(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"][0] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="1 of 3 numbers of classifier.bias are not finite"):
        take_in(folder, tmp_path / "out")


def test_stock_loading_agrees_on_what_was_taken_in(pair):
    out = pair[1]
    model = AutoModelForSequenceClassification.from_pretrained(out)
    assert model.config.id2label == dict(enumerate(TASK["labels"]))
