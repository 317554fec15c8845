"""What is found, how small, and what else finds it: ``python -m bench.detection [RESULTS]``.

A finished study with planted drifts of known size (resources/studies/detection-mini.yaml) is judged again on
parts of its texts, as if it had no more. Step by step:

1. Every measure is a number for each text and each two runs: the agreement of two attributions, or whether
   answers are equal, or how near they are. So all go through the same test: is a student's run less like its
   teacher's runs than these are like each other?
2. Students that are the teacher's recipe again set each measure's threshold: the p-value that one part in
   twenty of theirs falls below. So all measures have the same rate of false alarms.
3. How often a student falls below it, over parts drawn at random, is the power at that number of texts.

Nothing is trained or explained again. Texts are drawn, runs are those that there are: a curve says what other
texts would show of these very students.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from bench import table
from bench.detection_measures import Measure, measures_of
from distillens.data.text import seed_of
from distillens.metrics.calibration import design_of
from distillens.metrics.run_pairs import RunPairs
from distillens.report.results import Results, load

TEXTS = (25, 50, 100, 200, 400)
DRAWS = 200
_MOST = 0.8  # of the texts: parts that are nearly all of them are alike
ALARMS, POWER = 0.05, 0.8
_DRIFT = np.array([-1.0, 1.0, 0.0, 0.0])
_COLUMNS = ["task", "student", "plant", "size", "measure", "texts", "drift", "found"]


NULL = "the recipe again"


class Plant(NamedTuple):
    """What a student has that its teacher has not: a kind, and how much of it."""

    kind: str
    size: float


def main() -> None:
    """Judge, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    add = parser.add_argument
    add("results", type=Path, nargs="?", default=Path("results/detection-mini"), help="a finished study")
    add("--draws", type=int, default=DRAWS, help="parts of the texts, of each size")
    add("--out", type=Path, help="where the files go; by default RESULTS/report")
    given = parser.parse_args()
    results = load(given.results)
    frame, words = found(results, given.draws), first_words(results)
    out = given.out or given.results / "report"
    out.mkdir(parents=True, exist_ok=True)
    frame.to_csv(out / "detection.csv", index=False)
    words.to_csv(out / "detection-words.csv", index=False)
    numbers = sorted(frame["texts"].unique())
    parts = [*(by_size(frame, count) for count in numbers), smallest(frame), alarms(frame), by_words(words)]
    text = "\n\n".join(parts) + "\n"
    (out / "detection.md").write_text(text, "utf-8")
    print(text)


def plants(results: Results) -> dict[str, Plant]:
    """The plant of every student, as its block of the config says.

    One that is trained just as its teacher is has none (`NULL`); any other student without a plant is a kind
    of its own.
    """
    models = results.settings["models"]
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


def found(results: Results, draws: int) -> pd.DataFrame:
    """A row for each student, measure and number of texts: how often its drift is found.

    Returns
    -------
    DataFrame
        ``drift`` is the measure's C - S on all texts; ``found`` the share of parts in which the student falls
        below the measure's threshold.
    """
    known, rows = plants(results), []
    for task in results.settings["tasks"]:
        for measure in tqdm(list(measures_of(results, task)), desc=f"measures of {task}"):
            p_values = {
                (student, count): list(_p_values(measure, student, count, draws, results.settings["seed"]))
                for student in measure.students
                for count in TEXTS
                if count <= _MOST * measure.texts
            }
            for (student, count), of_parts in p_values.items():
                none = [
                    p
                    for (other, n), ps in p_values.items()
                    if n == count and known[other].kind == NULL and other != student
                    for p in ps
                ]
                threshold = np.quantile(none, ALARMS) if none else np.nan
                share = float(np.mean([p < threshold for p in of_parts])) if none else np.nan
                plant = known[student]
                rows.append((task, student, plant.kind, plant.size, measure.name, count,
                             measure.drift(student), share))  # fmt: skip
    return pd.DataFrame(rows, columns=_COLUMNS)


