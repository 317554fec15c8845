"""Advances many sentences at once and merges what they ask of the model.

An explainer such as SHAP asks for some masked copies, looks at the answers and asks for others. Step by step:

1. Each sentence is a task: a generator that yields its request, is sent the answers, and returns its result.
   The first ``at_once`` of them are started, one after the other.
2. When each has asked for something, the model answers all requests in one go, in the tasks' order.
3. Each goes on in the same order with its own rows, until it asks again or is done. In the place of
   those that are done the next ones start.

Exactly one task runs at a time, and who is next depends on their order only. So what is asked does not
depend on timing, and a second run gives the same bytes.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

import numpy as np

from distillens.metrics.explained_output import explained
from distillens.models.engine import Engine
from distillens.models.masks import Masks

Result = TypeVar("Result")
Task = Generator[Masks, np.ndarray, Result]


def asking(engine: Engine, output: str) -> Callable[[Sequence[Masks]], np.ndarray]:
    """What answers the requests of tasks: the outputs that are explained, of all of them at once.

    Parameters
    ----------
    engine : Engine
    output : str
        See `distillens.metrics.explained_output.explained`.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> engine = Fake(masked=lambda asked: np.array([[2.0, 0.5]] * len(asked)))
    >>> asking(engine, "margin")(["a request"]).tolist()
    [[1.5, -1.5]]
    """
    return lambda asked: explained(engine.masked(asked), output)


def run_in_batches(
    tasks: Sequence[Task[Result]], answer: Callable[[Sequence[Masks]], np.ndarray], at_once: int
) -> Iterator[Result]:
    """Run tasks side by side; yield their results in order.

    Parameters
    ----------
    tasks : sequence of generators
        Each yields a request that has a length and is sent an array with as many rows.
    answer : callable
        Answers the requests of all tasks with the rows of all.
    at_once : int
        How many tasks are under way at a time.

    Examples
    --------
    >>> def task(start):
    ...     answers = yield [start, start + 1]
    ...     return float(answers.sum())
    >>> answer = lambda requests: 10 * np.concatenate(requests)
    >>> list(run_in_batches([task(1), task(5)], answer, at_once=2))
    [30.0, 110.0]
    """
    waiting = deque(enumerate(tasks))
    active: list[tuple[int, Task[Result], Masks]] = []
    finished: dict[int, Result] = {}
    following = 0

    def advance(number: int, task: Task[Result], rows: np.ndarray | None) -> None:
        try:
            still.append((number, task, task.send(rows)))
        except StopIteration as end:
            finished[number] = end.value

    while waiting or active:
        still = active
        while waiting and len(still) < at_once:
            advance(*waiting.popleft(), None)
        active, still = still, []
        if active:
            answers, position = answer([request for *_, request in active]), 0
            for number, task, request in active:
                rows = answers[position : position + len(request)]
                position += len(request)
                advance(number, task, rows)
        active = still
        while following in finished:
            yield finished.pop(following)
            following += 1
