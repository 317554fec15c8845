"""Run a study."""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from distillens.cli.errors import CommandError
from distillens.config import yaml_file
from distillens.config.errors import ConfigError
from distillens.models.forward_pass import sees_a_gpu
from distillens.provenance import ROOT, project_file

HELP = """Run a study; what is made already is not made again.

Without STUDY.yaml it is the quickstart. Paths in it are relative to the folder that you are in,
where results/, logs/ and benchmarks/ are written; `--directory FOLDER` takes another one. All cores
are used, unless --cores, --jobs, --executor or a profile says otherwise; on a GPU jobs run one at a time.

examples:
  distillens run mine.yaml -n                                   what would be done, and why
  distillens run mine.yaml --cores 4 --config seed=8
  distillens run mine.yaml --allow-code                         with functions of yours that it names
  distillens run mine.yaml --workflow-profile slurm             on a cluster
  distillens run mine.yaml --report report.zip                  Snakemake's own report, afterwards

`snakemake --help` has all options."""

USAGE = "distillens run [STUDY.yaml] [anything that snakemake takes]"

_ALLOW = "--allow-code"
_WHERE = (["--resources", "--res"], ["-e", "--executor"], ["--profile"], ["--workflow-profile"])
_LOOKS = tuple([name] for name in (
    "-n", "--dry-run", "--dryrun", "--report", "--dag", "--d3dag", "--rulegraph", "--filegraph", "--summary",
    "-D", "--detailed-summary", "--lint", "--list-rules", "--list-changes", "--unlock", "--touch", "-t",
    "--containerize", "--delete-all-output", "--delete-temp-output", "--archive",
))  # fmt: skip
"""With these Snakemake computes nothing."""
_PARTS = tuple([name] for name in ("-U", "--until", "-O", "--omit-from"))
"""With these it computes a part, which asks for no more texts."""
_HOW_MANY = (["-c", "--cores"], ["-j", "--jobs"], ["-e", "--executor"], ["--profile"], ["--workflow-profile"])


def run(arguments: list[str], console: Console) -> int:
    """Become Snakemake: its exit status and how it takes signals are the command's.

    A study whose texts are a pilot (``until: told``) is run with more of them, until it asks for no more.

    Raises
    ------
    CommandError
        If there is no such study, or there are several.
    """
    study, rest = _study(arguments)
    given = allowing_code(rest)
    cores = [] if _says_how_many(given) else ["--cores", "all"]
    if is_pilot(yaml_file.read(study)) and not _says(given, _LOOKS + _PARTS):
        return _until_told(study, [*cores, *given], console)
    command, environment = snakemake(study, *cores, *given)
    os.execve(command[0], command, environment)


def _study(arguments: Sequence[str]) -> tuple[Path, list[str]]:
    """The study's file, wherever it stands, and the other arguments."""
    if any(one.startswith("--configf") for one in arguments):  # the last of two would be the study
        raise CommandError("--configfile: the study is the config; name it alone, and change it by --config")
    at = [0] if arguments and not arguments[0].startswith("-") else []
    at += [place for place, one in enumerate(arguments) if place not in at and _is_study(one)]
    if len(at) > 1:
        raise CommandError(f"{', '.join(arguments[place] for place in at)}: several studies; name one")
    if not at:
        return ROOT / "config.yaml", list(arguments)
    study = project_file(arguments[at[0]])
    if not study.is_file():
        raise CommandError(f"{study}: no such file; the study comes first, then Snakemake's options")
    return study, [one for place, one in enumerate(arguments) if place not in at]


def _is_study(argument: str) -> bool:
    """Whether it is a YAML file that names its study, or one that cannot be read, as is said then."""
    file = project_file(argument)
    if file.suffix not in (".yaml", ".yml") or not file.is_file():
        return False
    try:
        content = yaml_file.read(file)
    except ConfigError:
        return True
    return isinstance(content, dict) and "study" in content


