"""Python's garbage collector, asked to come seldom while models are asked.

Explaining makes very many small objects, nearly all of which go by themselves. The collector only finds those
that hold each other; looking through all the others again and again took a quarter of the host's time
(`bench.host`, occlusion).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW = 100_000  # objects; by default it is 700


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Collect a hundredth as often; as before at the end.

    Examples
    --------
    >>> before = gc.get_threshold()
    >>> with collecting_rarely():
    ...     gc.get_threshold()[0]
    100000
    >>> gc.get_threshold() == before
    True
    """
    before = gc.get_threshold()
    gc.set_threshold(_NEW, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
