"""Runs a work, peers and ours in turn, and makes its row of what they answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench import sentences
from bench.plan import CHEAP, Scale, Side, Work, options_of
from bench.runs import Workers
from distillens.data.text import Example

Result = dict[str, Any]


@dataclass
class Bench:
    """What all works share.

    Attributes
    ----------
    workers : Workers
    folder : Path
        The model's.
    scratch : Path
        For examples and values.
    examples : dict of Path
        Files of examples by their kind: ``short``, ``long``, ``copies``.
    sgemm : list of dict
        Everything that was measured of the machine's matrix product, in order.
    """

    workers: Workers
    folder: Path
    scratch: Path
    examples: dict[str, Path]
    sgemm: list[dict[str, float]]

    def measure_sgemm(self, scale: Scale) -> None:
        """Measure the machine once more."""
        self.sgemm.append(self.workers.ask("sgemm", kind="sgemm", size=scale.sgemm_size))

    def run(
        self, what: str, work: Work, side: Side, file: Path | None = None, values: Path | None = None
    ) -> Result:
        """Run one side of a work once, in a process of its own."""
        return self.workers.ask(
            what,
            kind="run",
            run=side.run,
            method=work.method,
            unit=work.unit,
            options={**work.options, **side.options},
            engine=side.engine,
            folder=str(self.folder),
            examples=str(file or self.examples[work.sentences]),
            few=side.few,
            values=str(values) if values else None,
        )


def run_work(bench: Bench, work: Work, scale: Scale) -> dict[str, Any]:
    """Run a work and return its row.

    Parameters
    ----------
    bench : Bench
    work : Work
    scale : Scale
        Quick ones leave out all peers but the first.
    """
    peers = work.peers if scale.further_peers else work.peers[:1]
    pairs = [(peer, replace(work.ours, few=peer.few)) for peer in peers]
    # A side that stands in two pairs runs once; a peer comes before ours.
    sides = {(side.name, side.few): side for pair in pairs for side in pair}
    results: dict[tuple[str, int | None], list[Result]] = {key: [] for key in sides}
    values = {key: bench.scratch / f"{work.name}-{number}.npy" for number, key in enumerate(sides)}
    before = len(bench.sgemm) - 1
    for _ in range(work.repeats):
        for key, side in sides.items():
            what = f"{work.name}: {side.name}"
            results[key].append(bench.run(what, work, side, values=values[key]))
    bench.measure_sgemm(scale)
    speed = median(one["numpy"] for one in bench.sgemm[before:])
    compared = [
        _compared(*(_summary(results[side.name, side.few]) for side in pair))
        | {"max_abs_difference": _difference(*(values[side.name, side.few] for side in pair))}
        for pair in pairs
    ]
    first = compared[0]
    row = {"work": work.name, "peer": peers[0].name, **first, **_achieved(first, speed)}
    row |= {"must": work.must, "aim": work.aim, "must_difference": work.difference}
    row |= {"unit": work.unit, "options": work.options, "repeats": work.repeats}
    row["peers"] = {peer.name: one for peer, one in zip(peers[1:], compared[1:], strict=True)}
    return row


def _summary(runs: Sequence[Result]) -> Result:
    """The median of what repetitions took; what they did is the same each time."""
    return {**runs[-1], "seconds": median(one["seconds"] for one in runs)} | {
        name: max(one[name] for one in runs) for name in ("peak_memory_mb", "loaded_memory_mb")
    }


def _compared(peer: Result, ours: Result) -> dict[str, Any]:
    return {
        "ratio": peer["seconds"] / ours["seconds"],
        "sentences": ours["sentences"],
        "seconds": ours["seconds"],
        "seconds_per_sentence": ours["seconds"] / ours["sentences"],
        "peer_seconds_per_sentence": peer["seconds"] / peer["sentences"],
        "forwards": ours["forwards"],
        "distinct_forwards": ours["distinct_forwards"],
        "peer_forwards": peer["forwards"],
        "peak_memory_mb": ours["peak_memory_mb"],
        "peer_peak_memory_mb": peer["peak_memory_mb"],
        "memory_above_loaded_mb": ours["peak_memory_mb"] - ours["loaded_memory_mb"],
        "peer_memory_above_loaded_mb": peer["peak_memory_mb"] - peer["loaded_memory_mb"],
        "executed_gflop": ours["executed_gflop"],
        "effective_gflop": ours["effective_gflop"],
        "peer_gflops": peer["executed_gflop"] / peer["seconds"],
    }


def _achieved(row: dict[str, Any], speed: float) -> dict[str, float]:
    gflops = row["executed_gflop"] / row["seconds"]
    return {
        "gflops": gflops,
        "effective_gflops": row["effective_gflop"] / row["seconds"],
        "sgemm_gflops": speed,
        "sgemm_share": gflops / speed,
    }


def _difference(peer: Path, ours: Path) -> float:
    return float(np.abs(np.load(peer) - np.load(ours)).max())


def run_growth(bench: Bench, scale: Scale, every: Sequence[Example]) -> dict[str, Any]:
    """How seconds and memory of ours grow with the number of sentences, nothing kept.

    Parameters
    ----------
    bench : Bench
    scale : Scale
    every : sequence of Example
        Where sentences are drawn from; more hold the fewer.
    """
    growth = {}
    for method in scale.growth_methods:
        options = {**options_of(method), **CHEAP.get(method, {})}
        runs = []
        for count in scale.growth:
            file = sentences.write(bench.scratch / f"{count}.parquet", every[:count])
            work = Work(method, method, (), options)
            runs.append(bench.run(f"{method}: {count} sentences", work, work.ours, file))
        memory = {count: one["peak_memory_mb"] for count, one in zip(scale.growth, runs, strict=True)}
        growth[method] = {
            "options": options,
            "runs": [
                {"seconds_per_sentence": one["seconds"] / one["sentences"]}
                | {name: one[name] for name in ("sentences", "peak_memory_mb", "loaded_memory_mb")}
                for one in runs
            ],
            "memory_ratio": memory[scale.growth[-1]] / memory[scale.grown_from],
            "must": 1.15,
        }
    return growth
