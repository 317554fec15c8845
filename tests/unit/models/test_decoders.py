"""Decoders and encoder-decoders with a classification head, adapters, and one output for two classes."""

import json
import shutil
from functools import partial
from types import SimpleNamespace as Fake

import numpy as np
import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from distillens import registry
from distillens.data.text import Example
from distillens.models.architecture import is_decoder
from distillens.models.engine import Engine, EngineOptions
from distillens.models.errors import ModelError
from distillens.models.import_model import import_model
from distillens.models.masks import Masks
from distillens.provenance import RunId
from tests import tiny
from tests.rounding import assert_same

TASK = {"type": "classification", "labels": ["negative", "neutral", "positive"]}
TEXTS = [(text,) for text in tiny.SENTENCES]
FAMILIES = {"llama": tiny.llama, "qwen2": tiny.qwen2, "t5": tiny.t5}


def take_in(checkpoint, out, task=TASK, labels=(), **options):
    settings = {"labels": list(labels) or task["labels"], "max_length": None, **options}
    import_model(checkpoint=checkpoint, out=out, run=RunId("t", "mine", 1), task=task, **settings)
    return out


def answers_alone(folder, texts=TEXTS):
    """What transformers says to each text by itself, so that nothing is padded."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        return np.concatenate([model(**tokenizer(*text, return_tensors="pt")).logits for text in texts])


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request, tmp_path_factory):
    """A checkpoint, and what becomes of it."""
    place = tmp_path_factory.mktemp(request.param)
    checkpoint = FAMILIES[request.param](place / request.param)
    return checkpoint, take_in(checkpoint, place / "out", export_onnx=True)


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_a_model_without_a_mask_token_answers_as_transformers_does(pair, backend):
    checkpoint, out = pair
    assert_same(Engine(out, "cpu", backend).logits(TEXTS), answers_alone(checkpoint))


def test_words_are_deleted_and_an_empty_text_is_answered(pair):
    engine = Engine(pair[1], "cpu", rule="delete")
    example = Example("1", "Not bad")
    expected = engine.logits([("bad",), ("Not",), ("",)])
    assert_same(engine.masked([Masks.without(example, [[0], [1], [0, 1]])]), expected)


def test_a_neutral_text_stands_for_a_removed_word(pair):
    engine = Engine(pair[1], "cpu", rule={"neutral": "..."})
    example = Example("1", "The plot is dull but the ending was joyful!")
    rows = np.random.default_rng(0).random((40, len(example.words))) < 0.5
    texts = [example.masked(row, "...") for row in rows.tolist()]
    assert_same(engine.masked([Masks(example, rows)]), Engine(pair[1], "cpu").logits(texts))


def test_masking_without_a_mask_token_says_what_to_do(pair):
    with pytest.raises(ModelError, match="removal: mask, but .*out has no mask token; set removal: delete"):
        Engine(pair[1], "cpu").masked([Masks.without(Example("1", "Not bad"), [[0]])])


@pytest.mark.parametrize("side", ["left", "right"])
def test_it_does_not_matter_at_which_end_a_decoder_was_padded(tmp_path, side):
    out = take_in(tiny.llama(tmp_path / "llama", side=side), tmp_path / "out")
    assert_same(Engine(out, "cpu").logits(TEXTS), answers_alone(tmp_path / "llama"))


def masked_llama(folder):
    """A decoder whose tokenizer has a mask token, and another padding than its own."""
    tiny.llama(folder, mask_token="<mask>")
    ends = AutoTokenizer.from_pretrained(folder).eos_token_id
    edited(folder, "config.json", pad_token_id=ends)
    return folder


def test_a_decoder_with_a_mask_token_is_padded_with_its_own_padding(tmp_path):
    engine = Engine(take_in(masked_llama(tmp_path / "llama"), tmp_path / "out"), "cpu")
    assert engine.encoder.mask == "<mask>"
    assert_same(engine.logits(TEXTS), answers_alone(tmp_path / "llama"))


def test_attention_to_the_first_piece_of_a_decoder_is_refused(tmp_path):
    engine = Engine(take_in(masked_llama(tmp_path / "llama"), tmp_path / "out"), "cpu")
    method = registry.load("explainer", "attention_rollout")
    with pytest.raises(ModelError, match="in a decoder sees no other"):
        next(method.explain([Example("1", "Not bad")], engine, "margin", {}, 0))


ENCODERS = (
    "Bert DistilBert Roberta DebertaV2 ModernBert XLM Reformer Canine Lilt MarkupLM LayoutLMv2 LayoutLMv3"
)
DECODERS = (
    "GPT2 Llama Mistral OPT CTRL XLNet ModernBertDecoder Gemma3Text Mistral4 T5 MT5 Bart MBart BigBirdPegasus"
)


@pytest.mark.parametrize(("kinds", "writes"), [(ENCODERS, False), (DECODERS, True)])
def test_encoders_and_decoders_are_told_apart_by_their_kind(kinds, writes):
    for kind in kinds.split():
        config = getattr(transformers, f"{kind}Config")()
        assert (kind, is_decoder(Fake(config=config))) == (kind, writes)


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "Reformer"])
def test_of_a_kind_that_is_either_the_config_says_which(kind):
    config = getattr(transformers, f"{kind}Config")(is_decoder=True)
    assert is_decoder(Fake(config=config))


def of_kind(kind, folder, **settings):
    """A classifier of a kind that reads RoBERTa's pieces."""
    tokenizer = AutoTokenizer.from_pretrained(tiny.roberta(folder / "roberta"))
    ids = {name: getattr(tokenizer, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokenizer), num_labels=3, max_position_embeddings=64, **ids, **settings
    )
    torch.manual_seed(8)
    for one in (AutoModelForSequenceClassification.from_config(config), tokenizer):
        one.save_pretrained(folder / kind)
    return Engine(take_in(folder / kind, folder / "out"), "cpu")


