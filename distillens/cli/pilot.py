"""As many texts as the verdicts need: the loop of pilot, plan and more texts.

In Snakemake a number that depends on results would be a checkpoint: the graph of jobs would not be known
before half of it is done, and nobody could see beforehand what is going to be computed. So the workflow
knows only fixed numbers, and this loop runs it again with a larger one. Chosen texts are nested and finished
explanations are found again (`distillens.models.chunks`), so nothing is explained twice.
"""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from distillens import tables
from distillens.cli.errors import CommandError
from distillens.config import command_line, label_views, texts, yaml_file
from distillens.config.validate import complete
from distillens.data.select import most_texts
from distillens.data.text import examples

_ROUNDS = 20
"""More than ever needed: each asks for more texts than the last."""


class Wish(NamedTuple):
    """Texts of a task that there are, how many the plan asks for, how many there will be, and why."""

    now: int
    asked: int
    count: int
    why: list[str]


def until_told(
    file: Path,
    folder: Path,
    go: Callable[[Sequence[str]], None],
    console: Console,
    most: int | None = None,
    changed: Sequence[str] = (),
) -> None:
    """Run a study with more texts until its plan asks for no more, or for more than is allowed.

    Whether there is a verdict already is not looked at: a study that stops at the first one would find
    drift too often.

    Parameters
    ----------
    file : Path
        The study's config.
    folder : Path
        Where its results are.
    go : callable
        Runs its workflow, with these targets; without any all of it.
    console : Console
    most : int, optional
        Texts of every task, at most; without it tasks without ``until: told`` stay as they are.
    changed : sequence of str, optional
        ``KEY=VALUE``: keys of the config that the command line gives instead of the file, as to Snakemake.

    Raises
    ------
    CommandError
        If all tasks have several labels, or what is changed is not said as keys with values.
    """
    raw = yaml_file.read(file)
    if changed:
        from snakemake.cli import parse_config  # takes a second, which others need not wait
        from snakemake.utils import update_config

        try:
            update_config(raw, parse_config(changed))
            command_line.retype(raw, changed)
        except ValueError as error:
            raise CommandError(f"--config: {error}") from None
    raw = complete(raw)
    results = folder / "results" / raw["study"]
    texts.check_explainers(raw["explainers"])
    asked = {
        name: task for name, task in raw["tasks"].items() if task["explain"]["until"] or most is not None
    }
    tasks = [name for name, task in asked.items() if not label_views.is_multi(task)]
    for name in sorted(asked.keys() - set(tasks)):
        said = f"{name}: how many texts is not planned for several labels; set explain.per_class in {file}"
        if not tasks:
            raise CommandError(said)
        console.print(said, soft_wrap=True, highlight=False)
    for _ in range(_ROUNDS):
        go([f"results/{raw['study']}/metrics/{name}/plan.parquet" for name in tasks])
        config = texts.with_planned_texts(copy.deepcopy(raw), results)
        planned = dict(texts.read(results))
        for name in tasks:
            need = wish(config["tasks"][name], results, name, most)
            for line in need.why:
                console.print(f"{name}: {line}", soft_wrap=True, highlight=False)
            if need.count > need.now:
                explain = raw["tasks"][name]["explain"]
                after = texts.with_count(config["tasks"][name], need.count)
                stages = [*config["tasks"][name]["explain"].get("stages", []), need.now]
                planned[name] = texts.Planned({key: explain[key] for key in after}, after, stages)
        if planned == texts.read(results):
            break
        texts.write(results, planned)
        console.print(f"written: {results / texts.TEXTS}", soft_wrap=True, highlight=False)
    go([])


def wish(task: dict[str, Any], results: Path, name: str, most: int | None = None) -> Wish:
    """How many texts a task has, and how many it shall have.

    Parameters
    ----------
    task : dict
        Its block, with the numbers that were planned before.
    results : Path
    name : str
    most : int, optional
        By default the task's own.

    Raises
    ------
    TableError
        If a table of the study is missing.
    """
    rows = tables.read(results / "metrics" / name / "plan.parquet", "plan").to_pylist()
    data = results / "data" / name
    now = tables.read(data / "explained.parquet", "examples").num_rows
    pool = examples(tables.read(data / "test.parquet", "examples"))
    by_class = task["explain"]["examples"] is None
    there = most_texts(pool, task["explain"]["max_words"], task["labels"], by_class)
    judged = [row for row in rows if not row["gated"]]
    known = [row for row in judged if row["texts"] is not None]
    asked = int(max((row["texts"] for row in known), default=0))
    bound = most or task["explain"]["most"]
    stops = bound if bound and bound <= there else None
    limit = stops or there
    count = asked
    if by_class and task["labels"]:
        each = len(task["labels"])
        count, limit = -(-asked // each) * each, limit // each * each
    count = max(now, min(count, limit))
    return Wish(now, asked, count, _why(rows, now, asked, count, stops))


def _why(rows: Sequence[dict[str, Any]], now: int, asked: int, count: int, stops: int | None) -> list[str]:
    """What the plan asks for, and what stands against it: so many texts at most, or those that there are."""
    judged = [row for row in rows if not row["gated"]]
    if not judged:
        return [f"{now} texts; more would tell nothing: no student has a reference and is not gated"]
    said = []
    for row in judged:
        if row["texts"] is None:
            said.append(
                f"no number of texts alone tells {row['student']} by {row['explainer']}: its reference or "
                "its runs are not sure enough"
            )
    if asked:
        row = max((row for row in judged if row["texts"] is not None), key=lambda row: row["texts"])
        needs = (
            f"a difference of {row['difference']:.2f} needs {asked} (by the spread of {row['spread']:.2f} "
        )
        needs += f"of {row['student']} by {row['explainer']})"
        said.append(f"{now} texts; {needs}" + ("" if count == now else f"; now {count}"))
    if count < asked:
        why = f"at most {stops} are allowed" if stops else "the test split has no more that can be explained"
        said.append(f"{count} of {asked} texts: {why}")
    return said
