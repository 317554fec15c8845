"""The scalar per class that is explained."""

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp, softmax


def explained(logits: np.ndarray, kind: str) -> np.ndarray:
    """What is explained, for every class.

    Parameters
    ----------
    logits : ndarray, shape (n, outputs)
        One output is a regression: explained as it is.
    kind : str
        ``margin``: z_c - log sum_{j != c} exp z_j, the log-odds of the class, which
        does not saturate; ``logit``: z_c; ``probability``: the softmax.

    Returns
    -------
    ndarray of float64, shape (n, outputs)
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[-1] == 1 or kind == "logit":
        return logits
    if kind == "probability":
        return softmax(logits, axis=-1)
    if kind == "margin":
        others = np.where(np.eye(logits.shape[-1], dtype=bool), -np.inf, logits[..., None, :])
        return logits - logsumexp(others, axis=-1)
    raise ValueError(f"explained_output: {kind!r} is not one of margin, logit, probability")


def towards(values: np.ndarray, target: int | None) -> np.ndarray:
    """Attributions to one class; one output, whatever the number of classes, leaves none to choose.

    Parameters
    ----------
    values : ndarray, shape (n_words, outputs)
    target : int or None

    Returns
    -------
    ndarray, shape (n_words,)

    Raises
    ------
    ValueError
        If there are several outputs and no class.
    """
    if values.shape[1] > 1 and target is None:
        raise ValueError("values for several classes, but no logits that say which is predicted; add logits")
    return values[:, target if values.shape[1] > 1 else 0]


def predicted(logits: Sequence[float] | None, values: np.ndarray) -> int | None:
    """The class that a model predicts.

    Parameters
    ----------
    logits : sequence of float or None
        None where they are not known, as with attributions that were computed elsewhere.
    values : ndarray, shape (n_words, outputs)
        NaN in classes that were not explained.

    Returns
    -------
    int or None
        Without logits the only class that was explained; None where that says nothing either.
    """
    if logits is not None:
        return int(np.argmax(logits))
    known = np.flatnonzero(~np.isnan(values).all(axis=0)) if values.shape[1] > 1 else ()
    return int(known[0]) if len(known) == 1 else None


def drop(before: np.ndarray, after: np.ndarray, absolute: bool) -> np.ndarray:
    """Loss of `confidence`; of a regression, which has none, the size of the change (``absolute``)."""
    lost = before - after
    return np.abs(lost) if absolute else lost


def confidence(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Probability of a class; a regression (one output) has none and gives its output.

    Parameters
    ----------
    logits : ndarray, shape (n, outputs)
    target : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[-1] == 1:
        return logits[:, 0]
    chosen = np.asarray(target, dtype=np.int64)[:, None]
    return np.take_along_axis(softmax(logits, axis=-1), chosen, axis=-1)[:, 0]
