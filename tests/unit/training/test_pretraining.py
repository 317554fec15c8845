"""Training on a corpus: a head of its own, and a student with its teacher's attention."""

import copy
import json

import pandas as pd
import pytest
import torch
from torch.nn import functional as F
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForMaskedLM,
)

from distillens import registry, tables
from distillens.data.corpus import fetch_corpus
from distillens.data.read import DataError
from distillens.models import classifier, interchange
from distillens.training import pretrain
from distillens.training.pretraining import attention_interchange, masked_head
from tests import tiny
from tests.rounding import assert_same

WORDS = [
    "the",
    "film",
    "is",
    "dull",
    "but",
    "the",
    "ending",
    "was",
    "joyful",
    "and",
    "it",
    "was",
    "not",
    "bad",
    "at",
    "all",
]
SETTINGS = {
    "epochs": 1,
    "learning_rate": 1.0e-3,
    "batch_size": 4,
    "gradient_accumulation_steps": 1,
    "warmup_ratio": 0.0,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "early_stopping_patience": 1,
    "precision": "float32",
    "max_length": 64,
    "block_size": 16,
    "mlm_probability": 0.3,
    "gradient_checkpointing": False,
    "save_steps": 4,
    "weight_mlm": 1.0,
    "weight_ce": 1.0,
    "weight_cos": 1.0,
    "weight_att": 1.0,
    "temperature": 2.0,
}


def config(layers, heads=2, width=16):
    return {
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_size": width,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "initializer_range": 0.3,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return BertTokenizerFast.from_pretrained(tiny.bert(tmp_path_factory.mktemp("bert")))


def saved(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def masked_bert(tokenizer, layers, seed=0, **size):
    torch.manual_seed(seed)
    return BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), **config(layers, **size)))


@pytest.fixture
def batch(tokenizer):
    torch.manual_seed(0)
    inputs = torch.randint(5, len(tokenizer), (3, 12))
    labels = torch.where(torch.rand(3, 12) < 0.4, inputs, -100)
    return {"input_ids": inputs.where(labels == -100, tokenizer.mask_token_id), "labels": labels}


def prepared(student, teacher, **settings):
    """A trainer in all but the training."""
    options = {**SETTINGS, **settings}
    attention_interchange.Pretraining.prepare(student, teacher, options)
    trainer = attention_interchange.Pretraining.__new__(attention_interchange.Pretraining)
    trainer.options, trainer.teacher = options, teacher.eval()
    return trainer


def eager(model):
    other = copy.deepcopy(model)
    other.set_attn_implementation("eager")
    return other.eval()


def steepness(loss, model):
    """The largest part of the gradient."""
    found = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True, allow_unused=True)
    return max(one.abs().max().item() for one in found if one is not None)


def test_a_copy_of_the_teacher_is_at_the_minimum_of_what_it_learns_from_the_teacher(tokenizer, batch):
    teacher = eager(masked_bert(tokenizer, 2))
    student = copy.deepcopy(teacher)
    student.set_attn_implementation("sdpa")
    losses = prepared(student, teacher).losses(student, batch)
    for name in ("ce", "cos", "att"):
        assert_same(losses[name].item(), 0, 1)
    from_teacher = losses["ce"] + losses["cos"] + losses["att"]
    steepest = [steepness(loss, student) for loss in (from_teacher, losses["mlm"])]
    assert_same(steepest[0], 0, steepest[1])
    # Whatever is changed makes it worse.
    with torch.no_grad():
        student.bert.encoder.layer[0].attention.self.value.weight.mul_(1.3)
    assert prepared(student, teacher).losses(student, batch)["att"].item() > 1e-4


def test_after_one_step_every_parameter_of_the_student_has_a_gradient(tokenizer, batch):
    teacher = eager(masked_bert(tokenizer, 4, seed=1))
    torch.manual_seed(2)
    student = DistilBertForMaskedLM(
        DistilBertConfig(
            vocab_size=len(tokenizer), n_layers=2, n_heads=2, dim=16, hidden_dim=32,
            max_position_embeddings=64, dropout=0.0, attention_dropout=0.0, initializer_range=0.3,
        )
    )  # fmt: skip
    trainer = prepared(student, teacher)
    student.train()
    sum(trainer.losses(student, batch).values()).backward()
    # A bias of keys adds the same to every score of a query, so it never has one.
    silent = [
        name
        for name, parameter in student.named_parameters()
        if not name.endswith(("k_lin.bias", "position_embeddings.weight"))
        and (parameter.grad is None or parameter.grad.abs().max() < 1e-9)
    ]
    assert silent == []
    positions = student.distilbert.embeddings.position_embeddings.weight.grad
    assert (positions[:12].abs().max(dim=1).values > 0).all()


