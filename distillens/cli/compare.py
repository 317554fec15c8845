"""Two studies of the same students side by side, or the history of a student over several."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from distillens.cli.errors import CommandError
from distillens.report import history, outcome
from distillens.report.results import load

HELP = """Show what changed from one study to the next, on one page.

For each student: its verdict in every study, and how much more or less it agrees with its
teacher in the last than in the one before, with an interval where the texts are the same.
Give the oldest first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> [path.name for path in parser.parse_args(["results/v1", "results/v2"]).studies]
    ['v1', 'v2']
    """
    parser.add_argument(
        "studies", type=Path, nargs="+", metavar="RESULTS", help="results/STUDY, two or more, oldest first"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("compare.html"), metavar="FILE", help="the page (compare.html)"
    )


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Write the page, and print what changed.

    Raises
    ------
    CommandError
        If there are fewer than two studies, or one is named twice.
    """
    folders = arguments.studies
    if len(folders) < 2:
        raise CommandError("compare: give two studies or more, the oldest first")
    if twice := [str(folder) for folder, times in Counter(map(Path.resolve, folders)).items() if times > 1]:
        raise CommandError(f"compare: {twice[0]} is given twice; give different studies")
    records = {name: outcome.of(load(folder)) for name, folder in zip(_names(folders), folders, strict=True)}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(history.page(records), "utf-8")
    for task, student, words, said in history.changes(records):
        verdicts = " → ".join(word.text for word in words)
        console.print(Text.assemble((student, "bold"), f" on {task}: {verdicts}; {said}"), soft_wrap=True)
    console.print(f"page: {arguments.out}", soft_wrap=True)


def _names(folders: Sequence[Path]) -> list[str]:
    """The names of the studies' folders; their paths where two have one name.

    Examples
    --------
    >>> _names([Path("a/kd"), Path("b/kd")]), _names([Path("a/v1"), Path("a/v2")])
    (['a/kd', 'b/kd'], ['v1', 'v2'])
    >>> Path("latest").symlink_to("kd")  # a link has its own name
    >>> _names([Path("latest"), Path("b/kd/")])
    ['latest', 'kd']
    """
    names = [Path(os.path.abspath(folder)).name for folder in folders]
    return names if len(set(names)) == len(names) else [folder.as_posix() for folder in folders]
