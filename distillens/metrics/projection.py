"""A map of models: those whose attributions point the same way lie close together.

Attributions of different texts have different words, so models cannot be put into one
space directly; but the cosines between models are known for every text. Classical
scaling (Torgerson 1952) of their mean gives each model a point such that squared
distances are, as far as two dimensions allow, ``2 (1 - mean cosine)``; projecting each
text on the same axes gives a cloud around it, whose mean the point is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DIMENSIONS = 2
_VANISHING = 1e-12


def project(values: Sequence[Sequence[Array]]) -> tuple[Array, Array]:
    """Points of models and the clouds that they are the means of.

    Parameters
    ----------
    values : sequence (models) of sequences (texts) of arrays, shape (n_words,)
        Signed attributions to one class.

    Returns
    -------
    points : array, shape (models, 2)
        Centred; signs are chosen so that the largest coordinate of an axis is positive.
    clouds : array, shape (models, texts, 2)
        NaN for a text in which a model's attributions are all zero, or are not defined.
    """
    grams = np.stack([_gram([of[text] for of in values]) for text in range(len(values[0]))])
    defined = ~np.isnan(grams).any(axis=(1, 2))
    if not defined.any():
        nothing = np.full((len(values), len(grams), DIMENSIONS), np.nan)
        return nothing.mean(axis=1), nothing
    spread, axes = np.linalg.eigh(grams[defined].mean(axis=0))
    weights = np.zeros((len(values), DIMENSIONS))
    for axis, number in enumerate(np.argsort(-spread)[:DIMENSIONS]):
        if spread[number] > _VANISHING:
            chosen = axes[:, number]
            weights[:, axis] = chosen * np.sign(chosen[np.abs(chosen).argmax()]) / np.sqrt(spread[number])
    clouds = np.moveaxis(grams @ weights, 0, 1)
    return clouds[:, defined].mean(axis=1), clouds


def _gram(vectors: Sequence[Array]) -> Array:
    """Products of the models' unit vectors for one text, around their mean."""
    stacked = np.stack(vectors)
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    if not stacked.size or not (lengths > 0).all():  # false for NaN, too
        return np.full((len(vectors), len(vectors)), np.nan)
    units = stacked / lengths
    centred = units - units.mean(axis=0)
    return centred @ centred.T
