"""A Python that starts at once, since its libraries are loaded already: for the small jobs of the tests.

Such a job computes for a moment and imports torch, transformers and pandas for seconds. Here one process
has imported them, and nothing of the package; each job is a fork of it. It has its own arguments,
environment, folder, streams and process group and finds modules as a new interpreter would, and whoever
started it ends as it does, be it by a signal. Unlike new interpreters, its jobs share a hash seed.

The interpreter of `interpreter` is a script that leaves its arguments to that process; what the process
does not do (``-c``, other modules than snakemake, several threads) is done by a new interpreter.
"""

import atexit
import json
import os
import select
import signal
import socket
import sys

SERVED = "snakemake"
LIBRARIES = (
    "snakemake.cli", "pandas", "pyarrow.parquet", "scipy.stats", "sklearn.metrics", "jinja2", "onnx", "torch",
    "transformers:AutoModelForSequenceClassification", "transformers:AutoTokenizer", "transformers:Trainer",
    "transformers.models.bert.modeling_bert", "captum.attr",
)  # fmt: skip


_started = []


def interpreter():
    """The path of an interpreter whose server lives as long as this process."""
    import shutil
    import subprocess
    import tempfile
    from pathlib import Path

    if not _started:
        folder = Path(tempfile.mkdtemp(prefix="preloaded-"))
        atexit.register(shutil.rmtree, folder)
        address, path = folder / "socket", folder / "python"
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {__file__} ask {address} "$0" "$@"\n')
        path.chmod(0o755)
        server = subprocess.Popen(
            [sys.executable, __file__, "serve", address],
            stdin=subprocess.PIPE,  # it ends when this is closed: when this process ends, however that be
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert server.stdout.readline() == b"ready\n"
        _started.append((str(path), server))
    return _started[0][0]


def ask(address, path, *arguments):
    """Let the server run something, and end as it ended."""
    served = arguments[:2] == ("-m", SERVED) or arguments[:1] and arguments[0].endswith(".py")
    if not served or os.environ.get("OMP_NUM_THREADS") != "1":
        os.execv(sys.executable, [sys.executable, *arguments])
    job = {"argv": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
    job |= {"group": os.getpgrp(), "executable": path}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [b"+"], [0, 1, 2])
        connection.sendall(json.dumps(job).encode() + b"\n")
        code = int(connection.makefile().readline())
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


def serve(address):
    """Load the libraries, then fork for each job; return in the job's process."""
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers end by themselves
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    os.write(1, b"ready\n")
    while True:
        ready, _, _ = select.select([listening, 0], [], [])
        if 0 in ready:
            os._exit(0)
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return keep(connection)
        connection.close()


def load():
    """Import what takes longest of what jobs import."""
    import gc
    import importlib
    from pathlib import Path

    for name in LIBRARIES:
        module, _, attribute = name.partition(":")
        getattr(importlib.import_module(module), attribute or "__name__")
    # A fork has no other threads; jemalloc's knows of forks.
    threads = [path.joinpath("comm").read_text().strip() for path in Path("/proc/self/task").iterdir()]
    assert len(threads) == 1 + threads.count("jemalloc_bg_thd"), threads
    gc.freeze()


def keep(connection):
    """Fork the job itself, wait for its end and say it; return in the job's process."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    job = json.loads(connection.makefile().readline())
    process = os.fork()
    if process == 0:
        connection.close()
        return become(job, streams)
    for stream in streams:
        os.close(stream)
    os.setpgid(0, 0)  # what kills a job's group leaves its keeper alive
    ready, _, _ = select.select([connection, ending := os.pidfd_open(process)], [], [])
    if ending in ready:
        _, status = os.waitpid(process, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    else:  # who asked is gone
        os.kill(process, signal.SIGKILL)
    os._exit(0)


def become(job, streams):
    """Be what a new interpreter would be for a job."""
    import random

    import numpy as np
    import torch

    try:
        os.setpgid(0, job["group"])  # that of the snakemake that runs it
    except PermissionError:
        os.setpgid(0, 0)  # snakemake itself, which another session asks for
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.executable, sys.argv = job["executable"], job["argv"]
    first = job["folder"] if sys.argv[0] == "-m" else os.path.dirname(os.path.abspath(sys.argv[0]))
    sys.path[:1] = [first, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    for seed in (random.seed, np.random.seed, torch.seed):
        seed()


def run():
    """Run the job as the main program; its exit code, once its threads have ended."""
    import contextlib
    import runpy
    import threading
    import traceback

    code = 0
    try:
        with contextlib.suppress(ImportError):
            import sitecustomize  # noqa: F401
        if sys.argv[0] == "-m":
            del sys.argv[:1]
            runpy.run_module(SERVED, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    mode, *given = sys.argv[1:]
    if mode == "ask":
        ask(*given)
    serve(*given)
    os._exit(run())  # to take all libraries down takes longer than many a job
