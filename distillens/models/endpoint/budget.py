"""How many calls an endpoint has had, and when the next may go: one count for all jobs that ask it."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from distillens.models.errors import ModelError


class SpentBudget(ModelError):
    """As many calls as the config allows have been made."""


class Budget:
    """A count of calls in a folder, which jobs that run side by side and later ones share.

    Every attempt counts: a call that failed may have been paid for.

    Parameters
    ----------
    folder : Path
        Where the count is kept.
    most_calls : int
        No call goes beyond it, whoever makes it.
    rate : float, optional
        Calls a second, of all jobs together; None for as many as go.
    clock, sleep : callable
        Seconds since some moment that all jobs share; wait so many seconds.

    Examples
    --------
    >>> budget = Budget(Path("calls"), most_calls=1)
    >>> budget.take()
    >>> budget.spent
    1
    >>> budget.take()
    Traceback (most recent call last):
        ...
    distillens.models.endpoint.budget.SpentBudget: 1 call has been made, and most_calls allows no more; ...
    """

    def __init__(
        self,
        folder: Path,
        most_calls: int,
        rate: float | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self._lock = folder / "calls.json", FileLock(folder / "calls.lock")
        self._most, self._gap = most_calls, 1 / rate if rate else 0.0
        self._clock, self._sleep = clock, sleep

    @property
    def spent(self) -> int:
        """Calls so far."""
        return int(self._state()["calls"])

    def take(self) -> None:
        """Wait for the turn of the next call, and count it.

        Raises
        ------
        SpentBudget
            If there is none left.
        """
        with self._lock:
            state = self._state()
            if state["calls"] >= self._most:
                calls = int(state["calls"])
                raise SpentBudget(
                    f"{calls} call{'s have' if calls != 1 else ' has'} been made, and most_calls allows no "
                    f"more; all answers so far are kept in {self._file.parent} and are not paid for again: "
                    "raise most_calls and run again"
                )
            # Another machine's clock may be ahead; nobody waits for longer than one turn.
            wait = min(state["last"] + self._gap - self._clock(), self._gap)
            if wait > 0:
                self._sleep(wait)
            draft = self._file.with_name(f".{self._file.name}.draft")
            draft.write_text(json.dumps({"calls": state["calls"] + 1, "last": self._clock()}), "utf-8")
            os.replace(draft, self._file)

    def _state(self) -> dict[str, float]:
        if not self._file.is_file():
            return {"calls": 0, "last": 0.0}
        try:
            state = json.loads(self._file.read_text("utf-8"))
            return {"calls": int(state["calls"]), "last": float(state["last"])}
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f'{self._file}: no count of calls; write {{"calls": N, "last": 0}}, N being those made'
            ) from error
