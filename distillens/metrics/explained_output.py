"""The scalar per class that is explained."""

from collections import Counter
from collections.abc import Mapping, Sequence

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

    Raises
    ------
    ValueError
        For another kind.

    Examples
    --------
    >>> explained([[2.0, 0.5]], "margin").tolist()  # of two classes: their difference
    [[1.5, -1.5]]
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

    Examples
    --------
    >>> towards(np.array([[0.1, -0.1], [0.4, -0.4]]), target=1).tolist()
    [-0.1, -0.4]
    """
    if values.shape[1] > 1 and target is None:
        raise ValueError("values for several classes, but no logits that say which is predicted; add logits")
    return values[:, target if values.shape[1] > 1 else 0]


def predicted(logits: Sequence[float] | None, values: np.ndarray) -> int | None:
    """The class that a model predicts.

    Parameters
    ----------
    logits : sequence of float or None
        None where they are not known, as with attributions that were computed elsewhere. Such that
        are not finite predict nothing either.
    values : ndarray, shape (n_words, outputs)
        NaN in classes that were not explained.

    Returns
    -------
    int or None
        Without logits the only class that was explained; None where that says nothing either.

    Examples
    --------
    >>> predicted([0.2, 1.5], np.zeros((3, 2)))
    1
    >>> predicted(None, np.array([[np.nan, 0.3]]))
    1
    """
    if logits is not None and np.isfinite(logits).all():
        return int(np.argmax(logits))
    classes = np.flatnonzero(~np.isnan(values).all(axis=0)) if values.shape[1] > 1 else ()
    return int(classes[0]) if len(classes) == 1 else None


def drop(before: np.ndarray, after: np.ndarray, absolute: bool) -> np.ndarray:
    """Loss of `confidence`; of a regression, which has none, the size of the change (``absolute``).

    Examples
    --------
    >>> drop(np.array([0.75]), np.array([1.0]), absolute=False).tolist()
    [-0.25]
    """
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

    Examples
    --------
    >>> confidence([[0.0, 0.0], [0.0, 9.0]], [0, 1]).round(3).tolist()
    [0.5, 1.0]
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[-1] == 1:
        return logits[:, 0]
    targets = np.asarray(target, dtype=np.int64)[:, None]
    return np.take_along_axis(softmax(logits, axis=-1), targets, axis=-1)[:, 0]


def majority(predicted: Sequence[Mapping[str, int | None]]) -> dict[str, int | None]:
    """The class that most runs predict for each text, the lowest of those that are equally many.

    A run that says nothing has no vote; None where none has.

    Examples
    --------
    >>> majority([{"a": 1, "b": 2}, {"a": 1, "b": 0}, {"a": 0, "b": None}])
    {'a': 1, 'b': 0}
    """
    result: dict[str, int | None] = {}
    for name in predicted[0]:
        votes = Counter(run[name] for run in predicted if run.get(name) is not None)
        result[name] = min(votes, key=lambda label: (-votes[label], label), default=None)
    return result
