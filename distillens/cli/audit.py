"""One teacher, its students and some texts: from folders and a file to a verdict."""

import argparse
import hashlib
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from distillens.cli import detection_limit, gate, pilot, power_estimate
from distillens.cli.cost_estimate import passes
from distillens.cli.errors import CommandError
from distillens.cli.execute import execute
from distillens.config import audit as plan
from distillens.config.texts import with_planned_texts
from distillens.config.validate import complete
from distillens.config.yaml_file import text_of
from distillens.data.columns import Asked, find
from distillens.data.errors import DataError
from distillens.data.read import read_frame
from distillens.data.segmentation import spans
from distillens.models import model_folder
from distillens.report.results import Results, load

HELP = """Audit students of one teacher on a file of texts: the same answers, for the same reasons?

Columns and labels are worked out from the file and the checkpoints; labels are optional. What was
worked out is written to NAME.yaml, which `distillens run NAME.yaml` runs again. Before the first job
it says what it will cost, and what it can decide; at the end it prints a verdict per student and the page.

examples:
  distillens audit --teacher production --student compressed --data reviews.csv
  distillens audit --teacher production --student small --student smaller --data reviews.csv --fast
  distillens audit ... --accept prune=0.3 --junit audit.xml --json audit.json

The exit status is that of `distillens gate`: 0 no drift found, 3 drift found, 4 not decided, 5 nothing
measured, 6 worse than the baseline; 1 broken input, 2 a wrong option."""


@dataclass(frozen=True)
class Request:
    """What is asked for: folders, a file, and what is not to be worked out.

    ``out`` is the folder that everything is written to; ``cores`` None for all.
    """

    teacher: str
    students: Sequence[str]
    data: str
    columns: Asked = Asked()
    labels: Sequence[str] | None = None
    name: str = "audit"
    out: str = "."
    amount: plan.Amount = plan.Amount()
    accept: Mapping[str, float] | None = None
    cores: int | None = None

    @property
    def file(self) -> Path:
        """The config that is written."""
        return Path(self.out, f"{self.name}.yaml")

    @property
    def results(self) -> Path:
        """The folder of the results."""
        return Path(self.out, "results", self.name)


@dataclass(frozen=True)
class Prepared:
    """A config, what is to be said of it, and words of a text on average."""

    config: dict[str, Any]
    remarks: list[str]
    words: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args("--teacher a --student b --student c --data d.csv --fast".split()).student
    ['b', 'c']
    """
    parser.add_argument("--teacher", required=True, metavar="DIR", help="the model that is the reference")
    parser.add_argument("--student", required=True, action="append", metavar="DIR", help="may be repeated")
    parser.add_argument("--data", required=True, metavar="FILE", help="CSV, TSV, JSON lines or Parquet")
    parser.add_argument("--text", metavar="COLUMN", help="the text, where several columns could be it")
    parser.add_argument("--text-b", metavar="COLUMN", help="the second text, in a task of pairs")
    label = parser.add_mutually_exclusive_group()
    label.add_argument("--label", metavar="COLUMN", help="the label, where several columns could be it")
    label.add_argument("--no-label", action="store_true", help="take no column for labels")
    parser.add_argument(
        "--labels", metavar="A,B,...", help="names of outputs that the checkpoints call LABEL_0, LABEL_1, ..."
    )
    parser.add_argument("--name", default="audit", help="of the config and the results (audit)")
    parser.add_argument("--out", default=".", metavar="FOLDER", help="where they are written (here)")
    speed = parser.add_mutually_exclusive_group()
    for name in ("fast", "thorough"):
        about = f"{plan.SPEEDS[name]['texts']} texts by {', '.join(plan.SPEEDS[name]['explainers'])}"
        speed.add_argument(f"--{name}", dest="speed", action="store_const", const=name, help=about)
    parser.add_argument("--texts", type=positive, metavar="N", help="how many are explained")
    parser.add_argument(
        "--most",
        type=positive,
        metavar="N",
        help="take these for a pilot, and as many as it shows are needed",
    )
    parser.add_argument("--accept", type=_accepted, metavar="KIND=DOSE", help="accepted damage: prune=0.3")
    parser.add_argument("--cores", type=positive, metavar="N", help="by default all")
    parser.add_argument("--dry-run", action="store_true", help="write the config, say the cost, stop")
    gate.add_options(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Audit, print the verdicts, write what is asked for; return the exit status."""
    request = Request(
        arguments.teacher,
        arguments.student,
        arguments.data,
        Asked(arguments.text, arguments.text_b, arguments.label, arguments.no_label),
        arguments.labels.split(",") if arguments.labels else None,
        arguments.name,
        arguments.out,
        plan.Amount(arguments.speed or plan.DEFAULT_SPEED, arguments.texts, arguments.most),
        arguments.accept,
        arguments.cores,
    )
    rules = gate.Rules.of(arguments)
    _announce(request, prepare(request), console)
    if arguments.dry_run:
        return 0
    began = time.monotonic()
    work(request, console)
    status = gate.judge(load(request.results), rules, console)
    page = f"{request.results / 'report' / 'index.html'} ({time.monotonic() - began:.0f} s)"
    console.print(f"page: {page}", soft_wrap=True, highlight=False)
    return status


