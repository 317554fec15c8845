"""The command line: one command a file.

A command has ``HELP``, ``add_arguments(parser)`` and ``run(arguments, console)``, and its line in
``_COMMANDS``.

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

import yaml
from rich.console import Console

from distillens.cli import check, explain, verdict
from distillens.cli.errors import CommandError
from distillens.config.validate import ConfigError
from distillens.tables import TableError

_COMMANDS = {"check": check, "explain": explain, "verdict": verdict}
_ABOUT = """Does a distilled or compressed text classifier still reason like its teacher?

A study is run by Snakemake (see README.md); these commands look at one:
before it, what it would cost; after it, its verdict; and one text of your own.
"""
_EXAMPLES = """examples:
  python -m distillens check config.yaml
  python -m distillens verdict results/quickstart
  python -m distillens explain --study results/quickstart --text "Slow, but never dull."

`python -m distillens COMMAND --help` says more. Results for your own programs:
  import distillens; distillens.load("results/quickstart").drift
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        0, or 1 where something is wrong, which is said in one line.

    Examples
    --------
    >>> main(["verdict", "nowhere"])  # and on stderr: error: nowhere: no such folder; give results/STUDY
    1
    """
    given = _parser().parse_args(arguments)
    try:
        return _COMMANDS[given.command].run(given, Console()) or 0
    except (CommandError, ConfigError, TableError, yaml.YAMLError) as error:
        Console(stderr=True).print(f"[bold red]error:[/] {_plain(error)}", soft_wrap=True, highlight=False)
        return 1


def _plain(error: Exception) -> str:
    return str(error).replace("[", "\\[")


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m distillens", description=_ABOUT, epilog=_EXAMPLES, formatter_class=formatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        summary, _, details = module.HELP.partition("\n")
        command = commands.add_parser(
            name, help=summary, description=f"{summary}\n{details}".strip(), formatter_class=formatter
        )
        module.add_arguments(command)
    return parser
