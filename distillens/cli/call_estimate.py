"""How many texts a study would ask each endpoint, and in how many calls, before any is asked.

Texts are upper bounds, as forward passes are (`distillens.cli.cost_estimate`), those of a second run of each
explainer that draws included: a model that does not answer the same twice is asked again for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens import registry, tables
from distillens.cli.cost_estimate import Passes, passes
from distillens.config import black_box, external, model_kind
from distillens.models.asking import Asking, open_backend
from distillens.models.endpoint.budget import Budget
from distillens.models.identity import FIXED, folder_of

_ASK = ("predict", "explain", "delete", "explain_probe")


@dataclass(frozen=True)
class Calls:
    """What a study would ask one endpoint.

    Attributes
    ----------
    model : str
    texts : int or None
        At most; None where the number is not known before they are fetched.
    batch : int
        Texts of one call.
    spent, most : int
        Calls made so far, and those that the config allows.
    """

    model: str
    texts: int | None
    batch: int
    spent: int
    most: int

    @property
    def least(self) -> int | None:
        """Calls that ask as many texts, if each is full."""
        return None if self.texts is None else -(-self.texts // self.batch)

    @property
    def enough(self) -> bool:
        """Whether the config allows these."""
        return self.least is None or self.least <= self.most


def calls(config: Mapping[str, Any], results: Path, words: int | None = None) -> list[Calls]:
    """What a study would ask each model whose calls are counted.

    Parameters
    ----------
    config : mapping
        Complete; see `distillens.config.validate.complete`.
    results : Path
        ``results/STUDY``.
    words : int, optional
        See `distillens.cli.cost_estimate.passes`.

    Examples
    --------
    >>> calls({"models": {"bert": {"checkpoint": "bert"}}}, Path("results/none"))
    []
    """
    counted = {name: model_kind.kind_of(model) for name, model in config["models"].items()}
    return [
        _calls(config, name, kind, results, words)
        for name, kind in counted.items()
        if kind and "most_calls" in registry.options("backend")[kind]
    ]


def _calls(config: Mapping[str, Any], name: str, kind: str, results: Path, words: int | None) -> Calls:
    options = config["models"][name][kind]
    rows = [*_own(config, name, results, words), *_of_students(config, name, results)]
    texts = None if None in rows else sum(rows)
    asking = Asking.of(config, name, "0")
    folders, batch = set(), 1
    for task in config["tasks"].values():
        backend = open_backend(kind, options, task["labels"])
        batch = backend.at_once
        pairs = task["columns"]["text_b"] is not None
        folders.add(folder_of(asking.root, name, {**backend.identity(), "pairs": pairs}))
    # Tasks with the same labels ask one model, and share what it has answered.
    spent = sum(Budget(folder, options["most_calls"]).spent for folder in folders if folder.is_dir())
    return Calls(name, texts, batch, spent, options["most_calls"])


def _own(config: Mapping[str, Any], name: str, results: Path, words: int | None) -> Iterator[int | None]:
    """Texts that the jobs of a model ask, each with the fixed ones; together and alone when it is met."""
    explainers = {
        explainer: options
        for explainer, options in config["explainers"].items()
        if options["method"] != external.ELSEWHERE and black_box.why_not(config, explainer, name) is None
    }
    # Without its teacher, which has said by now which explainers apply.
    own = {name: {**config["models"][name], "teacher": None}}
    alone = {**config, "models": own, "explainers": explainers, "reference": None}
    alone["probes"] = {
        probe: {**block, "explainers": [one for one in block["explainers"] if one in explainers]}
        for probe, block in config.get("probes", {}).items()
    }
    noisy = model_kind.is_noisy(config["models"][name])
    for row in passes(alone, results, words):
        if row.rule in _ASK:
            yield _with_fixed(row)
        if row.rule == "explain" and (noisy or _draws(explainers[row.what])):
            yield _with_fixed(row)
    yield from _perturbed(alone, words)
    yield 2 * len(FIXED) * len(config["tasks"])


def _with_fixed(row: Passes) -> int | None:
    """A job's texts, and the fixed ones that it asks first."""
    return None if row.passes is None else row.passes + row.runs * len(FIXED)


def _draws(options: Mapping[str, Any]) -> bool:
    return bool(registry.literal("explainer", options["method"], "DRAWS"))


def _perturbed(alone: Mapping[str, Any], words: int | None) -> Iterator[int | None]:
    """Texts of the explanations of perturbed texts."""
    wanted = alone.get("stability", {}).get("explainers", ())
    stability = {name: options for name, options in alone["explainers"].items() if name in wanted}
    copies = 1 + len(alone["perturbations"])
    tasks = {
        name: {**task, "explain": {**task["explain"], "examples": alone["stability"]["examples"] * copies}}
        for name, task in alone["tasks"].items()
        if stability
    }
    # No file of the study has just these texts.
    for row in passes({**alone, "tasks": tasks, "explainers": stability}, Path("none"), words):
        if row.rule == "explain":
            yield _with_fixed(row)


def _of_students(config: Mapping[str, Any], name: str, results: Path) -> Iterator[int | None]:
    """Texts that students learn from: those of the splits once, and each run's own masked copies."""
    students = [model for model in config["models"].values() if model["teacher"] == name]
    learning = [model for model in students if external.trains(model) and "beta" in model["training"]]
    for task_name, task in config["tasks"].items() if learning else ():
        sizes = {
            split: _size(results / "data" / task_name / f"{split}.parquet", task["splits"][split])
            for split in ("train", "validation")
        }
        known = None not in sizes.values()
        yield sum(sizes.values()) + 2 * len(FIXED) if known else None
        for model in learning:
            copies = len(model["seeds"]) * model["training"].get("masked_copies", 0)
            yield copies * (sizes["train"] + len(FIXED)) if known else None


def _size(file: Path, split: Mapping[str, Any]) -> int | None:
    return tables.read(file, "examples").num_rows if file.is_file() else split["examples"]
