"""The command line: one command a file.

A command has ``HELP``, ``add_arguments(parser)`` and ``run(arguments, console)``, and its name in
``_COMMANDS``; without ``add_arguments`` it is given what stands behind its name. It is imported when
it is called, since reading results needs neither torch nor Snakemake.

Examples
--------
A whole command: it counts the words of a text.

>>> HELP = "Count words."
>>> def add_arguments(parser):
...     parser.add_argument("text")
>>> def run(arguments, console):
...     console.print(len(arguments.text.split()))

>>> parser = argparse.ArgumentParser(description=HELP)
>>> add_arguments(parser)
>>> run(parser.parse_args(["never dull"]), Console(width=20))
2
"""

import argparse
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from rich.console import Console

from distillens import registry
from distillens.cli.errors import CommandError
from distillens.config.errors import ConfigError
from distillens.data.errors import DataError
from distillens.data.segmentation import SegmentationError
from distillens.provenance import DOCUMENTATION
from distillens.tables import TableError

_COMMANDS = ("audit", "run", "check", "extend", "verdict", "gate", "compare", "explain")
_ABOUT = """Does a distilled or compressed text classifier still reason like its teacher?

Paths, those in a study's YAML file too, are relative to the folder that you are in; results
go to results/STUDY there.
"""
_EXAMPLES = """examples:
  distillens audit --teacher production --student compressed --data reviews.csv
  distillens run                          # the quickstart
  distillens check mine.yaml              # is it right, and what would it cost?
  distillens run mine.yaml --cores 4
  distillens extend results/mine          # as many texts as the verdict needs
  distillens verdict results/mine
  distillens compare results/v1 results/v2
  distillens explain --study results/mine --text "Slow, but never dull."

`distillens COMMAND --help` says more. Results for your own programs:
  import distillens; distillens.load("results/quickstart").drift
"""
_PAGES = f"documentation: {DOCUMENTATION}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        0, or 1 where something is wrong, which is said in one line; a command may have others.

    Examples
    --------
    >>> main(["verdict", "nowhere"])  # and on stderr: error: nowhere: no such folder; give results/STUDY
    1
    """
    name, rest = _parsed(arguments)
    try:
        command = registry.module("command", name)
        return command.run(_arguments_of(name, command, rest), Console()) or 0
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("", "distillens"):
            raise
        wrong = f"{name} needs {error.name}: pip install 'distillens[run]'"
    except (CommandError, ConfigError, DataError, SegmentationError, TableError) as error:
        wrong = str(error)
    except OSError as error:  # a path that a command was given
        if error.filename is None:
            raise
        wrong = f"{error.filename}: {error.strerror}; give a path that can be read, or written to"
    message = wrong.replace("[", "\\[")
    Console(stderr=True).print(f"[bold red]error:[/] {message}", soft_wrap=True, highlight=False)
    return 1


def _parsed(arguments: Sequence[str] | None) -> tuple[str, list[str]]:
    """The command, and what stands behind it."""
    summaries = {name: registry.literal("command", name, "HELP").partition("\n")[0] for name in _COMMANDS}
    commands = "\n".join(f"  {name:10}{summary}" for name, summary in summaries.items())
    parser = _parser("distillens", _ABOUT, epilog=f"commands:\n{commands}\n\n{_EXAMPLES}\n{_PAGES}")
    parser.add_argument("command", choices=_COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    options = parser.parse_args(arguments)
    return options.command, options.rest


def _arguments_of(name: str, command: ModuleType, rest: list[str]) -> Any:
    parser = _parser(f"distillens {name}", command.HELP, usage=getattr(command, "USAGE", None), epilog=_PAGES)
    if hasattr(command, "add_arguments"):
        command.add_arguments(parser)
    elif rest[:1] not in (["-h"], ["--help"]):
        return rest
    return parser.parse_args(rest)


def _parser(name: str, about: str, **more: Any) -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(name, description=about, formatter_class=formatter, **more)
