"""The config of an audit: one teacher, its students and some texts, as they are seen on the disk."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens.config import ladder
from distillens.config.errors import ConfigError

DEFAULT_SPEED = "default"
SPEEDS: dict[str, dict[str, Any]] = {
    "fast": {
        "texts": 100,
        "explainers": {"occlusion": None, "integrated_gradients": {"steps": 12, "max_steps": 24}},
        "ladder": {
            "prune": {"doses": [0.1, 0.3, 0.5, 0.7]},
            "noise": {"doses": [0.2, 0.5], "draws": 1},
        },
    },
    DEFAULT_SPEED: {
        "texts": 100,
        "explainers": {
            "occlusion": None,
            "integrated_gradients": {"steps": 32, "max_steps": 128},
            "shap": {"max_evals": 500},
        },
    },
    "thorough": {
        "texts": 300,
        "explainers": {
            "occlusion": None,
            "integrated_gradients": None,
            "shap": {"max_evals": 2000},
            "lime": {"samples": 2000},
        },
    },
}
"""Texts, explainers and damaged copies of each speed. What is not asked for is not paid for."""

_SCORED = 1000
"""Texts with labels that performance is measured on, at most; more would say little more."""
_UNNAMED = re.compile(r"LABEL_\d+")


@dataclass(frozen=True)
class Model:
    """A finished classifier as its folder shows it.

    ``outputs`` are its own names for its outputs, in order (a single one is a score); ``parameters`` is None
    where that cannot be seen; ``digest`` is that of its weights.
    """

    folder: str
    outputs: tuple[str, ...]
    parameters: int | None
    digest: str

    @property
    def unnamed(self) -> bool:
        """Whether its outputs have no names of their own, but numbers."""
        return len(self.outputs) > 1 and all(map(_UNNAMED.fullmatch, self.outputs))


@dataclass(frozen=True)
class Texts:
    """A file of texts: its columns, its rows, and how many of these have no word."""

    file: str
    text_a: str
    text_b: str | None
    label: str | None
    rows: int
    wordless: int = 0


@dataclass(frozen=True)
class Amount:
    """How much is explained: a key of `SPEEDS`, and other numbers of texts than its own.

    With ``most`` these texts are a pilot, which asks for up to so many.
    """

    speed: str = DEFAULT_SPEED
    texts: int | None = None
    most: int | None = None

    def count(self, eligible: int) -> int:
        """Texts that are explained, of those that have words.

        Examples
        --------
        >>> Amount("fast").count(20), Amount("fast", texts=30).count(1000)
        (20, 30)
        """
        return min(eligible, self.texts or SPEEDS[self.speed]["texts"])


def task_of(teacher: Model, labels: Sequence[str] | None = None) -> dict[str, Any]:
    """The type and the labels of the task that a teacher does.

    Parameters
    ----------
    teacher : Model
    labels : sequence of str, optional
        Names of the outputs of models that have none of their own, in order.

    Raises
    ------
    ConfigError
        If there are more or fewer labels than outputs, or the outputs have other names.

    Examples
    --------
    >>> task_of(Model("bert", ("LABEL_0", "LABEL_1"), None, ""), ["bad", "good"])
    {'type': 'classification', 'labels': ['bad', 'good']}
    """
    if len(teacher.outputs) == 1:
        if labels:
            raise ConfigError(f"--labels: {teacher.folder} has one output, a score, which has no labels")
        return {"type": "regression", "labels": []}
    if labels is not None and len(labels) != len(teacher.outputs):
        raise ConfigError(
            f"--labels: {len(labels)} names, but {teacher.folder} has {len(teacher.outputs)} outputs "
            f"({', '.join(teacher.outputs)})"
        )
    if labels is not None and not teacher.unnamed and not _same(labels, teacher.outputs):
        raise ConfigError(
            f"--labels: {teacher.folder} names its outputs {', '.join(teacher.outputs)}, and not "
            f"{', '.join(labels)}; leave them out, or mend id2label in its config.json"
        )
    return {
        "type": "classification",
        "labels": list(labels if labels and teacher.unnamed else teacher.outputs),
    }


def named(models: Sequence[Model]) -> dict[str, Model]:
    """Models by a name of their own: their folder's, with more of its path where two are called alike.

    Examples
    --------
    >>> models = [Model(folder, (), None, "") for folder in ("prod/BERT base", "v1/model", "v2/model")]
    >>> list(named(models))
    ['bert-base', 'model', 'v2-model']
    """
    by_name: dict[str, Model] = {}
    for model in models:
        parts = [part for part in Path(model.folder).parts if part not in ("/", "..", ".")] or ["model"]
        names = [_name("-".join(parts[-count:])) for count in (1, 2)]
        names += [f"{names[0][:50]}-{number}" for number in range(2, len(models) + 2)]
        by_name[next(name for name in names if name not in by_name)] = model
    return by_name


def _name(text: str) -> str:
    plain = re.sub(r"[^a-z0-9_-]+", "-", text.casefold()).strip("-_")
    return plain[:60] or "model"


def config_of(
    study: str,
    texts: Texts,
    models: Mapping[str, Model],
    labels: Sequence[str] | None = None,
    amount: Amount | None = None,
    accept: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The config of an audit.

    Parameters
    ----------
    study : str
        Its name.
    texts : Texts
    models : mapping
        By name, the teacher first.
    labels : sequence of str, optional
        See `task_of`.
    amount : Amount
    accept : mapping, optional
        Damage to the teacher that is accepted, such as ``{"prune": 0.3}``.

    Raises
    ------
    ConfigError
        If there is no student, no text, or a student whose outputs cannot be matched with its teacher's.

    Examples
    --------
    >>> models = {name: Model(name, ("bad", "good"), None, "") for name in ("bert", "tiny")}
    >>> config = config_of("audit", Texts("reviews.csv", "text", None, None, rows=500), models)
    >>> config["tasks"]["reviews"]["explain"], config["models"]["tiny"]
    ({'examples': 100}, {'checkpoint': {'local': 'tiny'}, 'training': 'none', 'teacher': 'bert'})
    """
    (teacher, of_teacher), *students = models.items()
    task = task_of(of_teacher, labels)
    if not students:
        raise ConfigError("an audit needs a student; name its folder")
    if texts.rows <= texts.wordless:
        raise ConfigError(f"{texts.file}: no text has a word")
    amount = amount or Amount()
    count = amount.count(texts.rows - texts.wordless)
    most = None if amount.most is None else min(amount.most, texts.rows - texts.wordless)
    if most is not None and most < count:
        raise ConfigError(f"--most: {most} texts are fewer than the pilot's {count}; see --texts")
    scored = max(count, most or 0) + texts.wordless
    if texts.label is not None:
        scored = max(scored, _SCORED)
    metrics = ["pearson", "spearman"] if task["type"] == "regression" else ["accuracy", "macro_f1"]
    block = {
        "source": {"local": texts.file},
        "columns": {"text_a": texts.text_a, "text_b": texts.text_b, "label": texts.label},
        **task,
        "metrics": metrics,
        "splits": {"test": {"from": "all", "examples": min(texts.rows, scored)}},
        "explain": {"examples": count} | ({} if most is None else {"until": "told", "most": most}),
    }
    if task["type"] == "regression":
        del block["labels"]
    if texts.text_b is None:
        del block["columns"]["text_b"]
    config = {
        "study": study,
        "tasks": {_name(Path(texts.file).stem): block},
        "models": {
            name: {
                "checkpoint": {"local": model.folder},
                "training": "none",
                **({} if name == teacher else {"teacher": teacher}),
                **_own_labels(model, task, labels),
            }
            for name, model in models.items()
        },
        "explainers": {name: options for name, options in SPEEDS[amount.speed]["explainers"].items()},
        "metrics": {"faithfulness": False},
    }
    reference = _reference(SPEEDS[amount.speed].get("ladder"), accept)
    return config | ({"reference": reference} if reference else {})


