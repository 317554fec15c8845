"""A job's log file, and progress that reads well in a terminal and in a log."""

import contextlib
import logging
import sys
import time
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

_LOG_EVERY_S = 5.0


@contextlib.contextmanager
def logging_to(path: str | Path) -> Iterator[None]:
    """Send stdout, stderr, logging and the traceback of a failure into a job's log.

    What stood on standard error before still receives progress if it is a terminal.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with (
        open(path, "w", buffering=1, encoding="utf-8", errors="backslashreplace") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        logging.basicConfig(
            stream=log, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", force=True
        )
        try:
            yield
        except BaseException:
            traceback.print_exc(file=log)
            raise


class Progress:
    """Progress of a long job: a bar in a terminal, a line every few seconds in its log.

    Both show the count, the rate and the time left.
    """

    def __init__(self, total: int, what: str, unit: str = "it") -> None:
        terminal = sys.__stderr__ is not None and sys.__stderr__.isatty()
        self._scale = {"unit": unit, "unit_scale": unit == "B"}
        self._bar = tqdm(
            total=total, desc=what, file=sys.__stderr__, disable=not terminal, leave=False, **self._scale
        )
        self._total, self._what = total, what
        self._done, self._start, self._logged = 0, time.monotonic(), time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away; the log keeps a last line."""
        self._bar.close()
        self._log()

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more units as done."""
        self._done += count
        self._bar.update(count)
        if time.monotonic() - self._logged >= _LOG_EVERY_S:
            self._log()

    def _log(self) -> None:
        self._logged = time.monotonic()
        line = tqdm.format_meter(
            self._done, self._total, self._logged - self._start, prefix=self._what, ncols=90, **self._scale
        )
        logging.getLogger("distillens").info(line)


def tracked(items: Collection[Item], what: str, unit: str) -> Iterator[Item]:
    """Iterate with `Progress`.

    Examples
    --------
    >>> list(tracked(["one", "two"], "count", "text"))
    ['one', 'two']
    """
    with Progress(len(items), what, unit) as progress:
        for item in items:
            yield item
            progress.advance()