def _p_values(measure: Measure, student: str, count: int, draws: int, seed: int) -> Iterator[float]:
    pairs = measure.students[student]
    for part in range(draws):
        generator = np.random.default_rng(seed_of(seed, measure.name, count, part))
        few = np.zeros(measure.texts, dtype=bool)
        few[generator.permutation(measure.texts)[:count]] = True
        yield p_value(pairs.on(few), measure.teachers[..., few])


def p_value(students: RunPairs, teachers: np.ndarray) -> float:
    """Of a student's runs being as like its teacher's runs as these are like each other; one-sided.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> teachers = rng.normal(0.8, 0.1, (3, 3, 50))
    >>> p_value(RunPairs.of(rng.normal(0.5, 0.1, (3, 3, 50))), teachers) < 0.001
    True
    """
    columns, _ = design_of(students, teachers, RunPairs(np.zeros_like(students.values), students.compared))
    return 1.0 if columns is None else columns.p_above(_DRIFT)


def first_words(results: Results) -> pd.DataFrame:
    """For each planted word: its place among a student's words, by how sure their shift is.

    The place is that of the word among all words of the table, by the distance of the shift's interval from
    zero in units of its half; 1 is the first.
    """
    known, rows = plants(results), []
    frame = results.word_shifts
    frame = frame[frame["kind"] == "word"]
    for (task, student, explainer), own in frame.groupby(["task", "student", "explainer"]):
        sure = (own["shift"] / (own["shift_high"] - own["shift_low"])).abs()
        place = dict(zip(own["name"], sure.rank(ascending=False, method="min"), strict=True))
        for word in known[student].kind.split():
            if word in place:
                rows.append((task, student, known[student].size, explainer, word, place[word], len(own)))
    columns = ["task", "student", "size", "explainer", "word", "place", "words"]
    return pd.DataFrame(rows, columns=columns)


def by_size(frame: pd.DataFrame, texts: int) -> str:
    """How often each plant is found, by each measure."""
    own = frame[frame["texts"] == texts]
    wide = own.pivot_table(index=["plant", "size", "student"], columns="measure", values="found")
    return f"## Found with {texts} texts, of 100 parts\n\n" + _markdown(wide.mul(100).round().reset_index())


def smallest(frame: pd.DataFrame) -> str:
    """The smallest size of each kind that is found in four of five parts, and in all larger ones."""
    rows = []
    for (kind, measure, texts), own in frame[frame["plant"] != NULL].groupby(["plant", "measure", "texts"]):
        sizes = own.groupby("size")["found"].min().sort_index(ascending=False)
        enough = [size for size, ok in (sizes >= POWER).cummin().items() if ok]
        rows.append((kind, measure, texts, min(enough) if enough else np.nan))
    sizes_of = pd.DataFrame(rows, columns=["plant", "measure", "texts", "size"])
    wide = sizes_of.pivot_table(index=["plant", "measure"], columns="texts", values="size", dropna=False)
    return f"## Smallest plant found with a power of {POWER:.0%}, by texts\n\n" + _markdown(
        wide.reset_index()
    )


def alarms(frame: pd.DataFrame) -> str:
    """How often a student without a plant is found, by the threshold that the others set."""
    own = frame[frame["plant"] == NULL]
    wide = own.pivot_table(index=["student", "measure"], columns="texts", values="found")
    return "## False alarms\n\n" + _markdown(wide.mul(100).round().reset_index())


def by_words(words: pd.DataFrame) -> str:
    """How many planted words come first, among the first three and the first ten."""
    rows = [
        (explainer, size, len(own), *(round(100 * (own["place"] <= first).mean()) for first in (1, 3, 10)))
        for (explainer, size), own in words.groupby(["explainer", "size"])
    ]
    head = ["explainer", "size", "words", "first %", "in 3 %", "in 10 %"]
    return "## Which words\n\n" + _markdown(pd.DataFrame(rows, columns=head))


def _markdown(frame: pd.DataFrame) -> str:
    rows = [["" if value != value else f"{value:g}" if isinstance(value, float) else str(value)
             for value in row] for row in frame.itertuples(index=False)]  # fmt: skip
    return table.table([str(column) for column in frame.columns], rows)


if __name__ == "__main__":
    main()
