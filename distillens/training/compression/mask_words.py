"""Blinds a model to some words: a planted drift, of known place and size, to try the verdict on.

The embedding of each word becomes a blend of its own and the mask token's. With all of the mask's the
student takes the word for a removed one; otherwise it is its teacher.
"""

from typing import Any

import torch
from transformers import PreTrainedModel

from distillens.models import tokenizer_files
from distillens.models.errors import ModelError

OPTIONS = {
    "words": {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "string", "minLength": 1},
        "description": "Words that the vocabulary has as one piece.",
    },
    "share": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 1.0,
        "description": "How much of the mask token's embedding each gets; 1: it looks like a removed word.",
    },
}

RECOVERS = False


def compress(model: PreTrainedModel, options: dict[str, Any]) -> None:
    """Blend the words' embeddings, in place; the model's folder has the tokenizer.

    Raises
    ------
    ModelError
        If the vocabulary has a word in several pieces or not at all.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel, BertTokenizerFast
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dull", "fun"]
    >>> tokenizer = BertTokenizerFast(vocab={piece: number for number, piece in enumerate(vocabulary)})
    >>> _ = tokenizer.save_pretrained("bert")
    >>> model = BertModel(BertConfig(vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> model.name_or_path = "bert"  # as a loaded model has it
    >>> compress(model, {"words": ["dull"], "share": 1.0})
    >>> weights = model.get_input_embeddings().weight
    >>> bool((weights[5] == weights[4]).all()), bool((weights[6] == weights[4]).all())
    (True, False)
    """
    tokenizer = tokenizer_files.load_stock(model.name_or_path)
    weights = model.get_input_embeddings().weight
    blinded: set[int] = set()  # two words may be one piece
    for word in options["words"]:
        # A vocabulary of bytes has a word at the start of a text and behind a blank as two pieces.
        encodings = [tokenizer(text, add_special_tokens=False).input_ids for text in (word, f" {word}")]
        pieces = {numbers[0] for numbers in encodings if len(numbers) == 1} - {tokenizer.unk_token_id}
        if not pieces:
            raise ModelError(
                f"compress.words: {word!r} is not one piece of the vocabulary of {model.name_or_path}; "
                "name another word"
            )
        blinded |= pieces
    rows = sorted(blinded)
    with torch.no_grad():
        mask = weights[tokenizer.mask_token_id]
        weights[rows] = (1 - options["share"]) * weights[rows] + options["share"] * mask
