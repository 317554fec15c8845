"""Explains damaged copies of a teacher's run: the rungs of its ladder.

A rung is made in memory, from the run's weights and a seed, asked, and forgotten: nothing is trained, and
no weights are saved.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel

from distillens import registry
from distillens.attribution.explain import ExplanationPlan, Work, seed_of_draws
from distillens.data.text import seed_of
from distillens.joblog import Progress
from distillens.models.chunks import Part, write_in_parts
from distillens.models.engine import Engine
from distillens.models.errors import ModelError
from distillens.models.job import ModelJob
from distillens.provenance import digest


class Rung(NamedTuple):
    """A damaged copy: which damage, how much of it, and which of its draws."""

    kind: str
    dose: float
    draw: int


def rungs_of(ladder: Mapping[str, Mapping[str, Any]]) -> list[Rung]:
    """The rungs of a ladder, by kind and dose; damage that draws nothing has one draw.

    Examples
    --------
    >>> rungs_of({"noise": {"doses": [0.2, 0.1], "draws": 2}})[:2]
    [Rung(kind='noise', dose=0.1, draw=0), Rung(kind='noise', dose=0.1, draw=1)]
    """
    return [
        Rung(kind, dose, draw)
        for kind in sorted(ladder)
        for dose in sorted(ladder[kind]["doses"])
        for draw in range(ladder[kind].get("draws", 1))
    ]


def explain_rungs(
    job: ModelJob,
    plan: ExplanationPlan,
    ladder: Mapping[str, Mapping[str, Any]],
    explained: str | Path,
    out: str | Path,
) -> None:
    """Explain the texts with every rung, and write the table of kind ``rungs``.

    Finished groups of texts are kept as by `distillens.attribution.explain.write_explanations`: a job that
    was killed, or has more rungs or texts than the last one, makes only what it does not find.

    Parameters
    ----------
    job : ModelJob
        The teacher's run; its run is an `ExplanationId`.
    plan : ExplanationPlan
    ladder : mapping
        For each kind of damage its ``doses`` and, where it is drawn, its ``draws``.
    explained : str or Path
        The examples.
    out : str or Path
        Target file.

    Raises
    ------
    ModelError
        If a rung changes no weight of the model, or its answer to an example is not finite.
    ValueError
        If a kind of damage does not exist.
    """
    run = job.run
    work = Work(job, plan, explained, job.engine.load(job.folder, change=_nothing))
    precision = torch.bfloat16 if job.engine.precision == "bfloat16" else torch.float32

    @lru_cache(maxsize=1)
    def engine_of(rung: Rung) -> Engine:
        """A copy, kept until the next one is asked for."""
        seed = seed_of(plan.seed, "damage", run.task, run.model, run.seed, *rung)
        return job.engine.load(job.folder, partial(_damage, rung=rung, seed=seed, precision=precision))

    def make(rung: Rung, group: slice) -> Sequence[Iterator[dict[str, Any]]]:
        return [rows(rung, group)]

    def rows(rung: Rung, group: slice) -> Iterator[dict[str, Any]]:
        seed = work.seed if work.shared else seed_of_draws(plan.seed, run, False, "rung", *rung)
        where = f"{job.folder}, damaged by {rung.kind} of {rung.dose:g}"
        for attribution, logits in work.explained(group, engine_of(rung), seed, where):
            yield {
                **rung._asdict(),
                "example_id": attribution.example.example_id,
                "values": attribution.values.tolist(),
                "logits": logits.tolist(),
            }
            progress.advance()

    cut = work.groups()
    rungs, out = rungs_of(ladder), Path(out)
    with Progress(len(rungs) * len(work.examples), f"{run.explainer} ladder", "text") as progress:
        parts = [
            Part({**stamp, "rung": list(rung)}, partial(make, rung, group), group.stop - group.start)
            for rung in rungs
            for group, stamp in cut
        ]
        write_in_parts(
            {"rungs": out},
            parts,
            {**work.origin, "ladder": ladder, "explained_sha256": digest(explained)},
            out.with_name(f".{run.explainer}.parts"),
            progress,
        )


def _damage(model: PreTrainedModel, rung: Rung, seed: int, precision: torch.dtype) -> None:
    """Damage a model, in place; a copy that would be the model itself is refused."""
    before = _checksums(model, precision)
    registry.load("damage", rung.kind).damage(model, dose=rung.dose, seed=seed)
    if _checksums(model, precision) == before:
        where = f"reference.ladder.{rung.kind}"
        raise ModelError(
            f"{where}: a dose of {rung.dose:g} changes no weight of {model.name_or_path} as it is computed; "
            f"leave this dose out of {where}.doses"
        )


def _checksums(model: PreTrainedModel, precision: torch.dtype) -> dict[str, int]:
    """Of each of a model's tensors, as it is computed; the zero has no sign."""
    return {
        name: zlib.crc32((weights.to(precision) + 0).flatten().view(torch.uint8).numpy())
        for name, weights in model.state_dict().items()
    }


def _nothing(model: Any) -> None:
    """The copy that is not damaged: it runs on what the others run on."""
