"""Measures of representations, and of answers to sentences of templates, which the models are run for."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.measure import Measure, Texts, per_text, pooled
from distillens import tables
from distillens.data.text import seed_of
from distillens.evaluation.inputs import Run, Settings
from distillens.probes import negation

NEIGHBOURS = 10
ITEMS = 100
SENTIMENTS = ["negative", "positive"]
Array = NDArray[np.float64]


def measures(folder: Path, task: str, s: Settings) -> Iterator[Measure]:
    """Two measures of the last layer's first position, and one of a minimal functionality test.

    - *nearest neighbours*: how many of a text's ten nearest texts two models share (mutual nearest
      neighbours; Huh et al. 2024);
    - *linear CKA*: how alike two models place all texts (Kornblith et al. 2019, eq. 3);
    - *negation test*: whether templates such as "The film was not good." get the answer that they must
      (CheckList; Ribeiro et al. 2020), where the labels are `SENTIMENTS`.
    """
    texts = tables.read(folder / "data" / task / "explained.parquet", "examples")["text_a"].to_pylist()
    asked = s.task_settings["labels"] == SENTIMENTS
    built = negation.build([], {"items": ITEMS}, seed_of(s.seed, "negation")) if asked else []
    must = np.array([sentence.expected > 0 for sentence in built])
    near: dict[Run, Any] = {}
    alike: dict[Run, Any] = {}
    right: dict[Run, Any] = {}
    for model in (folder / "models" / task).glob("*/[0-9]*"):
        run = (model.parent.name, int(model.name))
        outputs = _outputs(model)
        states, _ = outputs(texts)
        near[run], alike[run] = _cosines(states), states @ states.T
        if asked:
            _, logits = outputs([sentence.text for sentence in built])
            right[run] = ((logits.argmax(1) == 1) == must).astype(float)
    near, alike, right = (dict(sorted(of_runs.items())) for of_runs in (near, alike, right))
    yield pooled("nearest neighbours", near, _neighbours, _shared, s)
    yield pooled("linear CKA", alike, _centred, _cka, s)
    if asked:
        yield per_text("negation test", 1, right, lambda own, _: own, s)


def _outputs(model: Path) -> Callable[[Sequence[str]], tuple[Array, Array]]:
    """What gives, for texts, the last layer's first position, shape (texts, width), and the logits."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    classifier: Any = AutoModelForSequenceClassification.from_pretrained(model, local_files_only=True).eval()

    def outputs(texts: Sequence[str]) -> tuple[Array, Array]:
        states, logits = [], []
        with torch.inference_mode():
            for at in range(0, len(texts), 64):
                few = tokenizer(texts[at : at + 64], padding=True, truncation=True, return_tensors="pt")
                answer = classifier(**few, output_hidden_states=True)
                states.append(answer.hidden_states[-1][:, 0].double().numpy())
                logits.append(answer.logits.double().numpy())
        return np.concatenate(states), np.concatenate(logits)

    return outputs


def _cosines(points: Array) -> Array:
    """Of each two texts, shape (texts, texts); no text is near itself."""
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -np.inf)
    return cosines


def _neighbours(cosines: Array, few: Texts) -> NDArray[np.bool_]:
    """Which of some texts are among a text's nearest of them."""
    own = cosines[np.ix_(few, few)]
    near = np.zeros(own.shape, dtype=bool)
    np.put_along_axis(near, np.argpartition(-own, NEIGHBOURS, axis=1)[:, :NEIGHBOURS], True, axis=1)
    return near


def _shared(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """The share of neighbours that are the same, mean over texts."""
    return float((one & other).sum() / (NEIGHBOURS * len(one)))


def _centred(products: Array, few: Texts) -> Array:
    """Inner products of some texts, less their means, of unit length."""
    own = products[np.ix_(few, few)]
    own = own - own.mean(axis=0) - own.mean(axis=1, keepdims=True) + own.mean()
    return own / np.linalg.norm(own)


def _cka(one: Array, other: Array) -> float:
    """Of points X and Y: |Y'X|^2 / (|X'X| |Y'Y|), which needs their inner products only."""
    return float((one * other).sum())