def is_pilot(content: Any) -> bool:
    """Whether a config asks for as many texts as its verdicts need.

    Examples
    --------
    >>> is_pilot({"tasks": {"films": {"explain": {"until": "told"}}}}), is_pilot({"tasks": ["films"]})
    (True, False)
    """
    try:
        return any((task.get("explain") or {}).get("until") == "told" for task in content["tasks"].values())
    except (AttributeError, KeyError, TypeError):
        return False  # what is wrong with it is said where it is checked


def _until_told(study: Path, given: Sequence[str], console: Console) -> int:
    from distillens.cli import pilot  # reads tables, which a plain run does not

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-d", "--directory", default=".")
    parser.add_argument("-C", "--config", nargs="*", default=[])
    options = parser.parse_known_args(given)[0]

    def go(targets: Sequence[str]) -> None:
        command, environment = snakemake(study, *targets, *given)
        status = subprocess.run(command, check=False, env=environment).returncode
        if status:
            raise _StoppedError(status)

    try:
        pilot.until_told(study, Path(options.directory), go, console, changed=options.config)
    except _StoppedError as stopped:
        return stopped.status
    return 0


class _StoppedError(Exception):
    """Snakemake has ended with this status, and said why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def allowing_code(given: Sequence[str]) -> list[str]:
    """Say ``--allow-code`` as Snakemake takes it: as a key of the config, beside others.

    Examples
    --------
    >>> allowing_code(["--allow-code", "--config", "seed=8"]), allowing_code(["-n", "--allow-code"])
    (['--config', 'allow_code=true', 'seed=8'], ['-n', '--config', 'allow_code=true'])
    """
    rest = [one for one in given if one != _ALLOW]
    if len(rest) == len(given):
        return rest
    place = next((number for number, one in enumerate(rest) if one in ("--config", "-C")), None)
    if place is None:
        return [*rest, "--config", "allow_code=true"]
    return [*rest[: place + 1], "allow_code=true", *rest[place + 1 :]]


def snakemake(study: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    """The command that runs a study in this folder, and its environment.

    Raises
    ------
    ModuleNotFoundError
        If Snakemake is not installed.

    Examples
    --------
    >>> command, environment = snakemake(Path("mine.yaml"), "-n")
    >>> command[1:3], command[-1]
    (['-m', 'snakemake'], '-n')
    """
    if importlib.util.find_spec("snakemake") is None:
        raise ModuleNotFoundError("no snakemake", name="snakemake")
    # Options with lists of values stand before one that ends them.
    command = [sys.executable, "-m", "snakemake", *_jobs_at_once(more), "--configfile", str(study)]
    # No Python that it starts takes a module from the folder that the user happens to be in.
    environment = {**os.environ, "PYTHONSAFEPATH": "1", **_cache()}
    return [*command, "--snakefile", str(ROOT / "Snakefile"), *more], environment


def _jobs_at_once(given: Sequence[str]) -> list[str]:
    """Where there is no GPU, jobs that would take one need not wait for each other.

    Unless they run elsewhere, or the user says what there is.
    """
    if _says(given, _WHERE) or "SNAKEMAKE_PROFILE" in os.environ or sees_a_gpu():
        return []
    return ["--resources", f"gpu={os.cpu_count() or 1}"]


def _cache() -> dict[str, str]:
    """Where libraries keep their caches; below the folder that the user is in if the usual one is closed.

    Snakemake ends with a traceback where it cannot write there, before it reads any workflow.
    """
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    try:
        usual.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=usual):
            return {}
    except OSError:
        return {"XDG_CACHE_HOME": str(Path(".snakemake", "cache").absolute())}


def _says_how_many(given: Sequence[str]) -> bool:
    return "SNAKEMAKE_PROFILE" in os.environ or _says(given, _HOW_MANY)


def _says(given: Sequence[str], options: Sequence[Sequence[str]]) -> bool:
    parser = argparse.ArgumentParser(add_help=False)
    for names in options:
        parser.add_argument(*names, dest="said", nargs="?", const="", action="append")
    return parser.parse_known_args(given)[0].said is not None
