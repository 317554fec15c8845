"""Recipes for workers: small modules are imported at once."""

import os
import signal
from functools import partial
from pathlib import Path

import numpy as np


def logits_into(folder, texts, engine, progress):
    """A task for each text: write its logits."""

    def task(number):
        np.save(Path(folder, str(number)), engine.logits(texts[number]))
        progress.advance()

    return [partial(task, number) for number in range(len(texts))]


def broken(engine, progress):
    """Tasks of which the second one fails."""

    def fail():
        raise ValueError("text b has no words")

    return [lambda: None, fail]


def killed(engine, progress):
    """A task that the system ends."""
    return [lambda: os.kill(os.getpid(), signal.SIGKILL)]


class OfTwoError(Exception):
    """Comes out of no pipe: it is made of more than its message."""

    def __init__(self, text, word):
        super().__init__(f"text {text} lacks {word}")


def unpickled(engine, progress):
    """Tasks that fail with what cannot be pickled, or cannot be made again."""

    def local():
        class LocalError(Exception):
            pass

        raise LocalError("text b has no words")

    def of_two():
        raise OfTwoError("b", "words")

    return [local, of_two]


def absent(engine, progress):
    """No tasks: the worker is gone before it is told of any."""
    os.kill(os.getpid(), signal.SIGKILL)
