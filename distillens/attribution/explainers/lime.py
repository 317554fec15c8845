"""LIME on word positions by ``lime`` (Ribeiro, Singh and Guestrin 2016).

Each word is a feature of its own, removed words become the model's mask token, the
generator starts anew for every example, and the weights of all words are kept. What
lime is given is the text of the words' numbers, so that its samples come back as masks
whatever the words are.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from lime.lime_text import LimeTextExplainer
from sklearn.linear_model import Ridge

from distillens.attribution.batching import Ask, run_in_batches
from distillens.attribution.types import Attribution
from distillens.data.text import Example, seed_of
from distillens.metrics.explained_output import explained
from distillens.models.engine import Engine

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

_REMOVED = "x"


def cost(words: int, outputs: int, options: dict[str, float]) -> int:
    """Forward passes; fewer where samples repeat themselves.

    Examples
    --------
    >>> cost(12, 2, {"samples": 5000})
    5002
    """
    return int(options["samples"]) + 2


def explain(
    examples: Sequence[Example], engine: Engine, output: str, options: dict[str, float], seed: int
) -> Iterator[Attribution]:
    """Yield the attribution of each example, in order.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> answer = lambda texts: np.array([[0.0, text.count("bad")] for (text,) in texts])
    >>> engine = Fake(mask="_", logits=answer)
    >>> options = {"samples": 200, "kernel_width": 25}
    >>> (found,) = explain([Example("a", "so bad")], engine, "logit", options, seed=0)
    >>> int(found.values[:, 1].argmax())  # the word that the second output hangs on
    1
    """
    seeds = [seed_of(seed, example.example_id) for example in examples]
    tasks = [
        partial(_explain_one, example, engine.mask, output, options, own)
        for example, own in zip(examples, seeds, strict=True)
    ]
    # One text's samples fill the device; more at once would only hold more of them.
    yield from run_in_batches(tasks, engine.logits, seeds, at_once=1)


def _explain_one(
    example: Example, mask: str, output: str, options: dict[str, float], seed: int, ask: Ask
) -> Attribution:
    words = len(example.words)

    def predict(numbers: list[str]) -> np.ndarray:
        keep = [[number != _REMOVED for number in text.split(" ")] for text in numbers]
        return explained(ask([example.masked(row, mask) for row in keep]), output)

    explainer = LimeTextExplainer(
        kernel_width=options["kernel_width"],
        feature_selection="none",
        split_expression=" ",
        bow=False,
        mask_string=_REMOVED,
        random_state=np.random.RandomState(seed),
    )
    base, whole = predict([" ".join([_REMOVED] * words), " ".join(map(str, range(words)))])
    outputs = range(len(whole))
    regressor = _ScoredRidge()
    result = explainer.explain_instance(
        " ".join(map(str, range(words))),
        predict,
        labels=outputs,
        num_features=words,
        num_samples=int(options["samples"]),
        model_regressor=regressor,
    )
    values = np.zeros((words, len(whole)))
    for column in outputs:
        for word, weight in result.local_exp[column]:
            values[word, column] = weight
    return Attribution(
        example,
        values,
        np.array([result.intercept[column] for column in outputs]),
        whole,
        {"evals": int(options["samples"]), "lime_r2": regressor.scores},
    )


class _ScoredRidge(Ridge):
    """lime's own regressor; lime forgets the local R2 of all classes but the last."""

    def __init__(self) -> None:
        super().__init__(alpha=1, fit_intercept=True)
        self.scores: list[float] = []

    def fit(self, data: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray) -> "_ScoredRidge":
        """Of answers that are no numbers nothing is learnt: NaN."""
        if np.isfinite(outputs).all():
            return super().fit(data, outputs, sample_weight)
        self.coef_, self.intercept_ = np.full(data.shape[1], np.nan), np.nan
        return self

    def score(self, *data: np.ndarray, **weights: np.ndarray) -> float:
        defined = np.isfinite(self.intercept_)
        self.scores.append(float(super().score(*data, **weights)) if defined else np.nan)
        return self.scores[-1]
