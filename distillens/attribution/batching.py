"""Advances many sentences at once and merges what they ask of the model.

An explainer such as shap asks for five texts and waits. Step by step:

1. Each sentence is a task in a greenlet of its own: a function that can stop in the middle and
   give control back. The first ``at_once`` of them are started, one after the other.
2. A task runs alone until it calls ``ask``. That hands its requests to the loop, and it sleeps.
3. When all sleep, the model answers all their requests in one go, in the tasks' order.
4. Each is woken in the same order with its own rows, and runs until it asks again or is done. In
   the place of those that are done the next ones start.

There are no threads: exactly one task runs, and who is next depends on their order only. NumPy's
global generator, which explainers draw from, is changed with the task. So neither what is asked
nor what is drawn depends on timing, and a second run gives the same bytes.
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

    Examples
    --------
    >>> def task(ask):
    ...     return float(ask([1, 2]).sum())
    >>> answer = lambda requests: 10 * np.array(requests)
    >>> list(run_in_batches([task, task], answer, seeds=[0, 1], at_once=2))
    [30.0, 30.0]
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
            # Those of the last round that are done, and new ones that asked for nothing.
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
        # The task's `ask` is a switch to the loop, which returns when the loop resumes the task.
        self.resume(getcurrent().switch)

    def resume(self, value: Any) -> None:
        np.random.set_state(self._random)
        outcome = self.greenlet.switch(value)  # what it asks for next, or its result
        self._random = np.random.get_state()
        if self.greenlet.dead:
            self.request, self.result = (), outcome
        else:
            self.request = outcome
