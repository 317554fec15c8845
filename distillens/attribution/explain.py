"""Explains the chosen examples of a task with one explainer, once, for all metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from distillens import tables
from distillens.attribution.explainer_settings import ExplainerSettings, decisive
from distillens.attribution.saturation import settled
from distillens.attribution.types import Attribution
from distillens.data.segmentation import versions as cutter
from distillens.data.text import Example, examples, seed_of, unit_of
from distillens.joblog import Progress
from distillens.models.answers import finite
from distillens.models.chunks import Finishing, Part, write_in_parts
from distillens.models.engine import Engine
from distillens.models.job import ModelJob
from distillens.models.recall import note
from distillens.models.workers import share_out
from distillens.provenance import ExplanationId, digest, versions

# What a killed job does again is at most one group; larger groups keep a device busier.
_GROUP_SECONDS, _GROUP_TEXTS = 30, 128
COMPARED = 64
"""Texts on which less than full precision is compared with it."""


@dataclass(frozen=True)
class ExplanationPlan:
    """What the config says of an explanation.

    Attributes
    ----------
    explainer : mapping
        ``method``, ``unit`` and the method's options.
    output : str
        What is explained; see `distillens.metrics.explained_output.explained`.
    seed : int
        The study's seed.
    again : bool
        Whether this is the explainer's second run, which draws other random numbers and shares
        batches out in another way: what is unlike then is the explainer's own noise.
    """

    explainer: Mapping[str, Any]
    output: str
    seed: int
    again: bool = False


def write_explanations(
    job: ModelJob, plan: ExplanationPlan, explained: str | Path, out: str | Path, part: str = "1-of-1"
) -> None:
    """Explain examples and write the table of kind ``explanations``.

    Examples are explained in groups of about half a minute (see `groups`). A finished group is kept
    in a hidden folder beside the target, under a digest of whatever decides on its bytes. A job
    that was killed, or has more examples than the last one, makes only the groups that it does
    not find there, and gives the bytes of one in one go. On a GPU as many processes as the job has
    threads prepare groups of their own (`distillens.models.workers`).

    Parameters
    ----------
    job : ModelJob
        Its run is an `ExplanationId`, which has the explainer's name.
    plan : ExplanationPlan
    explained : str or Path
        The examples.
    out : str or Path
        Target file.
    part : str
        ``i-of-n``: only the i-th of n runs of neighbouring groups.

    Raises
    ------
    ModelError
        If the model's answer to an example is not finite.
    """
    out, engine = Path(out), job.load(plan.again)
    work = Work(job, plan, explained, engine)
    folder = out.with_name(f".{job.run.explainer}.parts")
    provenance = {
        **work.origin,
        **work.most,
        **engine.deviation([example.texts for example in work.examples[:COMPARED]]),
        "explained_sha256": digest(explained),
    }
    workers = engine.workers if getattr(work.method, "MASKS", False) else 1
    with Progress(len(work.examples), job.run.explainer, "text") as progress:
        parts, outs = work.parts(progress), {"explanations": out}
        recipe = Finishing(partial(_parts, job, plan, explained), folder, tuple(outs))
        make = partial(share_out, engine, recipe, progress=progress, count=workers) if workers > 1 else None
        write_in_parts(outs, parts, provenance, folder, progress, part, make)
    note(engine)


class Work:
    """A job's texts in groups, and how they are explained; alike in every process that makes it."""

    def __init__(self, job: ModelJob, plan: ExplanationPlan, explained: str | Path, engine: Engine) -> None:
        self.job, self.engine = job, engine
        own = ExplainerSettings.of(plan.explainer)
        self.method, self.options, self.stages = own.method, own.options, stages_of(explained)
        chosen = examples(tables.read(explained, "examples"))[: own.most]
        seen = [seen_part(example, engine) for example in chosen]
        self.examples = [engine.encoder.in_tokens(one) if own.in_tokens else one for one, _ in seen]
        self.unseen = [unseen for _, unseen in seen]
        self.output, self.shared = plan.output, own.common_masks
        self.seed = seed_of_draws(plan.seed, job.run, self.shared, *(["again"] if plan.again else []))
        self.most = {} if own.most is None else {"most": own.most}
        self.origin = job.run.provenance() | {
            "settings": decisive(plan.explainer), "output": plan.output, "study_seed": plan.seed
        }  # fmt: skip
        self.origin |= {"removal": job.engine.rule, **unit_of(self.examples)}
        self.origin |= engine.provenance() | ({"again": True} if plan.again else {})
        self.origin["versions"] |= versions("captum")
        self.origin["versions"] |= cutter(text for example in self.examples for text in example.texts)

    def groups(self) -> list[tuple[slice, dict[str, Any]]]:
        """Groups of neighbours, each with whatever decides on its values."""
        texts = [example.texts for example in self.examples]
        outputs = self.engine.logits(texts[:1]).shape[-1]
        costs = [self.method.cost(len(example.words), outputs, self.options) for example in self.examples]
        # How batches are shared out decides on the last digits.
        stamp = {**self.origin, "code": self.job.code, **self.engine.batching}
        return [
            (group, {**stamp, "texts": named(self.examples[group])})
            for group in groups(texts, costs, self.engine, self.stages)
        ]

    def explained(
        self, group: slice, engine: Engine, seed: int, where: str | Path
    ) -> Iterator[tuple[Attribution, np.ndarray]]:
        """The attributions of a group's texts, with a model's answers.

        Raises
        ------
        ModelError
            If an answer is not finite; ``where`` names the model.
        """
        # With an empty cache the same batches are made whatever groups went before, or were there already.
        engine.forget()
        few = self.examples[group]
        logits = engine.logits([example.texts for example in few])
        finite(logits, [example.example_id for example in few], where)
        control = getattr(self.method, "CONTROL", False)
        for attribution, own in zip(
            self.method.explain(few, engine, self.output, self.options, seed), logits, strict=True
        ):
            # What a control says is not in the output's units.
            yield attribution if control else settled(attribution), own

    def parts(self, progress: Progress) -> list[Part]:
        """A part for each group."""
        return [
            Part(stamp, partial(self._make, group, progress), group.stop - group.start)
            for group, stamp in self.groups()
        ]

    def _make(self, group: slice, progress: Progress) -> list[Iterator[dict[str, Any]]]:
        return [self._rows(group, progress)]

    def _rows(self, group: slice, progress: Progress) -> Iterator[dict[str, Any]]:
        explained = self.explained(group, self.engine, self.seed, self.job.folder)
        for (attribution, logits), unseen in zip(explained, self.unseen[group], strict=True):
            yield _row(attribution, unseen, logits)
            progress.advance()


