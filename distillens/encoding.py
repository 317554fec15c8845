"""The one way from text to a model's input; training and inference both use it."""

from collections.abc import Sequence
from typing import Any

Segments = tuple[str, ...]


def encode(tokenizer: Any, texts: Sequence[Segments]) -> list[dict[str, list[int]]]:
    """Encode texts or pairs as the model saw them in training, without padding.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
        Its ``model_max_length`` is where inputs are cut (the longer segment of a pair
        first), its ``model_input_names`` are what comes back (token types included,
        where the model has them).
    texts : sequence of tuples
        One or two segments each.
    """
    if not texts:
        return []
    seconds = [segments[1] for segments in texts] if len(texts[0]) == 2 else None
    encoded = tokenizer([segments[0] for segments in texts], seconds, truncation=True, padding=False)
    names = [name for name in tokenizer.model_input_names if name in encoded]
    return [{name: encoded[name][row] for name in names} for row in range(len(texts))]


def piece_words(tokenizer: Any, segments: Segments, spans: Sequence[tuple[int, int, int]]) -> list[int]:
    """Which word each piece of an encoded text belongs to.

    Parameters
    ----------
    segments : tuple of str
        The text, or the pair.
    spans : sequence of (segment, start, end)
        The words, in order.

    Returns
    -------
    list of int, shape (n_pieces,)
        Index of the first word that the piece overlaps; -1 for special tokens and for
        pieces between words. Words that were cut off own no piece.
    """
    encoded = tokenizer(*segments, truncation=True, padding=False, return_offsets_mapping=True)
    owner: dict[tuple[int, int], int] = {}
    for number, (segment, start, end) in enumerate(spans):
        owner.update({(segment, position): number for position in range(start, end)})
    words = []
    for segment, (start, end) in zip(encoded.sequence_ids(), encoded["offset_mapping"], strict=True):
        covered = (owner.get((segment, position)) for position in range(start, end))
        words.append(-1 if segment is None else next((word for word in covered if word is not None), -1))
    return words
