"""What models say of one sentence of a probe and its variants."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from distillens.metrics.probes import directions
from distillens.report.exhibits import grid
from distillens.report.exhibits.exhibit import Content
from distillens.report.exhibits.probe_item import TEXT, ProbeItem, find_item
from distillens.report.exhibits.source import Source
from distillens.report.formatting import MISSING, Cell, Head, Table, capitalised, number

OPTIONS = {
    "text": {"type": "string", "default": "", "description": "A sentence; its item's variants are shown."}
}

_COLUMNS = ("variant", "text", "model", "paper_model", "direction", "confidence", "label")
_COLUMNS += ("paper_value", "missing")
_DIRECTIONS = {1.0: "positive", 0.0: "neutral", -1.0: "negative"}


def show(name: str, settings: Mapping[str, Any], source: Source) -> Content:
    """Show direction and confidence: rows select a variant (``subset``), columns a model."""
    item, notes = find_item(settings, source)
    head = [Head("", numeric=False)]
    lines, records, reasons = [], [], []
    published = settings["published"] or []
    for column in settings["columns"]:
        role = column["select"].get("model", "")
        head.append(Head(source.title(role), "prediction and its probability in this study", numeric=False))
        if published:
            head.append(Head("the paper’s", f"of {column['title']}; not measured here", numeric=False))
    for place, entry in enumerate(settings["rows"]):
        line = grid.line_of(entry, source)
        variant = line.select.get("subset", "original")
        text = item.variants.get(variant, {}).get(TEXT, "") if item else ""
        row = [Cell(line.title, note=text, style="prose")]
        for at, column in enumerate(settings["columns"]):
            role = column["select"].get("model", "")
            direction, confidence, label, why = _prediction(item, variant, role, source)
            values = published[place] if place < len(published) else []
            paper = values[at] if at < len(values) else None
            answer = f"{direction} ({number(confidence, 3)})"
            hint = f"predicts {label}" if label else capitalised(why)
            row.append(
                Cell(answer if label else "not measured", None, label, "" if label else "missing", hint)
            )
            if published:
                row.append(Cell(str(paper) if paper is not None else MISSING, style="paper"))
            records.append([variant, text, source.title(role), column["title"], direction, confidence, label])
            records[-1] += [paper, why]
            reasons.append(why)
        lines.append(row)
    notes += [f"{capitalised(why)}." for why in dict.fromkeys(filter(None, reasons))]
    table = Table(f"published-{name}", settings["caption"], head, lines)
    return Content(_COLUMNS, records, table, notes=notes)


def _prediction(
    item: ProbeItem | None, variant: str, role: str, source: Source
) -> tuple[str | None, float | None, str, str]:
    """Direction, confidence and label of a prediction, or why there is none."""
    why = source.missing({"model": role})
    run = source.run(role)
    if why or run is None or item is None:
        return None, None, "", why or "nothing was asked"
    logits = np.array(item.view.logits(run, item.variants.get(variant, {"example_id": None})))
    if not logits.size:
        return None, None, "", f"{run.model} was not asked about the variant {variant!r}"
    odds = np.exp(logits - logits.max())
    best = int(logits.argmax())
    label = source.study.tasks[item.task]["labels"][best]
    return _DIRECTIONS[float(directions(logits[None])[0])], float(odds[best] / odds.sum()), label, ""
