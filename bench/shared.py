"""Several workers for a device that costs nothing, beside one process.

A module of its own, because workers import what they run.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import ours
from bench.free import EXPLAINERS, free_engine, options_of
from distillens.data.text import Example
from distillens.models.engine import Engine
from distillens.models.workers import share_out

GOALS = {"must": 0.85, "aim": 0.95}
"""For each worker: on two cores 1.7 and 1.9 times one process."""
_TASKS = 32


def tasks(
    method: str, options: dict[str, Any], every: Sequence[Example], engine: Engine, progress: Any
) -> list[Callable[[], None]]:
    """The recipe of workers: each task explains some sentences, and says how many and how long it took."""

    def explain(few: Sequence[Example]) -> None:
        start = time.process_time()
        engine.forget()
        list(ours.run(engine, method, "word", few, options))
        progress.advance((len(few), time.process_time() - start))

    list(ours.run(engine, method, "word", every[:1], options))
    # Each with sentences of all lengths.
    return [partial(explain, every[number::_TASKS]) for number in range(min(_TASKS, len(every)))]


class Clock:
    """When tasks were done, and what they took."""

    def __init__(self) -> None:
        self.done: list[tuple[float, int, float]] = []

    def advance(self, task: tuple[int, float]) -> None:
        """Note a task: how many sentences, and processor seconds."""
        self.done.append((time.perf_counter(), *task))

    def rate(self, first: int) -> float:
        """Sentences a second on the clock, after so many tasks: all workers are under way then."""
        begun = self.done[first - 1][0]
        return sum(count for _, count, _ in self.done[first:]) / (self.done[-1][0] - begun)

    @property
    def processor_s(self) -> float:
        """Processor seconds of all tasks."""
        return sum(taken for *_, taken in self.done)


def measure(
    folder: Path, every: Sequence[Example], samples: int, repeats: int, workers: int
) -> list[dict[str, Any]]:
    """A row for each explainer: several workers, in turn with one process.

    Parameters
    ----------
    folder : Path
        A finished model's.
    every : sequence of Example
    samples : int
        LIME's.
    repeats : int
        Each side is run so often, in turn.
    workers : int
        How many; as many as there are cores.
    """
    rows = []
    for method, step in EXPLAINERS.items():
        recipe = partial(tasks, method, options_of(method, samples), every[::step])
        rates, seconds = ({"one": [], "workers": []} for _ in range(2))
        for _ in range(repeats):
            alone, together = Clock(), Clock()
            for task in recipe(free_engine(folder), alone):
                task()
            engine, owner = free_engine(folder), time.process_time()
            share_out(engine, recipe, range(len(alone.done)), together, workers)
            rates["one"].append(alone.rate(1))
            rates["workers"].append(together.rate(workers))
            seconds["one"].append(alone.processor_s)
            seconds["workers"].append(time.process_time() - owner + together.processor_s)
        clock, processor = ({side: statistics.median(of[side]) for side in of} for of in (rates, seconds))
        rows.append(
            {"explainer": method, "workers": workers, "sentences": len(every[::step])}
            | {"ratio": clock["workers"] / clock["one"]}
            | {"ratio by processor seconds": workers * processor["one"] / processor["workers"]}
            | {name: goal * workers for name, goal in GOALS.items()}
        )
    return rows
