"""Several processes prepare what one device computes: Python takes longer than a fast device.

Step by step:

1. The job's process owns the device and the model. It starts workers and gives each the same recipe, which
   makes the job's tasks of an engine. So every process has the same tasks, by the same numbers.
2. A worker is given a number and does that task. Its engine has everything but the model: it lays batches
   into memory that it shares with the owner (`RemoteBackend`), and logits come back (`answer`).
3. When it is done the worker is given the next number, until there are none.

A task decides alone which batches it asks for. So what it asks, and the model's answers, do not depend on how
many workers there are, or on which of them comes first.
"""

import math
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from mmap import mmap
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

from distillens.joblog import Progress
from distillens.models.engine import Engine
from distillens.models.forward_pass import Backend
from distillens.models.windowed import read_in_windows, settings_of

Recipe = Callable[[Engine, Progress], Sequence[Callable[[], object]]]
"""Makes a job's tasks; it is pickled, so it is a module's function with its arguments (`functools.partial`)
or a plain object."""

_TRAITS = ("inputs", "tokens", "at_once", "lanes", "speed", "multiple", "trimmed", "shared")
# A worker has one core; its threads would only be in the way of the others'.
_ONE_CORE = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class WorkerError(RuntimeError):
    """A worker ended before its work was done, or raised what no pipe carries."""


class Lane:
    """One end of a pipe, and memory that both ends share: a batch under way is neither pickled nor piped.

    Parameters
    ----------
    pipe : Connection
    memory : int
        File descriptor of the memory.
    """

    def __init__(self, pipe: Connection, memory: int) -> None:
        self.pipe, self._memory = pipe, mmap(memory, 0)
        os.close(memory)

    def send(self, batch: dict[str, np.ndarray]) -> None:
        """Lay a batch down, and say so; what is larger than the memory goes through the pipe."""
        if sum(values.nbytes for values in batch.values()) > len(self._memory):
            self.pipe.send(batch)
            return
        places, offset = {}, 0
        for name, values in batch.items():
            places[name] = (values.shape, values.dtype.str, offset)
            np.ndarray(*places[name][:2], self._memory, offset)[...] = values
            offset += values.nbytes
        self.pipe.send(places)

    def receive(self) -> dict[str, np.ndarray]:
        """The batch at the other end; it is there until that is told what came of it."""
        return {
            name: value if isinstance(value, np.ndarray) else np.ndarray(*value[:2], self._memory, value[2])
            for name, value in self.pipe.recv().items()
        }


class RemoteBackend:
    """A `distillens.models.forward_pass.Backend` whose model another process has.

    Parameters
    ----------
    lanes : sequence of Lane
        To the owner's `answer`, one for each batch that is under way.
    traits : mapping
        The attributes of the owner's backend, and its ``provenance``.
    """

    out_of_memory = MemoryError
    workers = 1

    def __init__(self, lanes: Sequence[Lane], traits: dict[str, Any]) -> None:
        self._provenance = traits.pop("provenance")
        vars(self).update(traits)
        self._free: SimpleQueue[Lane] = SimpleQueue()
        for lane in lanes:
            self._free.put(lane)

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        lane = self._free.get()
        try:
            lane.send(batch)
            answered = lane.pipe.recv()
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


