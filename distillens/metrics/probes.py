"""Whether a model follows the cue of a sentence: where attributions lie, where answers and negators point.

Classes are ordered from the most negative to the most positive sentiment, and their
polarities lie evenly from -1 to 1; the middle one of an odd number is neutral.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ROUNDING = 1e-12


def polarities(n_classes: int) -> Array:
    """Polarity of each class, shape (n_classes,): evenly from -1 to 1.

    Examples
    --------
    >>> polarities(3).tolist()
    [-1.0, 0.0, 1.0]
    """
    return (2 * np.arange(n_classes) - (n_classes - 1)) / (n_classes - 1)


def directions(logits: ArrayLike) -> Array:
    """Direction of the predicted class: 1, -1, or 0 for the neutral one.

    Parameters
    ----------
    logits : array_like, shape (n, n_classes)

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> directions([[3.0, 0.0, 0.0], [0.0, 0.0, 3.0]]).tolist()
    [-1.0, 1.0]
    """
    logits = np.asarray(logits)
    return np.sign(polarities(logits.shape[-1]))[logits.argmax(axis=-1)]


def ratings(logits: ArrayLike) -> Array:
    """Expected polarity, ``sum_c p_c polarity_c``, of logits of shape (n, n_classes): -1 to 1.

    Examples
    --------
    >>> ratings([[0.0, 0.0], [0.0, 2.0]]).round(3).tolist()
    [0.0, 0.762]
    """
    logits = np.asarray(logits, dtype=np.float64)
    return softmax(logits, axis=-1) @ polarities(logits.shape[-1])


def polar(values: ArrayLike) -> Array:
    """Attribution of each word to the polarity: ``sum_c polarity_c phi_{w,c}``.

    Attributions are linear in the output, so these are the attributions of the outputs of
    all classes weighted by polarity.

    Parameters
    ----------
    values : array_like, shape (n_words, outputs)
        One output, such as an expected rating, is a polarity already.

    Returns
    -------
    array, shape (n_words,)
        Where classes cancel but for rounding, exactly 0.

    Examples
    --------
    >>> polar([[-0.5, 0.5], [0.25, 0.25]]).tolist()
    [1.0, 0.0]
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape[-1] == 1:
        return values[:, 0]
    sums = values @ polarities(values.shape[-1])
    return np.where(np.abs(sums) <= _ROUNDING * np.abs(values).sum(axis=-1), 0.0, sums)


def post_cue_ratio(values: ArrayLike, cue: Flags, after: Flags) -> float:
    """Share of the attribution's mass that lies behind the cue, the cue itself left out.

    ``sum_{i after} |phi_i| / sum_{i not cue} |phi_i|``: section 4.5 of "Faithfulness and Reasoning Drift in
    Compressed Transformers" (2025) for the cue "but".

    Parameters
    ----------
    values : array_like, shape (n_words,)
        Attributions to one class.
    cue, after : arrays of bool, shape (n_words,)
        Which words are the cue, and which stand behind it.

    Returns
    -------
    float
        NaN where there is nothing to share out (all zero, or not finite), no cue, or no
        word on one of its sides.

    Examples
    --------
    >>> cue, after = np.array([[False, True, False], [False, False, True]])
    >>> post_cue_ratio([1.0, 5.0, -3.0], cue, after)
    0.75
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    largest = sizes[~cue].max(initial=0.0)
    if not np.isfinite(sizes[~cue]).all() or largest == 0 or np.isnan(post_cue_share(cue, after)):
        return float("nan")
    scaled = np.where(cue, 0.0, sizes) / largest  # or sums of the largest numbers would overflow
    return float(scaled[after].sum() / scaled.sum())


def post_cue_share(cue: Flags, after: Flags) -> float:
    """Share of the words that stand behind the cue: the `post_cue_ratio` of equal values.

    With the cue as word b of n it is ``(n - b) / (n - 1)``. NaN without a cue or a word
    on one of its sides.

    Examples
    --------
    >>> post_cue_share(np.array([False, True, False, False]), np.array([False, False, True, True])) == 2 / 3
    True
    """
    before = ~cue & ~after
    if not (cue.any() and after.any() and before.any()):
        return float("nan")
    return float(after.sum() / (after.sum() + before.sum()))


def cue_attribution(polar_values: ArrayLike, cue: Flags) -> float:
    """Polar attribution of the cue, its pieces added up.

    Parameters
    ----------
    polar_values : array_like, shape (n_words,)
        As `polar` gives them.
    cue : array of bool, shape (n_words,)

    Returns
    -------
    float
        NaN without a cue, and where no word has any (or a finite) value: a constant model
        explains nothing.

    Examples
    --------
    >>> cue_attribution([0.25, -1.5, 0.5], np.array([False, True, False]))
    -1.5
    """
    values = np.asarray(polar_values, dtype=np.float64)
    if not cue.any() or not np.isfinite(values).all() or not values.any():
        return float("nan")
    return float(values[cue].sum())


def points(value: ArrayLike, expected: ArrayLike) -> Array:
    """Whether a value points the expected way, 1 or 0; zero points nowhere, NaN stays NaN.

    Parameters
    ----------
    value, expected : array_like, shape (n,)
        ``expected`` is 1 or -1.

    Examples
    --------
    >>> points([0.3, 0.0, -0.2], [1, 1, 1]).tolist()
    [1.0, 0.0, 0.0]
    """
    value = np.asarray(value, dtype=np.float64)
    return np.where(np.isnan(value), np.nan, np.sign(value) == np.asarray(expected))
