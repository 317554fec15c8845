"""Put on the path of a job's process by tests: something goes wrong there, once, at an exact moment.

``DISTILLENS_FAULT`` holds a JSON object: ``rule``, ``event`` (of Python's audit hooks) and
``path`` (a pattern of its first argument) say when; ``action`` is ``kill`` (the whole process
group, without warning), ``memory`` (this process only, as the kernel does it where memory is
limited) or ``sleep`` (ten minutes, or until the file ``until`` is there); ``flag`` is a file that
remembers it.
"""

import json
import os
import re
import signal
import sys
import time

_FAULT = json.loads(os.environ.get("DISTILLENS_FAULT", "{}"))


def _happen() -> None:
    if _FAULT["action"] == "kill":
        os.killpg(os.getpgid(0), signal.SIGKILL)
    elif _FAULT["action"] == "memory":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        for _ in range(6000):
            if os.path.exists(_FAULT.get("until", "")):
                break
            time.sleep(0.1)


def _watch(event: str, arguments: tuple) -> None:
    if event != _FAULT["event"] or not re.search(_FAULT["path"], os.fsdecode(str(arguments[0]))):
        return
    if not sys.argv or not sys.argv[0].endswith(f".{_FAULT['rule']}.py") or os.path.exists(_FAULT["flag"]):
        return
    os.close(os.open(_FAULT["flag"], os.O_CREAT | os.O_WRONLY))
    _happen()


if _FAULT:
    sys.addaudithook(_watch)
