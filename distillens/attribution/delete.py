"""Removes the words that an explanation names, and asks the model again."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.attribution.explain import groups, named, seen_part
from distillens.attribution.rankings import Rankings, orders, stored_as_given
from distillens.attribution.removal_curves import trace
from distillens.data.segmentation import versions
from distillens.data.text import Example, examples, seed_of
from distillens.joblog import Progress
from distillens.models.answers import finite
from distillens.models.chunks import Part, write_in_parts
from distillens.models.engine import Engine
from distillens.models.job import ModelJob
from distillens.models.masks import Masks
from distillens.provenance import digest


@dataclass(frozen=True)
class DeletionPlan:
    """What the config says of deletions.

    Attributes
    ----------
    ks : list of int
        Numbers of words to remove.
    draws : int
        Random rankings per text; the same ones for every model.
    beam : int
        See `distillens.attribution.removal_curves.trace`.
    seed : int
        The study's seed.
    """

    ks: list[int]
    draws: int
    beam: int
    seed: int


def write_deletions(
    job: ModelJob,
    plan: DeletionPlan,
    explained: str | Path,
    explanations: Sequence[str | Path],
    teachers: Sequence[str | Path],
    out: str | Path,
    curves: str | Path,
) -> None:
    """Write what removing words does: the tables of kinds ``deletions`` and ``curves``.

    Rankings: for each explainer ``own`` (the model's attribution of its predicted class,
    largest first) and ``teacher`` (the teacher's, of the teacher's predicted class:
    cross-model deletion); and ``random``, which belongs to no explainer, unless that
    explains tokens: then as many random tokens are removed. A removed word
    becomes the mask token. Attributions from elsewhere that are kept as they were stored
    (``unit: token``) have no ranking: their positions need not stand in the text.

    Groups of examples are made, kept and found again as those of explanations are. Their digest
    holds the orders of removal, not those of whole files: where an explanation changed, only the
    groups of the texts whose order it changed are made again.

    Parameters
    ----------
    job : ModelJob
    plan : DeletionPlan
    explained : str or Path
        The examples.
    explanations : sequence of paths
        The model's own explanations of them, one file per explainer.
    teachers : sequence of paths
        The teacher's; none for a model without one.
    out : str or Path
        Target of ``deletions``: logits without the top k words. A text of k words or
        fewer has no row for k: nothing would be left of it.
    curves : str or Path
        Target of ``curves``; see `distillens.attribution.removal_curves.trace`.
    """
    engine = job.engine.load(job.folder)
    chosen = [seen_part(example, engine)[0] for example in examples(tables.read(explained, "examples"))]
    own = {tables.provenance(path)["explainer"] for path in explanations if not stored_as_given(path)}
    rankings = {
        (tables.provenance(path)["explainer"], name): Rankings.read(path)
        for name, paths in (("own", explanations), ("teacher", teachers))
        for path in paths
        if tables.provenance(path)["explainer"] in own and not stored_as_given(path)
    }
    own_seed = seed_of(plan.seed, job.run.task, "deletion")
    origin = {
        **job.run.provenance(),
        "k": plan.ks,
        "draws": plan.draws,
        "beam": plan.beam,
        "study_seed": plan.seed,
        **engine.provenance(),
    }
    origin["versions"] |= versions(text for example in chosen for text in example.texts)
    provenance = {
        **origin,
        "explanations_sha256": [digest(path) for path in explanations],
        "teacher_explanations_sha256": [digest(path) for path in teachers],
    }
    stamp = {**origin, "code": job.code, **engine.batching}
    costs = [
        (len(rankings) + plan.draws) * 2 * len(example.words) + plan.beam * len(example.words) ** 2
        for example in chosen
    ]

    def make(few: Sequence[Example]) -> list[Iterator[dict[str, Any]]]:
        engine.forget()
        return [
            _deletions(few, rankings, plan.ks, plan.draws, engine, own_seed),
            trace(few, rankings, plan.draws, plan.beam, engine, own_seed, progress),
        ]

    with Progress(len(chosen), "delete", "text") as progress:
        parts = []
        for group in groups([example.texts for example in chosen], costs, engine):
            few = chosen[group]
            digest_of_orders = _fingerprint(few, rankings, plan.draws, own_seed)
            source = {**stamp, "texts": named(few), "orders": digest_of_orders}
            parts.append(Part(source, partial(make, few), len(few)))
        folder = Path(out).with_name(f".{Path(out).stem}.parts")
        write_in_parts({"deletions": out, "curves": curves}, parts, provenance, folder, progress)


def _fingerprint(
    chosen: Sequence[Example], rankings: Mapping[tuple[str, str], Rankings], draws: int, seed: int
) -> str:
    """Digest of every order in which words are removed."""
    every = [
        [explainer, name, draw, named([units]), order]
        for example in chosen
        for explainer, name, draw, units, order in orders(example, rankings, draws, seed)
    ]
    return hashlib.sha256(json.dumps(every).encode()).hexdigest()


def _deletions(
    chosen: Sequence[Example],
    rankings: Mapping[tuple[str, str], Rankings],
    ks: Sequence[int],
    draws: int,
    engine: Engine,
    seed: int,
) -> Iterator[dict[str, Any]]:
    names = [example.example_id for example in chosen]
    before = finite(engine.logits([example.texts for example in chosen]), names, engine.folder)
    plan, asked = [], []
    for row, example in enumerate(chosen):
        for explainer, name, draw, units, order in orders(example, rankings, draws, seed):
            fitting = [k for k in ks if len(units.words) > k <= len(order)]
            plan += [(row, explainer, name, draw, k, order[:k]) for k in fitting]
            asked.append(Masks.without(units, [order[:k] for k in fitting]))
    after = engine.masked(asked)
    if plan:
        finite(after, [f"{names[row]} without {k} words" for row, _, _, _, k, _ in plan], engine.folder)
    for number, (row, explainer, name, draw, k, removed) in enumerate(plan):
        yield {
            "example_id": chosen[row].example_id,
            "explainer": explainer,
            "ranking": name,
            "draw": draw,
            "k": k,
            "target": int(before[row].argmax()),
            "removed": removed,
            "logits_before": before[row].tolist(),
            "logits_after": after[number].tolist(),
        }
