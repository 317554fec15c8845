"""What a model's card says of the course of its training."""

from collections.abc import Mapping, Sequence
from typing import Any

_KEPT = {"epoch", "step", "loss", "eval_loss"}


def history_of(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The losses that were logged; not how long they took, so that equal trainings have equal cards.

    Examples
    --------
    >>> history_of([{"step": 10, "loss": 0.5, "loss_soft": 0.2, "train_runtime": 7.1}])
    [{'step': 10, 'loss': 0.5, 'loss_soft': 0.2}]
    """
    return [
        {name: value for name, value in entry.items() if name in _KEPT or name.startswith("loss_")}
        for entry in log
    ]
