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

NULL, NULL_COPY = "the recipe again", "bfloat16"
NULLS = (NULL, NULL_COPY)
"""What must not be found."""
BESIDE_COPY = " (beside bfloat16)"


class Plant(NamedTuple):
    """What a student has that its teacher has not: a kind, how much of it, and whether it is a copy.

    A copy has its teacher's weights, changed without training.
    """

    kind: str
    size: float
    copy: bool = False


def plants(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Plant]:
    """The plant of every student, as its block of the config says.

    One that is trained just as its teacher is has none (`NULL`), nor has a copy in fewer bits (`NULL_COPY`);
    any other student without a plant is a kind of its own.
    """
    return {name: _plant(name, one, models[one["teacher"]]) for name, one in models.items() if one["teacher"]}


def _plant(name: str, model: Mapping[str, Any], teacher: Mapping[str, Any]) -> Plant:
    compress, planted = model["compress"] or {}, (model["training"] or {}).get("plant") or {}
    if compress.get("method") == "mask_words":
        return Plant(" ".join(compress["words"]), compress["share"], copy=True)
    if compress.get("method") == "half":
        return Plant(NULL_COPY, 0.0, copy=True)
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
        verdict, with this explainer alone, says "drift found". The threshold is set by the students of
        the recipe again; one of these has it from the others, so that its power is the rate of false
        alarms. A copy has a second row (`BESIDE_COPY`): how often it is less like its teacher than all but
        one in twenty parts of the copy in bfloat16. What a copy has lost may be more than nothing, and less
        than the distance of another run.
    """
    rows = []
    for measure in measures:
        drift = measure.drift()
        for count in (count for count in TEXTS if count <= _MOST * measure.texts):
            evidence = _evidence(measure, count, seed, draws)
            for student, of_parts in evidence.items():
                plant, said = known[student], float(np.mean([one.said for one in of_parts]))
                scales = [(plant.kind, NULL, "amount", said)]
                if plant.copy and plant.kind != NULL_COPY:
                    scales.append((plant.kind + BESIDE_COPY, NULL_COPY, "unlike", math.nan))
                for kind, null, field, of_rule in scales:
                    share = _beyond(evidence, known, student, null, field)
                    rows.append((student, kind, plant.size, measure.name, measure.forwards, count,
                                 drift[student], share, of_rule))  # fmt: skip
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


def _beyond(
    evidence: Mapping[str, list[Evidence]], known: Mapping[str, Plant], student: str, null: str, field: str
) -> float:
    """The share of parts beyond what one in twenty of the other students without a plant exceeds.

    ``null`` is the kind of these students, ``field`` what of their evidence is compared. NaN without any.
    """
    others = [
        getattr(one, field)
        for other, of_parts in evidence.items()
        if known[other].kind == null and other != student
        for one in of_parts
    ]
    own = np.array([getattr(one, field) for one in evidence[student]])
    return float(np.mean(own > np.quantile(others, 1 - ALARMS))) if others else math.nan
