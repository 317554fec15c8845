"""The report: one page that needs nothing beside it, and its tables and figures as files."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from distillens import tables
from distillens.config import black_box, validate
from distillens.data.repeats import repeats
from distillens.provenance import release
from distillens.report import (
    cases,
    classes,
    costs,
    decision,
    diagnostics,
    disagreements,
    figures,
    gap_closed,
    html,
    label_counts,
    ladder,
    long_texts,
    outcome,
    outcome_formats,
    outcome_status,
    permutation,
    probe_data,
    reasons,
    sections,
    sentences,
    study_data,
    tolerance,
    verdict,
    viewer,
    word_shifts,
)
from distillens.report import tables as built
from distillens.report.exhibits import published
from distillens.report.exhibits.source import Source
from distillens.report.formatting import write_csv
from distillens.report.svg import standalone
from distillens.tables import TableError

_LOG = logging.getLogger("distillens")

Paths = Sequence[str | Path]


@dataclass(frozen=True)
class ReportFiles:
    """The tables of a study that its report is made from.

    What each is about is read from its columns and provenance, never from its name.

    Attributes
    ----------
    explained, explanations, scores : sequences of paths
        Tables of the kinds ``examples``, ``explanations`` and ``scores``.
    drift : path
        The study's table of kind ``drift``.
    word_shifts, gap_closed, placements, ladders, trainings, costs : sequences of paths
        Tables of these kinds.
    splits : sequence of paths
        Tables of kind ``examples``: all splits of all tasks.
    probe_designs, probe_sentences, probe_explanations : sequences of paths
        Tables of the kinds ``probes``, ``examples`` and ``explanations``.
    predictions : sequence of paths
        Tables of this kind: what runs answer.
    """

    explained: Paths
    explanations: Paths
    scores: Paths
    drift: str | Path
    word_shifts: Paths = ()
    gap_closed: Paths = ()
    placements: Paths = ()
    ladders: Paths = ()
    trainings: Paths = ()
    costs: Paths = ()
    splits: Paths = ()
    probe_designs: Paths = ()
    probe_sentences: Paths = ()
    probe_explanations: Paths = ()
    predictions: Paths = ()

    def beside(self, folder: Path) -> list[str]:
        """Every file, as a link from a folder names it."""
        paths = [path for of in vars(self).values() for path in ([of] if isinstance(of, (str, Path)) else of)]
        return sorted(Path(os.path.relpath(path, folder)).as_posix() for path in paths)

    def origins(self) -> list[tuple[str, dict[str, Any]]]:
        """The kind and the provenance of every file that results rest on."""
        paths = {"texts": self.explained, "explanations": self.explanations, "scores": self.scores}
        paths |= {"drift": [self.drift], "word_shifts": self.word_shifts, "gap_closed": self.gap_closed}
        paths |= {"placements": self.placements, "ladders": self.ladders}
        paths |= {"splits": self.splits, "probes": self.probe_designs}
        paths |= {"explanations of probes": self.probe_explanations}
        return [(kind, tables.provenance(path)) for kind, of_kind in paths.items() for path in of_kind]


def write_report(
    study: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]], files: ReportFiles, out: str | Path
) -> None:
    """Write the page, and its tables and figures into folders beside it.

    Parameters
    ----------
    study : mapping
        The study's config, but for the tasks; ``name`` is the study's.
    tasks : mapping
        The config's task blocks.
    files : ReportFiles
    out : str or Path
        The page; ``tables/*.csv``, ``figures/*.svg``, ``study.yaml``, ``verdict.json`` and ``summary.md`` are
        written into its folder, and where the study names a published one, its exhibits to ``published/``.
    """
    outline = study_data.study_of(study, tasks)
    aggregates, singles = study_data.scores(files.scores)
    subjects, examples = study_data.by_subject(aggregates), study_data.by_subject(singles)
    drifts, shifts = study_data.frame_of([files.drift], "drift"), word_shifts.read(files.word_shifts)
    attributions, texts = sentences.load(files.explanations), _texts(files.explained)
    probes = probe_data.read(files.probe_designs, files.probe_sentences, files.probe_explanations)
    splits, answers = label_counts.read(files.splits), classes.read(files.predictions)
    repeated = [
        repeats(name, {"tested": splits.get((name, "test"), []), "explained": texts.get(name, [])})
        for name in tasks
    ]
    by_class = {
        task: classes.of_task(outline, task, answers, splits, examples["agreement"]) for task in tasks
    }
    show_texts = study.get("show_texts", True)
    if not show_texts:
        texts, probes = {}, {key: probe for key, probe in probes.items() if probe.built}
        shifts = shifts[shifts["kind"] != "word"]
    verdicts = verdict.of_study(outline, subjects["performance"], drifts)
    closings, trained = gap_closed.read(files.gap_closed, files.trainings)
    gap_inputs = gap_closed.GapInputs(subjects, drifts, trained)
    ladders = ladder.Ladders.read(files.placements, files.ladders)
    drawings = figures.draw(outline, {**subjects, "gap_closed": closings}, drifts)
    drawings += ladder.drawings(outline, ladders)
    renamed = subjects["permuted"].to_dict("records")
    diagnosed = diagnostics.diagnostics(attributions)
    undefined = diagnostics.undefined([*subjects.values()], drifts)
    origins = diagnostics.origins(files.origins())
    run_costs = costs.read(files.costs)
    gates = disagreements.gates_of(outline, subjects["performance"])
    data, data_rows = viewer.viewer(outline, texts, attributions, examples["agreement"], gates)
    paper = _paper(outline, subjects, examples, splits, texts, probes)

    folder = Path(out).parent
    for name, columns in built.COLUMNS.items():
        _write_frame(folder / "tables" / f"{name}.csv", subjects[name], columns)
    whole = {"drift": drifts, "trainings": trained, "word_shifts": shifts}
    whole |= {"gap_closed": closings} if files.gap_closed else {}
    whole |= {"placements": ladders.placements, "ladders": ladders.rungs} if files.ladders else {}
    for kind, frame in whole.items():
        _write_frame(folder / "tables" / f"{kind}.csv", frame, tables.SCHEMAS[kind].names)
    for name, (columns, rows) in classes.records(by_class).items():
        write_csv(folder / "tables" / f"{name}.csv", columns, rows)
    write_csv(folder / "tables" / "verdict.csv", *verdict.records(outline, verdicts))
    write_csv(folder / "tables" / "tradeoff.csv", *costs.records(outline, verdicts, subjects, run_costs))
    write_csv(folder / "tables" / "diagnostics.csv", *diagnostics.records(outline, diagnosed))
    write_csv(folder / "tables" / "undefined.csv", ("metric", "undefined", "defined"), undefined)
    write_csv(folder / "tables" / "provenance.csv", ("what", "value", "files"), origins)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for drawing in drawings:
        (folder / "figures" / f"{drawing.name}.svg").write_text(standalone(drawing.svg), "utf-8")
    if paper:
        published.write(paper["exhibits"], folder / "published")
    origin_tables = (
        label_counts.table(outline, splits, label_counts.outcomes(files.splits)),
        diagnostics.summary_table(outline, attributions),
        diagnostics.diagnostics_table(outline, diagnosed),
        diagnostics.undefined_table(undefined),
        diagnostics.origins_table(origins),
    )
    settings = yaml.safe_dump(
        json.loads(json.dumps({**study, "tasks": tasks})), sort_keys=False, allow_unicode=True
    )
    (folder / "study.yaml").write_text(settings, "utf-8")
    record = _record(
        {**study, "tasks": tasks},
        files,
        {
            "drift": drifts,
            "placements": ladders.placements,
            "scores": aggregates,
            "agreement": examples["agreement"],
        },
        answers,
        repeated,
    )
    (folder / "verdict.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "summary.md").write_text(outcome_formats.markdown(record), "utf-8")
    study_sections = sections.sections(
        outline, subjects, by_class, drifts, shifts, closings, gap_inputs, drawings, ladders
    )
    tradeoff = [
        table for task in tasks for table in costs.tables_of(outline, task, verdicts, subjects, run_costs)
    ]
    chosen = [
        (task, cases.choose(outline, task, texts.get(task, []), attributions, examples, probes, gates))
        for task in tasks
    ]
    decided = permutation.with_questions(
        decision.decisions(outline, verdicts, ladders.placements, run_costs), outline, renamed
    )
    *summary, (said, _) = reasons.answer(verdicts)
    shown = {
        "decision": bool(decided),
        "verdict": True,
        "tradeoff": bool(tradeoff),
        "map": bool(maps := [one for one in drawings if one.section == "ladder"]),
        "three": bool(three := _three(chosen)),
        **{name: bool(parts) for name, parts in study_sections.items()},
        "cases": bool(three),
        "published": bool(paper),
        "sentences": True,
        "files": True,
        "making": True,
    }
    page = html.render(
        "page.html.j2",
        study=outline,
        contents=[(name, title) for name, title in sections.TITLES.items() if shown[name]],
        decisions=decided,
        tolerances=tolerance.verdicts(outline, verdicts, decided, drifts),
        verdict=verdict.table(outline, verdicts),
        answer=summary,
        remarks=f"{said} {permutation.remarks(renamed)} {diagnostics.warning(diagnosed)}".strip(),
        notes=[*reasons.notes(outline, verdicts), *filter(None, repeated)],
        above_one=any(row["normalised"] > 1 for v in verdicts for row in v.drift.values()),
        not_compared=long_texts.reasons(verdicts, diagnosed),
        facts=[black_box.removal_in_words(study), *black_box.left_out(outline.settings)],
        tolerance=study["metrics"]["tolerance"],
        margin=study["metrics"]["margin"],
        confidence_level=study["metrics"]["confidence_level"],
        sections=study_sections,
        map=maps[0] if maps else None,
        ladder_lines=ladder.lines(outline, ladders),
        tradeoff=tradeoff,
        three=three,
        cases=chosen,
        paper=paper,
        sentences=bool(data),
        texts_shown=show_texts,
        data=data,
        data_rows=data_rows,
        made=[table for table in origin_tables if table is not None],
        csv_files=sorted(path.stem for path in (folder / "tables").glob("*.csv")),
        raw_files=files.beside(folder),
        release=release(),
        config=settings,
    )
    Path(out).write_text(page.lstrip(), "utf-8")
    _LOG.info("%s: %.1f MB, %d figures", out, len(page.encode()) / 1e6, len(drawings))


def _paper(study: study_data.Outline, *inputs: Any) -> dict[str, Any] | None:
    """The published study beside this one, where one is named: title, source, models and exhibits."""
    settings = study.settings.get("published")
    if settings is None:
        return None
    content = validate.published(settings["file"])
    source = Source(
        study, settings["task"], settings["models"], settings["explainers"], content["names"], *inputs
    )
    return {
        **content,
        "roles": published.roles(settings, content["names"]),
        "exhibits": published.exhibits(content, source),
    }


def _record(
    settings: Mapping[str, Any],
    files: ReportFiles,
    frames: Mapping[str, pd.DataFrame],
    answers: classes.Answers,
    repeated: Sequence[str],
) -> dict[str, Any]:
    """The record that `distillens gate` writes and reads as a baseline."""
    labels = {task: block["labels"] for task, block in settings["tasks"].items()}
    first = {
        key: [labels[key[0]][int(answer)] for answer in of_runs.iloc[:, 0].dropna()]
        for key, of_runs in answers.items()
        if settings["models"][key[1]]["teacher"] is None
    }
    by_task = {tables.provenance(path)["task"]: path for path in files.explained}
    explained = {task: by_task[task] for task in settings["tasks"] if task in by_task}
    evidence = outcome.Evidence(
        **frames, answers=first, explained=explained, explanations=files.explanations, repeated=repeated
    )
    found = {**outcome.record(settings, evidence), "against": []}
    return {**found, "status": outcome_status.status(found)}


def _three(chosen: Sequence[tuple[str, Sequence[cases.Group]]]) -> list[tuple[cases.Group, cases.Case]]:
    """Three cases for the summary: the first of each rule, then the others in their order; no text twice."""
    groups = [group for _, of_task in chosen for group in of_task]
    first = [(group, group.cases[0]) for group in groups if group.cases]
    others = [(group, case) for group in groups for case in group.cases[1:]]
    distinct: dict[str, tuple[cases.Group, cases.Case]] = {}
    for group, case in [*first, *others]:
        distinct.setdefault(case.link or case.example_id, (group, case))
    return list(distinct.values())[:3]


def _texts(paths: Paths) -> dict[str, list[dict[str, Any]]]:
    """The explained texts of each task."""
    texts = {}
    for path in paths:
        source = tables.provenance(path)
        if "task" not in source:
            raise TableError(f"{path}: its provenance does not name its task")
        texts[source["task"]] = tables.read(path, "examples").to_pylist()
    return texts


def _write_frame(path: Path, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    # Sorted by its texts, so that the order of the input files changes nothing.
    rows = frame[list(columns)].values.tolist()
    write_csv(path, columns, sorted(rows, key=lambda row: [str(cell) for cell in row]))
