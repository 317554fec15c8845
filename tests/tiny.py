"""Tiny classifiers with random weights and real tokenizer classes, saved on disk; no network."""

import string
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    MobileBertConfig,
    MobileBertForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    T5Config,
    T5ForSequenceClassification,
)

SENTENCES = [
    "A gorgeous, witty and seductive film.",
    "The plot is dull but the ending was joyful!",
    "It doesn't work at all...",
    "Not bad; not bad at all.",
    "An unsatisfying mess of a movie, and boring.",
    "Fun",
]
_WORDS = [
    "a",
    "the",
    "film",
    "movie",
    "plot",
    "is",
    "was",
    "dull",
    "but",
    "ending",
    "joyful",
    "not",
    "bad",
    "at",
    "all",
    "it",
    "and",
    "of",
]
_SIZE = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}


def bert(folder: Path, labels: int = 3, layers: int = 2, seed: int = 0, width: int | None = None) -> Path:
    """A WordPiece BERT with token types."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_WORDS]
    for letters in (string.ascii_lowercase + string.digits + string.punctuation,):
        vocabulary += [c for c in letters if c not in vocabulary] + [f"##{c}" for c in letters]
    tokenizer = BertTokenizerFast(vocab={piece: number for number, piece in enumerate(vocabulary)})
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        num_labels=labels,
        max_position_embeddings=64,
        initializer_range=0.5,
        **{**_SIZE, "num_hidden_layers": layers, "hidden_size": width or _SIZE["hidden_size"]},
    )
    return _save(BertForSequenceClassification(config), tokenizer, folder)


def learner(folder: Path, labels: int = 3) -> Path:
    """A BERT whose weights are small as before a training, so that it learns a task in a few epochs."""
    model = BertForSequenceClassification.from_pretrained(bert(folder, labels, width=32))
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim == 2:
                weights.mul_(0.2)
    model.save_pretrained(folder)
    return folder


def distilbert(folder: Path, labels: int = 3) -> Path:
    """A WordPiece DistilBERT, which has no token types, with BERT's tokenizer files."""
    tokenizer = BertTokenizerFast.from_pretrained(bert(folder / "bert", labels))
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    torch.manual_seed(1)
    config = DistilBertConfig(
        vocab_size=len(tokenizer),
        num_labels=labels,
        n_layers=2,
        n_heads=2,
        dim=16,
        hidden_dim=32,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    return _save(DistilBertForSequenceClassification(config), tokenizer, folder / "distilbert")


def mobilebert(folder: Path, labels: int = 3) -> Path:
    """A WordPiece MobileBERT, its layers between bottlenecks, with BERT's tokenizer."""
    tokenizer = BertTokenizerFast.from_pretrained(bert(folder / "bert", labels))
    torch.manual_seed(3)
    config = MobileBertConfig(
        vocab_size=len(tokenizer),
        num_labels=labels,
        embedding_size=16,
        intra_bottleneck_size=8,
        max_position_embeddings=64,
        initializer_range=0.3,  # no layer is normalised: with larger ones attention sees one place only
        **_SIZE,
    )
    return _save(MobileBertForSequenceClassification(config), tokenizer, folder / "mobilebert")


def roberta(folder: Path, labels: int = 3) -> Path:
    """A byte-level BPE RoBERTa."""
    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(SENTENCES * 4, vocab_size=340, special_tokens=special)
    trained.post_process = None
    from tokenizers.processors import RobertaProcessing

    backend = trained._tokenizer
    backend.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=60,
        model_input_names=["input_ids", "attention_mask"],
    )
    torch.manual_seed(2)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        num_labels=labels,
        max_position_embeddings=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        initializer_range=0.5,
        **_SIZE,
    )
    return _save(RobertaForSequenceClassification(config), tokenizer, folder)


def bpe(**special: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer without a mask token, as decoders have them."""
    trained = ByteLevelBPETokenizer()
    names = ["<unk>", *dict.fromkeys(special.values())]
    trained.train_from_iterator(SENTENCES * 4, vocab_size=340, special_tokens=names)
    return PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,
        unk_token="<unk>",
        model_max_length=60,
        model_input_names=["input_ids", "attention_mask"],
        **special,
    )


def llama(folder: Path, labels: int = 3, side: str = "left", **special: str) -> Path:
    """A Llama with a classification head that reads the last piece; padded on the left, as it was trained."""
    tokenizer = bpe(bos_token="<s>", eos_token="</s>", pad_token="<pad>", **special)
    tokenizer.padding_side = side
    torch.manual_seed(4)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        num_labels=labels,
        num_key_value_heads=1,
        max_position_embeddings=64,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.5,
        **_SIZE,
    )
    return _save(LlamaForSequenceClassification(config), tokenizer, folder)


def qwen2(folder: Path, labels: int = 3) -> Path:
    """A Qwen2 with a classification head; its padding is its end of text, and only the tokenizer says so."""
    tokenizer = bpe(eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    torch.manual_seed(5)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        num_labels=labels,
        num_key_value_heads=1,
        max_position_embeddings=64,
        initializer_range=0.5,
        **_SIZE,
    )
    return _save(Qwen2ForSequenceClassification(config), tokenizer, folder)


def t5(folder: Path, labels: int = 3) -> Path:
    """A T5 with a classification head, which reads the end of the text in its decoder."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = bpe(eos_token="</s>", pad_token="<pad>")
    end = tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", end)]
    )
    torch.manual_seed(6)
    config = T5Config(
        vocab_size=len(tokenizer),
        num_labels=labels,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=end,
        decoder_start_token_id=tokenizer.pad_token_id,
        initializer_factor=1.0,
    )
    return _save(T5ForSequenceClassification(config), tokenizer, folder)


def _save(model: torch.nn.Module, tokenizer: object, folder: Path) -> Path:
    # Weights this large make a random model's answers differ visibly from text to text.
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer.model_max_length > 1000:
        tokenizer.model_max_length = 60
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