def answer(backend: Backend, lane: Lane) -> None:
    """Compute the batches of a `RemoteBackend` until it is gone.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> (here, there), memory = Pipe(), shared_memory(1024)
    >>> near, far = Lane(here, os.dup(memory)), Lane(there, memory)
    >>> near.send({"input_ids": np.array([[2], [3]])})
    >>> near.pipe.close()
    >>> answer(Fake(forward=lambda batch: print(batch["input_ids"].sum()), out_of_memory=MemoryError), far)
    5
    """
    with lane.pipe:
        while True:
            try:
                batch = lane.receive()
            except (EOFError, OSError):
                return
            try:
                answered = backend.forward(batch)
            except backend.out_of_memory as error:
                answered = MemoryError(str(error))  # a worker need not know the device's own
            except Exception as error:
                answered = _sendable(error)
            try:
                lane.pipe.send(answered)
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
        If a worker ends before its task is done. What a task raises is raised here, or what it says where it
        cannot be pickled.
    """
    waiting = iter(numbers)
    with ExitStack() as workers:
        first = [number for _, number in zip(range(count), waiting, strict=False)]
        busy = {workers.enter_context(_worker(engine, recipe)): number for number in first}
        for control, number in busy.items():
            _tell(control, number)
        while busy:
            for control in wait(list(busy)):
                kind, said = _next(control, busy[control])
                if kind == "failed":
                    raise said
                if kind == "advanced":
                    progress.advance(said)
                else:
                    busy[control] = next(waiting, None)
                    _tell(control, busy[control])
                    if busy[control] is None:
                        del busy[control]


def _tell(control: Connection, said: object) -> None:
    """Say it to a worker; of one that is gone, `_next` has the last word."""
    with suppress(OSError):
        control.send(said)


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
    backend, windows = engine.backend, settings_of(engine)
    pipes = [Pipe() for _ in range(1 + backend.lanes)]
    # A batch may be padded somewhat beyond its budget. What is not touched takes no memory.
    size = 2 * engine.tokens * len(engine.encoder.inputs) * np.dtype(np.int64).itemsize
    memories = [shared_memory(size) for _ in range(backend.lanes)]
    ends = [*(there.fileno() for _, there in pipes), *memories]
    # Not by multiprocessing: that would run a job's script once more in every worker.
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import work; work(*{ends})"],
        pass_fds=ends,
        env={**os.environ, **_ONE_CORE, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    for _, there in pipes:
        there.close()
    (control, _), *lanes = pipes
    threads = [
        Thread(target=answer, args=(backend, Lane(pipe, memory)), daemon=True)
        for (pipe, _), memory in zip(lanes, memories, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        traits = {name: getattr(backend, name) for name in _TRAITS} | {"tokens": engine.tokens}
        traits["provenance"] = backend.provenance()
        _tell(control, (recipe, engine.folder, engine.encoder.rule, windows, traits))
        yield control
    finally:
        control.close()
        process.terminate()  # whoever is done waits for nothing but this
        process.wait()
        for thread in threads:
            thread.join()


def shared_memory(size: int) -> int:
    """A file descriptor of so many bytes that no folder lists: they are gone with the last who has it.

    Examples
    --------
    >>> os.fstat(shared_memory(4096)).st_size
    4096
    """
    if hasattr(os, "memfd_create"):
        memory = os.memfd_create("batch")
    else:
        with tempfile.TemporaryFile() as file:
            memory = os.dup(file.fileno())
    os.truncate(memory, size)
    return memory


def work(control: int, *lanes: int) -> None:
    """Be a worker: what runs in its process.

    Parameters
    ----------
    control, *lanes : int
        File descriptors of its ends of the pipes, and of the memory of as many lanes.
    """
    owner = Connection(control)
    recipe, folder, rule, windows, traits = owner.recv()
    try:
        pipes, memories = lanes[: len(lanes) // 2], lanes[len(lanes) // 2 :]
        own = [Lane(Connection(pipe), memory) for pipe, memory in zip(pipes, memories, strict=True)]
        engine = Engine(Path(folder), backend=RemoteBackend(own, traits), rule=rule)
        tasks = recipe(read_in_windows(engine, windows, rule), _Told(owner))
        for number in iter(owner.recv, None):
            tasks[number]()
            owner.send(("done", number))
    except EOFError:
        return  # the owner is gone
    except Exception as error:
        error.add_note("".join(traceback.format_exc()))
        owner.send(("failed", _sendable(error)))


def _sendable(error: Exception) -> Exception:
    """The error, or one that says the same where it does not come through a pipe."""
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))  # as the pipe does
    except Exception:  # whatever pickling raises, what the error says goes on
        other = WorkerError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            other.add_note(note)
        return other
    return error


class _Told:
    """Progress that another process shows."""

    def __init__(self, owner: Connection) -> None:
        self._owner = owner

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more units as done."""
        self._owner.send(("advanced", count))
