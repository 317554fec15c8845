"""The one way from text to a model's input, in training and after it; torch is not needed."""

import copy
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Encoding, Tokenizer

from distillens.data.text import Example, Word
from distillens.models import removal
from distillens.models.errors import ModelError
from distillens.models.sequences import Sequences

Segments = tuple[str, ...]
Encoded = dict[str, list[int]]

ENDLESS = 1 << 30
"""The longest input of a tokenizer that has no limit."""

_DEFAULT_INPUTS = ("input_ids", "token_type_ids", "attention_mask")


class EncodingError(ValueError):
    """A tokenizer cannot be used; the message names its folder and says why."""


def truncation_side(folder: str | Path) -> str:
    """The end at which a tokenizer's inputs are cut: ``right``, or ``left`` where its files say so.

    Raises
    ------
    EncodingError
        If they say anything else.

    Examples
    --------
    >>> Path("tokenizer_config.json").write_text('{"truncation_side": "left"}') > 0
    True
    >>> truncation_side(".")
    'left'
    """
    side = _read(Path(folder, "tokenizer_config.json")).get("truncation_side")
    if side is None:
        side = (_read(Path(folder, "tokenizer.json")).get("truncation") or {}).get("direction", "right")
    if str(side).lower() not in ("left", "right"):
        raise EncodingError(f"{folder}: its truncation_side is {side!r}; it must be left or right")
    return str(side).lower()


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


class Shares(NamedTuple):
    """Which part of a piece belongs to which word: three arrays of the same length, in order."""

    pieces: np.ndarray
    words: np.ndarray
    weights: np.ndarray

    @property
    def seen(self) -> set[int]:
        """The words that own a piece or a part of one."""
        return set(self.words.tolist())