def _reference(copies: Mapping[str, Any] | None, accept: Mapping[str, float] | None) -> dict[str, Any]:
    """Which damaged copies are made, where not the usual ones, and what is accepted."""
    kinds = copy.deepcopy(dict(copies or {}))
    for kind in accept or ():
        if kind != ladder.AGREEMENT and kind not in (*kinds, *ladder.KINDS):
            kinds = kinds or dict.fromkeys(ladder.KINDS)
            kinds[kind] = None
    return {**({"ladder": kinds} if kinds else {}), **({"accept": dict(accept)} if accept else {})}


def _own_labels(model: Model, task: Mapping[str, Any], labels: Sequence[str] | None) -> dict[str, Any]:
    """What a model's entry says of its outputs: nothing where its own names are the task's."""
    if len(model.outputs) != (len(task["labels"]) or 1):
        raise ConfigError(
            f"{model.folder} has {len(model.outputs)} outputs ({', '.join(model.outputs)}), its teacher "
            f"{len(task['labels']) or 1}; a student answers its teacher's question"
        )
    if task["type"] == "regression" or _same(model.outputs, task["labels"]):
        return {}
    if model.unnamed and labels is not None:
        return {"labels": list(labels)}
    why = "which is which is not known" if model.unnamed else "these are other names than its teacher's"
    raise ConfigError(
        f"{model.folder} calls its outputs {', '.join(model.outputs)}; {why} ({', '.join(task['labels'])}); "
        "mend id2label in its config.json, or name the outputs in their order with --labels"
    )


