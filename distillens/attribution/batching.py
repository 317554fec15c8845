"""Advances many sentences at once and merges what they ask of the model.

An explainer such as shap asks for five texts and waits. Here every sentence is a
greenlet that is suspended while it waits; when all wait, their requests go to the
model as one. Only one runs at a time, in a fixed order, so nothing depends on timing.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from greenlet import getcurrent, greenlet

Result = TypeVar("Result")
Ask = Callable[[Sequence[Any]], np.ndarray]


def run_in_batches(
    tasks: Sequence[Callable[[Ask], Result]], answer: Ask, seeds: Sequence[int], at_once: int
) -> Iterator[Result]:
    """Run tasks side by side; yield their results in order.

    Parameters
    ----------
    tasks : sequence of callables
        Each takes ``ask``, which it calls with a list of requests to get an array with
        a row for each.
    answer : callable
        Answers the merged requests of all tasks.
    seeds : sequence of int
        Each task sees NumPy's global generator seeded with its own seed, and nothing of
        what the others draw from it.
    at_once : int
        How many tasks are under way at a time.
    """
    waiting = deque(range(len(tasks)))
    active: list[_Run] = []
    finished: dict[int, Result] = {}
    following = 0
    outside = np.random.get_state()
    try:
        while waiting or active:
            while waiting and len(active) < at_once:
                number = waiting.popleft()
                active.append(_Run(number, tasks[number], seeds[number]))
            finished.update((run.number, run.result) for run in active if run.greenlet.dead)
            active = [run for run in active if not run.greenlet.dead]
            answers = answer([request for run in active for request in run.request]) if active else ()
            position = 0
            for run in active:
                own = answers[position : position + len(run.request)]
                position += len(run.request)
                run.resume(own)
            while following in finished:
                yield finished.pop(following)
                following += 1
    finally:
        np.random.set_state(outside)


class _Run:
    """A task under way: its greenlet, and what it is waiting for."""

    def __init__(self, number: int, task: Callable[[Ask], Any], seed: int) -> None:
        self.number = number
        self.greenlet = greenlet(task)
        self.request: Sequence[Any] = ()
        self.result: Any = None
        self._random = np.random.RandomState(seed).get_state()
        self.resume(getcurrent().switch)

    def resume(self, value: Any) -> None:
        np.random.set_state(self._random)
        outcome = self.greenlet.switch(value)
        self._random = np.random.get_state()
        if self.greenlet.dead:
            self.request, self.result = (), outcome
        else:
            self.request = outcome
