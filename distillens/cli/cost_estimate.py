"""How many forward passes a study would cost, before any of it is run.

Every number is an upper bound, but SHAP's, whose trees differ: the engine answers a distinct input once, and
samples of LIME or orders of removal repeat themselves.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.attribution.explainer_settings import ExplainerSettings
from distillens.cli.text_lengths import Lengths
from distillens.config import black_box, external, label_views, ladder
from distillens.data.text import examples

WORDS = 20
"""Words of a text where neither the data nor the config tell."""

_VARIANTS = 3  # sentences of a probe's item


@dataclass(frozen=True)
class Passes:
    """Forward passes of one kind of job: of all its runs together.

    Attributes
    ----------
    rule : str
    what : str
        Which explainer, probe or model.
    task : str
    runs : int
        Jobs of it.
    passes : int or None
        None where the number of texts is not known before they are fetched.
    """

    rule: str
    what: str
    task: str
    runs: int
    passes: int | None


def passes(
    config: Mapping[str, Any],
    results: Path,
    words: int | None = None,
    lengths: Mapping[str, Lengths] | None = None,
) -> list[Passes]:
    """Forward passes of every kind of job of a study.

    Parameters
    ----------
    config : mapping
        Complete; see `distillens.config.validate.complete`.
    results : Path
        ``results/STUDY``: texts that are there are counted; of others, the config tells the number.
    words : int, optional
        Words of a text that is not there; by default the longest that the task explains, else `WORDS`.
    lengths : mapping, optional
        By task, units and windows of its texts, where they have been opened: each window is a pass.

    Examples
    --------
    >>> task = {"labels": ["no", "yes"], "explain": {"max_words": 5, "per_class": 2}, "probes": []}
    >>> task |= {"splits": {"test": {"examples": 10}}, "perturb": {"examples": None}}
    >>> model = {"seeds": [1, 2], "checkpoint": "bert", "training": None, "compress": None}
    >>> config = {"tasks": {"toy": task}, "models": {"teacher": {**model, "explanations": None}}}
    >>> config |= {"explainers": {"occlusion": {"method": "occlusion"}}, "perturbations": {}, "repeats": 1}
    >>> config |= {"metrics": {"deletion_k": [1], "random_draws": 2, "aopc_beam": 0}}
    >>> [(row.rule, row.passes) for row in passes(config, Path("results/none"))]
    [('predict', 20), ('explain', 56), ('delete', 232)]
    """
    return [
        row
        for name, task in config["tasks"].items()
        for row in _Task(config, name, task, results, words, (lengths or {}).get(name, Lengths())).rows()
    ]


class _Task:
    def __init__(
        self,
        config: Mapping[str, Any],
        name: str,
        task: Mapping[str, Any],
        results: Path,
        words: int | None,
        lengths: Lengths,
    ) -> None:
        self.config, self.name, self.task, self.results = config, name, task, results
        self.read = lengths
        self.outputs = len(task["labels"]) or 1
        self.assumed = words or task["explain"]["max_words"] or WORDS
        models = config["models"]
        # Of models that are known by their attributions nothing is asked; whose are brought, are not made.
        self.asked = {name: len(one["seeds"]) for name, one in models.items() if external.can_answer(one)}
        self.made = {
            explainer: {
                of: len(model["seeds"])
                for of, model in models.items()
                if model["explanations"] is None and black_box.why_not(config, explainer, of) is None
            }
            for explainer in config["explainers"]
        }
        self.explained = self._lengths(f"data/{name}/explained.parquet", self._explained())

    def rows(self) -> Iterator[Passes]:
        for name, model in self.config["models"].items():
            if external.trains(model):
                yield self._row("train", name, len(model["seeds"]), self._training(model))
            elif model.get("siblings"):
                each = self._training(model["siblings"])
                yield self._row("train", f"siblings of {name}", len(model["seeds"]) - 1, each)
        predicted, tested = self._predicted(), self.read.tested
        each = {name: predicted and math.ceil(predicted * tested.get(name, 1)) for name in self.asked}
        yield self._of_models("predict", "test split and its edits", self.asked, each)
        for name, options in self.config["explainers"].items():
            if self.made[name]:
                each = {of: self._cost(options, self.explained, of) for of in self.made[name]}
                yield self._of_models("explain", name, self.made[name], each)
        yield from self._rungs()
        if self.config["metrics"].get("faithfulness", True):
            each = {of: self._removed(of) for of in self.asked}
            # Each label has rankings of its own.
            rankings = self.outputs if label_views.is_multi(self.task) else 1
            jobs = {of: runs * rankings for of, runs in self.asked.items()}
            yield self._of_models("delete", "all explainers", jobs, each)
        for probe in self.task["probes"]:
            options = self.config["probes"][probe]
            items = options.get("items")
            sentences = self._lengths(
                f"probes/{self.name}/{probe}/sentences.parquet", items and _VARIANTS * items
            )
            for name in options["explainers"]:
                cost = self._cost(self.config["explainers"][name], sentences)
                yield self._row("explain_probe", f"{probe} by {name}", sum(self.asked.values()), cost)

    def _rungs(self) -> Iterator[Passes]:
        """Damaged copies of teachers: each is explained, and asked what it answers."""
        made = (self.config.get("reference") or {}).get("ladder")
        if made is None:
            return
        copies = sum(len(kind["doses"]) * kind.get("draws", 1) for kind in ladder.kinds(made).values())
        runs = {name: len(self.config["models"][name]["seeds"]) for name in made["teachers"]}
        for name in made["explainers"]:
            each = {of: self._cost(self.config["explainers"][name], self.explained, of) for of in runs}
            each = {
                of: None if one is None else copies * (one + sum(self._windows(of)))
                for of, one in each.items()
            }
            yield self._of_models("explain_rungs", f"{copies} damaged copies by {name}", runs, each)

    def _row(self, rule: str, what: str, runs: int, each: int | None) -> Passes:
        """A kind of job, where ``each`` is the cost of a job."""
        return Passes(rule, what, self.name, runs, None if each is None else each * runs)

    def _of_models(
        self, rule: str, what: str, runs: Mapping[str, int], each: Mapping[str, int | None]
    ) -> Passes:
        """A kind of job, where models differ in what it costs."""
        known = None not in each.values()
        total = sum(count * each[name] for name, count in runs.items()) if known else None
        return Passes(rule, what, self.name, sum(runs.values()), total)

    def _windows(self, model: str) -> list[int]:
        """How many windows a model reads each explained text in; the most of any where texts are others."""
        known, texts = self.read.explained.get(model, [1]), len(self.explained or ())
        return known if len(known) == texts else [max(known, default=1)] * texts

    def _lengths(self, file: str, count: int | None) -> list[int] | None:
        """Words of each text: of those that are there, else as many as the config says."""
        if (self.results / file).is_file():
            read = tables.read(self.results / file, "examples")
            return [len(example.words) for example in examples(read)]
        if file.endswith("explained.parquet") and self.read.units:
            return self.read.units
        return None if count is None else [self.assumed] * count

    def _explained(self) -> int | None:
        if self.task["explain"].get("examples") is not None:
            return self.task["explain"]["examples"]
        per_class = self.task["explain"]["per_class"]
        return self._size("test") if per_class is None else per_class * self.outputs

    def _size(self, split: str) -> int | None:
        path = self.results / "data" / self.name / f"{split}.parquet"
        if path.is_file():
            return tables.read(path, "examples").num_rows
        return self.task["splits"][split]["examples"]

    def _training(self, model: Mapping[str, Any]) -> int | None:
        size = self._size("train")
        return None if size is None else round(size * model["training"]["epochs"])

    def _predicted(self) -> int | None:
        test = self._size("test")
        edited = self.task["perturb"]["examples"] or test
        copies = len(self.config["perturbations"]) * self.config["repeats"]
        return None if test is None or edited is None else test + edited * copies

    def _cost(
        self, options: Mapping[str, Any], lengths: Sequence[int] | None, model: str | None = None
    ) -> int | None:
        if lengths is None:
            return None
        own = ExplainerSettings.of(options)
        windows = self._windows(model) if model else [1] * len(lengths)
        return sum(
            own.method.cost(length, self.outputs, own.options) * times
            for length, times in list(zip(lengths, windows, strict=True))[: own.most]
        )

    def _removed(self, model: str) -> int | None:
        """Texts without the words that rankings name: the first k of them, and along whole curves."""
        if self.explained is None:
            return None
        metrics, explainers = self.config["metrics"], len(self.config["explainers"])
        ks, draws, beam = metrics["deletion_k"], metrics["random_draws"], metrics["aopc_beam"]
        total = 0
        for n, times in zip(self.explained, self._windows(model), strict=True):
            first = (2 * explainers + draws) * sum(k < n for k in ks)
            curves = 2 * explainers * n + draws * n + n
            # The states of both searches, each grown by every word that is left.
            searched = 2 * sum(min(beam, 2**n) * (n - size) for size in range(n)) if beam else 0
            total += (first + curves + searched) * times
        return total