def test_attention_of_an_encoder_that_nobody_trains_to_fill_in_masks_is_followed(tmp_path):
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    engine = of_kind("MarkupLM", tmp_path, initializer_range=0.5, **size)
    follow = partial(registry.load("explainer", "attention_rollout").explain, engine=engine, output="margin")
    examples = [Example(str(number), text) for number, text in enumerate(tiny.SENTENCES)]
    for one, together in zip(examples, follow(examples, options={}, seed=0), strict=True):
        (alone,) = follow([one], options={}, seed=0)
        assert_same(together.values, alone.values)
        assert (alone.values > 0).all()


def test_attention_of_an_encoder_decoder_that_fills_in_masks_is_refused(tmp_path):
    sides = [f"{side}_{of}" for side in ("encoder", "decoder") for of in ("layers", "attention_heads")]
    size = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, **dict.fromkeys(sides, 2)}
    engine = of_kind("Bart", tmp_path, decoder_start_token_id=2, **size)
    with pytest.raises(ModelError, match="in a decoder sees no other"):
        next(
            registry.load("explainer", "attention_rollout").explain(
                [Example("1", "Not bad")], engine, "margin", {}, 0
            )
        )


@pytest.mark.parametrize("family", ["llama", "qwen2", "llama with a mask token"])
def test_gradients_of_texts_of_unlike_lengths_are_those_of_each_alone(family, tmp_path):
    make = FAMILIES | {"llama with a mask token": masked_llama}
    engine = Engine(take_in(make[family](tmp_path / family), tmp_path / "out"), "cpu")
    method = registry.load("explainer", "input_x_gradient")
    examples = [Example(str(number), text) for number, text in enumerate(tiny.SENTENCES)]
    together = method.explain(examples, engine, "margin", {}, 0)
    alone = [next(iter(method.explain([example], engine, "margin", {}, 0))) for example in examples]
    for one, other in zip(together, alone, strict=True):
        assert_same(one.values, other.values)
        assert_same(one.output[None], other.output[None])


@pytest.mark.parametrize("kind", ["prune", "noise", "precision"])
def test_damaged_copies_can_be_made(pair, kind):
    damage = registry.load("damage", kind).damage
    dose = {"prune": 0.5, "noise": 0.5, "precision": 21}[kind]
    copy = EngineOptions("cpu").load(pair[1], partial(damage, dose=dose, seed=1))
    whole = Engine(pair[1], "cpu").logits(TEXTS)
    assert np.abs(copy.logits(TEXTS) - whole).max() > 1e-3 * np.abs(whole).max()


def edited(folder, file, **changes):
    settings = json.loads((folder / file).read_text())
    settings = {**settings, **changes}
    (folder / file).write_text(
        json.dumps({key: value for key, value in settings.items() if value is not ...})
    )


def test_padding_that_neither_file_names_is_asked_for(tmp_path):
    folder = tiny.llama(tmp_path / "llama")
    edited(folder, "config.json", pad_token_id=None)
    edited(folder, "tokenizer_config.json", pad_token=...)
    with pytest.raises(
        ModelError, match="no pad token, which fills up batches; say which it is: pad_token_id"
    ):
        take_in(folder, tmp_path / "out")


