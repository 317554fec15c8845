"""Seconds, memory, forward passes, and the speed of a matrix product."""

import contextlib
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.models import Cost

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Forwards:
    """What was asked of a model.

    Attributes
    ----------
    asked, computed : int
        Texts asked for, and texts that went through the model.
    executed, effective : int
        FLOP that were done, and that the whole model would have done.
    """

    asked: int = 0
    computed: int = 0
    executed: int = 0
    effective: int = 0

    def add(self, cost: Cost, shape: tuple[int, int], trimmed: bool, backward: bool = False) -> None:
        """Count a batch."""
        self.computed += 0 if backward else shape[0]
        self.executed += cost.flop(*shape, trimmed, backward)
        self.effective += cost.flop(*shape, False, backward)

    def clear(self) -> None:
        """Begin anew."""
        self.asked = self.computed = self.executed = self.effective = 0


def count_engine(engine: Any, cost: Cost, forwards: Forwards) -> None:
    """Count what an engine is asked for and what it sends to its backend."""
    logits, masked = engine.logits, engine.masked
    forward, lock = engine.backend.forward, threading.Lock()

    def counted_logits(texts: Any, *rest: Any, **settings: Any) -> np.ndarray:
        forwards.asked += len(texts)
        return logits(texts, *rest, **settings)

    def counted_masked(asked: Any) -> np.ndarray:
        forwards.asked += sum(map(len, asked))
        return masked(asked)

    def counted_forward(batch: dict[str, np.ndarray]) -> np.ndarray:
        with lock:  # batches run side by side
            forwards.add(cost, batch["input_ids"].shape, engine.backend.trimmed)
            forwards.executed -= cost.spared(batch) if engine.backend.shared else 0
        return forward(batch)

    engine.logits, engine.masked, engine.backend.forward = counted_logits, counted_masked, counted_forward


def count_model(model: Any, cost: Cost, forwards: Forwards, trimmed: bool = False) -> None:
    """Count what goes through a torch model, and the gradients that come back."""

    def before(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        embedded = named.get("inputs_embeds")
        inputs = embedded if embedded is not None else named.get("input_ids", given[0] if given else None)
        shape = tuple(inputs.shape[:2])
        forwards.add(cost, shape, trimmed)
        if embedded is not None and embedded.requires_grad:
            embedded.register_hook(lambda _: forwards.add(cost, shape, trimmed, backward=True))

    model.register_forward_pre_hook(before, with_kwargs=True)


def forget_peak() -> None:
    """Let the peak of memory begin at what is held now, where the system can."""
    with contextlib.suppress(OSError):
        _FORGET.write_text("5")


def peak_mb() -> float:
    """Largest resident size of this process since `forget_peak`."""
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 1024
    )


def resident_mb() -> float:
    """Resident size now; the peak where the system does not say."""
    return _status("VmRSS") or peak_mb()


def _status(name: str) -> float | None:
    if not _STATUS.exists():
        return None
    lines = dict(line.split(":", 1) for line in _STATUS.read_text("utf-8").splitlines() if ":" in line)
    return float(lines[name].split()[0]) / 1024 if name in lines else None


def sgemm(size: int, repeats: int = 9) -> dict[str, float]:
    """GFLOP/s of the best of several products of two square matrices, all threads.

    By NumPy, which is what shares are of, and by torch, whose library is another one.
    """
    import torch

    draw = np.random.default_rng(0)
    a, b = (draw.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    s, t = torch.from_numpy(a), torch.from_numpy(b)
    seconds = {"numpy": _best(lambda: a @ b, repeats), "torch": _best(lambda: s @ t, repeats)}
    return {name: 2 * size**3 / best / 1e9 for name, best in seconds.items()}


def _best(run: Callable[[], Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
