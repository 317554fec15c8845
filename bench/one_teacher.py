"""How often one teacher's ladder says what its runs say: ``python -m bench.one_teacher [RESULTS]``.

A finished study whose teacher has three runs or more, and a ladder, is judged again with all of the teacher's
runs but one hidden: each run in turn stands alone with its own ladder, and with the student's run that was
made from it (or has its place among the student's runs, where it was made from none). Nothing is trained
or explained again. Written are a row for each student, run and accepted damage, and a table of how
often both verdicts agree.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench.finished import score_settings, study_of
from distillens import tables
from distillens.config.study import Study
from distillens.evaluation.place_students import LadderFiles, place_students
from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, overall
from distillens.report.results import Results, load

ACCEPTED = (0.1, 0.3, 0.5, 0.6)
_COLUMNS = ["task", "student", "run", "explainer", "accept", "agreement", "accepted", "one_teacher", "runs"]


def main() -> None:
    """Judge, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.one_teacher", description=__doc__)
    add = parser.add_argument
    add("results", type=Path, nargs="?", default=Path("results/one-teacher-mini"), help="a finished study")
    add("--accept", type=float, action="append", help=f"doses of prune; by default {ACCEPTED}")
    add("--out", type=Path, help="where one-teacher.csv and .md go; by default RESULTS/report")
    given = parser.parse_args()
    frame = hidden(load(given.results), given.accept or ACCEPTED)
    out = given.out or given.results / "report"
    out.mkdir(parents=True, exist_ok=True)
    frame.to_csv(out / "one-teacher.csv", index=False)
    text = "\n\n".join([by_accept(frame), by_student(frame)]) + "\n"
    (out / "one-teacher.md").write_text(text, "utf-8")
    print(text)


def hidden(results: Results, accepted: Sequence[float]) -> pd.DataFrame:
    """A row for each student, run of the teacher, explainer and accepted dose: both verdicts."""
    study = study_of(results)
    rows = []
    for task in study.config["tasks"]:
        runs = _by_runs(results, task)
        for teacher in study.ladder["teachers"]:
            for place, seed in enumerate(study.config["models"][teacher]["seeds"]):
                for dose in accepted:
                    for row in _alone(results, study, task, (teacher, seed, place), dose):
                        word = runs[row["student"], row["explainer"]]
                        rows.append({"task": task, "run": seed, "accept": dose, "runs": word, **row})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _by_runs(results: Results, task: str) -> dict[tuple[str, str], str]:
    frame = results.drift[results.drift["task"] == task]
    return {
        (row["student"], row["explainer"]): overall([row])
        for row in frame[frame["metric"] == HEADLINE].to_dict("records")
    }


def _alone(
    results: Results, study: Study, task: str, run: tuple[str, int, int], dose: float
) -> Iterator[dict[str, Any]]:
    """The rows of one run of a teacher, as if it were its only one."""
    (teacher, seed, place), models, folder = run, study.config["models"], results.folder
    seeds = {teacher: [seed]}
    for name, model in models.items():
        if model["teacher"] == teacher:
            paired = model["teacher_seeds"]
            own = [one for one, of in zip(model["seeds"], paired or [], strict=False) if of == seed]
            own = own or ([] if paired else model["seeds"][place : place + 1])
            seeds |= {name: own} if own else {}
    full = score_settings(study, task)
    settings = replace(
        full,
        seeds=seeds,
        teachers={name: models[name]["teacher"] for name in seeds},
        teacher_seeds={name: [seed] for name in seeds if models[name]["teacher_seeds"]},
    )
    explainers = study.ladder["explainers"]

    def of(kind: str, names: Sequence[str]) -> list[Path]:
        paths = [
            folder / kind / task / name / str(one) / f"{explainer}.parquet"
            for name in names
            for one in seeds[name]
            for explainer in explainers
        ]
        return [path for path in paths if kind != "explanations_again" or path.is_file()]

    with tempfile.TemporaryDirectory() as scratch:
        out = {name: Path(scratch, f"{name}.parquet") for name in ("placements", "ladders")}
        files = LadderFiles(
            folder / "data" / task / "explained.parquet",
            folder / "metrics" / task / "performance.parquet",
            of("explanations", list(seeds)),
            of("rungs", [teacher]),
            of("explanations_again", [teacher]),
        )
        place_students(files, settings=settings, accept={"prune": dose}, **out)
        for row in tables.read(out["placements"], "placements").to_pylist():
            if row["metric"] == HEADLINE and row["verdict"] is not None:
                placement = {key: row[key] for key in ("student", "explainer", "agreement", "accepted")}
                yield placement | {"one_teacher": row["verdict"]}


def by_accept(frame: pd.DataFrame) -> str:
    """For each accepted damage how often both verdicts agree, contradict each other, or only one tells.

    What is gated by either is no verdict, and counted apart.
    """
    lines = ["| accepted | students and runs | agree | contradict | only the ladder tells | only runs tell | "
             "neither | gated |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for dose, own in frame.groupby("accept"):
        kinds = Counter(map(_kind, own["one_teacher"], own["runs"]))
        cells = [f"prune {dose:g}", len(own), *(kinds[kind] for kind in _KINDS)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


_KINDS = ("agree", "contradict", "one teacher", "runs", "neither", GATED)


def _kind(one: str, other: str) -> str:
    if GATED in (one, other):
        return GATED
    told = (one in (DRIFTS, KEEPS), other in (DRIFTS, KEEPS))
    if all(told):
        return "agree" if one == other else "contradict"
    return "one teacher" if told[0] else "runs" if told[1] else "neither"


def by_student(frame: pd.DataFrame) -> str:
    """For each student the verdict by runs, and those by each run alone with its ladder."""
    doses = sorted(frame["accept"].unique())
    lines = [f"| student | by runs | S | {' | '.join(f'prune {dose:g}' for dose in doses)} |",
             "|---|---|---|" + "---|" * len(doses)]  # fmt: skip
    for (student, explainer), own in frame.groupby(["student", "explainer"], sort=False):
        name = student if frame["explainer"].nunique() == 1 else f"{student}, {explainer}"
        spread = own.groupby("run")["agreement"].first()
        cells = [name, own["runs"].iloc[0], f"{spread.min():.2f} to {spread.max():.2f}"]
        for dose in doses:
            words = Counter(own[own["accept"] == dose]["one_teacher"])
            cells.append(", ".join(f"{number} {word}" for word, number in words.most_common()))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
