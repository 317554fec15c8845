"""Takes a checkpoint's tokenizer as its own file has it, and checks that it gives the same pieces as before.

transformers builds the tokenizers of known families anew from their vocabulary, whatever else
``tokenizer.json`` says: digits that are split, another normaliser, another post-processor.
"""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from distillens.models.tokenizer import Encoder, EncodingError, Segments, truncation_side

_SAFE = {"local_files_only": True, "trust_remote_code": False}
_FILE, _SETTINGS = "tokenizer.json", "tokenizer_config.json"
# What a class of transformers would change in the file; the class without an opinion keeps it.
_PLAIN_CLASS = "PreTrainedTokenizerFast"
_OPINIONS = (
    "add_prefix_space",
    "do_lower_case",
    "keep_accents",
    "strip_accents",
    "tokenize_chinese_chars",
    "trim_offsets",
)
_SHORT = 8

Ids = Callable[[Segments, int], list[int]]


def load_tokenizer(folder: str | Path) -> PreTrainedTokenizerBase:
    """Load a checkpoint's tokenizer as its own file has it; code from the folder is never run."""
    own = Path(folder, _FILE)
    if not own.is_file():
        return load_stock(folder)
    try:
        stock = load_stock(folder)
    except Exception:  # a class that is not there, or needs a library; the file needs neither
        return PreTrainedTokenizerFast.from_pretrained(folder, **_SAFE)
    return PreTrainedTokenizerFast(
        tokenizer_file=str(own),
        model_max_length=stock.model_max_length,
        model_input_names=stock.model_input_names,
        truncation_side=truncation_side(folder),
        **stock.special_tokens_map,
    )


def load_stock(folder: str | Path) -> PreTrainedTokenizerBase:
    """Load a checkpoint's tokenizer as transformers does; code from the folder is never run."""
    return AutoTokenizer.from_pretrained(folder, **_SAFE)


def keep_file(checkpoint: str | Path, folder: str | Path) -> None:
    """Put a checkpoint's own ``tokenizer.json`` in the place of the one that transformers has written.

    Parameters
    ----------
    checkpoint : str or Path
        Without the file (``vocab.txt`` and the like only) what transformers wrote stays.
    folder : str or Path
        Where ``save_pretrained`` has written. Its settings then name a class that reads the file as it is.

    Examples
    --------
    >>> for name in ("bert", "copy"):
    ...     Path(name).mkdir()
    >>> _ = Path("bert/tokenizer.json").write_text("{}")
    >>> _ = Path("copy/tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    >>> keep_file("bert", "copy")
    >>> json.loads(Path("copy/tokenizer_config.json").read_text())
    {'tokenizer_class': 'PreTrainedTokenizerFast'}
    """
    own, settings = Path(checkpoint, _FILE), Path(folder, _SETTINGS)
    if not own.is_file():
        return
    shutil.copyfile(own, Path(folder, _FILE))
    said = json.loads(settings.read_text("utf-8"))
    said = {key: value for key, value in said.items() if key not in _OPINIONS}
    said["tokenizer_class"] = _PLAIN_CLASS
    settings.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", "utf-8")


def check_pieces(checkpoint: str | Path, encoder: Encoder, where: str) -> None:
    """Refuse a tokenizer that gives other pieces than its source for one of some strange texts.

    Parameters
    ----------
    checkpoint : str or Path
        The source: its ``tokenizer.json``, read by ``tokenizers``; without it, what transformers
        makes of its vocabulary.
    encoder : Encoder
        What reads the tokenizer that was saved.
    where : str
        For the log, which says where transformers would read the source in another way.

    Raises
    ------
    EncodingError
        The message has the first text that differs, and both lists of pieces.
    """
    own, side = Path(checkpoint, _FILE), truncation_side(checkpoint)
    source = _from_file(own, side) if own.is_file() else _from_class(load_stock(checkpoint), side)
    lengths = (encoder.max_length, _SHORT) if encoder.max_length > _SHORT else (encoder.max_length,)
    for length in lengths:
        limited = encoder if length == encoder.max_length else encoder.shortened(length)
        for text in strange_texts(encoder.mask):
            expected, (got,) = source(text, length), limited.encode([text])
            if got["input_ids"] != (expected or [encoder.pad_id]):
                raise EncodingError(
                    f"{checkpoint}: after import its tokenizer gives other pieces than its source "
                    f"for {text!r}: {got['input_ids']} instead of {expected}; save it as {_FILE}"
                )
    if own.is_file():
        _say_difference(checkpoint, encoder, side, where)


def strange_texts(mask: str | None) -> list[Segments]:
    """Texts and pairs on which customised tokenizers differ.

    Examples
    --------
    >>> len(strange_texts("[MASK]")) >= 20
    True
    """
    single = [
        "The film is not bad.",
        "In 2019 it cost $1,234,567.89 (3x more than in 1984).",
        "NASA's iPhone, MIXED Case and ALL CAPS",
        "café naïve Zürich Ångström e\u0301 n\u0303",
        "don't can't it's rock-n-roll e-mail@example.org http://a.b/c?d=e_f",
        "🙂👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 ok",
        "电影不错 映画は良い 영화가 좋다 ภาพยนตร์",
        "دراما مملة סרט טוב фильм Ελληνικά",
        "two  spaces\tand\ta tab\nand a line   ",
        "   leading blanks",
        "a" * 150,
        "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
        f"a {mask or '<mask>'} b{mask or '<mask>'}c",
        "[CLS] [SEP] [PAD] [UNK] <s> </s> <pad> <unk> </s></s>",
        "soft\u00adhyphen zero\u200bwidth \ufeffmark \u200eleft",
        "ﬁne ½ ² ™ Ⅷ ｆｕｌｌ",
        "`` quotes '' “curly” ‘single’ «guillemets» … — –",
        "#hashtag @user snake_case camelCase v1.2.3 10% -5 +7 1e-9",
        "i̇stanbul İSTANBUL straße STRASSE",
        "x",
        "?!",
        "the film " * 400,
        "7" * 40,
    ]
    pairs = [("The plot is dull", "but the ending"), ("a " * 300, "the film"), ("one", "2019 films " * 300)]
    return [*((text,) for text in single), *pairs]


def _from_file(path: Path, side: str) -> Ids:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()

    def ids(text: Segments, length: int) -> list[int]:
        tokenizer.enable_truncation(length, direction=side)
        return tokenizer.encode(*text).ids

    return ids


def _from_class(stock: Any, side: str) -> Ids:
    stock.truncation_side = side

    def ids(text: Segments, length: int) -> list[int]:
        return stock(*text, truncation=True, max_length=length)["input_ids"]

    return ids


def _say_difference(checkpoint: str | Path, encoder: Encoder, side: str, where: str) -> None:
    """Say aloud where transformers' class would read a text in another way than the file."""
    log, length = logging.getLogger("distillens"), encoder.max_length
    try:
        stock = load_stock(checkpoint)
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        log.info("%s: tokenizer.json is taken as it is; transformers cannot load its class: %s", where, said)
        return
    ids, texts = _from_class(stock, side), strange_texts(encoder.mask)
    differs = next((t for t in texts if encoder.encode([t])[0]["input_ids"] != ids(t, length)), None)
    if differs is not None:
        log.info(
            "%s: %s reads %r otherwise than tokenizer.json, which is taken as it is",
            where, type(stock).__name__, differs,
        )  # fmt: skip
