"""AlignedDistil on real blocks of WikiText: every one of its losses falls."""

import json

import pytest
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertForMaskedLM, BertModel, BertTokenizerFast

from distillens import tables
from distillens.config.validate import complete
from distillens.data.corpus import fetch_corpus
from distillens.training import pretrain
from distillens.training.pretraining import attention_interchange, masked_head

pytestmark = pytest.mark.slow

COMMON = {"corpus": "wikitext", "block_size": 64, "batch_size": 8}
CONFIG = {
    "study": "s",
    "corpora": {
        "wikitext": {
            "source": {"hub": "Salesforce/wikitext", "config": "wikitext-2-raw-v1"},
            "splits": {
                "train": {"from": "train", "examples": 80},
                "validation": {"from": "validation", "examples": 40},
            },
        }
    },
    "checkpoints": {
        "encoder": {"local": "x"},
        "other": {"local": "x"},
        "headed": {
            "pretrain": {
                **COMMON, "method": "masked_head", "start": "encoder", "epochs": 3, "learning_rate": 5.0e-3,
            }
        },
        "aligned": {
            "pretrain": {
                **COMMON, "method": "attention_interchange", "start": "other", "teacher": "headed",
                "epochs": 3, "learning_rate": 2.0e-3,
            }
        },
    },
    "models": {"m": {"checkpoint": "aligned", "training": {"method": "fine_tune"}}},
    "tasks": {
        "t": {
            "source": {"local": "x"},
            "columns": {"text_a": "a", "label": "b"},
            "labels": ["a", "b"],
            "splits": {split: {"from": "all"} for split in ("train", "validation", "test")},
        }
    },
}  # fmt: skip


@pytest.fixture
def corpus(mirror, tmp_path):
    config = complete(CONFIG)
    fetch_corpus(config["corpora"]["wikitext"], "wikitext", str(mirror), 0, tmp_path / "corpus")
    return tmp_path / "corpus"


@pytest.fixture
def tokenizer(corpus):
    """WordPieces of the text itself."""
    pieces = BertWordPieceTokenizer()
    pieces.train_from_iterator(tables.read(corpus, "corpus")["text"].to_pylist(), vocab_size=1500)
    return BertTokenizerFast(vocab=pieces.get_vocab())


def saved(build, tokenizer, layers, folder):
    """A small random BERT."""
    torch.manual_seed(layers)
    config = BertConfig(
        vocab_size=len(tokenizer), num_hidden_layers=layers, num_attention_heads=4, hidden_size=64,
        intermediate_size=128, max_position_embeddings=128, initializer_range=0.1,
    )  # fmt: skip
    build(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def made(trainer, corpus, start, teacher, out):
    settings = dict(complete(CONFIG)["checkpoints"][out.name]["pretrain"])
    plan = pretrain.PretrainingPlan(out.name, settings.pop("layers"), settings, "cpu", 1)
    card = out.with_suffix(".json")
    pretrain.pretrain(trainer, plan, corpus=corpus, start=start, teacher=teacher, folder=out, card=card)
    return json.loads(out.with_suffix(".json").read_text())["history"]


def test_all_four_losses_fall_on_real_text(corpus, tokenizer, tmp_path):
    encoder = saved(BertModel, tokenizer, 4, tmp_path / "encoder")
    other = saved(BertForMaskedLM, tokenizer, 2, tmp_path / "other")
    teacher = tmp_path / "headed"
    made(masked_head.Pretraining, corpus, encoder, None, teacher)
    history = made(attention_interchange.Pretraining, corpus, other, teacher, tmp_path / "aligned")
    steps = [entry for entry in history if "loss_att" in entry]
    assert len(steps) >= 4  # a mean over ten steps each
    for name in ("loss_mlm", "loss_ce", "loss_cos", "loss_att", "loss"):
        assert steps[-1][name] < 0.9 * steps[0][name], name
    held_out = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    assert len(held_out) == 3 and held_out == sorted(set(held_out), reverse=True)
