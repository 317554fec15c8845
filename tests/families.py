"""One tiny fine-tuned classifier of each family, random weights, each with its real tokenizer class."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from tests.tiny import SENTENCES, bert

_CORPUS = [*SENTENCES, "abcdefghijklmnopqrstuvwxyz 0123456789 .,;:!?'-\"()"] * 4
_SIZE = {
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "hidden_size": 16,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "initializer_range": 0.5,
}


def _wordpiece(folder: Path, name: str) -> object:
    vocabulary = hf.BertTokenizerFast.from_pretrained(bert(folder / "wordpiece")).get_vocab()
    return getattr(hf, name)(vocab=vocabulary)


def _byte_level(special: list[str], template: str | None = None) -> Tokenizer:
    """A trained byte-level BPE vocabulary."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    backend.train_from_iterator(_CORPUS, trainer)
    if template:
        cls, sep = template.split()
        numbers = [(token, backend.token_to_id(token)) for token in (cls, sep)]
        backend.post_processor = processors.TemplateProcessing(
            single=f"{cls} $A {sep}", pair=f"{cls} $A {sep} $B {sep}", special_tokens=numbers
        )
    return backend


def _unigram(special: list[str]) -> list[tuple[str, float]]:
    """Pieces and scores of a trained SentencePiece-like vocabulary."""
    backend = Tokenizer(models.Unigram())
    # As SentencePiece does, no piece has both letters and punctuation.
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
    )
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token=special[-1])
    lowered = [text.lower() for text in _CORPUS]
    backend.train_from_iterator(lowered, trainer)
    return [tuple(piece) for piece in json.loads(backend.to_str())["model"]["vocab"]]


def _roberta(folder: Path) -> object:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    backend = _byte_level(special)
    trained = json.loads(backend.to_str())["model"]
    return hf.RobertaTokenizer(vocab=trained["vocab"], merges=[tuple(pair) for pair in trained["merges"]])


def _modernbert(folder: Path) -> object:
    # As published: no class of its own, BERT's special tokens, no token types.
    backend = _byte_level(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], template="[CLS] [SEP]")
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    )


def _deberta(folder: Path) -> object:
    pieces = _unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]"])
    return hf.DebertaV2Tokenizer(vocab=[*pieces, ("[MASK]", 0.0)], do_lower_case=True, unk_id=3)


def _albert(folder: Path) -> object:
    pieces = _unigram(["<pad>", "[CLS]", "[SEP]", "<unk>"])
    return hf.AlbertTokenizer(vocab=[*pieces, ("[MASK]", 0.0)])


def _xlm_roberta(folder: Path) -> object:
    pieces = _unigram(["<s>", "<pad>", "</s>", "<unk>"])
    return hf.XLMRobertaTokenizer(vocab=[*pieces, ("<mask>", 0.0)])


_DEBERTA_V2 = {
    "initializer_range": 0.2,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "max_relative_positions": 32,
}
_DEBERTA_V3 = {
    **_DEBERTA_V2,
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
    "type_vocab_size": 0,
}
_DISTILBERT = {"n_layers": 2, "n_heads": 2, "dim": 16, "hidden_dim": 32, "max_position_embeddings": 64}

FAMILIES: dict[str, tuple[Callable[[Path], object], type, dict]] = {
    "bert": (lambda folder: _wordpiece(folder, "BertTokenizer"), hf.BertConfig, _SIZE),
    "distilbert": (
        lambda folder: _wordpiece(folder, "DistilBertTokenizer"),
        hf.DistilBertConfig,
        {**_DISTILBERT, "initializer_range": 0.5},
    ),
    "roberta": (_roberta, hf.RobertaConfig, {**_SIZE, "pad_token_id": 1}),
    "deberta-v2": (_deberta, hf.DebertaV2Config, {**_SIZE, **_DEBERTA_V2}),
    "deberta-v3": (_deberta, hf.DebertaV2Config, {**_SIZE, **_DEBERTA_V3}),
    "modernbert": (_modernbert, hf.ModernBertConfig, {**_SIZE, "global_attn_every_n_layers": 2}),
    "electra": (
        lambda folder: _wordpiece(folder, "ElectraTokenizer"),
        hf.ElectraConfig,
        {**_SIZE, "embedding_size": 8},
    ),
    "albert": (_albert, hf.AlbertConfig, {**_SIZE, "embedding_size": 8}),
    "mobilebert": (
        lambda folder: _wordpiece(folder, "MobileBertTokenizer"),
        hf.MobileBertConfig,
        # Nothing is normalised, so that larger weights would saturate it.
        {
            **_SIZE,
            "embedding_size": 8,
            "intra_bottleneck_size": 8,
            "true_hidden_size": 8,
            "initializer_range": 0.15,
        },
    ),
    "minilm": (
        lambda folder: _wordpiece(folder, "BertTokenizer"),
        hf.BertConfig,
        {**_SIZE, "num_hidden_layers": 3},
    ),
    # The multilingual MiniLM: BERT's layers, XLM-RoBERTa's SentencePiece vocabulary.
    "minilm-multilingual": (_xlm_roberta, hf.BertConfig, {**_SIZE, "pad_token_id": 1}),
}


def family(
    name: str, folder: Path, labels: tuple[str, ...] = ("bad", "middling", "good"), seed: int = 0
) -> Path:
    """Write a classifier of a family with named outputs; its folder."""
    tokenizer_of, config_class, size = FAMILIES[name]
    tokenizer = tokenizer_of(folder)
    tokenizer.model_max_length = 60
    special = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": None, "eos_token_id": None}
    special |= {"cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id}
    torch.manual_seed(seed)
    config = config_class(
        vocab_size=len(tokenizer),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        **{**size, **special},
    )
    model = hf.AutoModelForSequenceClassification.from_config(config)
    model.eval().save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / name)
    return folder / name
