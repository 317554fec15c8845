"""What runs beside a training: its progress, the clock, and the saving that lets it go on after a kill."""

import time
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from distillens.joblog import Progress

# What a killed run does again is what it did since; saving may take a twentieth of the time.
_SAVE_SECONDS, _SAVE_SHARE = 45, 20


class Meter(TrainerCallback):
    """Progress by optimiser step."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin where the run does."""
        self._progress = Progress(state.max_steps, "train", "step")
        self._progress.advance(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """One step more."""
        self._progress.advance()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say that it is done."""
        self._progress.close()


class Resumable(TrainerCallback, ExportableState):
    """Saves the run about every minute, and lets it go on in the middle of an epoch.

    1. As an epoch begins, the order of its batches is drawn from torch's generator. The state that
       it is drawn from is kept, and saved with every checkpoint; with one between two epochs, the state
       that the next order will be drawn from.
    2. After a step, if the pause is over, a checkpoint is written: weights, optimiser, generators as
       they are now, and this object. The pause is at least 45 seconds, and 20 times what saving took.
       After the last step of an epoch it waits for the evaluation, which draws, too.
    3. A run that was killed loads the last whole checkpoint. transformers begins the epoch again, and
       here the generator first gets the state that was kept: the same order is drawn.
    4. transformers skips the batches that were done, restores the later state of the generators
       (for dropout), and the run goes on as if it had not been killed.
    """

    def __init__(self) -> None:
        self.drawn_from = ""
        self._saved, self._pause = time.monotonic(), float(_SAVE_SECONDS)

    def state(self) -> dict[str, Any]:
        """What is saved with the run."""
        return {"args": {}, "attributes": {"drawn_from": self.drawn_from or _generator()}}

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Remember what the order is drawn from; in a run that goes on, draw from what was saved."""
        if self.drawn_from:
            torch.set_rng_state(torch.tensor(list(bytes.fromhex(self.drawn_from)), dtype=torch.uint8))
        self.drawn_from = _generator()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save if it is time, but not yet at the end of an epoch."""
        if float(state.epoch).is_integer():
            control.should_save = False
        elif time.monotonic() - self._saved >= self._pause:
            control.should_save, self._saved = True, time.monotonic()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save; the next order is not drawn yet."""
        control.should_save, self.drawn_from = True, ""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Do it less often where it takes long."""
        self._pause = max(_SAVE_SECONDS, _SAVE_SHARE * (time.monotonic() - self._saved))
        self._saved = time.monotonic()


class Epochs(TrainerCallback):
    """Tells the data that is trained on its epoch: where a run goes on within one, accelerate forgets to."""

    def on_epoch_begin(self, args: Any, state: Any, control: Any, train_dataloader: Any, **_: Any) -> None:
        """Count epochs from 0."""
        train_dataloader.dataset.set_epoch(int(state.epoch or 0))


def _generator() -> str:
    """The state of torch's generator."""
    return bytes(torch.get_rng_state().tolist()).hex()


class Clock(TrainerCallback, ExportableState):
    """Seconds that a training takes, a run's parts before and after a kill together.

    Attributes
    ----------
    wall, cpu : float
        Seconds by the clock, and of the processor.
    """

    def __init__(self, wall: float = 0.0, cpu: float = 0.0) -> None:
        self.wall, self.cpu = wall, cpu
        self._since = time.monotonic(), time.process_time()

    def state(self) -> dict[str, Any]:
        """What is saved with the run."""
        self.stop()
        return {"args": {"wall": self.wall, "cpu": self.cpu}, "attributes": {}}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """What went before is in the total already."""
        self._since = time.monotonic(), time.process_time()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Complete the total."""
        self.stop()

    def stop(self) -> None:
        """Add what has passed to the total."""
        now = time.monotonic(), time.process_time()
        self.wall += now[0] - self._since[0]
        self.cpu += now[1] - self._since[1]
        self._since = now
