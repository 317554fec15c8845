"""From deletions, curves and explanations of a task to its table of faithfulness.

Which numbers there are: `distillens.metrics.faithfulness` (top k words removed),
`distillens.metrics.aopc` (words removed one after another), `tau_loo` (Kendall's tau-b of
an explanation with the drops that each word alone causes, as ferret has it) and
`distillens.metrics.short_tokens`.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distillens import tables
from distillens.attribution.rankings import RANDOM, ranking, stored_as_given
from distillens.evaluation.inputs import FilePath, Run, Settings, TextGroups, by_identity, logits_of
from distillens.evaluation.rows import versus, write_scores
from distillens.joblog import tracked
from distillens.metrics import agreement, aopc, faithfulness
from distillens.metrics.explained_output import predicted, towards
from distillens.metrics.short_tokens import short, short_share
from distillens.metrics.statistics import summaries

ByExample = dict[tuple[str, str, int | None], pd.Series]
"""From (metric, ranking, k) to values by example."""

OWN = "own"


def score_faithfulness(
    explained: FilePath,
    deletions: Sequence[FilePath],
    curves: Sequence[FilePath],
    explanations: Sequence[FilePath],
    *,
    settings: Settings,
    out: FilePath,
) -> None:
    """Score what removing words does: each model's own top words, its teacher's, and random ones.

    Raises
    ------
    TableError
        If a run has deletions without curves or explanations, or they are about other texts.
    """
    ids = tables.read(explained, "examples")["example_id"].to_pylist()
    traced = by_identity(curves, settings)
    texts = pd.Series(TextGroups(explained).of(ids), ids)
    described = by_identity(explanations, settings, "explainer")
    rows = []
    for run, path in tracked(by_identity(deletions, settings).items(), "faithfulness", "run"):
        removed = _removals(path, settings, ids)
        along = _Curves(_file_of(traced, run, path), ids, absolute=not settings.n_classes)
        silent = [name for *of, name in described if tuple(of) == run and name not in removed]
        for explainer in silent:
            if not stored_as_given(described[*run, explainer]):
                rows += _rows(run, explainer, _nothing_removed(settings), texts, settings)
        for explainer, by_metric in removed.items():
            by_metric |= along.areas(explainer)
            values = _file_of(described, (*run, explainer), path)
            by_metric |= _described(values, along.alone(explainer), settings)
            rows += _rows(run, explainer, by_metric, texts, settings)
    write_scores(out, "scores", rows, settings, [explained, *deletions, *curves, *explanations])


def _file_of(files: Mapping[tuple, Path], identity: tuple, beside: Path) -> Path:
    if identity not in files:
        raise tables.TableError(f"{beside}: nothing else about {identity} among the inputs; add the file")
    return files[identity]


def _nothing_removed(s: Settings) -> ByExample:
    """Of an explainer that says nothing of any text no word is removed: undefined, not left out."""
    at_k = itertools.product(("confidence_drop", "flip_rate"), [OWN], s.metrics["deletion_k"])
    areas = itertools.product((aopc.COMPREHENSIVENESS, aopc.SUFFICIENCY, "tau_loo"), [OWN], [None])
    return dict.fromkeys([*at_k, *areas], pd.Series(dtype=np.float64))


def _rows(
    run: Run, explainer: str, by_metric: ByExample, groups: pd.Series, s: Settings
) -> Iterator[dict[str, Any]]:
    # Texts with too few words for a k are left out there, and counted.
    columns = np.array([values.reindex(groups.index) for values in by_metric.values()], dtype=np.float64)
    draws = {RANDOM: s.metrics["random_draws"]}
    trials = [draws.get(name, 1) if metric == "flip_rate" else 0 for metric, name, _ in by_metric]
    resampling = s.resampling("faithfulness", *run, explainer)
    summary = summaries(columns.reshape(-1, len(groups)), resampling, trials, groups)
    for (metric, name, k), *numbers in zip(by_metric, *summary, strict=True):
        against = s.reference(*run) if name == "teacher" else None
        where = {"model": run[0], "seed": run[1], "explainer": explainer}
        where |= versus(against)
        numbers = dict(zip(summary._fields, (number.item() for number in numbers), strict=True))
        yield {**where, "ranking": name, "metric": metric, "k": k, **numbers}


def _removals(path: Path, s: Settings, ids: Sequence[str]) -> dict[str, ByExample]:
    """Metrics by example of one file of deletions, for each of its explainers."""
    table = tables.read(path, "deletions")
    before, after = (logits_of(table, f"logits_{when}", path, s) for when in ("before", "after"))
    frame = table.select(["example_id", "explainer", "ranking", "k"]).to_pandas()
    _check(frame, path, ids)
    target = table["target"].to_numpy()
    frame["confidence_drop"] = faithfulness.confidence_drop(before, after, target)
    frame["flip_rate"] = faithfulness.flips(before, after, s.flip)
    return {
        explainer: faithfulness.per_example(_beside_random(frame, explainer))
        for explainer in sorted(frame["explainer"].dropna().unique())
    }


def _beside_random(frame: pd.DataFrame, explainer: str) -> pd.DataFrame:
    """An explainer's rows with random ones: of words, which belong to no explainer, or its own of tokens."""
    own = frame["explainer"] == explainer
    has_tokens = (frame.loc[own, "ranking"] == RANDOM).any()
    return frame[own if has_tokens else frame["explainer"].isna() | own]


