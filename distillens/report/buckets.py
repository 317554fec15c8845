"""Tables of texts by which models are right on them."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from distillens.metrics.calibration import HEADLINE
from distillens.report import score_rows
from distillens.report.formatting import Cell, Head, Table, metric_head, score
from distillens.report.score_rows import Pair, Row
from distillens.report.study_data import Outline, ordered

PAIRWISE = {
    "both_right": "both right",
    "only_teacher_right": "only the teacher right",
    "only_student_right": "only the student right",
    "both_wrong": "both wrong",
    "same_prediction": "same answer",
    "other_prediction": "other answer",
}
"""How texts are called by how a student's answer stands to its teacher's."""


def buckets(study: Outline, task: str, scores: pd.DataFrame) -> list[Table]:
    """How large each bucket is and how alike models reason in it: at a glance, and in full."""
    rows = score_rows.of(scores, task)
    compared = [row for row in rows if row["metric"] != "size"]
    candidates = [
        _sizes(study, task, rows, compared),
        _split(study, task, compared),
        _all_buckets(study, task, compared),
    ]
    return [table for table in candidates if table is not None]


def bucket_name(name: str) -> str:
    """Say in words which models are right in a bucket.

    Examples
    --------
    >>> bucket_name("all_correct"), bucket_name("only_bert+tiny"), bucket_name("same_prediction")
    ('all right', 'only bert and tiny', 'same answer')
    """
    if name in PAIRWISE:
        return PAIRWISE[name]
    if name in ("all_correct", "all_wrong"):
        return name.replace("_", " ").replace("correct", "right")
    if name.endswith("_correct"):
        return name.removesuffix("_correct").replace("_", " ")
    return f"only {' and '.join(name.removeprefix('only_').split('+'))}"


def _sizes(study: Outline, task: str, rows: Sequence[Row], compared: Sequence[Row]) -> Table | None:
    if not rows:
        return None
    # Only the controls are left where a study has no other explainer.
    explainers = ordered((row["explainer"] for row in compared), [*study.explainers, *study.controls])
    explainer = explainers[0] if explainers else None
    cosines = [row for row in compared if (row["explainer"], row["metric"]) == (explainer, "cosine")]
    pairs = score_rows.pairs(study, cosines)
    named = {(row["subset"], score_rows.pair(row)): row for row in cosines}
    teachers = list(dict.fromkeys(row["against"] for row in rows if row["metric"] == "size"))
    sizes = {(row["subset"], row["against"]): row for row in rows if row["metric"] == "size"}
    lines = []
    for bucket, teacher in ((bucket, teacher) for bucket in _in_order(rows) for teacher in teachers):
        size = sizes.get((bucket, teacher))
        if size is not None:
            name = Cell(bucket_name(bucket), note=f"of {teacher} and students" if len(teachers) > 1 else "")
            count = Cell(f"{size['value']:.0f}", size["value"], f"of {size['n']}")
            own = [named.get((bucket, pair)) if _teacher(study, pair) == teacher else None for pair in pairs]
            lines.append([name, count, *map(score, own)])
    head = [Head("right are", numeric=False), metric_head("size")]
    head += [Head(_both(study, pair), f"mean cosine of their attributions by {explainer}") for pair in pairs]
    caption = f"Buckets of {task}: texts by who is right"
    caption += f", and the cosine of attributions by {explainer}" if pairs else ""
    return Table(f"buckets-{task}", caption, head, lines, 1, "buckets")


def _split(study: Outline, task: str, rows: Sequence[Row]) -> Table | None:
    """The headline metric by how a student's answer stands to its teacher's, by each explainer."""
    rows = [row for row in rows if row["subset"] in PAIRWISE and row["metric"] == HEADLINE]
    rows = [row for row in rows if row["explainer"] not in study.controls]
    if not rows:
        return None
    by_key = {(row["subset"], row["explainer"], score_rows.pair(row)): row for row in rows}
    lines = []
    for pair in score_rows.pairs(study, rows):
        for explainer in score_rows.explainers(study, rows):
            cells = [by_key.get((subset, explainer, pair)) for subset in PAIRWISE]
            notes = ["" if row is None else f"{row['n']} texts" for row in cells]
            cells_with_counts = [
                replace(cell, note="\n".join(filter(None, (cell.note, note))))
                for cell, note in zip(map(score, cells), notes, strict=True)
            ]
            lines.append([Cell(pair[0]), Cell(explainer), *cells_with_counts])
    head = [Head("student", numeric=False), Head("explainer", numeric=False)]
    meaning = "mean rank correlation with the teacher on these texts"
    head += [Head(name, meaning) for name in PAIRWISE.values()]
    caption = f"Agreement on {task} (Spearman), by how the student’s answer stands to the teacher’s"
    return Table(f"split-{task}", caption, head, lines, 2, "buckets")


def _all_buckets(study: Outline, task: str, rows: Sequence[Row]) -> Table | None:
    cells = score_rows.grouped(rows, lambda row: (row["subset"], row["explainer"], score_rows.pair(row)))
    keys = itertools.product(
        _in_order(rows), score_rows.explainers(study, rows), score_rows.pairs(study, rows)
    )
    lines = [
        ([*map(Cell, (bucket_name(bucket), explainer, _both(study, pair)))], cells[bucket, explainer, pair])
        for bucket, explainer, pair in keys
        if (bucket, explainer, pair) in cells
    ]
    caption, labels = f"Buckets of {task}: all metrics, all pairs", ("right are", "explainer", "pair")
    return score_rows.metric_table(f"all-buckets-{task}", caption, labels, lines, "buckets")


def _in_order(rows: Sequence[Row]) -> list[str]:
    """Buckets: all right first, then fewer and fewer, in the order of their names."""

    def place(name: str) -> tuple[int, str]:
        if name in PAIRWISE:
            return 1, f"{list(PAIRWISE).index(name)}"
        if name in ("all_correct", "all_wrong"):
            return (-99 if name == "all_correct" else 0), name
        if name.endswith("_correct"):
            return -int(name.partition("_")[0]), name
        return -len(name.split("+")), name

    return sorted({row["subset"] for row in rows}, key=place)


def _teacher(study: Outline, pair: Pair) -> str:
    return study.find(*pair[:2]).teacher or pair[0]


def _both(study: Outline, pair: Pair) -> str:
    return " and ".join(sorted((pair[0], pair[2]), key=lambda name: (*study.models, name).index(name)))
