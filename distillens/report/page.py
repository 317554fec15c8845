"""The report: one page that needs nothing beside it, and its tables and figures as files."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from distillens.config import black_box, reading
from distillens.config.label_views import judged
from distillens.provenance import release
from distillens.report import (
    cases,
    costs,
    decision,
    diagnostics,
    gap_closed,
    html,
    label_counts,
    ladder,
    long_texts,
    nouns,
    permutation,
    reasons,
    sections,
    several_labels,
    take_along,
    tolerance,
    verdict,
    viewer,
)
from distillens.report.case import Case, Group
from distillens.report.formatting import Table
from distillens.report.material import Material, ReportFiles, gather

_LOG = logging.getLogger("distillens")


def write_report(
    study: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]], files: ReportFiles, out: str | Path
) -> None:
    """Write the page, and what lies beside it.

    Parameters
    ----------
    study : mapping
        The study's config, but for the tasks; ``name`` is the study's.
    tasks : mapping
        The config's task blocks.
    files : ReportFiles
    out : str or Path
        The page; see `distillens.report.take_along.write` for the files in its folder.
    """
    material, folder = gather(study, judged(tasks), files), Path(out).parent
    whole = {**study, "tasks": tasks}  # as a study can be run again: labels of a task are no tasks there
    config = yaml.safe_dump(json.loads(json.dumps(whole)), sort_keys=False, allow_unicode=True)
    take_along.write(material, config, folder)
    page = html.render("page.html.j2", material.unit, **_shown(material, folder), config=config)
    Path(out).write_text(page.lstrip(), "utf-8")
    _LOG.info("%s: %.1f MB, %d figures", out, len(page.encode()) / 1e6, len(material.drawings))


def _shown(of: Material, folder: Path) -> dict[str, Any]:
    """What the page's template names."""
    study, verdicts = of.outline, of.verdicts
    renamed = of.subjects["permuted"].to_dict("records")
    decided = permutation.with_questions(decision.decisions(study, verdicts, of.costs), study, renamed)
    parts = sections.sections(
        study,
        of.subjects,
        of.by_class,
        of.drifts,
        of.shifts,
        of.closings,
        gap_closed.GapInputs(of.subjects, of.drifts, several_labels.for_each_label(of.trained, of.tasks)),
        of.drawings,
        of.ladders,
    )
    tradeoff = [
        table for task in of.tasks for table in costs.tables_of(study, task, verdicts, of.subjects, of.costs)
    ]
    for name in parts.keys() - set(nouns.ABOUT_WORDS):
        for part in parts[name]:
            part["tables"] = [nouns.of_table(table, of.unit) for table in part["tables"]]
    told = (of.attributions, of.examples, of.probes, of.gates)
    chosen = [(task, cases.choose(study, task, of.texts.get(task, []), *told)) for task in of.tasks]
    three, maps = _three(chosen), [one for one in of.drawings if one.section == "ladder"]
    data, data_rows = viewer.viewer(study, of.texts, of.attributions, of.examples["agreement"], of.gates)
    *summary, (said, _) = reasons.answer(verdicts)
    filled = {
        "decision": decided,
        "verdict": True,
        "tradeoff": tradeoff,
        "map": maps,
        "three": three,
        **parts,
        "cases": three,
        "published": of.paper,
        "sentences": True,
        "files": True,
        "making": True,
    }
    return {
        "study": study,
        "contents": [(name, title) for name, title in sections.TITLES.items() if filled[name]],
        "decisions": decided,
        "tolerances": tolerance.verdicts(study, verdicts, decided, of.drifts),
        "verdict": verdict.table(study, verdicts),
        "accepted": list(dict.fromkeys(v.reference for v in verdicts if v.placed)),
        "by_runs": not verdicts or any(not v.placed for v in verdicts),
        "together": several_labels.tables(study, of.subjects["performance"], verdicts),
        "answer": summary,
        "remarks": f"{said} {permutation.remarks(renamed)} {diagnostics.warning(of.diagnosed)}".strip(),
        "notes": [*reasons.notes(study, verdicts), *of.repeated],
        "above_one": any(row["normalised"] > 1 for v in verdicts for row in v.drift.values()),
        "not_compared": [nouns.named(one, of.unit) for one in long_texts.reasons(verdicts, of.diagnosed)],
        "facts": [
            *several_labels.facts(study),
            nouns.named(black_box.removal_in_words(of.settings), of.unit),
            *reading.in_words(of.settings),
            *black_box.left_out(study.settings),
        ],
        **{name: of.settings["metrics"][name] for name in ("tolerance", "margin", "confidence_level")},
        "sections": parts,
        "map": maps[0] if maps else None,
        "ladder_lines": ladder.lines(study, of.ladders),
        "tradeoff": tradeoff,
        "three": three,
        "cases": chosen,
        "paper": of.paper,
        "sentences": bool(data),
        "texts_shown": of.shows_texts,
        "data": data,
        "data_rows": data_rows,
        "made": _made(of),
        "csv_files": sorted(path.stem for path in (folder / "tables").glob("*.csv")),
        "raw_files": of.files.beside(folder),
        "release": release(),
    }


def _made(of: Material) -> list[Table]:
    """The tables that say how the study was made."""
    made = (
        label_counts.table(of.outline, of.splits, label_counts.outcomes(of.files.splits)),
        diagnostics.summary_table(of.outline, of.attributions),
        diagnostics.diagnostics_table(of.outline, of.diagnosed),
        diagnostics.undefined_table(of.undefined),
        diagnostics.origins_table(of.origins),
    )
    return [nouns.of_table(table, of.unit) for table in made if table is not None]


def _three(chosen: Sequence[tuple[str, Sequence[Group]]]) -> list[tuple[Group, Case]]:
    """Three cases for the summary: the first of each rule, then the others in their order; no text twice."""
    groups = [group for _, of_task in chosen for group in of_task]
    first = [(group, group.cases[0]) for group in groups if group.cases]
    others = [(group, case) for group in groups for case in group.cases[1:]]
    distinct: dict[str, tuple[Group, Case]] = {}
    for group, case in [*first, *others]:
        distinct.setdefault(case.link or case.example_id, (group, case))
    return list(distinct.values())[:3]