def _check(frame: pd.DataFrame, path: Path, ids: Sequence[str]) -> None:
    strange = ~frame["example_id"].isin(ids)
    if strange.any():
        raise tables.TableError(
            f"{path}: example {frame['example_id'][strange].iloc[0]!r} is not among the explained"
        )


class _Curves:
    """The curves of one run."""

    def __init__(self, path: Path, ids: Sequence[str], absolute: bool) -> None:
        columns = ["example_id", "explainer", "ranking", "operation", "confidence"]
        self._frame = tables.read(path, "curves").select(columns).to_pandas()
        self._absolute = absolute
        _check(self._frame, path, ids)

    def areas(self, explainer: str) -> ByExample:
        """Both areas of an explainer and of random orders."""
        frame = _beside_random(self._frame, explainer)
        areas = aopc.per_example(frame[frame["ranking"] != "each"], self._absolute)
        return {(metric, name, None): values for (metric, name), values in areas.items()}

    def alone(self, explainer: str) -> dict[str, np.ndarray]:
        """By example, what each word (or token of the explainer) alone makes the confidence drop."""
        frame = _beside_random(self._frame, explainer)
        frame = frame[frame["ranking"] == "each"]
        return {
            name: aopc.drops(values)
            for name, values in zip(frame["example_id"], frame["confidence"], strict=True)
        }


def _described(path: Path, alone: Mapping[str, np.ndarray], s: Settings) -> ByExample:
    """What the attributions themselves say, by example."""
    names, values, lost = [], [], []
    shares: dict[tuple[str, int], dict[str, float]] = {}
    told = tables.provenance(path)
    # No sentence is a scrap of a word; the tokens of one explainer may be.
    has_scraps = "unit" not in told or told["settings"]["unit"] == "token"
    for row in tables.read(path, "explanations").to_pylist():
        name, own = row["example_id"], np.array(row["values"], dtype=np.float64)
        order = ranking(own, row["logits"])
        flags = short(row["words"], [tuple(span.values()) for span in row["spans"]])
        for k in s.metrics["deletion_k"] if has_scraps else ():
            shares.setdefault((OWN, k), {})[name] = short_share(flags, order, k)
            # Of random words, the share that the text has is expected.
            of_text = short_share(flags, order, len(order)) if len(order) >= k else float("nan")
            shares.setdefault((RANDOM, k), {})[name] = of_text
        if len(order) and len(alone.get(name, ())) == len(order):
            names.append(name)
            values.append(towards(own, predicted(row["logits"], own)))
            lost.append(alone[name])
    short_tokens: ByExample = {
        ("short_token_ratio", whose, k): pd.Series(share, dtype=np.float64)
        for (whose, k), share in shares.items()
    }
    tau = agreement.agreements(values, lost, [("kendall", None)])[0]
    return short_tokens | {("tau_loo", OWN, None): pd.Series(tau, index=names, dtype=np.float64)}
