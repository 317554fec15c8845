"""Several processes prepare what one device computes: Python takes longer than a fast device.

Step by step:

1. The job's process owns the device and the model. It starts workers and gives each the same recipe, which
   makes the job's tasks of an engine. So every process has the same tasks, by the same numbers.
2. A worker is given a number and does that task. Its engine has everything but the model: batches go to the
   owner over a pipe for each lane (`RemoteBackend`), and logits come back (`answer`).
3. When it is done the worker is given the next number, until there are none.

A task decides alone which batches it asks for. So what it asks, and the model's answers, do not depend on how
many workers there are, or on which of them comes first.
"""

import math
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

from distillens.joblog import Progress
from distillens.models.backends import Backend
from distillens.models.engine import Engine

Recipe = Callable[[Engine, Progress], Sequence[Callable[[], object]]]
"""Makes a job's tasks; it is pickled, so it is a module's function with its arguments (`functools.partial`)
or a plain object."""

_TRAITS = ("inputs", "tokens", "at_once", "lanes", "speed", "multiple", "trimmed", "shared")
# A worker has one core; its threads would only be in the way of the others'.
_ONE_CORE = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class WorkerError(RuntimeError):
    """A worker ended before its work was done."""


class RemoteBackend:
    """A `distillens.models.backends.Backend` whose model another process has.

    Parameters
    ----------
    lanes : sequence of Connection
        To the owner's `answer`, one for each batch that is under way.
    traits : mapping
        The attributes of the owner's backend, and its ``provenance``.
    """

    out_of_memory = MemoryError
    workers = 1

    def __init__(self, lanes: Sequence[Connection], traits: dict[str, Any]) -> None:
        self._provenance = traits.pop("provenance")
        vars(self).update(traits)
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for lane in lanes:
            self._free.put(lane)

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        lane = self._free.get()
        try:
            lane.send(batch)
            answered = lane.recv()
        finally:
            self._free.put(lane)
        if isinstance(answered, BaseException):
            raise answered
        return answered

    def room(self, batch: dict[str, np.ndarray]) -> float:
        """The owner has found out what fits."""
        return math.inf

    def provenance(self) -> dict[str, Any]:
        """What the owner's backend says of itself."""
        return {**self._provenance, "versions": dict(self._provenance["versions"])}


def answer(backend: Backend, lane: Connection) -> None:
    """Compute the batches of a `RemoteBackend` until it is gone.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> here, there = Pipe()
    >>> here.send({"input_ids": np.array([[2], [3]])})
    >>> here.close()
    >>> answer(Fake(forward=lambda batch: print(batch["input_ids"].sum()), out_of_memory=MemoryError), there)
    5
    """
    with lane:
        while True:
            try:
                batch = lane.recv()
            except EOFError:
                return
            try:
                answered = backend.forward(batch)
            except backend.out_of_memory as error:
                answered = MemoryError(str(error))  # a worker need not know the device's own
            except Exception as error:
                answered = error
            try:
                lane.send(answered)
            except OSError:
                return


def share_out(engine: Engine, recipe: Recipe, numbers: Sequence[int], progress: Progress, count: int) -> None:
    """Let workers do tasks with this process's model.

    Parameters
    ----------
    engine : Engine
    recipe : callable
    numbers : sequence of int
        Which of its tasks are to be done.
    progress : Progress
        Advanced by what the tasks say.
    count : int
        How many workers there are at most.

    Raises
    ------
    WorkerError
        If a worker ends before its task is done. What a task raises is raised here.
    """
    waiting = iter(numbers)
    with ExitStack() as workers:
        first = [number for _, number in zip(range(count), waiting, strict=False)]
        busy = {workers.enter_context(_worker(engine, recipe)): number for number in first}
        for control, number in busy.items():
            control.send(number)
        while busy:
            for control in wait(list(busy)):
                kind, said = _next(control, busy[control])
                if kind == "failed":
                    raise said
                if kind == "advanced":
                    progress.advance(said)
                else:
                    busy[control] = next(waiting, None)
                    control.send(busy[control])
                    if busy[control] is None:
                        del busy[control]


def _next(control: Connection, number: int) -> tuple[str, Any]:
    try:
        return control.recv()
    except (EOFError, OSError):
        raise WorkerError(
            f"a worker ended while it did task {number}; if memory was short, give the job fewer threads "
            "(--set-threads) or more memory, and run again"
        ) from None


@contextmanager
def _worker(engine: Engine, recipe: Recipe) -> Iterator[Connection]:
    """A process, the threads that answer its batches, and the pipe that tells it what to do."""
    backend = engine.backend
    pipes = [Pipe() for _ in range(1 + backend.lanes)]
    ends = [there.fileno() for _, there in pipes]
    # Not by multiprocessing: that would run a job's script once more in every worker.
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import work; work(*{ends})"],
        pass_fds=ends,
        env={**os.environ, **_ONE_CORE, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    for _, there in pipes:
        there.close()
    (control, _), *lanes = pipes
    threads = [Thread(target=answer, args=(backend, lane), daemon=True) for lane, _ in lanes]
    for thread in threads:
        thread.start()
    try:
        traits = {name: getattr(backend, name) for name in _TRAITS} | {"tokens": engine.tokens}
        control.send((recipe, engine.folder, traits | {"provenance": backend.provenance()}))
        yield control
    finally:
        control.close()
        process.terminate()  # whoever is done waits for nothing but this
        process.wait()
        for thread in threads:
            thread.join()


def work(control: int, *lanes: int) -> None:
    """Be a worker: what runs in its process.

    Parameters
    ----------
    control, *lanes : int
        File descriptors of its ends of the pipes.
    """
    owner = Connection(control)
    recipe, folder, traits = owner.recv()
    try:
        engine = Engine(Path(folder), backend=RemoteBackend(list(map(Connection, lanes)), traits))
        tasks = recipe(engine, _Told(owner))
        for number in iter(owner.recv, None):
            tasks[number]()
            owner.send(("done", number))
    except EOFError:
        return  # the owner is gone
    except Exception as error:
        error.add_note("".join(traceback.format_exc()))
        owner.send(("failed", error))


class _Told:
    """Progress that another process shows."""

    def __init__(self, owner: Connection) -> None:
        self._owner = owner

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more units as done."""
        self._owner.send(("advanced", count))
