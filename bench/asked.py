"""The functions that any-model-mini asks: its teacher's first run by plain transformers, and words counted.

Both read what `bench.any_model` has made; a study's jobs load this file and call them.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MADE = Path("results", "any-model-mini", "made")
MAX_LENGTH = 64
SEED = 7


def teacher(texts: Sequence[str]) -> np.ndarray:
    """The teacher's probabilities, shape (texts, labels)."""
    import torch

    model, tokenizer = _teacher()
    batch = tokenizer(list(texts), padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
    with torch.inference_mode():
        return model(**batch).logits.double().softmax(-1).numpy()


def tfidf(texts: Sequence[str]) -> np.ndarray:
    """Probabilities of logistic regression on words and pairs of words, shape (texts, labels)."""
    return _tfidf().predict_proba(list(texts))


@cache
def _teacher() -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(1)
    folder = MADE / "teacher"
    return AutoModelForSequenceClassification.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(
        folder
    )


@cache
def _tfidf() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    frame = pd.read_csv(MADE / "train.csv")
    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000, random_state=SEED),
    )
    return pipeline.fit(frame["text"], frame["label"])  # numbers of labels, so that columns are in order
