"""Measures of answers: how right, how sure, and how alike, also on edited texts."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import log_softmax, softmax

from bench.detection.measure import Measure, Texts, per_text, pooled
from distillens import tables
from distillens.evaluation.inputs import Run, Settings
from distillens.metrics.probabilities import ece


def measures(folder: Path, task: str, s: Settings) -> Iterator[Measure]:
    """Of the explained texts."""
    texts = tables.read(folder / "data" / task / "explained.parquet", "examples").to_pandas()
    texts = texts.set_index("example_id")
    labels = np.array([s.task_settings["labels"].index(name) for name in texts["label_name"]])
    logits: dict[Run, np.ndarray] = {}
    edited: dict[Run, np.ndarray] = {}
    for path in sorted((folder / "predictions" / task).glob("*/[0-9]*.parquet")):
        run = (path.parent.name, int(path.stem))
        frame = tables.read(path, "predictions").to_pandas()
        plain = frame["perturbation"] == "none"
        own = frame[plain].set_index("example_id")["logits"]
        logits[run] = np.stack(own[texts.index].to_list())
        if not plain.all():
            edited[run] = _answers(frame[~plain])
    right = {run: (own.argmax(1) == labels).astype(float) for run, own in logits.items()}
    shares = {run: softmax(own, axis=1) for run, own in logits.items()}
    gold = np.eye(len(s.task_settings["labels"]))[labels]
    briers = {run: -((own - gold) ** 2).sum(1) for run, own in shares.items()}
    surely = {run: np.column_stack([labels, own]) for run, own in shares.items()}
    yield per_text("accuracy", 1, right, _itself, s)
    yield per_text("Brier score", 1, briers, _itself, s)
    yield pooled("ECE", surely, _calibration, lambda own, _: own, s)
    yield per_text("equal answers", 1, logits, _equal, s)
    yield per_text("KL of answers", 1, logits, _kl, s)
    yield per_text("distance of answers", 1, shares, _distance, s)
    if edited:
        edits = next(iter(edited.values())).shape[1]
        yield per_text("equal answers to edited texts", edits, edited, _equal_where_edited, s)


def _itself(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the first run is by itself: C - S is what it lacks beside its teacher's runs."""
    return a


def _calibration(own: np.ndarray, few: Texts) -> float:
    """Less the expected calibration error."""
    chosen = own[few]
    return -float(ece(chosen[:, 0], chosen[:, 1:])(np.ones(len(chosen))))


def _equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a.argmax(1) == b.argmax(1)).astype(float)


def _equal_where_edited(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Share of a text's edits; one that is not possible is NaN in both."""
    return ((a == b) | np.isnan(a)).mean(1)


def _kl(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Less both divergences."""
    one, other = log_softmax(a, axis=1), log_softmax(b, axis=1)
    return -((np.exp(one) - np.exp(other)) * (one - other)).sum(1)


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """One less the total variation."""
    return 1 - np.abs(a - b).sum(1) / 2


def _answers(frame: pd.DataFrame) -> np.ndarray:
    """Answers to the edits of each text, one row a text."""
    frame = frame.assign(answer=[int(np.argmax(row)) for row in frame["logits"]])
    wide = frame.pivot_table(index="example_id", columns=["perturbation", "repeat"], values="answer")
    return wide.sort_index().to_numpy()
