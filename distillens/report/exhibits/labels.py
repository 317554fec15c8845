"""How many texts of a task have each label, all splits together."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl

from distillens.report import plot
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.source import Source
from distillens.report.formatting import capitalised
from distillens.report.label_counts import SPLITS, counts

OPTIONS = {}


def show(number: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Draw a bar per label, cut by split.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> splits = {("toy", "test"): [{"label": 1, "label_name": None}]}
    >>> source = Fake(task_of=lambda select: ("toy", ""), splits=splits)
    >>> source.study = Fake(tasks={"toy": {"type": "classification", "labels": ["no", "yes"]}})
    >>> show("figure-1", {"select": {}, "caption": ""}, source).records
    [['no', 0, 0], ['yes', 1, 1]]
    """
    task, why = source.task_of(settings["select"])
    by_label = {} if why else counts(source.study.tasks[task], source.splits, task)
    splits = [split for split in SPLITS if any(split in by_split for by_split in by_label.values())]
    records = [
        [label, *(by_split.get(split, 0) for split in splits), sum(by_split.values())]
        for label, by_split in by_label.items()
    ]
    columns = ("label", *splits, "all")
    if not records:
        return Content(
            columns, records, notes=[f"{capitalised(why or f'there are no classes to count in {task}')}."]
        )
    with mpl.rc_context(plot.STYLE):
        figure, axes = plot.axes(0.7 + 0.26 * len(by_label), legend=len(splits))
        left = [0] * len(by_label)
        for place, split in enumerate(splits):
            sizes = [by_split.get(split, 0) for by_split in by_label.values()]
            shade = {"color": plot.COLOURS[0], "alpha": 0.85 - 0.3 * place, "linewidth": 0}
            axes.barh(range(len(by_label)), sizes, left=left, height=0.62, label=split, **shade)
            left = [one + other for one, other in zip(left, sizes, strict=True)]
        for place, total in enumerate(left):
            axes.annotate(
                str(total), (total, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5
            )
        plot.rows(axes, list(by_label), lines=False)
        axes.margins(x=0.12)
        axes.set_xlabel("texts")
        figure.legend(loc="outside lower center", ncols=3)
        return Content(columns, records, svg=plot.svg(figure, f"published-{number}", settings["caption"]))
