"""The sentences of probes, what is asked of each, and what every run says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.report.sentences import Explained, load
from distillens.tables import TableError

Paths = Sequence[str | Path]


@dataclass(frozen=True)
class Probe:
    """One probe on one task.

    Attributes
    ----------
    task, probe : str
    sentences, design : lists of rows
        Of the tables of kinds ``examples`` and ``probes``, in the same order.
    explanations : list of Explained
    """

    task: str
    probe: str
    sentences: list[dict[str, Any]]
    design: list[dict[str, Any]]
    explanations: list[Explained] = field(default_factory=list)

    @property
    def built(self) -> bool:
        """Whether its sentences were built here; those of a data set come with their labels."""
        return all(row["label"] is None for row in self.sentences)

    def variants(self, text: str) -> tuple[dict[str, dict[str, Any]], bool]:
        """The sentences of one item by variant.

        Parameters
        ----------
        text : str
            One sentence of it.

        Returns
        -------
        variants : dict
            Of the first item where no sentence reads like that.
        known : bool
            Whether one does.
        """
        by_id = {row["example_id"]: row for row in self.sentences}
        item = next((row["item"] for row in self.design if by_id[row["example_id"]]["text_a"] == text), None)
        wanted = item if item is not None else self.design[0]["item"]
        by_variant = {
            row["variant"]: by_id[row["example_id"]] for row in self.design if row["item"] == wanted
        }
        return by_variant, item is not None

    def answers(self, explainer: str, model: str, seed: int) -> dict[str, dict[str, Any]]:
        """What a run says of each sentence, by its id; nothing where it was not asked."""
        wanted = (explainer, model, seed)
        for source, rows in self.explanations:
            if (source["explainer"], source["model"], source["seed"]) == wanted:
                return {row["example_id"]: row for row in rows}
        return {}


def read(designs: Paths, sentences: Paths, explanations: Paths) -> dict[tuple[str, str], Probe]:
    """Read probes by (task, probe); what a file is about is read from its provenance.

    Raises
    ------
    TableError
        If a file does not say what it is about, or a probe lacks its design or its sentences.
    """
    design_of = {_about(path): tables.read(path, "probes").to_pylist() for path in designs}
    sentences_of = {_about(path): tables.read(path, "examples").to_pylist() for path in sentences}
    if design_of.keys() != sentences_of.keys():
        task, probe = sorted(design_of.keys() ^ sentences_of.keys())[0]
        lacking = "design" if (task, probe) in sentences_of else "table of sentences"
        raise TableError(f"probe {probe!r} of task {task!r} has no {lacking} among the inputs; add the file")
    probes = {key: Probe(*key, sentences_of[key], design_of[key]) for key in sorted(design_of)}
    for source, rows in load(explanations, "probe"):
        key = source["task"], source["probe"]
        if key not in probes:
            raise TableError(
                f"explanations of probe {key[1]!r} of task {key[0]!r}: no design of it; add the file"
            )
        probes[key].explanations.append((source, rows))
    return probes


def _about(path: str | Path) -> tuple[str, str]:
    source: Mapping[str, Any] = tables.provenance(path)
    for key in ("task", "probe"):
        if key not in source:
            raise TableError(f"{path}: its provenance does not name its {key}")
    return source["task"], source["probe"]