def _same(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two models name their outputs alike: as they stand, or but for case and what joins words."""
    exact = sorted(names) == sorted(others)
    plain = [
        sorted(re.sub(r"[\s_-]+", " ", name.strip()).casefold() for name in one) for one in (names, others)
    ]
    return exact or (plain[0] == plain[1] and len(set(plain[0])) == len(names))


def remarks(models: Mapping[str, Model]) -> list[str]:
    """What is unusual about the models, though not wrong: larger students, equal weights, other orders.

    Examples
    --------
    >>> models = {"tiny": Model("tiny", ("a", "b"), 10, "x"), "bert": Model("bert", ("b", "a"), 90, "y")}
    >>> for remark in remarks(models):
    ...     print(remark)
    bert has more weights (90) than its teacher tiny (10); are teacher and student swapped?
    bert has its outputs in another order (b, a) than tiny (a, b); they are matched by name
    """
    (teacher, of_teacher), *students = models.items()
    said = []
    for name, model in students:
        if model.digest == of_teacher.digest:
            said.append(f"{name} has the same weights as its teacher {teacher}: a check of the audit itself")
        if None not in (sizes := (model.parameters, of_teacher.parameters)) and sizes[0] > sizes[1]:
            said.append(
                f"{name} has more weights ({sizes[0]:,}) than its teacher {teacher} ({sizes[1]:,}); "
                "are teacher and student swapped?"
            )
        one, other = ([label.strip().casefold() for label in m.outputs] for m in (model, of_teacher))
        if one != other and _same(model.outputs, of_teacher.outputs):
            said.append(
                f"{name} has its outputs in another order ({', '.join(model.outputs)}) than {teacher} "
                f"({', '.join(of_teacher.outputs)}); they are matched by name"
            )
    return said


def reference_in_words(config: Mapping[str, Any]) -> str:
    """What a complete config can decide: what its students are held against.

    Examples
    --------
    >>> reference_in_words({"models": {"bert": {"teacher": None, "seeds": [0]}}})
    'can decide: nothing; the teacher has one run, so how alike the reasons are is measured without a verdict'
    >>> reference = {"ladder": {"teachers": ["bert"]}, "accept": {"prune": 0.3}}
    >>> reference_in_words({"models": {"bert": {"teacher": None, "seeds": [0]}}, "reference": reference})
    'can decide: whether a student agrees with its teacher at least as much as a copy damaged by prune 0.3'
    """
    runs = [len(model["seeds"]) for model in config["models"].values() if model["teacher"] is None]
    if min(runs) >= ladder.ENOUGH_RUNS:
        return "can decide: whether a student reasons less like its teacher than another run of the teacher"
    reference = config.get("reference") or {}
    if not reference.get("ladder"):
        number = "one run" if min(runs) == 1 else f"{min(runs)} runs"
        return (
            f"can decide: nothing; the teacher has {number}, so how alike the reasons are is measured "
            "without a verdict"
        )
    accepted = " and ".join(f"{kind} {dose:g}" for kind, dose in reference["accept"].items())
    what = accepted if "agreement" in reference["accept"] else f"a copy damaged by {accepted}"
    return f"can decide: whether a student agrees with its teacher at least as much as {what}"
