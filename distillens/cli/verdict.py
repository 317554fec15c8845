"""The verdict of a finished study."""

import argparse
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.text import Text

from distillens.cli import terminal
from distillens.data import repeats
from distillens.report import (
    costs,
    decision,
    diagnostics,
    long_texts,
    nouns,
    permutation,
    reasons,
    study_data,
    verdict,
)
from distillens.report.results import load

HELP = """Print the verdict of a finished study.

Per task and student: drift found, no drift found, or not decided, and what would decide;
A, how alike they reason by each explainer on a scale from chance (0) to two runs of the
teacher (1); and the scores of both. The page in RESULTS/report has all the rest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["results/quickstart"]).results.name
    'quickstart'
    """
    parser.add_argument("results", type=Path, metavar="RESULTS", help="results/STUDY")


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Print the table and the paragraph above it."""
    results = load(arguments.results)
    settings = dict(results.settings)
    study = study_data.study_of(settings, settings.pop("tasks"))
    aggregates, _ = study_data.scores(results.paths("metrics/*/performance.parquet"))
    drift = study_data.frame_of([arguments.results / "metrics" / "drift.parquet"], "drift")
    subjects = study_data.by_subject(aggregates)
    renamed = subjects["permuted"].to_dict("records")
    verdicts = verdict.of_study(study, subjects["performance"], drift, results.placements)
    console.print(
        Text.assemble(*((text, "bold" if strong else "") for text, strong in reasons.answer(verdicts)))
    )
    diagnosed = arguments.results / "report" / "tables" / "diagnostics.csv"
    reports = pd.read_csv(diagnosed).to_dict("records") if diagnosed.is_file() else []
    for warning in filter(None, (permutation.remarks(renamed), diagnostics.warning(reports))):
        console.print(warning, style="yellow", markup=False)
    console.print()
    decided = decision.decisions(study, verdicts, costs.read(results.paths("costs/*/*/*.parquet")))
    for one in permutation.with_questions(decided, study, renamed):
        said = "; ".join(
            filter(None, (one.evidence, one.parts, one.score, one.saving, f"next: {one.step}", one.command))
        )
        console.print(Text.assemble((one.student, "bold"), f": {one.word.text}; ", (said, "dim")))
    data = arguments.results / "data"
    repeated = [said for task in study.tasks for said in repeats.in_folder(task, data / task)]
    if verdicts:
        console.print()
        console.print(terminal.table(verdict.table(study, verdicts), console))
        for note in [*reasons.notes(study, verdicts), *repeated]:
            console.print(note, style="dim", markup=False)
        for reason in long_texts.reasons(verdicts, reports):
            console.print(nouns.named(reason, study.settings.get("unit", "word")), style="yellow")
