"""From the sentences of a task's probes and their explanations to a table of scores.

`score_probes` gets what `distillens.probes.build_probe` wrote and the explanations of these sentences by
every run. Which metrics a probe has is said by its cue: one that divides a sentence has
``post_cue_*``, one that negates it ``cue_*``. The others come from the model's answers (as the
probe's first explainer by name stored them) and stand under no explainer.

``subset`` is a variant, and where items have a direction, ``VARIANT_positive`` and
``VARIANT_negative``: those items of which the first variant should be read so ("not bad" is
``negated_negative``). Over both, changes and attributions of opposite sign cancel: read the halves.
An item has one sentence in a subset, so resampling sentences is resampling items, and differences
between variants are paired.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distillens import tables
from distillens.evaluation.inputs import FilePath, Settings, TextGroups, by_identity, logits_of
from distillens.evaluation.rows import write_scores
from distillens.joblog import tracked
from distillens.metrics import probes
from distillens.metrics.explained_output import confidence, towards
from distillens.metrics.statistics import summaries

# By metric, a value of each sentence to which it applies; NaN is undefined.
Columns = dict[str, pd.Series]


def score_probes(
    sentences: Sequence[FilePath],
    designs: Sequence[FilePath],
    explanations: Sequence[FilePath],
    *,
    settings: Settings,
    out: FilePath,
) -> None:
    """Score every run on every probe of a task; without probes the table is empty.

    Parameters
    ----------
    sentences, designs : sequences of paths
        What `distillens.probes.build_probe.build_probe` wrote, one of each per probe.
    explanations : sequence of paths
        Of each probe's sentences: the same explainers for every run.
    settings : Settings
    out : str or Path
        Target file, of kind ``scores``. Only ``post_cue_ratio`` has rows for single sentences;
        its ``chance`` is the share of words behind the cue.

    Raises
    ------
    TableError
        If a file is missing, foreign, or not about the sentences of its probe.
    """
    by_name = {probe.name: probe for probe in _probes(sentences, designs, settings)}
    files = by_identity(explanations, settings, "probe", "explainer")
    _check_complete(by_name, files, settings)
    rows: list[dict[str, Any]] = []
    answered: set[tuple] = set()
    for (model, seed, name, explainer), path in tracked(files.items(), "probes", "file"):
        probe = by_name[name]
        explained = _Explained.read(path, probe, settings)
        where = {"probe": name, "model": model, "seed": seed}
        if (model, seed, name) not in answered:
            answered.add((model, seed, name))
            rows += _summaries(probe, _answers(probe, explained.logits), where, settings)
        where["explainer"] = explainer
        columns = _BY_CUE[probe.cue](probe, explained)
        rows += _summaries(probe, columns, where, settings)
        if "post_cue_ratio" in columns:
            rows += _singles(probe, columns, where)
    write_scores(out, "scores", rows, settings, [*sentences, *designs, *explanations])


@dataclass(frozen=True)
class _Probe:
    """A probe's design: a row per sentence, by ``example_id``, with its group and its gold label."""

    name: str
    cue: str
    design: pd.DataFrame

    @property
    def first(self) -> pd.DataFrame:
        """The sentences of the first variant, by item."""
        first = self.design["variant"] == self.design["variant"].iloc[0]
        return self.design[first].reset_index().set_index("item")

    def subsets(self) -> Iterator[tuple[str, pd.Index]]:
        direction = self.design["item"].map(self.first["expected"])
        for variant, rows in self.design.groupby("variant", sort=False):
            yield variant, rows.index
            for suffix, sign in (("positive", 1), ("negative", -1)):
                part = rows.index[direction[rows.index] == sign]
                if len(part):
                    yield f"{variant}_{suffix}", part


@dataclass(frozen=True)
class _Explained:
    """Explanations of a probe's sentences, in the order of its design."""

    logits: np.ndarray
    values: list[np.ndarray]
    cues: list[np.ndarray]
    after: list[np.ndarray]

    @classmethod
    def read(cls, path: Path, probe: _Probe, settings: Settings) -> "_Explained":
        table = tables.read(path, "explanations")
        logits = logits_of(table, "logits", path, settings)
        ids = pd.Index(table["example_id"].to_pylist())
        order = ids.get_indexer(probe.design.index) if ids.is_unique else np.array([-1])
        if (order < 0).any() or len(ids) != len(order):
            raise tables.TableError(
                f"{path}: does not explain each sentence of {probe.name!r} once; delete it and run again"
            )
        rows = table.select(["example_id", "spans", "values"]).take(order).to_pylist()
        values, cues, after = [], [], []
        for row, start, end in zip(rows, probe.design["cue_start"], probe.design["cue_end"], strict=True):
            if len(row["spans"]) != len(row["values"]):
                raise tables.TableError(
                    f"{path}: example {row['example_id']!r} has {len(row['spans'])} spans and "
                    f"{len(row['values'])} values; delete it and run again"
                )
            n = len(row["values"])
            values.append(np.array(row["values"], dtype=np.float64).reshape(n, -1 if n else 1))
            starts, ends = (
                np.array([span[key] for span in row["spans"]], dtype=int) for key in ("start", "end")
            )
            # Without a cue (NaN) all comparisons are false.
            cues.append((starts < end) & (ends > start))
            after.append(starts >= end)
        return cls(logits[order], values, cues, after)


