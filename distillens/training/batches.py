"""Batches of features: what the encoder made is padded, the rest stacked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillens.models.tokenizer import Encoder


def collate(encoder: Encoder, features: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch of a model's inputs, labels and features.

    Parameters
    ----------
    encoder : Encoder
        What made the inputs, and features that are themselves encoded texts.
    features : sequence of dict
        One per example.
    """
    batch: dict[str, Any] = _tensors(encoder.pad(features))
    for name in sorted(features[0].keys() - set(encoder.inputs)):
        values = [one[name] for one in features]
        if isinstance(values[0], dict):
            batch[name] = _tensors(encoder.pad(values))
        else:
            batch[name] = torch.from_numpy(stacked(values))
    return batch


def stacked(values: Sequence[Any]) -> np.ndarray:
    """One array; rows of unlike lengths are filled up with zeros.

    Examples
    --------
    >>> stacked([[1, 2], [3]]).tolist()
    [[1, 2], [3, 0]]
    """
    rows = [np.asarray(value) for value in values]
    if len({row.shape for row in rows}) == 1:
        return np.stack(rows)
    whole = np.zeros((len(rows), max(map(len, rows))), dtype=rows[0].dtype)
    for filled, row in zip(whole, rows, strict=True):
        filled[: len(row)] = row
    return whole


def _tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
