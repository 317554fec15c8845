"""What so many texts found of drift that was planted: how far each explainer of a config sees.

`resources/detection.csv` holds what a study of known drift has shown (`docs/results/detection-mini`);
`python -m bench.detection.limits` writes it.
"""

import csv
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from distillens.config import label_views, texts
from distillens.provenance import ROOT

TABLE = "resources/detection.csv"
STUDY = "the study detection-mini"
PLANTS = {
    "shortcut": "a shortcut in {} of one class's training texts",
    "words": "three words {} erased",
    "negation": "negation {} erased",
}


class Limit(NamedTuple):
    """What one explainer found with so many texts.

    ``passes`` are forward passes a text of one run. ``power`` is the share of planted drifts that stood out
    beside models without any, ``said`` that of which the verdict by three runs said so, and ``smallest`` the
    smallest of each kind that stood out in four of five parts of the texts; None where none did.
    """

    explainer: str
    texts: int
    passes: float
    power: float
    said: float
    smallest: Mapping[str, float | None]

    @property
    def cost(self) -> float:
        """Forward passes of one run."""
        return self.texts * self.passes


def limits() -> list[Limit]:
    """The table that is shipped.

    Examples
    --------
    >>> {limit.explainer for limit in limits()} >= {"occlusion", "shap"}
    True
    """
    with (ROOT / TABLE).open(encoding="utf-8", newline="") as file:
        return [
            Limit(
                row["explainer"],
                int(row["texts"]),
                float(row["passes"]),
                float(row["found"]),
                float(row["said"]),
                {plant: float(row[plant]) if row[plant] else None for plant in PLANTS},
            )
            for row in csv.DictReader(file)
        ]


def lines(config: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each task and explainer that the table knows, and what would find more for less.

    Parameters
    ----------
    config : mapping
        Complete.

    Examples
    --------
    >>> explain = {"examples": 10, "per_class": None}
    >>> config = {"tasks": {"films": {"explain": explain, "labels": []}}, "models": {}}
    >>> list(lines(config | {"explainers": {"occlusion": {"method": "occlusion", "examples": None}}}))
    []
    """
    if all(model["teacher"] is None for model in config["models"].values()):
        return
    known = limits()
    for name, task in config["tasks"].items():
        n = texts.texts_of(task)
        if n is None or label_views.is_multi(task):
            continue
        for options in config["explainers"].values():
            own = [
                limit for limit in known
                if limit.explainer == options["method"] and limit.texts <= min(n, options["examples"] or n)
            ]  # fmt: skip
            if own:
                yield f"{name}: {_sentence(own[-1], known)}"


def _sentence(limit: Limit, known: list[Limit]) -> str:
    sizes = [PLANTS[plant].format(_percent(size)) for plant, size in limit.smallest.items() if size]
    smallest = f" (from {', '.join(sizes)})" if sizes else ""
    sentence = (
        f"{limit.explainer} with {limit.texts} texts found {_percent(limit.power)} of the drifts planted in "
        f"{STUDY}{smallest}, the verdict by three runs {_percent(limit.said)}"
    )
    better = [one for one in known if one.cost <= limit.cost and one.power > limit.power]
    if better:
        best = max(better, key=lambda one: (one.power, -one.cost))
        sentence += f"; {best.explainer} with {best.texts} found {_percent(best.power)}, for fewer passes"
    return sentence


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
