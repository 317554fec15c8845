"""Finds the score that an exhibit names, or says in words why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from distillens.report.formatting import metric_name
from distillens.report.probe_data import Probe
from distillens.report.score_rows import Row
from distillens.report.study_data import Outline, Run

SUBJECTS = ("performance", "robustness", "agreement", "explainers", "faithfulness", "buckets", "probes")
COLUMNS = ("task", "probe", "subset", "explainer", "perturbation", "ranking", "metric", "k", "model")


@dataclass(frozen=True)
class Source:
    """What exhibits are made from.

    Attributes
    ----------
    study : Outline
    task : str or None
        The task that is meant where an exhibit names none.
    models : mapping
        From the paper's roles to the study's models.
    explainers : mapping
        Likewise, for those that the study calls by another name.
    names : mapping
        What the paper calls each role.
    scores, examples : mappings of data frames
        By subject: aggregates, and values of single examples.
    splits : mapping
        Rows of the examples of each (task, split).
    explained : mapping
        Rows of the explained texts of each task.
    probes : mapping
        What is known of each (task, probe).
    """

    study: Outline
    task: str | None
    models: Mapping[str, str]
    explainers: Mapping[str, str]
    names: Mapping[str, str]
    scores: Mapping[str, pd.DataFrame]
    examples: Mapping[str, pd.DataFrame]
    splits: Mapping[tuple[str, str], list[dict[str, Any]]]
    explained: Mapping[str, list[dict[str, Any]]]
    probes: Mapping[tuple[str, str], Probe]

    def run(self, role: str) -> Run | None:
        """The first run of the study's model for a role of the paper."""
        return self.study.first(self.models.get(role, ""))

    def title(self, role: str) -> str:
        """Name of the study's model for a role; the paper's where there is none."""
        return self.models.get(role, self.names.get(role, role))

    def explainer(self, name: str) -> str:
        """The study's name of an explainer of the paper."""
        return self.explainers.get(name, name)

    def task_of(self, select: Mapping[str, Any]) -> tuple[str, str]:
        """The task that a selection is about, and why there is none; one of both is empty."""
        task = self._named(select, "task")
        why = self.missing(select) if task else "neither this exhibit nor the config names a task"
        return ("" if why else task), why

    def find(self, select: Mapping[str, Any]) -> tuple[Row | None, str]:
        """Find the one aggregate score that a selection names.

        Parameters
        ----------
        select : mapping
            ``subject``, and values of columns; ``model`` and ``against`` are roles, and mean
            their first runs. Pairs of models, and of explainers, have no order.

        Returns
        -------
        row : mapping or None
        why : str
            Why there is none; empty where there is one.
        """
        why = _misnamed(select) or self.missing(select)
        if why:
            return None, why
        rows = self._rows(select, self.scores)
        if len(rows) == 1:
            return rows[0], ""
        what = metric_name(select.get("metric", "score"), select.get("k"))
        if rows:
            return (
                None,
                f"{len(rows)} scores of {what} fit this selection; it must name more of the one meant",
            )
        return None, f"{what} was not measured here"

    def singles(self, select: Mapping[str, Any]) -> tuple[list[float], str]:
        """Find the values of single texts behind the score that a selection names.

        Returns
        -------
        values : list of float
            In the order of the texts' ids; undefined ones are left out.
        why : str
            Why there are none; empty where there are some.
        """
        _, why = self.find(select)
        rows = [] if why else self._rows(select, self.examples)
        values = [row["value"] for row in sorted(rows, key=lambda row: row["example_id"])]
        defined = [value for value in values if value == value]
        return defined, why or ("" if defined else "it is not kept for single texts")

    def _rows(self, select: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> list[Row]:
        ways = _both_ways(self._wanted(select))
        return [
            row
            for row in frames[select["subject"]].to_dict("records")
            if any(_fits(row, one) for one in ways)
        ]

    def missing(self, select: Mapping[str, Any]) -> str:
        """Say what of a selection this study does not have; empty if it has all."""
        for key in ("model", "against"):
            role = select.get(key)
            if role is not None and self.run(role) is None:
                return f"this study has no model for {self.names.get(role, role)}"
        settings = self.study.settings
        vocabulary = {
            "task": self.study.tasks,
            "explainer": settings["explainers"],
            "against_explainer": settings["explainers"],
            "probe": settings["probes"],
            "perturbation": settings["perturbations"],
        }
        for key, names in vocabulary.items():
            value = self._named(select, key)
            if value is not None and value not in names:
                return f"this study has no {key.removeprefix('against_')} {value!r}"
        return ""

    def _named(self, select: Mapping[str, Any], key: str) -> Any:
        value = select.get(key, self.task if key == "task" else None)
        return self.explainer(value) if key in ("explainer", "against_explainer") and value else value

    def _wanted(self, select: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {key: self._named(select, key) for key in (*COLUMNS, "against_explainer")}
        for role, model, seed in (("model", "model", "seed"), ("against", "against", "against_seed")):
            run = self.run(select[role]) if role in select else None
            wanted |= {model: run and run.model, seed: run and run.seed}
        return {key: value for key, value in wanted.items() if value is not None}


def _misnamed(select: Mapping[str, Any]) -> str:
    """Say what of a selection nothing could fit."""
    if select.get("subject") not in SUBJECTS:
        return f"this exhibit selects {select.get('subject')!r}; there are scores of {', '.join(SUBJECTS)}"
    strange = sorted(select.keys() - {"subject", "against", "against_explainer", *COLUMNS})
    return f"this exhibit selects by {strange[0]!r}, which scores do not have" if strange else ""


def _both_ways(wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The selection, and where it names a pair the same pair the other way round."""
    ways = [dict(wanted)]
    for one, other in (("model", "against"), ("seed", "against_seed"), ("explainer", "against_explainer")):
        if other in wanted and one in wanted:
            if len(ways) == 1:
                ways.append(dict(wanted))
            ways[1] |= {one: wanted[other], other: wanted[one]}
    return ways


def _fits(row: Row, wanted: Mapping[str, Any]) -> bool:
    return all(row[key] == value for key, value in wanted.items())