class Encoder:
    """A model's tokenizer, as it lies in the model's folder.

    Parameters
    ----------
    folder : str or Path
        With ``tokenizer.json`` and ``tokenizer_config.json``: the latter's
        ``model_max_length`` is where inputs are cut (the longer segment of a pair first), its
        ``truncation_side`` at which end, its ``model_input_names`` are what the model was
        trained on.
    inputs : collection of str, optional
        What the model takes; anything else is left out.
    rule : str or mapping, optional
        How a removed word looks; see `distillens.models.removal.without`.

    Attributes
    ----------
    mask : str or None
        The mask token; most decoders have none.
    fields : dict
        What `distillens.models.fields.remember` has tokenized.

    Raises
    ------
    EncodingError
        If there is no fast tokenizer, one without a padding token, one whose mask token is cut up, or one
        that cuts neither on the left nor on the right.
    """

    def __init__(
        self,
        folder: str | Path,
        inputs: Collection[str] = _DEFAULT_INPUTS,
        rule: removal.Rule = removal.MASK,
    ) -> None:
        folder, self.rule, self._where = Path(folder), rule, str(folder)
        if not (folder / "tokenizer.json").is_file():
            raise EncodingError(f"{folder}: no tokenizer.json; word positions need a fast tokenizer")
        config = _read(folder / "special_tokens_map.json") | _read(folder / "tokenizer_config.json")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self.max_length = min(int(config.get("model_max_length", ENDLESS)), ENDLESS)
        self.side = truncation_side(folder)
        self._tokenizer.enable_truncation(self.max_length, direction=self.side)
        self.inputs = [name for name in config.get("model_input_names", _DEFAULT_INPUTS) if name in inputs]
        self.mask, mask_id = self._special(config, "mask_token")
        if self.mask and mask_id not in self._tokenizer.encode(self.mask, add_special_tokens=False).ids:
            raise EncodingError(
                f"{folder}: its tokenizer cuts {self.mask} up, because tokenizer.json does not list it under "
                "added_tokens; list it there"
            )
        self.fields: dict[Any, list[list[int]]] = {}
        self._stand_ins: dict[str, int] = {}
        self._frames: dict[int, tuple[list[tuple[list[int], int]], list[int]]] = {}
        _, self.pad_id = self._special(config, "pad_token")
        if self.pad_id is None:
            raise EncodingError(
                f"{folder}: its tokenizer has no pad token, which fills up batches; say which it is: "
                "pad_token_id in config.json, or pad_token in tokenizer_config.json"
            )

    @property
    def pieces(self) -> int:
        """Size of the vocabulary, special tokens included."""
        return self._tokenizer.get_vocab_size()

    @cached_property
    def local(self) -> bool:
        """Whether pieces cannot depend on what stands behind a blank: BERT's vocabularies.

        Others cut at blanks too, but in ways that are many; of them it is found out text by text. So it is
        where words are deleted, because the blanks before them go too, and where what stands for them has a
        blank of its own.
        """
        if self.rule == removal.DELETE or any(map(str.isspace, removal.stand_in(self.rule, self.mask) or "")):
            return False
        parts = json.loads(self._tokenizer.to_str())
        kinds = [(parts[name] or {}).get("type") for name in ("normalizer", "pre_tokenizer", "model")]
        added = parts["added_tokens"]
        reach = any(one["lstrip"] or one["rstrip"] or len(one["content"].split()) != 1 for one in added)
        return kinds == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and not reach

    def alone(self, parts: Sequence[str]) -> list[list[int]]:
        """Pieces of parts of texts, each by itself, without special tokens."""
        return [one.ids for one in self._tokenizer.encode_batch_fast(parts, add_special_tokens=False)]

    def frame(self, segments: int) -> tuple[list[tuple[list[int], int]], list[int]]:
        """Special tokens before, between and behind segments, with their type; the types of segments."""
        if segments in self._frames:
            return self._frames[segments]
        one = self._tokenizer.encode(*["a"] * segments)
        frame: list[list[int]] = [[] for _ in range(segments + 1)]
        outside, inside, now = [0] * (segments + 1), [0] * segments, 0
        for segment, piece, kind in zip(one.sequence_ids, one.ids, one.type_ids, strict=True):
            if segment is None:
                frame[now].append(piece)
                outside[now] = kind
            else:
                inside[segment], now = kind, segment + 1
        self._frames[segments] = list(zip(frame, outside, strict=True)), inside
        return self._frames[segments]

    def require_mask(self, folder: str | Path) -> None:
        """Refuse a tokenizer without a mask token, where words are to be masked in training.

        Raises
        ------
        EncodingError
        """
        if self.mask is None:
            raise EncodingError(
                f"{folder}: its tokenizer has no mask token, which removed words become in training; choose "
                "another checkpoint, or take it finished (training: none)"
            )

    def without(self, example: Example, keep: np.ndarray) -> list[Segments]:
        """Copies of an example as the model reads them; see `distillens.models.removal.without`.

        Parameters
        ----------
        example : Example
        keep : ndarray of bool, shape (copies, n_words)
            Which words stay.
        """
        return removal.without(example, keep, self.rule, self.mask, self._where)

    def tokenized(self, texts: Sequence[Segments]) -> list[Encoding]:
        """Texts and pairs as the tokenizer gives them, with offsets."""
        return self._tokenizer.encode_batch(_pairs(texts))

    def sequences(self, texts: Sequence[Segments]) -> Sequences:
        """Texts and pairs as flat arrays."""
        encoded = self._tokenizer.encode_batch_fast(_pairs(texts))
        # Where nothing is put around a text, one without words is a single piece of padding.
        ids = [one.ids or [self.pad_id] for one in encoded]
        columns = {"input_ids": _flat(ids)}
        if "token_type_ids" in self.inputs:
            columns["token_type_ids"] = _flat([one.type_ids or [0] for one in encoded])
        return Sequences(columns, np.array([len(one) for one in ids], dtype=np.int64))

    def encode(self, texts: Sequence[Segments]) -> list[Encoded]:
        """Encode texts and pairs, without padding."""
        pairs = _pairs(texts)
        columns = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
        alone = {"input_ids": [self.pad_id], "token_type_ids": [0], "attention_mask": [1]}
        return [
            {name: getattr(one, columns[name]) or alone[name] for name in self.inputs}
            for one in self._tokenizer.encode_batch(pairs)
        ]

    def shortened(self, length: int) -> "Encoder":
        """The same tokenizer with a shorter longest input."""
        other = copy.copy(self)
        other._tokenizer = Tokenizer.from_str(self._tokenizer.to_str())
        other.max_length = length
        other._tokenizer.enable_truncation(length, direction=self.side)
        return other

    def pad(self, encoded: Sequence[Encoded]) -> dict[str, np.ndarray]:
        """A batch, padded on the right; each input has the shape (texts, longest)."""
        longest = max(len(one["input_ids"]) for one in encoded)
        batch = {}
        for name in self.inputs:
            filler = self.pad_id if name == "input_ids" else 0
            batch[name] = np.full((len(encoded), longest), filler, dtype=np.int64)
            for row, one in enumerate(encoded):
                batch[name][row, : len(one[name])] = one[name]
        return batch

    def view(self, segments: Segments) -> list[tuple[int, int]]:
        """The part of each segment that the model sees, in characters; ``(0, 0)`` where it sees none."""
        encoded = self._tokenizer.encode(*segments)
        seen: list[list[tuple[int, int]]] = [[] for _ in segments]
        for segment, span in zip(encoded.sequence_ids, encoded.offsets, strict=True):
            if segment is not None and span[0] < span[1]:
                seen[segment].append(span)
        return [(own[0][0], own[-1][1]) if own else (0, 0) for own in seen]

    def cuts(self, segments: Segments) -> bool:
        """Whether a text or pair is longer than what the model sees."""
        return bool(self._tokenizer.encode(*segments).overflowing)

    def check_room(self, example: Example, rule: removal.Rule) -> None:
        """Refuse an example out of which words are pushed by what stands for those removed.

        Only what is several pieces takes more room than a word: a neutral text, or a mask token that leaves
        the blank before it a piece of its own.

        Raises
        ------
        ModelError
            If the whole example fits, but not its longest copy.
        """
        text = removal.stand_in(rule, self.mask)
        if text is None:
            return
        if text not in self._stand_ins:  # a model that is only asked is checked at every question
            alone, behind = self.alone(["a", f"a {text}"])
            self._stand_ins[text] = len(behind) - len(alone)
        pieces = self._stand_ins[text]
        if pieces < 2 or self.cuts(example.texts):
            return
        own = np.bincount(self.shares(example).words, minlength=len(example.words))
        (longest,) = removal.without(example, own[None] >= pieces, rule, self.mask)
        if self.cuts(longest):
            other = "delete" if rule == removal.MASK else "mask or delete"
            raise ModelError(
                f"removal: with {text!r}, of {pieces} pieces, for removed words the example "
                f"{example.example_id!r} grows beyond the longest input of {self._where} ({self.max_length} "
                f"pieces), which pushes kept words out; set removal: {other}, or a neutral text of one "
                "piece, for all models of the study"
            )

    def owners(self, example: Example) -> list[int]:
        """Which word each piece of an encoded example belongs to.

        Returns
        -------
        list of int, shape (n_pieces,)
            Index of the first word that the piece overlaps; -1 for special tokens and for
            pieces between words. `shares` says which other words it overlaps.
        """
        return [next(iter(words), -1) for words in self._overlaps(example)]

    def shares(self, example: Example) -> Shares:
        """How the pieces of an encoded example are shared out among its words.

        A piece within one word is that word's. One that overlaps several (vocabularies without
        spaces have such pieces, and byte-level ones for neighbouring punctuation) is divided by how
        many characters of each it has, so that sums are kept and no word is passed over. Words that
        were cut off, or that the tokenizer drops, own nothing.
        """
        parts = [
            (piece, word, count / sum(words.values()))
            for piece, words in enumerate(self._overlaps(example))
            for word, count in words.items()
        ]
        pieces, words, weights = zip(*parts, strict=True) if parts else ((), (), ())
        return Shares(np.array(pieces, np.int64), np.array(words, np.int64), np.array(weights, np.float64))

    def _overlaps(self, example: Example) -> list[Counter[int]]:
        """Per piece, how many characters of which words it has."""
        word_at = {
            (word.segment, position): number
            for number, word in enumerate(example.words)
            for position in range(word.start, word.end)
        }
        encoded = self._tokenizer.encode(*example.texts)
        return [
            Counter(
                word_at[segment, position] for position in range(start, end) if (segment, position) in word_at
            )
            for segment, (start, end) in zip(encoded.sequence_ids, encoded.offsets, strict=True)
        ]

    def in_tokens(self, example: Example) -> Example:
        """The example with this tokenizer's pieces as its units.

        Pieces that share a character (the bytes of an emoji, say) are one unit; special
        tokens are none.

        Returns
        -------
        Example
            With ``units``.
        """
        encoded = self._tokenizer.encode(*example.texts)
        units: list[Word] = []
        for segment, (start, end) in zip(encoded.sequence_ids, encoded.offsets, strict=True):
            if segment is None or start == end:
                continue
            if units and units[-1].segment == segment and start < units[-1].end:
                last = units.pop()
                start, end = last.start, max(last.end, end)
            units.append(Word(example.texts[segment][start:end], segment, start, end))
        return replace(example, units=tuple(units))

    def _special(self, config: dict[str, Any], name: str) -> tuple[str | None, int | None]:
        """A special token and its number; None where there is none, or the vocabulary lacks it."""
        token = config.get(name)
        text = token.get("content") if isinstance(token, dict) else token
        number = None if text is None else self._tokenizer.token_to_id(text)
        return (None, None) if number is None else (text, number)


def _pairs(texts: Sequence[Segments]) -> list[str | Segments]:
    return [segments if len(segments) == 2 else segments[0] for segments in texts]


def _flat(rows: Sequence[Sequence[int]]) -> np.ndarray:
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=sum(map(len, rows)))
