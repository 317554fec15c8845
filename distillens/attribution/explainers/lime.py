"""LIME on word positions (Ribeiro, Singh and Guestrin 2016), with the draws and the values of ``lime``.

Each word is a feature of its own, removed words become what the model shows for one, the
generator starts anew for every example, and the weights of all words are kept.

Step by step, as in ``lime.lime_text``:

1. The text itself, and samples of it: how many words go is drawn first for all of them, then which.
2. A sample weighs less the fewer words it shares with the text: an exponential kernel on cosine distance.
3. A weighted ridge regression of the outputs on the words that stay; its weights are the values.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from distillens.attribution.batching import Task, asking, run_in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example, seed_of
from distillens.models.engine import Engine
from distillens.models.masks import Masks

OPTIONS = {
    "samples": {
        "type": "integer",
        "minimum": 10,
        "default": 5000,
        "description": "Perturbed texts per text; below 1000 two runs differ visibly.",
    },
    "kernel_width": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 25,
        "description": "Width of the exponential kernel on cosine distance (times 100).",
    },
    "common_masks": {
        "type": "boolean",
        "default": False,
        "description": "Ask all models with the same masks. Their values then have one noise in common: "
        "S and C are higher than what independent explanations reach, and may exceed R.",
    },
}
DRAWS = True
MASKS = True


def cost(words: int, outputs: int, options: dict[str, float]) -> int:
    """Forward passes; fewer where samples repeat themselves.

    Examples
    --------
    >>> cost(12, 2, {"samples": 5000})
    5000
    """
    return int(options["samples"])


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, float], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> answer = lambda asked: np.array([[0.0, row[1]] for one in asked for row in one.keep])
    >>> engine = Fake(masked=answer)  # hangs on the second word
    >>> options = {"samples": 200, "kernel_width": 25}
    >>> (attribution,) = explain([Example("a", "so bad")], engine, "logit", options, seed=0)
    >>> int(attribution.values[:, 1].argmax())
    1
    """
    tasks = [_explain_one(example, options, seed_of(seed, example.example_id)) for example in examples]
    # One text's samples fill the device; more at once would only hold more of them.
    yield from run_in_batches(tasks, asking(engine, output), at_once=1)


def _explain_one(example: Example, options: dict[str, float], seed: int) -> Task[Attribution]:
    if not example.words:  # nothing to draw from
        (whole,) = yield Masks(example, np.ones((1, 0), dtype=bool))
        scores = np.full(len(whole), np.nan)
        return Attribution(
            example, np.empty((0, len(whole))), whole, whole, {"evals": 1, "lime_r2": scores.tolist()}
        )
    keep = drawn(len(example.words), int(options["samples"]), np.random.RandomState(seed))
    outputs = yield Masks(example, keep)
    values, intercept, scores = fitted(keep, outputs, options["kernel_width"])
    diagnostics = {"evals": len(keep), "lime_r2": scores.tolist()}
    return Attribution(example, values, intercept, outputs[0], diagnostics)


def drawn(words: int, samples: int, generator: np.random.RandomState) -> np.ndarray:
    """The text and lime's samples of it, draw for draw.

    Returns
    -------
    ndarray of bool, shape (samples, words)
        Which words stay; all of them in the first row.

    Examples
    --------
    >>> drawn(3, 4, np.random.RandomState(0)).astype(int).tolist()
    [[1, 1, 1], [0, 1, 1], [0, 1, 0], [1, 1, 0]]
    """
    sizes = generator.randint(1, words + 1, samples - 1)
    orders = np.tile(np.arange(words), (samples - 1, 1))
    for order in orders:
        generator.shuffle(order)
    keep = np.ones((samples, words), dtype=bool)
    np.put_along_axis(keep[1:], orders, np.arange(words) >= sizes[:, None], axis=1)
    return keep


def fitted(
    keep: np.ndarray, outputs: np.ndarray, kernel_width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted ridge regression (penalty 1, with an intercept) of outputs on words that stay.

    Parameters
    ----------
    keep : ndarray of bool, shape (samples, words)
        The text itself comes first.
    outputs : ndarray, shape (samples, outputs)
    kernel_width : float

    Returns
    -------
    values : ndarray, shape (words, outputs)
    intercept : ndarray, shape (outputs,)
    scores : ndarray, shape (outputs,)
        Weighted R2 of the fit. All three are NaN for an output that is not finite everywhere.

    Examples
    --------
    >>> keep = drawn(2, 1000, np.random.RandomState(0))
    >>> values, intercept, scores = fitted(keep, keep @ np.array([[1.0], [2.0]]) + 3, 1000)
    >>> values.round(1).ravel().tolist(), intercept.round(1).tolist(), scores.round(2).tolist()
    ([1.0, 2.0], [3.0], [1.0])
    """
    words = keep.shape[1]
    distances = 100 * (1 - np.sqrt(keep.sum(axis=1) / words))  # cosine, of rows of ones and zeros
    weights = np.sqrt(np.exp(-(distances**2) / kernel_width**2))
    total = weights.sum()
    finite = np.isfinite(outputs).all(axis=0)
    outputs = np.where(finite, outputs, 0)
    middle, level = weights @ keep / total, weights @ outputs / total
    centred, deviations = keep - middle, outputs - level
    weighted = centred * weights[:, None]
    values = np.linalg.solve(weighted.T @ centred + np.eye(words), weighted.T @ deviations)
    missed, spread = (weights @ error**2 for error in (deviations - centred @ values, deviations))
    # A constant output is fitted whole, or not at all.
    scores = np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), missed == 0)
    learnt = np.where(finite, 1, np.nan)
    return values * learnt, (level - middle @ values) * learnt, scores * learnt
