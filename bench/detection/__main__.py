"""Judge, print and keep: see the package."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

import bench.detection
from bench import table
from bench.detection import answers, curves, explanations, formula, spaces, summary, words
from bench.detection.measure import Measure
from bench.detection.power import DRAWS, POWER, plants, power
from bench.finished import score_settings, study_of
from distillens.report.results import Results, load

_TEXTS = 100


def main() -> None:
    """Judge, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=bench.detection.__doc__)
    add = parser.add_argument
    add("results", type=Path, nargs="?", default=Path("results/detection-mini"), help="a finished study")
    add("--draws", type=int, default=DRAWS, help="parts of the texts, of each size")
    add("--out", type=Path, help="where the files go; by default RESULTS/report")
    given = parser.parse_args()
    results = load(given.results)
    out = given.out or given.results / "report"
    out.mkdir(parents=True, exist_ok=True)
    known = plants(results.settings["models"])
    measures = list(measures_of(results))
    powers = power(measures, known, results.settings["seed"], given.draws)
    places = words.first_words(results.word_shifts, known)
    expected = formula.expected(measures, powers)
    for name, frame in {"": powers, "-words": places, "-formula": expected}.items():
        frame.round(4).to_csv(out / f"detection{name}.csv", index=False)
    shown = curves.shown(powers)
    curves.write(powers, shown, out / "figures")
    text = "\n\n".join(_sections(powers, shown, places, expected)) + "\n"
    (out / "detection.md").write_text(text, "utf-8")
    print(text)


def measures_of(results: Results) -> Iterator[Measure]:
    """All measures of a study of one task: of explanations, then of what is cheaper."""
    (task,) = results.settings["tasks"]
    settings = score_settings(study_of(results), task)
    for kind in (explanations, answers, spaces):
        yield from kind.measures(results.folder, task, settings)


def _sections(
    powers: pd.DataFrame, shown: list[str], places: pd.DataFrame, expected: pd.DataFrame
) -> Iterator[str]:
    tables = {
        f"Smallest plant found with a power of {POWER:.0%}, by texts": summary.smallest(
            powers[powers["measure"].isin(shown)]
        ),
        f"Found with {_TEXTS} texts, of 100 parts": summary.by_size(powers, _TEXTS, shown),
        "Power at equal cost": summary.ranked(powers),
        "False alarms, of 100 parts": summary.alarms(powers),
        "Which words": words.precision(places),
        "The formula beside the curves": formula.differences(expected),
        "Texts that the formula asks for": formula.asked(expected),
    }
    for title, frame in tables.items():
        yield f"## {title}\n\n{table.of_frame(frame, _cell)}"


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