def test_padding_that_only_the_model_names_is_its_tokenizer_s_too(tmp_path):
    folder = tiny.llama(tmp_path / "llama")
    expected = answers_alone(folder)
    edited(folder, "tokenizer_config.json", pad_token=...)
    assert_same(Engine(take_in(folder, tmp_path / "out"), "cpu").logits(TEXTS), expected)


def one_output(folder, name="LABEL_0"):
    edited(folder, "config.json", id2label={"0": name}, label2id={name: 0})
    return folder


@pytest.mark.parametrize("family", ["bert", "llama", "t5"])
def test_one_output_for_two_classes_is_0_and_z(family, tmp_path):
    folder = one_output(getattr(tiny, family)(tmp_path / family, labels=1))
    single = answers_alone(folder)
    task = {**TASK, "labels": ["bad", "good"]}
    for label, column in (("good", 1), ("bad", 0)):
        out = take_in(folder, tmp_path / label, task, [label])
        expected = np.zeros((len(TEXTS), 2))
        expected[:, column] = single[:, 0]
        assert_same(Engine(out, "cpu").logits(TEXTS), expected)


def test_one_output_takes_its_own_name(tmp_path):
    folder = one_output(tiny.bert(tmp_path / "bert", labels=1), "Bad")
    task = {**TASK, "labels": ["bad", "good"]}
    out = take_in(folder, tmp_path / "out", task, labels=["bad"])
    assert_same(Engine(out, "cpu").logits(TEXTS)[:, 0], answers_alone(folder)[:, 0])
    with pytest.raises(ModelError, match="it has one output .* name the label that it speaks for"):
        take_in(folder, tmp_path / "wrong", task, labels=["good", "bad"])


@pytest.fixture(scope="module", params=["llama", "bert"])
def tuned(request, tmp_path_factory):
    """A base that is no classifier yet, an adapter with a head, and both merged by peft."""
    place = tmp_path_factory.mktemp(f"adapter-{request.param}")
    base = getattr(tiny, request.param)(place / "base", labels=2)
    torch.manual_seed(7)
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=3, ignore_mismatched_sizes=True, id2label=dict(enumerate(TASK["labels"]))
    )
    targets = ["q_proj", "v_proj"] if request.param == "llama" else ["query", "value"]
    config = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=targets, init_lora_weights=False)
    adapted = peft.get_peft_model(model, config).eval()
    adapted.save_pretrained(place / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(base)
    with torch.no_grad():
        logits = [adapted(**tokenizer(*text, return_tensors="pt")).logits for text in TEXTS]
    return base, place / "adapter", np.concatenate(logits)


def test_an_adapter_is_merged_into_its_base(tuned, tmp_path):
    base, adapter, expected = tuned
    out = take_in(base, tmp_path / "out", adapter=adapter)
    assert_same(Engine(out, "cpu").logits(TEXTS), expected)
    assert (
        np.abs(
            Engine(take_in(base, tmp_path / "base", {**TASK, "labels": ["a", "b"]}), "cpu").logits(TEXTS)[
                :, :2
            ]
            - expected[:, :2]
        ).max()
        > 0.01
    )


def test_an_adapter_of_another_base_is_refused(tuned, tmp_path):
    _, adapter, _ = tuned
    other = tiny.roberta(tmp_path / "other")
    with pytest.raises(ModelError, match="models.mine.adapter: .*name the base that it was trained on"):
        take_in(other, tmp_path / "out", adapter=adapter)


def test_broken_adapters_are_refused(tuned, tmp_path):
    base, adapter, _ = tuned
    broken = shutil.copytree(adapter, tmp_path / "broken")
    weights = load_file(broken / "adapter_model.safetensors")
    name = next(iter(weights))
    save_file(
        weights | {name: torch.full_like(weights[name], torch.nan)}, broken / "adapter_model.safetensors"
    )
    with pytest.raises(ModelError, match="numbers of .* are not finite"):
        take_in(base, tmp_path / "out", adapter=broken)
    headless = {key: value for key, value in weights.items() if "lora" in key}
    save_file(headless, broken / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="models.mine.adapter: "):
        take_in(base, tmp_path / "out", adapter=broken)
    edited(broken, "adapter_config.json", task_type="CAUSAL_LM")
    with pytest.raises(ModelError, match="is for CAUSAL_LM, not for text classification"):
        take_in(base, tmp_path / "out", adapter=broken)
