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
