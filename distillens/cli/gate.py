"""Whether a finished study passes: an exit status for builds, and files that they show."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.text import Text

from distillens.cli.errors import CommandError
from distillens.metrics.verdict import DRIFTS, KEEPS
from distillens.provenance import ROOT
from distillens.report import outcome, outcome_formats
from distillens.report.baseline import BaselineError, compare, unpaired
from distillens.report.outcome_status import FAILING, failures, status
from distillens.report.results import Results, load

HELP = """Judge a finished study: an exit status for a build, and files that it can show.

  0  no drift found, for every student and task
  1  broken input: no results, or a baseline that is about something else
  2  a wrong option
  3  drift found
  4  not decided
  5  nothing measured: no student, or one that is not shown to beat a constant answer
  6  worse than the baseline

Of several the first that holds of 3, 6, 5, 4 counts. --allow takes what shall not fail."""

_ALLOWED = {word.replace(" ", "-"): word for word in FAILING}
_SCHEMA = ROOT / "workflow" / "schemas" / "outcome.schema.yaml"
_STYLE = {KEEPS: "bold green", DRIFTS: "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["results/audit", "--allow", "not-decided"]).allow
    ['not decided']
    """
    parser.add_argument("results", type=Path, metavar="RESULTS", help="results/STUDY")
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what `audit` takes as well.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_options(parser)
    >>> parser.parse_args(["--json", "audit.json"]).json.name
    'audit.json'
    """
    parser.add_argument(
        "--allow",
        type=_words,
        default=[],
        metavar="WORDS",
        help=f"do not fail: {', '.join(_ALLOWED)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the verdicts, and all that they rest on")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="a test case per student, as JUnit XML")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="a summary, and a section of a model card"
    )
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="an earlier --json: is a student worse than that?"
    )


@dataclass(frozen=True)
class Rules:
    """What does not fail, what is compared with, and the files that are wanted."""

    allow: tuple[str, ...] = ()
    against: Mapping[str, Any] | None = None
    files: Mapping[str, Path | None] = field(default_factory=dict)

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Rules":
        """The rules that the options say; a baseline is read before anything is run.

        Raises
        ------
        CommandError
            If the baseline is none.
        """
        against = None if arguments.against is None else baseline(arguments.against)
        names = ("json", "junit", "markdown")
        return cls(tuple(arguments.allow), against, {name: getattr(arguments, name) for name in names})


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Judge, print, write; return the exit status."""
    return judge(load(arguments.results), Rules.of(arguments), console)


def judge(results: Results, rules: Rules, console: Console) -> int:
    """Print the verdicts, write the files that are wanted, and return the exit status.

    Raises
    ------
    CommandError
        If the baseline is about something else.
    """
    record = outcome.of(results)
    record["against"] = []
    if rules.against is not None:
        try:
            record["against"] = compare(record, rules.against)
            record["remarks"] += unpaired(record, rules.against)
        except BaselineError as error:
            raise CommandError(f"--against: the baseline {error}") from None
    failing = failures(record, rules.allow)
    record["status"] = status(record, rules.allow)
    written = {
        "json": lambda: json.dumps(record, indent=1, ensure_ascii=False) + "\n",
        "junit": lambda: outcome_formats.junit(record, failing),
        "markdown": lambda: outcome_formats.markdown(record, failing),
    }
    for name, path in rules.files.items():
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written[name](), encoding="utf-8")
    _print(record, failing, console)
    return record["status"]


def baseline(path: Path) -> dict[str, Any]:
    """Read an earlier record.

    Raises
    ------
    CommandError
        If the file is none.

    Examples
    --------
    >>> baseline(Path("nowhere.json"))
    Traceback (most recent call last):
        ...
    distillens.cli.errors.CommandError: --against: no file nowhere.json; give what --json wrote
    """
    import jsonschema  # all else of the gate does without it

    if not path.is_file():
        raise CommandError(f"--against: no file {path}; give what --json wrote")
    try:
        record = json.loads(path.read_text("utf-8"))
        if isinstance(record, dict) and record.get("format", outcome.FORMAT) != outcome.FORMAT:
            raise CommandError(
                f"--against: {path} has format {record['format']!r}, this distillens reads {outcome.FORMAT}; "
                "make a baseline anew"
            )
        jsonschema.validate(record, yaml.safe_load(_SCHEMA.read_text("utf-8")))
    except (ValueError, jsonschema.ValidationError) as error:
        said = str(error).partition("\n")[0]
        raise CommandError(f"--against: {path} is not what --json writes: {said}") from None
    return record


def _print(record: Mapping[str, Any], failing: Mapping[tuple[str, str], list[str]], console: Console) -> None:
    if not record["students"]:
        console.print("No student was compared with a teacher: nothing measured.")
    several = len({one["task"] for one in record["students"]}) > 1
    for one in record["students"]:
        name = f"{one['student']} on {one['task']}" if several else one["student"]
        by = f" by {one['reference']}" if one["reference"] else ", without a reference"
        agreed = "; ".join(map(outcome_formats.agreement, one["explainers"])) or "not measured"
        word = (one["verdict"], _STYLE.get(one["verdict"], "yellow"))
        console.print(
            Text.assemble((name, "bold"), ": ", word, f"{by} (agreement: {agreed})"), soft_wrap=True
        )
    for remark in record["remarks"]:
        console.print(remark, style="yellow", soft_wrap=True, highlight=False, markup=False)
    for row in record["against"]:
        word = "worse than the baseline" if row["worse"] else "not shown to be worse than the baseline"
        word = word if row["n"] else "cannot be compared with the baseline"
        difference = "undefined" if row["difference"] is None else f"{row['difference']:+.3f}"
        console.print(f"{row['student']} by {row['explainer']}: {word} ({difference}, n = {row['n']})")
    if failing:
        console.print(f"fails: {', '.join(name for _, name in failing)}", style="red")


def _words(text: str) -> list[str]:
    unknown = [word for word in text.split(",") if word not in _ALLOWED]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(_ALLOWED)}")
    return [_ALLOWED[word] for word in text.split(",")]
