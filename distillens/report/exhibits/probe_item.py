"""The item of a probe that an exhibit shows, as one explainer shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distillens.report.exhibits.source import Source
from distillens.report.formatting import capitalised
from distillens.report.sentences import View, views

TEXT = "text_a"


@dataclass(frozen=True)
class ProbeItem:
    """The variants of one item, and what every run says of them."""

    task: str
    variants: Mapping[str, Mapping[str, Any]]
    view: View


def find_item(settings: Mapping[str, Any], source: Source) -> tuple[ProbeItem | None, list[str]]:
    """Find the item with the sentence ``text`` of the probe that ``select`` names.

    Returns
    -------
    item : ProbeItem or None
    notes : list of str
        Why there is none, or what differs from what was asked for.
    """
    select = settings["select"]
    task, why = source.task_of(select)
    if not {"probe", "explainer"} <= select.keys():
        why = "this exhibit must select a probe and an explainer"
    probe = source.probes.get((task, select.get("probe")))
    if not why and (probe is None or source.study.tasks[task]["type"] != "classification"):
        why = f"no sentences of this probe were made for {task}"
    if why:
        return None, [f"{capitalised(why)}."]
    explainer = source.explainer(select["explainer"])
    by_explainer = views(
        source.study, task, probe.sentences, probe.explanations, source.examples["agreement"]
    )
    view = next((view for view in by_explainer if view.explainer == explainer), None)
    if view is None:
        return None, [f"The sentences of this probe were not explained by {explainer}."]
    variants, exact = probe.variants(settings["text"])
    note = f"The sentence “{settings['text']}” is not in this probe; its first item is shown."
    return ProbeItem(task, variants, view), [] if exact else [note]
