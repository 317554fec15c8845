"""A map of models: those whose attributions point the same way lie close together.

Texts have different words, so models do not share one space; but the cosines between
models are known for every text. Step by step (classical scaling, Torgerson 1952):

1. Scale each model's attributions of a text to length 1, and subtract the models' mean.
2. The products of these vectors are a matrix, models x models; average it over texts.
3. Its two largest eigenvectors are the axes. Squared distances between the models' points
   are ``2 (1 - mean cosine)``, as far as two dimensions allow.
4. Projecting each text's own matrix on these axes gives a cloud of points per model; the
   model's point is their mean.
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

    Examples
    --------
    >>> points, clouds = project([[np.array([1.0, 0.0])], [np.array([2.0, 0.0])], [np.array([0.0, 1.0])]])
    >>> points.shape, clouds.shape
    ((3, 2), (3, 1, 2))
    >>> float(np.linalg.norm(points[0] - points[2]).round(3))  # the root of 2 (1 - cosine 0)
    1.414
    """
    grams = np.stack([_gram([model[text] for model in values]) for text in range(len(values[0]))])
    defined = ~np.isnan(grams).any(axis=(1, 2))
    if not defined.any():
        nothing = np.full((len(values), len(grams), DIMENSIONS), np.nan)
        return nothing.mean(axis=1), nothing
    spread, axes = np.linalg.eigh(grams[defined].mean(axis=0))
    weights = np.zeros((len(values), DIMENSIONS))
    for axis, number in enumerate(np.argsort(-spread)[:DIMENSIONS]):
        if spread[number] > _VANISHING:
            vector = axes[:, number]
            weights[:, axis] = vector * np.sign(vector[np.abs(vector).argmax()]) / np.sqrt(spread[number])
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