def _parts(
    job: ModelJob, plan: ExplanationPlan, explained: str | Path, engine: Engine, progress: Progress
) -> list[Part]:
    return Work(job, plan, explained, engine).parts(progress)


def seed_of_draws(study_seed: int, run: ExplanationId, shared: bool, *more: object) -> int:
    """The seed of what an explainer draws: the run's own, or one that all models share on purpose.

    Draws that models share raise their agreement (``common_masks`` of LIME).

    Examples
    --------
    >>> teacher, student = (ExplanationId("sst2", model, 1, "lime") for model in ("bert", "kd"))
    >>> [seed_of_draws(7, teacher, shared) == seed_of_draws(7, student, shared) for shared in (False, True)]
    [False, True]
    """
    whose = () if shared else (run.model, run.seed)
    return seed_of(study_seed, run.task, run.explainer, *whose, *more)


def named(chosen: Sequence[Example]) -> list[list[Any]]:
    """Examples as plain lists of their ids and texts, and of where parts begin in a whole text.

    Examples
    --------
    >>> named([Example("a", "Not bad."), Example("b", "bad.", begins=(4,))])
    [['a', 'Not bad.'], ['b', 'bad.', [4]]]
    """
    return [
        [example.example_id, *example.texts, *([list(example.begins)] if any(example.begins) else ())]
        for example in chosen
    ]


