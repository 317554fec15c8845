"""Runs a study's workflow for a command that shows progress instead of Snakemake's own words."""

import re
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from distillens.cli.errors import CommandError
from distillens.cli.run import snakemake

_STEPS = re.compile(r"(\d+) of (\d+) steps")
_ERROR = re.compile(r"^\s*(?:[\w.]*\.)?(\w+(?:Error|Exception))(?: in file [^:]+)?: *(.*)")
_RULE = re.compile(r"^Error in rule (\w+)")
_DIED = re.compile(r" died with <Signals\.(\w+)")
_TAIL = 30


def execute(config: Path, folder: Path, study: str, given: Sequence[str], console: Console) -> None:
    """Run a study's workflow in a folder, with its progress.

    Parameters
    ----------
    config : Path
        Of the study, as seen from the folder.
    folder : Path
    study : str
        Its name.
    given : sequence of str
        What Snakemake is given: targets, then options.
    console : Console

    Raises
    ------
    CommandError
        If it fails: with its last error, and where all of it stands.
    """
    log = folder / "logs" / study / "audit.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command, environment = snakemake(config, *given)
    tail: deque[str] = deque(maxlen=_TAIL)
    said = where = ""
    look = (TextColumn("jobs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        log.open("a", encoding="utf-8") as kept,
        Progress(*look, console=console, transient=True) as progress,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=folder,
            env=environment,
        ) as process,
    ):
        bar = progress.add_task("jobs", total=None)
        for line in process.stdout or ():
            kept.write(line)
            tail.append(line)
            if match := _STEPS.search(line):
                progress.update(bar, completed=int(match[1]), total=int(match[2]))
            if match := _ERROR.match(line):
                said = match[2] or said
            if match := _RULE.match(line):
                where = f" in {match[1]}"
            if match := _DIED.search(line):
                said = f"its job was ended by {match[1]}"
    if process.returncode:
        why = said or "".join(tail).strip()[-2000:]
        raise CommandError(f"the workflow stopped{where}: {why}; all of it: {log}")
