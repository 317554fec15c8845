"""Removes the words that an explanation names, and asks the model again."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.attribution.explain import COMPARED, groups, named, seen_part, stages_of
from distillens.attribution.rankings import Rankings, orders, stored_as_given
from distillens.attribution.removal_curves import trace
from distillens.data.segmentation import versions
from distillens.data.text import Example, examples, seed_of, unit_of
from distillens.joblog import Progress
from distillens.models.answers import finite
from distillens.models.chunks import Finishing, Part, write_in_parts
from distillens.models.engine import Engine
from distillens.models.job import ModelJob
from distillens.models.masks import Masks
from distillens.models.one_label import OneLabel
from distillens.models.recall import note
from distillens.models.workers import share_out
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
    label : int, optional
        Of a model with several labels the one that is asked about, as two classes.
    """

    ks: list[int]
    draws: int
    beam: int
    seed: int
    label: int | None = None


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
    engine = job.load()
    files = _Files(explained, explanations, teachers)
    work = _Work(job, plan, files, engine)
    provenance = {
        **work.origin,
        **engine.deviation([example.texts for example in work.examples[:COMPARED]]),
        "explanations_sha256": [digest(path) for path in explanations],
        "teacher_explanations_sha256": [digest(path) for path in teachers],
    }
    folder, workers = Path(out).with_name(f".{Path(out).stem}.parts"), engine.workers
    with Progress(len(work.examples), "delete", "text") as progress:
        outs = {"deletions": out, "curves": curves}
        recipe = Finishing(partial(_parts, job, plan, files), folder, tuple(outs))
        make = partial(share_out, engine, recipe, progress=progress, count=workers) if workers > 1 else None
        write_in_parts(outs, work.parts(progress), provenance, folder, progress, make=make)
    note(engine)


@dataclass(frozen=True)
class _Files:
    """What a job reads: the examples, the model's explanations of them, and its teacher's."""

    explained: str | Path
    explanations: Sequence[str | Path]
    teachers: Sequence[str | Path]


class _Work:
    """A job's texts in groups, and the orders in which words go; alike in every process that makes it."""

    def __init__(self, job: ModelJob, plan: DeletionPlan, files: _Files, engine: Engine) -> None:
        self.job, self.plan = job, plan
        self.engine = engine if plan.label is None else OneLabel(engine, plan.label)
        self.explained = files.explained
        every = examples(tables.read(files.explained, "examples"))
        self.examples = [seen_part(example, engine)[0] for example in every]
        ranked = [path for path in files.explanations if not stored_as_given(path)]
        own = {tables.provenance(path)["explainer"] for path in ranked}
        self.rankings = {
            (tables.provenance(path)["explainer"], name): Rankings.read(path)
            for name, paths in (("own", files.explanations), ("teacher", files.teachers))
            for path in paths
            if tables.provenance(path)["explainer"] in own and not stored_as_given(path)
        }
        self.seed = seed_of(plan.seed, job.run.task, "deletion")
        self.origin = {
            **job.run.provenance(),
            "k": plan.ks,
            "draws": plan.draws,
            "beam": plan.beam,
            "study_seed": plan.seed,
            "removal": job.engine.rule,
            **unit_of(self.examples),
            **engine.provenance(),
        }
        self.origin |= {} if plan.label is None else {"label": plan.label}
        self.origin["versions"] |= versions(text for example in self.examples for text in example.texts)

    def parts(self, progress: Progress) -> list[Part]:
        """A part for each group of neighbours."""
        # How batches are shared out decides on the last digits.
        stamp = {**self.origin, "code": self.job.code, **self.engine.batching}
        orders_of_all = len(self.rankings) + self.plan.draws
        lengths = [len(example.words) for example in self.examples]
        costs = [orders_of_all * 2 * length + self.plan.beam * length**2 for length in lengths]
        parts = []
        texts = [example.texts for example in self.examples]
        for group in groups(texts, costs, self.engine, stages_of(self.explained)):
            few = self.examples[group]
            digest_of_orders = _fingerprint(few, self.rankings, self.plan.draws, self.seed)
            source = {**stamp, "texts": named(few), "orders": digest_of_orders}
            parts.append(Part(source, partial(self._make, few, progress), len(few)))
        return parts

    def _make(self, few: Sequence[Example], progress: Progress) -> list[Iterator[dict[str, Any]]]:
        self.engine.forget()
        plan, own = self.plan, (self.engine, self.seed)
        return [
            _deletions(few, self.rankings, plan.ks, plan.draws, *own),
            trace(few, self.rankings, plan.draws, plan.beam, *own, progress),
        ]


def _parts(
    job: ModelJob, plan: DeletionPlan, files: _Files, engine: Engine, progress: Progress
) -> list[Part]:
    return _Work(job, plan, files, engine).parts(progress)


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
