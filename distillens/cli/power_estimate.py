"""What a study of its size can tell, before any of it is run."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scipy import special

from distillens import registry, tables
from distillens.config import label_views, texts
from distillens.metrics import power
from distillens.metrics.run_pairs import TEACHER_RUNS

SPREAD = 0.32
"""Standard deviation over texts of how much less a student agrees, where nothing was seen yet: the median by
occlusion in three committed studies (`docs/results`: .20 to .39; the others' medians are .17 to .33)."""


class Told(NamedTuple):
    """Half width of an interval, and the difference that is told in four of five studies."""

    half_width: float
    difference: float


def told(n: int, spread: float, confidence_level: float, tests: int = 1) -> Told:
    """What so many texts tell, of models as they are: with a variance of texts only.

    Parameters
    ----------
    n : int
        Texts, or groups of them; at least two.
    spread : float
        Standard deviation of the difference over texts.
    confidence_level : float
    tests : int
        Students times explainers, which "drift found" is corrected for.

    Examples
    --------
    >>> [round(number, 2) for number in told(100, 0.32, 0.95)]
    [0.06, 0.08]
    """
    half = float(special.stdtrit(n - 1, (1 + confidence_level) / 2)) * spread / math.sqrt(n)
    return Told(half, power.detectable([power.Source(spread**2, n)], (1 - confidence_level) / tests))


def lines(config: Mapping[str, Any], results: Path) -> Iterator[str]:
    """A sentence for each task whose students have a reference.

    Parameters
    ----------
    config : mapping
        Complete.
    results : Path
        ``results/STUDY``: the spread that a plan there has seen is taken.

    Examples
    --------
    >>> models = {"bert": {"teacher": None, "seeds": [1]}, "kd": {"teacher": "bert", "seeds": [1]}}
    >>> explain = {"examples": 100, "per_class": None, "until": None, "most": None}
    >>> config = {"tasks": {"films": {"explain": explain, "labels": []}}, "models": models}
    >>> config |= {"explainers": {"occlusion": {"method": "occlusion"}}}
    >>> config["metrics"] = {"confidence_level": 0.95}
    >>> config["reference"] = {"ladder": {"teachers": ["bert"], "explainers": ["occlusion"]}}
    >>> for line in lines(config, Path("results/none")):
    ...     print(line)
    films: 100 texts make intervals of about -+0.06, and tell a difference of 0.08 in four of five studies
    (if texts differ by 0.32, as usual)
    """
    students = [model for model in config["models"].values() if model["teacher"] is not None]
    runs = [len(model["seeds"]) for model in config["models"].values() if model["teacher"] is None]
    by_runs, ladder = min(runs, default=0) >= TEACHER_RUNS, config["reference"].get("ladder")
    if not students or not (by_runs or ladder):
        return
    counted = [
        name for name, options in config["explainers"].items()
        if options["method"] not in registry.controls()
    ]  # fmt: skip
    tests = len(students) * len(counted if by_runs else ladder["explainers"])
    for name, task in config["tasks"].items():
        n, (spread, why) = texts.texts_of(task), _spread(results / "metrics" / name / "plan.parquet")
        labels, of_which = (len(task["labels"]), "with a label ") if label_views.is_multi(task) else (1, "")
        n = n and n // labels  # of each label, if models give it to those that have it
        if n is None or n < 2 or not tests:
            continue
        limit = told(n, spread, config["metrics"]["confidence_level"], tests * labels)
        line = (
            f"{name}: {n} texts {of_which}make intervals of about -+{limit.half_width:.2f}, and tell a "
            f"difference of {limit.difference:.2f} in four of five studies (if texts differ by {spread:.2f}, "
            f"{why}"
        )
        line += "; where runs differ, less)" if by_runs else ")"
        if task["explain"]["until"]:
            line += f"; they are a pilot, at most {task['explain']['most']} follow from it"
        yield line


def _spread(plan: Path) -> tuple[float, str]:
    """The largest spread that was seen; the usual one where there is none."""
    rows = tables.read(plan, "plan").to_pylist() if plan.is_file() else []
    seen = [row["spread"] for row in rows if row["spread"] is not None and not row["gated"]]
    return (max(seen), "as seen") if seen else (SPREAD, "as usual")
