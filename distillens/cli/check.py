"""Whether a config is right, and what it would cost."""

import argparse
import re
import subprocess
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from distillens.cli import detection_limit, power_estimate
from distillens.cli.call_estimate import Calls, calls
from distillens.cli.cost_estimate import passes
from distillens.cli.errors import CommandError
from distillens.cli.own_inputs import open_all
from distillens.cli.run import snakemake
from distillens.config import black_box, reading, yaml_file
from distillens.config.files import refuse_duplicates
from distillens.config.texts import with_planned_texts
from distillens.config.validate import ConfigError, complete
from distillens.provenance import project_file
from distillens.report import nouns

HELP = """Check a config and all that it is given; print what it would cost, and what it could tell.

Nothing of the study is run, nothing is downloaded. Data, checkpoints and attributions that are on
this machine are opened as the jobs would open them; whatever is wrong with them is said at once.
Jobs are those of Snakemake's dry run in this folder: all of the study's,
and how many are left to do. Forward passes are upper bounds (those of
SHAP are about as many as it takes, which is never more than its max_evals), of texts as long as the
data that are there, else as long as the task allows (explain.max_words) or --words says.
Integrated Gradients is counted as if no text converged, which is rare: expect a small part of
it. Backward passes of gradients count as passes; those of training do not. Last comes what so
many texts could tell: expected intervals, the difference found in four of five studies, and how much of
a known drift each explainer has found with so many texts.

Of a model behind an endpoint, its texts and calls are printed beside its most_calls; no call is made. Texts
that its journal has are not asked again, and count here all the same."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["config.yaml", "--words", "30"]).words
    30
    """
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a study's YAML file")
    parser.add_argument("--allow-code", action="store_true", help="open functions that the config names")
    parser.add_argument("--words", type=int, metavar="N", help="words of a text that is not there yet")


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Print both tables.

    Raises
    ------
    CommandError
        If the config is none, something that it names cannot be used, or Snakemake refuses it.
    """
    file = project_file(arguments.config)
    allowed = ["--config", "allow_code=true"] if arguments.allow_code else []
    config = with_planned_texts(_read(file, arguments.allow_code))
    if arguments.words is not None and arguments.words < 1:
        raise CommandError("--words: a text has at least one")
    results = Path("results", config["study"])
    with console.status("opening data, checkpoints and attributions"):
        wrong, closed, remarks, lengths = open_all(config, results)
    if wrong:
        raise CommandError("\n  ".join([f"{file}: {len(wrong)} thing{'s' * (len(wrong) > 1)} wrong", *wrong]))
    if closed:
        console.print(f"not opened, to be downloaded first: {', '.join(closed)}", style="dim", soft_wrap=True)
    for remark in remarks:
        console.print(remark, style="yellow", soft_wrap=True)
    with console.status("asking Snakemake"):
        every, left = jobs(file, *allowed, "--forceall"), jobs(file, *allowed)
    console.print(_jobs(config["study"], every, left))
    with console.status("loading explainers"):
        # Of words the config tells enough; how many sentences there are, or windows, only the texts tell.
        told = lengths if config["windows"] or config["unit"] != "word" else {}
        estimates = passes(config, results, arguments.words, told)
    console.print(_passes(estimates))
    for line in (*power_estimate.lines(config, results), *detection_limit.lines(config)):
        console.print(line, soft_wrap=True, highlight=False)
    removal = nouns.named(black_box.removal_in_words(config), config["unit"])
    for line in (removal, *reading.in_words(config), *black_box.left_out(config)):
        console.print(line, soft_wrap=True, markup=False)
    asked = calls(config, results, arguments.words)
    if asked:
        console.print(_calls(asked))
    for row in asked:
        if not row.enough:
            console.print(
                f"models.{row.model}: most_calls ({row.most:,}) is reached before the study is done; what is "
                "answered by then is kept",
                soft_wrap=True,
            )


def jobs(config: Path, *more: str) -> dict[str, int]:
    """Jobs of a dry run, by rule.

    Raises
    ------
    CommandError
        If Snakemake refuses, such as for a file that is missing; with what it says.
    """
    quiet = ["--dry-run", "--nolock", "--quiet", "rules", "--cores", "1"]
    command, environment = snakemake(config, *quiet, "--profile", "none", "--workflow-profile", "none", *more)
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if said.returncode:
        raise CommandError(f"snakemake: {(said.stderr or said.stdout).strip()[-2000:]}")
    table = re.search(r"^job +count\n-.*\n((?:\w+ +\d+\n)+)", said.stdout + said.stderr, flags=re.MULTILINE)
    rows = (line.split() for line in table.group(1).splitlines()) if table else ()
    return {rule: int(count) for rule, count in rows if rule not in ("all", "total")}


def _read(path: Path, allow_code: bool) -> dict[str, Any]:
    if not path.is_file():
        raise CommandError(f"{path}: no such file")
    refuse_duplicates([path])
    content = yaml_file.read(path)
    if not isinstance(content, dict):
        raise CommandError(f"{path}: not a config; config.yaml is an example of one")
    try:
        return complete(content | ({"allow_code": True} if allow_code else {}))
    except ConfigError as error:
        raise CommandError(f"{path}: {error}") from None


def _jobs(study: str, every: dict[str, int], left: dict[str, int]) -> Table:
    table = _table(f"Jobs of {study}", "rule", "all", "left to do")
    for rule, count in every.items():
        table.add_row(rule, f"{count:,}", f"{left.get(rule, 0):,}")
    table.add_section()
    table.add_row("in all", f"{sum(every.values()):,}", f"{sum(left.values()):,}")
    return table


def _passes(estimates: list) -> Table:
    table = _table("Forward passes, at most", "rule", "of", "task", "jobs", "passes", numeric=2)
    for row in estimates:
        cells = (f"{row.runs:,}", "once fetched" if row.passes is None else f"{row.passes:,}")
        table.add_row(row.rule, row.what, row.task, *cells)
    table.add_section()
    total = sum(row.passes or 0 for row in estimates)
    open_ = any(row.passes is None for row in estimates)
    table.add_row("in all", "", "", "", f"{'at least ' if open_ else ''}{total:,}")
    return table


def _calls(asked: list[Calls]) -> Table:
    table = _table(
        "Calls of endpoints", "model", "texts, at most", "calls", "made so far", "most_calls", numeric=4
    )
    for row in asked:
        # Explainers ask in their own rhythm: not every call is full.
        least = "once fetched" if row.texts is None else f"{row.least:,}"
        span = least if row.texts is None or row.batch == 1 else f"{least} to {row.texts:,}"
        texts = "once fetched" if row.texts is None else f"{row.texts:,}"
        table.add_row(row.model, texts, span, f"{row.spent:,}", f"{row.most:,}")
    return table


def _table(title: str, *columns: str, numeric: int = 2) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number >= len(columns) - numeric else "left")
    return table