def test_the_attention_loss_alone_reaches_values_but_neither_queries_nor_keys(tokenizer, batch):
    teacher, student = eager(masked_bert(tokenizer, 4, seed=1)), masked_bert(tokenizer, 2, seed=2)
    prepared(student, teacher).losses(student, batch)["att"].backward()
    for layer in student.bert.encoder.layer:
        assert layer.attention.self.value.weight.grad.abs().max() > 0
        assert layer.attention.self.query.weight.grad is None
        assert layer.attention.self.key.weight.grad is None


def test_the_interchange_puts_the_mean_of_the_teacher_s_layers_in_place(tokenizer, batch):
    teacher, student = eager(masked_bert(tokenizer, 4, seed=1)), masked_bert(tokenizer, 2, seed=2)
    interchange.allow_interchange(student)
    inputs = {"input_ids": batch["input_ids"]}
    attentions = teacher(**inputs, output_attentions=True).attentions
    seen = []
    handles = [
        layer.attention.self.register_forward_hook(lambda _, __, output: seen.append(output[1]))
        for layer in student.bert.encoder.layer
    ]
    own = student(**inputs).logits
    assert seen == [None, None]  # fused attention shows no weights
    swapped = student(**inputs, interchanged=interchange.compressed(attentions, 2, 2)).logits
    for handle in handles:
        handle.remove()
    for layer, weights in enumerate(seen[2:]):
        expected = (attentions[2 * layer] + attentions[2 * layer + 1]) / 2
        torch.testing.assert_close(weights, expected)
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)))
    assert (own - swapped).abs().max() > 1e-3


def test_a_model_that_may_be_interchanged_is_otherwise_as_before(tokenizer, batch):
    model = masked_bert(tokenizer, 2).eval()
    before = model(input_ids=batch["input_ids"]).logits
    interchange.allow_interchange(model)
    assert_same(model(input_ids=batch["input_ids"]).logits.detach(), before.detach())
    mask = torch.ones_like(batch["input_ids"])
    mask[:, 8:] = 0
    changed = batch["input_ids"].clone()
    changed[:, 8:] = 7
    kept = [model(input_ids=ids, attention_mask=mask).logits[:, :8] for ids in (batch["input_ids"], changed)]
    assert_same(*(one.detach() for one in kept))


def test_heads_are_averaged_where_their_numbers_differ_and_depths_must_divide():
    attentions = [torch.rand(1, 4, 3, 3) for _ in range(6)]
    found = interchange.compressed(attentions, 3, 2)
    assert [tuple(one.shape) for one in found] == [(1, 2, 3, 3)] * 3
    torch.testing.assert_close(found[1][0, 0], (attentions[2] + attentions[3])[0].mean(0) / 2)
    torch.testing.assert_close(found[1][0, 1], found[1][0, 0])
    # In the order of the layers.
    assert not torch.allclose(found[0], found[2])
    with pytest.raises(interchange.InterchangeError, match="4 layers cannot stand for 6"):
        interchange.compressed(attentions, 4, 4)


def test_widths_that_differ_need_the_cosine_switched_off(tokenizer, batch):
    teacher, student = eager(masked_bert(tokenizer, 2, width=32)), masked_bert(tokenizer, 1)
    with pytest.raises(interchange.InterchangeError, match="widths 16 and 32.*weight_cos: 0"):
        prepared(student, teacher)
    losses = prepared(student, teacher, weight_cos=0.0).losses(student, batch)
    assert set(losses) == {"mlm", "ce", "att"}


def test_without_its_weight_there_is_no_interchange(tokenizer, batch):
    teacher, student = eager(masked_bert(tokenizer, 2)), masked_bert(tokenizer, 1, seed=3)
    trainer = prepared(student, teacher, weight_att=0.0)
    losses = trainer.losses(student, batch)
    assert set(losses) == {"mlm", "ce", "cos"}
    # The losses by hand, from the whole logits.
    masked = batch["labels"] != -100
    own, of_teacher = (model(input_ids=batch["input_ids"]).logits[masked] for model in (student, teacher))
    assert_same(losses["mlm"].item(), F.cross_entropy(own, batch["labels"][masked]).item())
    p, q = (x / 2 for x in (of_teacher, own))
    divergence = (p.softmax(-1) * (p.log_softmax(-1) - q.log_softmax(-1))).sum(-1).mean()
    assert_same(losses["ce"].item(), 4 * divergence.item())