def _probes(sentences: Sequence[FilePath], designs: Sequence[FilePath], s: Settings) -> Iterator[_Probe]:
    if len(sentences) != len(designs):
        raise tables.TableError(f"{len(sentences)} files of sentences and {len(designs)} designs; give pairs")
    for examples, path in zip(sentences, designs, strict=True):
        source = tables.provenance(path)
        if source.get("task") != s.task or source != tables.provenance(examples):
            raise tables.TableError(
                f"{path}: is not the design of {examples} for task {s.task!r}; delete both and run again"
            )
        design = tables.read(path, "probes").to_pandas().set_index("example_id")
        labels = tables.read(examples, "examples").select(["example_id", "label"]).to_pandas()
        label = labels.set_index("example_id")["label"]
        more = {"label": label.reindex(design.index), "group": TextGroups(examples).of(design.index)}
        yield _Probe(source["probe"], source["cue"], design.assign(**more))


def _check_complete(by_name: dict[str, _Probe], files: dict[tuple, Path], s: Settings) -> None:
    pairs = {identity[2:] for identity in files}
    strange = sorted({probe for probe, _ in pairs} ^ by_name.keys())
    if strange:
        raise tables.TableError(
            f"task {s.task!r}: probe {strange[0]!r} has only one of sentences and explanations; add the other"
        )
    for probe, explainer in sorted(pairs):
        for model, seeds in s.seeds.items():
            asked = model not in s.attributions_only and s.explains(explainer, model)
            for seed in seeds if asked else ():
                if (model, seed, probe, explainer) not in files:
                    raise tables.TableError(
                        f"task {s.task!r}: no explanations of probe {probe!r} by {explainer!r} "
                        f"for {model!r}, seed {seed}, among the inputs; add the file"
                    )


def _answers(probe: _Probe, logits: np.ndarray) -> Columns:
    """What a model predicts, and how that changes from the first variant of an item to the others."""
    design = probe.design
    direction = pd.Series(probes.directions(logits), design.index)
    predicted = pd.Series(logits.argmax(axis=1), design.index)
    rating = pd.Series(probes.ratings(logits), design.index)
    own = pd.Series(confidence(logits, predicted.to_numpy()), design.index)
    columns = {
        f"direction_{name}": (direction == sign).astype(float)
        for name, sign in (("positive", 1), ("neutral", 0), ("negative", -1))
    }
    columns |= {"confidence": own, "rating": rating}
    directed = design.index[design["expected"] != 0]
    columns["expected_direction"] = (direction == design["expected"])[directed].astype(float)
    labelled = design.index[design["label"].notna()]
    columns["accuracy"] = (predicted == design["label"])[labelled].astype(float)
    first = design["item"].map(probe.first["example_id"])
    others = design.index[first != design.index]
    columns["rating_change"] = (rating - rating[first].to_numpy())[others]
    # Of one and the same class, the one that is predicted for the first variant.
    same = pd.Series(confidence(logits, predicted[first].to_numpy()), design.index)
    columns["confidence_change"] = (same - own[first].to_numpy())[others]
    return columns


def _sides(probe: _Probe, explained: _Explained) -> Columns:
    """How much of the attribution to the predicted class lies behind the cue."""
    ratios, shares = [], []
    targets = explained.logits.argmax(axis=1)
    for values, cue, after, target in zip(
        explained.values, explained.cues, explained.after, targets, strict=True
    ):
        own = towards(values, target)
        ratios.append(probes.post_cue_ratio(own, cue, after))
        shares.append(probes.post_cue_share(cue, after))
    with_cue = probe.design["cue_start"].notna()
    ratio, share = (pd.Series(column, probe.design.index)[with_cue] for column in (ratios, shares))
    return {"post_cue_ratio": ratio, "post_cue_share": share, "post_cue_lift": ratio - share}


def _negators(probe: _Probe, explained: _Explained) -> Columns:
    """Which way the attribution of the negator points."""
    attributions = [
        probes.cue_attribution(probes.polar(values), cue)
        for values, cue in zip(explained.values, explained.cues, strict=True)
    ]
    with_cue = probe.design["cue_start"].notna()
    attribution = pd.Series(attributions, probe.design.index)[with_cue]
    points = probes.points(attribution, probe.design["expected"][with_cue])
    return {"cue_attribution": attribution, "cue_direction": pd.Series(points, attribution.index)}


PROPORTIONS = (
    *("accuracy", "expected_direction", "cue_direction"),
    *("direction_positive", "direction_neutral", "direction_negative"),
)
"""Means of answers that are yes or no."""

_BY_CUE: dict[str, Callable[[_Probe, _Explained], Columns]] = {"divides": _sides, "negates": _negators}


def _summaries(
    probe: _Probe, columns: Columns, where: dict[str, Any], s: Settings
) -> Iterator[dict[str, Any]]:
    """Mean over the sentences of each subset, for each metric that applies to some of them."""
    for subset, ids in probe.subsets():
        for metric, column in columns.items():
            values = column[column.index.isin(ids)]
            if values.size:
                resampling = s.resampling("probes", *where.values(), subset)
                trials, groups = [int(metric in PROPORTIONS)], probe.design["group"][values.index]
                summary = summaries(values.to_numpy(), resampling, trials, groups)
                numbers = {name: numbers.item() for name, numbers in summary._asdict().items()}
                chance = _chance(metric, columns, ids)
                yield {**where, "subset": subset, "metric": metric, "chance": chance, **numbers}


def _chance(metric: str, columns: Columns, ids: pd.Index) -> float | None:
    if metric == "post_cue_ratio":
        share = columns["post_cue_share"]
        defined = columns[metric].notna() & share.index.isin(ids)
        return float(share[defined].mean())
    return 0.5 if metric == "cue_direction" else None


def _singles(probe: _Probe, columns: Columns, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ratio, share = columns["post_cue_ratio"], columns["post_cue_share"]
    for (name, value), chance in zip(ratio.items(), share, strict=True):
        what = {"subset": probe.design["variant"][name], "example_id": name, "metric": "post_cue_ratio"}
        yield {**where, **what, "value": value, "chance": chance}
