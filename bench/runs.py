"""Starts the processes that measure, one at a time, and shows how far they are."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

_ROOT = Path(__file__).parents[1]
_SAY_EVERY_S = 30
# Every side gets all cores, and compiles what it would compile.
_UNSET = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_DISABLE_JIT")


class Failed(RuntimeError):
    """A process ended without an answer; the message is the end of what it said."""


class Workers:
    """Processes of `bench.worker`.

    Parameters
    ----------
    fresh : bool
        A new one for each request, with all cores; otherwise one for all: faster, but
        then nothing said of memory is true.
    """

    def __init__(self, fresh: bool = True) -> None:
        self._fresh, self._process = fresh, None
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop()
        self._errors.close()

    def ask(self, what: str, **request: Any) -> dict[str, Any]:
        """Send a request, show its progress and return its answer.

        Parameters
        ----------
        what : str
            Stands beside the progress.
        **request
            See `bench.worker`.
        """
        process = self._process = self._process or self._start()
        self._errors.seek(0)
        self._errors.truncate()
        print(json.dumps(request), file=process.stdin, flush=True)
        start = said = time.monotonic()
        with tqdm(desc=what, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False) as bar:
            for line in process.stdout:
                answer = json.loads(line)
                if "result" in answer:
                    break
                done, bar.total = answer["progress"]
                bar.update(done - bar.n)
                if bar.disable and time.monotonic() - said >= _SAY_EVERY_S:
                    said = time.monotonic()
                    print(f"{what}: {done} of {bar.total} in {said - start:.0f} s", file=sys.stderr)
            else:
                self._stop()
                self._errors.seek(0)
                raise Failed(f"{what} failed:\n{self._errors.read()[-4000:]}")
        print(f"{what}: {time.monotonic() - start:.1f} s with loading", file=sys.stderr)
        if self._fresh:
            self._stop()
        return answer["result"]

    def _start(self) -> subprocess.Popen:
        unset = _UNSET if self._fresh else ()
        settings = {name: value for name, value in os.environ.items() if name not in unset}
        return subprocess.Popen(
            [sys.executable, "-m", "bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=_ROOT,
            env={**settings, "HF_HUB_OFFLINE": "1"},
        )

    def _stop(self) -> None:
        if self._process:
            self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
            self._process = None