@pytest.fixture
def corpus(tmp_path):
    rows = [{"split": "train", "text": " ".join(WORDS[i % 5 :] + WORDS[: i % 7])} for i in range(24)]
    rows += [{"split": "validation", "text": " ".join(WORDS)} for _ in range(3)]
    tables.write(tmp_path / "corpus.parquet", "corpus", rows, {"corpus": "c"})
    return tmp_path / "corpus.parquet"


def run(trainer, corpus, start, out, teacher=None, **settings):
    pretrain.pretrain(
        trainer,
        pretrain.PretrainingPlan("made", settings.pop("layers", None), {**SETTINGS, **settings}, "cpu", 1),
        corpus=corpus,
        start=start,
        teacher=teacher,
        folder=out,
        card=out.with_suffix(".json"),
    )
    return json.loads(out.with_suffix(".json").read_text())


def test_an_encoder_without_a_head_gets_one_and_stays_as_it_is(tokenizer, corpus, tmp_path):
    torch.manual_seed(0)
    encoder = BertModel(BertConfig(vocab_size=len(tokenizer), **config(2)), add_pooling_layer=False)
    start = saved(encoder, tokenizer, tmp_path / "start")
    with pytest.raises(classifier.ModelError, match="no masked-language head.*masked_head"):
        pretrain.load_masked(start)
    card = run(masked_head.Pretraining, corpus, start, tmp_path / "made", epochs=4, learning_rate=1e-2)
    made = AutoModelForMaskedLM.from_pretrained(tmp_path / "made")
    for name, weight in encoder.named_parameters():
        torch.testing.assert_close(made.bert.get_parameter(name), weight)
    assert made.get_output_embeddings().weight is made.get_input_embeddings().weight
    losses = [entry["eval_loss"] for entry in card["history"] if "eval_loss" in entry]
    assert losses[-1] < losses[0]
    pretrain.load_masked(tmp_path / "made")  # now it has one


def test_a_student_is_distilled_with_all_losses_logged_and_falls(tokenizer, corpus, tmp_path):
    teacher = saved(masked_bert(tokenizer, 4, seed=1), tokenizer, tmp_path / "teacher")
    settings = {"epochs": 6, "learning_rate": 5e-3, "layers": [0, 2]}
    card = run(attention_interchange.Pretraining, corpus, teacher, tmp_path / "made", teacher, **settings)
    steps = [entry for entry in card["history"] if "loss" in entry]
    assert {"loss_mlm", "loss_ce", "loss_cos", "loss_att", "step"} <= set(steps[0])
    losses = [entry["eval_loss"] for entry in card["history"] if "eval_loss" in entry]
    assert losses[-1] < losses[0]
    made = AutoModelForSequenceClassification.from_pretrained(tmp_path / "made", num_labels=2)
    assert made.config.num_hidden_layers == 2
    # What it took from the corpus is in the classifier's encoder.
    trained = AutoModelForMaskedLM.from_pretrained(tmp_path / "made").bert.encoder.state_dict()
    for name, weight in made.bert.encoder.state_dict().items():
        torch.testing.assert_close(weight, trained[name])


def test_gradient_checkpointing_gives_the_same_losses(tokenizer, batch):
    found = []
    for checkpointing in (False, True):
        teacher, student = eager(masked_bert(tokenizer, 4, seed=1)), masked_bert(tokenizer, 2, seed=2)
        trainer = prepared(student, teacher)
        if checkpointing:
            student.gradient_checkpointing_enable()
        student.train()
        losses = trainer.losses(student, batch)
        sum(losses.values()).backward()
        value = student.bert.encoder.layer[0].attention.self.value.weight.grad
        found.append((losses["att"].item(), value))
    for plain, checkpointed in zip(*found, strict=True):
        assert_same(plain, checkpointed)


