"""More texts for a finished study, as many as its verdicts need."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from distillens.cli import pilot
from distillens.cli.errors import CommandError
from distillens.cli.execute import execute
from distillens.cli.run import is_pilot
from distillens.config import yaml_file
from distillens.config.errors import ConfigError
from distillens.provenance import ROOT

HELP = """Explain as many texts as the verdicts of a study need, and no more.

The texts that are there are a pilot: their noise, not the effect that they show, says how many tell the
difference that the reference calls for in four of five studies. What was
explained is not explained again. The number is written to RESULTS/texts.yaml, and every later run of
the study obeys it; delete that file to begin with the pilot again.

examples:
  distillens extend results/audit --most 500
  distillens extend results/mine --config mine.yaml"""

MOST = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["results/audit", "--most", "300"]).most
    300
    """
    parser.add_argument("results", type=Path, metavar="RESULTS", help="results/STUDY")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the study's config, if not found")
    parser.add_argument(
        "--most", type=int, metavar="N", help=f"texts of each task, at most ({MOST}, or the config's own)"
    )
    parser.add_argument("--cores", default="all", metavar="N", help="by default all")


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Plan, explain, and judge again.

    Raises
    ------
    CommandError
        If there is no such study or config, or the workflow fails.
    """
    results = arguments.results
    if not results.is_dir():
        raise CommandError(f"{results}: no such folder; give results/STUDY")
    place = Path(os.path.abspath(results))  # a link to results is where the study is, not what it leads to
    folder, study = place.parents[1], place.name
    file = arguments.config or find(folder, study)
    content = yaml_file.read(file) if file.is_file() else None
    if _named(content) != study:
        raise CommandError(f"--config: {file} is not the config of study {study!r}")
    if arguments.most is not None and arguments.most < 2:
        raise CommandError("--most: at least 2")

    def go(targets: Sequence[str]) -> None:
        execute(file.absolute(), folder, study, [*targets, "--cores", str(arguments.cores)], console)

    pilot.until_told(file, folder, go, console, arguments.most or (None if is_pilot(content) else MOST))
    console.print(f"page: {results / 'report' / 'index.html'}", soft_wrap=True, highlight=False)


def find(folder: Path, study: str) -> Path:
    """The config of a study: a YAML file beside its results, else one of the project's.

    Raises
    ------
    CommandError
        If there is none, or several.

    Examples
    --------
    >>> _ = Path("mine.yaml").write_text("study: films")
    >>> find(Path("."), "films").name
    'mine.yaml'
    """
    places = [(folder, "*.yaml"), (ROOT, "config.yaml"), (ROOT / "resources" / "studies", "*.yaml")]
    for place, pattern in places:
        files = [file for file in sorted(place.glob(pattern)) if _study(file) == study]
        if len(files) > 1:
            raise CommandError(f"{', '.join(map(str, files))}: all are study {study!r}; name one by --config")
        if files:
            return files[0]
    raise CommandError(f"no config of study {study!r} in {folder}; name it by --config")


def _study(file: Path) -> str | None:
    try:
        return _named(yaml_file.read(file))
    except (ConfigError, OSError):
        return None


def _named(content: Any) -> Any:
    return content.get("study") if isinstance(content, dict) else None
