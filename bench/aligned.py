"""What aligning attention costs beside plain masked-language distillation: ``python -m bench.aligned``.

The same student, teacher and blocks; steps of both are taken in turn, the median counts.
"""

import argparse
import copy
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from tqdm import trange
from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedModel

from distillens.models import classifier
from distillens.training.pretraining.attention_interchange import OPTIONS, Pretraining

PLAIN, ALIGNED = "masked-language distillation", "the same with interchanged attention"


def measure(
    checkpoint: Path, layers: list[int], batch: int, length: int, steps: int, device: str = "cpu"
) -> dict[str, Any]:
    """Seconds of a step of each kind: forward, backward, optimiser.

    Parameters
    ----------
    checkpoint : Path
        Gives the size; weights are random, which costs the same.
    layers : list of int
        What the student keeps of the teacher.
    batch, length : int
        Blocks in a step, and pieces in a block.
    steps : int
        Of each kind.
    device : str
        ``cpu`` or ``cuda``.
    """
    torch.manual_seed(0)
    teacher = AutoModelForMaskedLM.from_config(
        AutoConfig.from_pretrained(checkpoint), attn_implementation="eager"
    ).to(device)
    pieces = teacher.config.vocab_size
    blocks = torch.randint(min(1000, pieces // 2), pieces, (batch, length)).to(device)
    labels = blocks.where(torch.rand(batch, length).to(device) < 0.15, torch.tensor(-100, device=device))
    taken = {name: _Step(teacher, layers, weight) for name, weight in ((PLAIN, 0.0), (ALIGNED, 1.0))}
    seconds: dict[str, list[float]] = {name: [] for name in taken}
    for _ in trange(steps + 1, desc="steps"):
        for name, step in taken.items():
            start = time.perf_counter()
            step({"input_ids": blocks, "labels": labels})
            if device != "cpu":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - start)
    # The first of each warms up.
    medians = {name: statistics.median(taken[1:]) for name, taken in seconds.items()}
    return {"seconds a step": medians, "ratio": medians[ALIGNED] / medians[PLAIN], "aim": 2.2}


class _Step:
    """A student of its own, and one step of its training."""

    def __init__(self, teacher: PreTrainedModel, layers: list[int], weight_att: float) -> None:
        defaults = {name: option["default"] for name, option in OPTIONS.items() if "default" in option}
        self._student = copy.deepcopy(teacher)
        self._student.set_attn_implementation("sdpa")
        classifier.keep_layers(self._student, layers, "the student")
        self._training = Pretraining.__new__(Pretraining)
        self._training.options = {**defaults, "weight_att": weight_att}
        self._training.teacher = teacher.eval().requires_grad_(False)
        Pretraining.prepare(self._student, teacher, self._training.options)
        self._student.train().requires_grad_(True)
        self._optimiser = torch.optim.AdamW(self._student.parameters(), lr=1e-5)

    def __call__(self, batch: dict[str, torch.Tensor]) -> None:
        losses = self._training.losses(self._student, batch)
        sum(self._training.weight(name) * loss for name, loss in losses.items()).backward()
        self._optimiser.step()
        self._optimiser.zero_grad()


def main() -> None:
    """Measure, print, and write ``aligned.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("results/quickstart/checkpoints/minilm"))
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 2, 4])
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("aligned.json"))
    given = parser.parse_args()
    record = measure(given.checkpoint, given.layers, given.batch, given.length, given.steps)
    given.out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