def test_accumulated_batches_have_the_loss_and_the_gradient_of_one_whole(
    tokenizer, corpus, tmp_path, monkeypatch
):
    def of_all_pieces(self, model, batch):
        logits = model(input_ids=batch["input_ids"]).logits
        return {"mlm": F.cross_entropy(logits.flatten(0, 1), batch["input_ids"].flatten())}

    monkeypatch.setattr(masked_head.Pretraining, "losses", of_all_pieces)
    start = saved(masked_bert(tokenizer, 1), tokenizer, tmp_path / "start")
    steps = {1: [], 2: []}
    for batches, logged in steps.items():
        monkeypatch.setattr(
            pretrain.MaskedLanguage, "log", lambda self, logs, *_, logged=logged: logged.append(logs)
        )
        shared = {"epochs": 2, "batch_size": 4 // batches, "gradient_accumulation_steps": batches}
        run(masked_head.Pretraining, corpus, start, tmp_path / f"by {batches}", **shared)
    for name in ("loss", "grad_norm"):
        whole, parts = (
            [float(logs[name]) for logs in logged if name in logs] for logged in (steps[1], steps[2])
        )
        assert len(whole) > 0
        assert_same(parts, whole)


def test_two_pretrainings_have_the_same_card(tokenizer, corpus, tmp_path):
    start = saved(masked_bert(tokenizer, 1), tokenizer, tmp_path / "start")
    for name in ("one", "other"):
        card = run(masked_head.Pretraining, corpus, start, tmp_path / name, epochs=2)
    assert {name for entry in card["history"] for name in entry} == {
        "epoch", "step", "loss", "loss_mlm", "eval_loss"
    }  # fmt: skip
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()


class Killed(Exception):
    pass


@pytest.mark.parametrize(("save_steps", "deaths"), [(3, [9]), (4, [8, 14])])
def test_a_run_that_was_killed_goes_on_and_ends_the_same(
    tokenizer, corpus, tmp_path, monkeypatch, save_steps, deaths
):
    teacher = saved(masked_bert(tokenizer, 2, seed=1), tokenizer, tmp_path / "teacher")
    method, settings = attention_interchange.Pretraining, {"epochs": 3, "layers": [0]}
    settings["save_steps"] = save_steps
    whole = run(method, corpus, teacher, tmp_path / "whole", teacher, **settings)
    original, steps = method.losses, []

    def dying(self, model, batch):
        if model.training:
            steps.append(self.state.global_step)
            if steps[-1] in deaths:  # in the second epoch of eight steps
                deaths.remove(steps[-1])
                raise Killed
        return original(self, model, batch)

    monkeypatch.setattr(method, "losses", dying)
    while deaths:
        with pytest.raises(Killed):
            run(method, corpus, teacher, tmp_path / "made", teacher, **settings)
        last = steps[-1]
        steps.clear()
    made = run(method, corpus, teacher, tmp_path / "made", teacher, **settings)
    assert last - save_steps < steps[0] and steps == list(range(steps[0], 3 * 8))
    held_out = [[e["eval_loss"] for e in card["history"] if "eval_loss" in e] for card in (whole, made)]
    assert len(held_out[0]) == 3
    assert_same(held_out[1], held_out[0])
    weights, others = (
        AutoModelForMaskedLM.from_pretrained(tmp_path / name).state_dict() for name in ("whole", "made")
    )
    for name, weight in weights.items():
        assert_same(others[name], weight)


def test_blocks_have_one_length_and_lose_nothing_but_the_rest(tokenizer):
    blocks = pretrain.packed(["the film is dull", "it was not bad at all"] * 5, tokenizer, 8)
    assert {len(block) for block in blocks} == {8}
    inner = [number for block in blocks for number in block[1:-1]]
    flat = []
    for text in ["the film is dull", "it was not bad at all"] * 5:
        flat += [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.sep_token_id]
    assert inner == flat[: len(inner)] and len(flat) - len(inner) < 6
    with pytest.raises(classifier.ModelError, match="fill no block"):
        pretrain.packed(["the"], tokenizer, 8)


def test_masks_depend_on_epoch_and_block_only(tokenizer):
    blocks = [[tokenizer.cls_token_id, *range(10, 40), tokenizer.sep_token_id]] * 3
    masked, other = (pretrain.Masked(blocks, tokenizer, 0.3, 5) for _ in range(2))
    torch.rand(7)  # what was drawn before does not matter
    assert torch.equal(masked[2]["labels"], other[2]["labels"])
    assert not torch.equal(masked[1]["labels"], masked[2]["labels"])
    first = masked[0]["labels"]
    masked.set_epoch(1)
    assert not torch.equal(masked[0]["labels"], first)
    chosen = first != -100
    assert not chosen[0] and not chosen[-1] and 0 < chosen.sum() < 20
    assert torch.equal(first[chosen], torch.tensor(blocks[0])[chosen])


def test_in_every_block_a_piece_is_masked(tokenizer, caplog):
    special = [tokenizer.unk_token_id, tokenizer.sep_token_id]
    ends = [tokenizer.cls_token_id], [tokenizer.sep_token_id]
    inner = [10, 11, *special], special * 2, [*special, 12, 13]
    blocks = [[*ends[0], *own, *ends[1]] for own in inner]
    masked = pretrain.Masked(blocks, tokenizer, 1e-9, 5)
    assert len(masked) == 2 and "1 of 3 blocks of the corpus are left out" in caplog.text
    seen = set()
    for epoch in range(40):
        masked.set_epoch(epoch)
        for block, own in zip(blocks[::2], masked, strict=False):
            (place,) = (own["labels"] != -100).nonzero().flatten().tolist()
            seen.add(own["labels"][place].item())
            assert own["input_ids"][place] == tokenizer.mask_token_id
            assert own["input_ids"].tolist() == [*block[:place], tokenizer.mask_token_id, *block[place + 1 :]]
    assert seen == {10, 11, 12, 13}
    with pytest.raises(classifier.ModelError, match="no block of the corpus has a piece"):
        pretrain.Masked(blocks[1:2], tokenizer, 0.3, 5)


@pytest.mark.parametrize("method", [masked_head, attention_interchange])
def test_batches_in_which_hardly_a_piece_is_masked_have_a_loss(tokenizer, corpus, tmp_path, method):
    start = saved(masked_bert(tokenizer, 2), tokenizer, tmp_path / "start")
    teacher = start if method is attention_interchange else None
    settings = {"mlm_probability": 1e-6, "batch_size": 1}
    card = run(method.Pretraining, corpus, start, tmp_path / "made", teacher, **settings)
    assert all(entry["eval_loss"] > 0 for entry in card["history"] if "eval_loss" in entry)


def test_teacher_and_student_must_read_with_one_vocabulary(tokenizer, corpus, tmp_path):
    teacher = saved(masked_bert(tokenizer, 2), tokenizer, tmp_path / "teacher")
    vocabulary = {piece: number for piece, number in tokenizer.get_vocab().items()}
    swapped = {**vocabulary, "film": vocabulary["dull"], "dull": vocabulary["film"]}
    other = BertTokenizerFast(vocab=swapped)
    start = saved(masked_bert(tokenizer, 2), other, tmp_path / "start")
    with pytest.raises(classifier.ModelError, match="another vocabulary"):
        run(attention_interchange.Pretraining, corpus, start, tmp_path / "made", teacher)


def test_a_corpus_keeps_its_paragraphs_and_leaves_empty_ones_out(tmp_path):
    folder = tmp_path / "mirror" / "org" / "text" / "small"
    folder.mkdir(parents=True)
    for split, texts in (("train", ["", " = Film = ", "A dull one.", "  "]), ("validation", ["Fun."])):
        pd.DataFrame({"text": texts}).to_parquet(folder / f"{split}.parquet")
    block = {
        "source": {"hub": "org/text", "config": "small"},
        "read": {"delimiter": ",", "encoding": "utf-8", "quoted": True, "header": None},
        "column": "text",
        "splits": {split: {"from": split, "examples": None} for split in ("train", "validation")},
    }
    fetch_corpus(block, "c", str(tmp_path / "mirror"), 0, tmp_path / "out")
    assert tables.read(tmp_path / "out", "corpus").to_pylist() == [
        {"split": "validation", "text": "Fun."},
        {"split": "train", "text": "= Film ="},
        {"split": "train", "text": "A dull one."},
    ]
    with pytest.raises(DataError, match="corpora.c.column: .*no column 'words' of texts; there are: text"):
        fetch_corpus({**block, "column": "words"}, "c", str(tmp_path / "mirror"), 0, tmp_path / "out")
    block["splits"]["train"]["examples"] = 3
    with pytest.raises(DataError, match="splits.train: asks for 3 paragraphs, but 'train' has 2 left"):
        fetch_corpus(block, "c", str(tmp_path / "mirror"), 0, tmp_path / "out")


def test_splits_of_one_source_are_disjoint(tmp_path):
    pd.DataFrame({"text": [f"paragraph {i}" for i in range(9)]}).to_csv(tmp_path / "a.csv", index=False)
    block = {
        "source": {"local": str(tmp_path / "a.csv")},
        "read": {"delimiter": ",", "encoding": "utf-8", "quoted": True, "header": None},
        "column": "text",
        "splits": {"train": {"from": "all", "examples": None}, "validation": {"from": "all", "examples": 3}},
    }
    fetch_corpus(block, "c", None, 0, tmp_path / "out")
    frame = tables.read(tmp_path / "out", "corpus").to_pandas()
    assert frame.groupby("split").size().to_dict() == {"train": 6, "validation": 3}
    assert frame["text"].is_unique


def test_both_methods_are_found_with_their_options():
    assert set(registry.options("pretraining")) == {"masked_head", "attention_interchange"}
