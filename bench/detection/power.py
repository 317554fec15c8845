"""How often each planted drift is found, by each measure, with so many texts."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from bench.detection.measure import Evidence, Measure
from distillens.data.text import seed_of

TEXTS = (25, 50, 100, 200, 400)
DRAWS = 200
ALARMS, POWER = 0.05, 0.8
_MOST = 0.8  # of the texts: parts that are nearly all of them are alike
COLUMNS = ["student", "plant", "size", "measure", "forwards", "texts", "drift", "power", "said"]

NULL = "the recipe again"


class Plant(NamedTuple):
    """What a student has that its teacher has not: a kind, and how much of it."""

    kind: str
    size: float


def plants(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Plant]:
    """The plant of every student, as its block of the config says.

    One that is trained just as its teacher is has none (`NULL`); any other student without a plant is a kind
    of its own.
    """
    return {name: _plant(name, one, models[one["teacher"]]) for name, one in models.items() if one["teacher"]}


def _plant(name: str, model: Mapping[str, Any], teacher: Mapping[str, Any]) -> Plant:
    compress, planted = model["compress"] or {}, (model["training"] or {}).get("plant") or {}
    if compress.get("method") == "mask_words":
        return Plant(" ".join(compress["words"]), compress["share"])
    if planted.get("method") == "shortcut":
        return Plant(planted["word"], planted["share"])
    if all(model[key] == teacher[key] for key in ("training", "layers", "checkpoint", "compress")):
        return Plant(NULL, 0.0)
    return Plant(name, 1.0)


def power(measures: Iterable[Measure], known: Mapping[str, Plant], seed: int, draws: int) -> pd.DataFrame:
    """A row for each student, measure and number of texts.

    Returns
    -------
    DataFrame
        ``drift`` is the measure's C - S on all texts; ``power`` the share of parts of the texts on which the
        student's evidence exceeds the measure's threshold; ``said`` the share on which the rule of the
        verdict, with this explainer alone, says "drift found". A student without a plant has its threshold
        from the others, so that its power is the rate of false alarms.
    """
    rows = []
    for measure in measures:
        drift = measure.drift()
        for count in (count for count in TEXTS if count <= _MOST * measure.texts):
            evidence = _evidence(measure, count, seed, draws)
            for student, of_parts in evidence.items():
                threshold = _threshold(evidence, known, student)
                found = float(np.mean([one.amount > threshold for one in of_parts]))
                said = float(np.mean([one.said for one in of_parts]))
                rows.append((student, *known[student], measure.name, measure.forwards, count,
                             drift[student], math.nan if math.isnan(threshold) else found, said))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def parts_of(texts: int, count: int, seed: int, draws: int) -> list[np.ndarray]:
    """Parts of so many texts, the same for all measures of these texts; shape (texts,) each.

    Examples
    --------
    >>> [int(part.sum()) for part in parts_of(10, 4, seed=1, draws=2)]
    [4, 4]
    """
    drawn = []
    for number in range(draws):
        part = np.zeros(texts, dtype=bool)
        part[np.random.default_rng(seed_of(seed, texts, count, number)).permutation(texts)[:count]] = True
        drawn.append(part)
    return drawn


def _evidence(measure: Measure, count: int, seed: int, draws: int) -> dict[str, list[Evidence]]:
    of_students = defaultdict(list)
    for few in tqdm(
        parts_of(measure.texts, count, seed, draws), desc=f"{measure.name}, {count}", leave=False
    ):
        for student, one in measure.evidence(few).items():
            of_students[student].append(one)
    return of_students


def _threshold(evidence: Mapping[str, list[Evidence]], known: Mapping[str, Plant], student: str) -> float:
    """What one in twenty parts of the other students without a plant exceeds; NaN of none."""
    none = [
        one.amount
        for other, of_parts in evidence.items()
        if known[other].kind == NULL and other != student
        for one in of_parts
    ]
    return float(np.quantile(none, 1 - ALARMS)) if none else math.nan