def groups(
    texts: Sequence[tuple[str, ...]], costs: Sequence[int], engine: Engine, stages: Sequence[int] = ()
) -> list[slice]:
    """Neighbours that take about `_GROUP_SECONDS` together, or one that takes longer.

    Texts are taken in their order. One that would make a group too long, or too large, begins the
    next. So a group depends on no text behind it but the next: with more texts all groups but the
    last stay as they are, and their finished parts are found again.

    Parameters
    ----------
    texts : sequence of tuples
    costs : sequence of int
        Forward passes that each takes.
    engine : Engine
    stages : sequence of int
        Numbers of texts that there were before more were asked for: a group ends there.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> engine = Fake(seconds=lambda texts: [10.0] * len(texts), at_once=16)
    >>> groups([("one",), ("two",), ("three",)], [1, 1, 2], engine)  # 10, 10 and 20 of 30 seconds
    [slice(0, 2, None), slice(2, 3, None)]
    """
    # Small enough that several workers have some; the device is full while the first half of a group is done.
    most = max(_GROUP_TEXTS, 2 * engine.at_once)
    slices, start, spent = [], 0, 0.0
    for number, (seconds, cost) in enumerate(zip(engine.seconds(texts), costs, strict=True)):
        own = cost * seconds
        full = spent + own > _GROUP_SECONDS or number - start >= most
        if number > start and (full or number in stages):
            slices.append(slice(start, number))
            start, spent = number, 0.0
        spent += own
    return [*slices, slice(start, len(texts))] if texts else []


def stages_of(explained: str | Path) -> list[int]:
    """How many texts there were before more were asked for; see `distillens.config.texts`.

    Examples
    --------
    >>> tables.write("explained.parquet", "examples", [], {"stages": [30]})
    >>> stages_of("explained.parquet")
    [30]
    """
    return tables.provenance(explained).get("stages", [])


def seen_part(example: Example, engine: Engine) -> tuple[Example, int]:
    """The part of an example that the model sees, and how many words it does not.

    Removing words shortens a text; were the rest left in place, words that the model
    never saw would move into its view. A word within that part is not seen either if the tokenizer
    drops it (some drop private or unassigned characters); it stays in its place. The part knows where
    it begins in the whole text.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> encoder = Fake(cuts=lambda texts: True, shares=lambda example: Fake(seen={0, 1}), side="right")
    >>> part, unseen = seen_part(Example("a", "not bad at all"), Fake(encoder=encoder))
    >>> part.text_a, unseen
    ('not bad', 2)
    """
    seen = engine.encoder.shares(example).seen
    unseen = len(example.words) - len(seen)
    if not engine.encoder.cuts(example.texts):
        return example, unseen
    if example.unit != "word":
        view = engine.encoder.view(example.texts)
        # A unit that is seen in part ends there, and is one that is not seen.
        whole = sum(view[w.segment][0] <= w.start and w.end <= view[w.segment][1] for w in example.words)
        return _part(example, view), len(example.words) - whole
    view = []
    for segment, text in enumerate(example.texts):
        own = [word for word in example.words if word.segment == segment]
        kept = [example.words[number] for number in sorted(seen) if example.words[number].segment == segment]
        start, end = 0, kept[-1].end if kept else 0
        if engine.encoder.side == "left":
            # What stands between words stays with the later one: a blank may belong to its first piece.
            before = own[: own.index(kept[0])] if kept else own
            start, end = before[-1].end if before else 0, len(text)
        view.append((start, end))
    return _part(example, view), unseen


def _part(example: Example, view: Sequence[tuple[int, int]]) -> Example:
    texts = [text[start:end] for text, (start, end) in zip(example.texts, view, strict=True)]
    begins = tuple(start for start, _ in view)
    return replace(example, text_a=texts[0], text_b=texts[1] if len(texts) == 2 else None, begins=begins)


def _row(attribution: Attribution, unseen: int, logits: np.ndarray) -> dict[str, Any]:
    example = attribution.example
    return {
        "example_id": example.example_id,
        "words": [word.text for word in example.words],
        "spans": [{"segment": w.segment, "start": w.start, "end": w.end} for w in example.places],
        "values": attribution.values.tolist(),
        "base": attribution.base.tolist(),
        "output": attribution.output.tolist(),
        "logits": logits.tolist(),
        "unseen": unseen,
        **attribution.diagnostics,
    }
