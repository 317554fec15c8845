"""One text, as a study's models read it."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from scipy.special import softmax

from distillens import registry
from distillens.attribution.explain import seed_of_draws, seen_part
from distillens.attribution.explainer_settings import ExplainerSettings
from distillens.attribution.saturation import settled
from distillens.attribution.types import Attribution
from distillens.cli import terminal
from distillens.cli.errors import CommandError
from distillens.config import black_box, model_kind
from distillens.config.study import Study
from distillens.config.validate import nearest
from distillens.data.text import Example
from distillens.metrics.agreement import spearman
from distillens.metrics.explained_output import towards
from distillens.models.answers import finite
from distillens.models.asking import Asking
from distillens.models.black_box import CARD
from distillens.models.engine import EngineOptions
from distillens.models.one_label import two_classes
from distillens.provenance import ExplanationId
from distillens.report import study_data
from distillens.report.results import load

HELP = """Explain one text by a study's teacher and its students, side by side.

The first run of each model reads the text; words in blue speak for the class that the
teacher predicts, words underlined in orange against it, each row scaled to its own
strongest word. The explainer has the study's settings. The study must be finished: which
models there are is read from its report."""

_TEXT = "text"  # the id of the example
_SILENT = "All attributions are zero: the explained output does not move; explained_output: margin would."
_UNDEFINED = "The attributions are undefined: they are no finite numbers."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["--study", "results/quickstart", "--text", "Not bad."]).text
    'Not bad.'
    """
    parser.add_argument("--study", type=Path, required=True, metavar="RESULTS", help="results/STUDY")
    parser.add_argument("--text", required=True, help="the text")
    parser.add_argument("--text-b", help="the second text, in a task of pairs")
    parser.add_argument("--task", help="needed where the study has several")
    parser.add_argument("--explainer", help="one of the study's; by default the one that leads its tables")
    parser.add_argument("--model", action="append", metavar="MODEL", help="only this one; may be repeated")
    parser.add_argument("--allow-code", action="store_true", help="run functions that stand for models")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write it as a page")