def audit(teacher: str, students: str | Sequence[str], data: str, **options: Any) -> Results:
    """Audit from Python: the same as the command.

    Parameters
    ----------
    teacher, students, data : str, or for students also a sequence of str
        Folders of finished classifiers, and a file of texts.
    **options
        ``text``, ``text_b``, ``label`` (names of columns; ``label=False`` takes none), ``labels``,
        ``name``, ``out``, ``speed`` ("fast", "default", "thorough"), ``texts``, ``most``, ``cores`` and
        ``accept`` (``{"prune": 0.3}``).

    Returns
    -------
    Results
        See `distillens.load`.

    Raises
    ------
    ConfigError, DataError, CommandError
        As the command would say it.

    Examples
    --------
    >>> audit("nowhere", "elsewhere", "reviews.csv")
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: nowhere: no such folder; give one that save_pretrained has written
    """
    label = options.pop("label", None)
    named = Asked(
        options.pop("text", None), options.pop("text_b", None), label or None, without_label=label is False
    )
    amount = plan.Amount(
        options.pop("speed", plan.DEFAULT_SPEED), options.pop("texts", None), options.pop("most", None)
    )
    if amount.speed not in plan.SPEEDS:
        raise CommandError(f"speed: {amount.speed!r} is not one of {', '.join(plan.SPEEDS)}")
    several = [students] if isinstance(students, (str, os.PathLike)) else list(students)
    request = Request(str(teacher), list(map(str, several)), str(data), named, amount=amount, **options)
    console = Console()
    _announce(request, prepare(request), console)
    work(request, console)
    return load(request.results)


def prepare(request: Request) -> Prepared:
    """Look at the folders and the file, and write the config.

    Raises
    ------
    ConfigError, CommandError
        For what is wrong, or cannot be worked out; and where the config is there and somebody changed it.
    """
    models = [model_folder.read(folder) for folder in (request.teacher, *request.students)]
    task = plan.task_of(models[0], request.labels)
    if not Path(request.data).is_file():
        raise CommandError(f"--data: no file {request.data}")
    try:
        frame = read_frame(Path(request.data), None, "utf-8", None, None)
        columns = find(frame, task, request.columns, request.data)
    except DataError as error:
        raise CommandError(str(error)) from None
    cells = [name for name in (columns.text_a, columns.text_b) if name is not None]
    lengths = [sum(len(spans(str(cell))) for cell in row) for row in frame[cells].itertuples(index=False)]
    texts = plan.Texts(
        _from(request.out, request.data),
        columns.text_a,
        columns.text_b,
        columns.label,
        len(frame),
        lengths.count(0),
    )
    named = {
        name: replace(model, folder=_from(request.out, model.folder))
        for name, model in plan.named(models).items()
    }
    config = plan.config_of(request.name, texts, named, request.labels, request.amount, request.accept)
    complete(config)
    _write(request.file, config)
    words = math.ceil(sum(lengths) / max(1, len(lengths) - lengths.count(0)))
    return Prepared(config, [*columns.remarks, *plan.remarks(named)], max(1, words))


def _from(out: str, path: str) -> str:
    """A path as it is named from the folder that is written to."""
    if Path(path).is_absolute():
        return path
    # What `..` leads to is said by where a folder is, not by a link to it; the file keeps its name.
    folder, name = os.path.split(path)
    return os.path.relpath(Path(os.path.realpath(folder), name), os.path.realpath(out))


def _write(path: Path, config: Mapping[str, Any]) -> None:
    """Write the config; one that somebody changed stays, and is named."""
    body = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    if path.is_file():
        first, _, rest = text_of(path).partition("\n")
        if first != _header(rest) and rest != body:
            raise CommandError(
                f"{path}: is there, and somebody changed it or wrote something else; run it with "
                f"`distillens run {path.name}`, or give another --name"
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{_header(body)}\n{body}", encoding="utf-8")


def _header(body: str) -> str:
    digest = hashlib.sha256(body.encode()).hexdigest()[:16]
    return f"# Written by `distillens audit`, and replaced by it unless changed: {digest}"


def _announce(request: Request, prepared: Prepared, console: Console) -> None:
    """Say what will be done, what it costs and what it can decide."""
    full = with_planned_texts(complete(prepared.config), request.results)
    (task,) = full["tasks"].values()
    teacher, *students = full["models"]
    columns_ = task["columns"]
    label = "no labels" if columns_["label"] is None else f"label {columns_['label']!r}"
    rows = passes(full, request.results, prepared.words)
    total = sum(row.passes or 0 for row in rows)
    lines = [
        f"teacher {teacher}; student {', '.join(students)}",
        f"{request.data}: text {columns_['text_a']!r}, {label}; {task['explain']['examples']} texts of about "
        f"{prepared.words} words are explained by {', '.join(full['explainers'])}",
        f"cost: at most {total:,} forward passes ("
        + ", ".join(f"{row.rule} {row.what} {row.passes:,}" for row in rows if row.passes)
        + ")",
        plan.reference_in_words(full),
        *power_estimate.lines(full, request.results),
        *detection_limit.lines(full),
        f"written: {request.file}; run it again with `distillens run {request.file.name}`",
    ]
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)
    for remark in prepared.remarks:
        console.print(remark, style="yellow", soft_wrap=True, highlight=False)


def work(request: Request, console: Console) -> None:
    """Run the workflow; where the texts are a pilot, until it has as many as it asks for.

    Raises
    ------
    CommandError
        If it fails.
    """
    folder, config = Path(request.out), Path(request.file.name)
    cores = ("--cores", str(request.cores or "all"))

    def go(targets: Sequence[str]) -> None:
        execute(config, folder, request.name, [*targets, *cores], console)

    if request.amount.most is None:
        go([])
    else:
        pilot.until_told(request.file, folder, go, console)


def positive(text: str) -> int:
    """A number of at least one.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not.

    Examples
    --------
    >>> positive("3")
    3
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: at least 1")
    return number


def _accepted(text: str) -> dict[str, float]:
    kind, equals, dose = text.partition("=")
    try:
        return {kind: float(dose)} if equals and kind else {}[text]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r}: write KIND=DOSE, such as prune=0.3") from None