@dataclass(frozen=True)
class Reading:
    """What one run says of the text."""

    run: study_data.Run
    logits: np.ndarray
    attribution: Attribution


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Explain, print, and write the page.

    Raises
    ------
    CommandError
        If the text, or a name, does not fit the study, or a model is not there.
    """
    settings = dict(load(arguments.study).settings)
    tasks = settings["tasks"]
    study = study_data.study_of(settings, tasks)
    task = _chosen("--task", arguments.task, list(tasks))
    _refuse_code(settings, arguments.allow_code)
    explainers = [*study.explainers, *study.controls]
    explainer = _chosen("--explainer", arguments.explainer or explainers[0], explainers)
    wanted = [_chosen("--model", name, list(study.models)) for name in arguments.model or study.models]
    if not arguments.text.strip():
        raise CommandError("--text: there is no word in it")
    pairs = tasks[task]["columns"]["text_b"] is not None
    if pairs != (arguments.text_b is not None):
        raise CommandError(f"--text-b: {task} is a task of {'pairs' if pairs else 'single texts'}")
    example = Example(_TEXT, arguments.text, arguments.text_b, unit=settings.get("unit", "word"))
    runs, asked = _with_teachers(study, wanted), Study(settings).asked_task(task)
    recorded = Console(record=True, width=console.width) if arguments.html else console
    if arguments.html:
        recorded.file = console.file
    with console.status("reading") as status:
        readings = []
        for one in runs:
            status.update(f"{one.label} reads")
            folder = arguments.study / "models" / asked / one.model / str(one.seed)
            readings.append(_read(one, folder, example, settings, task, explainer))
    _show(study, readings, tasks[task]["labels"], explainer, recorded)
    if arguments.html:
        recorded.save_html(str(arguments.html))
        console.print(f"written to {arguments.html}", style="dim")


def _refuse_code(settings: Mapping[str, Any], allowed: bool) -> None:
    """A study that came from elsewhere may name any function: it is run only where that is said again."""
    for name, model in settings["models"].items():
        kind = model_kind.kind_of(model)
        if kind and registry.literal("backend", kind, "CODE") and not allowed:
            raise CommandError(
                f"models.{name}: is a {kind}, code that would be run; say --allow-code if you trust it"
            )


def _chosen(option: str, name: str | None, names: list[str]) -> str:
    if name is None and len(names) == 1:
        return names[0]
    if name not in names:
        raise CommandError(
            f"{option}: {'say which' if name is None else f'no {name!r}'}{nearest(name, names)}"
        )
    return name


def _with_teachers(study: study_data.Outline, wanted: list[str]) -> list[study_data.Run]:
    """The first run of each model, and the teacher's run that it belongs to; in the study's order."""
    first = [study.first(name) for name in wanted]
    needed = {*first, *map(study.reference, first)}
    return [run for run in study.runs if run in needed]


def _read(
    run: study_data.Run, folder: Path, example: Example, settings: dict[str, Any], task: str, explainer: str
) -> Reading:
    if not any((folder / name).is_file() for name in ("model.safetensors", CARD)):
        raise CommandError(f"{folder}: no model; run the workflow, or leave it out by --model")
    if reason := black_box.why_not(settings, explainer, run.model):
        raise CommandError(f"--explainer: {explainer} does not explain {run.model}: {reason}")
    rule = settings.get("removal") or "mask"
    study = Study(settings)
    engine = EngineOptions(**study.engine_of(run.model), **study.reading, rule=rule).load(
        folder, asking=Asking.of(settings, run.model, str(run.seed))
    )
    seen, _ = seen_part(example, engine)
    own = ExplainerSettings.of(settings["explainers"][explainer])
    if own.in_tokens:
        seen = engine.encoder.in_tokens(seen)
    if not seen.words:
        raise CommandError("--text: there is no word in it")
    of = settings["tasks"][task].get("of")
    about = ExplanationId(study.asked_task(task), run.model, run.seed, explainer)
    seed = seed_of_draws(settings["seed"], about, own.common_masks)
    output = "logit" if of else settings["explained_output"]
    (attribution,) = own.method.explain([seen], engine, output, own.options, seed)
    control = getattr(own.method, "CONTROL", False)
    if not control:
        attribution = settled(attribution)
    logits = finite(engine.logits([seen.texts]), [_TEXT], folder)[0]
    if of:
        attribution = _of_label(attribution, of["number"], 1 if control else -1)
        logits = two_classes(logits, of["number"])
    return Reading(run, logits, attribution)


def _of_label(attribution: Attribution, label: int, sign: int) -> Attribution:
    """That of one label of several, for no and for yes; ``sign`` is that of no beside yes."""
    both = {
        name: np.stack([sign * values[..., label], values[..., label]], axis=-1)
        for name in ("values", "base", "output")
        for values in [getattr(attribution, name)]
    }
    return replace(attribution, **both)


def _show(
    study: study_data.Outline, readings: list[Reading], labels: list[str], explainer: str, console: Console
) -> None:
    by_run = {(reading.run.model, reading.run.seed): reading for reading in readings}
    for reading in readings:
        teacher = study.reference(reading.run)
        reference = by_run[teacher.model, teacher.seed]
        values = towards(reading.attribution.values, int(reference.logits.argmax()))
        line = Text(reading.run.label, "bold").append(f"  {_said(reading.logits, labels)}", "not bold")
        if reading is not reference:
            line.append(f"  {_alike(reading, reference)}", "dim")
        console.print(line)
        if not np.any(np.nan_to_num(values)):
            console.print(_SILENT if np.isfinite(values).all() else _UNDEFINED, style="yellow")
            values = np.zeros(len(values))
        console.print(terminal.coloured(reading.attribution.example, values), soft_wrap=False)
        console.print()
    console.print(_table(study, readings, by_run, labels, explainer))


def _said(logits: np.ndarray, labels: list[str]) -> str:
    if not labels:
        return f"{logits[0]:.3f}"
    shares = softmax(logits.astype(np.float64))
    return f"{labels[shares.argmax()]} ({shares.max():.2f})"


def _alike(reading: Reading, reference: Reading) -> str:
    """How alike a student and its teacher rank the words, where they have the same."""
    if reading.attribution.example.places != reference.attribution.example.places:
        return "not comparable with its teacher: other units"
    target = int(reference.logits.argmax())
    pair = (towards(one.attribution.values, target) for one in (reading, reference))
    value = float(spearman(*pair))
    return (
        "agreement is undefined" if np.isnan(value) else f"Spearman {value:+.2f} with {reference.run.label}"
    )


def _table(
    study: study_data.Outline,
    readings: list[Reading],
    by_run: dict[tuple[str, int], Reading],
    labels: list[str],
    explainer: str,
) -> Table:
    """Values of every word; of runs that have other units than the first, as many rows as there are."""
    table = Table(box=box.SIMPLE_HEAD, title=f"Attributions by {explainer}", title_justify="left")
    table.add_column(readings[0].attribution.example.unit)
    columns = []
    for reading in readings:
        teacher = study.reference(reading.run)
        target = int(by_run[teacher.model, teacher.seed].logits.argmax())
        table.add_column(
            f"{reading.run.label}\nfor {labels[target] if labels else 'the score'}", justify="right"
        )
        values = towards(reading.attribution.values, target)
        columns.append(
            {
                (w.segment, w.start, w.end): v
                for w, v in zip(reading.attribution.example.places, values, strict=True)
            }
        )
    words = {(w.segment, w.start, w.end): w.text for one in readings for w in one.attribution.example.places}
    for place in sorted(words):
        table.add_row(
            words[place], *(f"{column[place]:+.3f}" if place in column else "" for column in columns)
        )
    return table
