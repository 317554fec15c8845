"""The report: one page that needs nothing beside it, and its tables and figures as files."""

import base64
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from distillens import tables
from distillens.config import black_box, validate
from distillens.data.repeats import repeats
from distillens.provenance import ROOT
from distillens.report import (
    cases,
    costs,
    diagnostics,
    disagreements,
    figures,
    gap_closed,
    label_counts,
    ladder,
    long_texts,
    permutation,
    probe_data,
    reasons,
    rows,
    sections,
    sentences,
    study_data,
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

_RESOURCES = ROOT / "resources" / "page"
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
        The page; ``tables/*.csv`` and ``figures/*.svg`` are written into its folder, and where
        the study names a published one, its exhibits to ``published/``.
    """
    outline = study_data.study_of(study, tasks)
    aggregates, singles = study_data.scores(files.scores)
    subjects, examples = study_data.by_subject(aggregates), study_data.by_subject(singles)
    drifts, shifts = study_data.frame_of([files.drift], "drift"), word_shifts.read(files.word_shifts)
    attributions, texts = sentences.load(files.explanations), _texts(files.explained)
    probes = probe_data.read(files.probe_designs, files.probe_sentences, files.probe_explanations)
    splits = label_counts.read(files.splits)
    repeated = [
        repeats(name, {"tested": splits.get((name, "test"), []), "explained": texts.get(name, [])})
        for name in tasks
    ]
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
    page = _render(
        study=outline,
        verdict=verdict.table(outline, verdicts),
        answer=[
            *reasons.answer(verdicts),
            (f" {permutation.remarks(renamed)} {diagnostics.warning(diagnosed)}".rstrip(), False),
        ],
        notes=[*reasons.notes(outline, verdicts), *filter(None, repeated)],
        verdict_lines=permutation.with_questions(reasons.lines(verdicts, outline.controls), outline, renamed),
        not_compared=long_texts.reasons(verdicts, diagnosed),
        facts=[black_box.removal_in_words(study), *black_box.left_out(outline.settings)],
        tolerance=study["metrics"]["tolerance"],
        margin=study["metrics"]["margin"],
        confidence_level=study["metrics"]["confidence_level"],
        sections=sections.sections(
            outline, subjects, drifts, shifts, closings, gap_inputs, drawings, ladders
        ),
        ladder_lines=ladder.lines(outline, ladders),
        tradeoff=[
            table for task in tasks for table in costs.tables_of(outline, task, verdicts, subjects, run_costs)
        ],
        cases=[
            (task, cases.choose(outline, task, texts.get(task, []), attributions, examples, probes, gates))
            for task in tasks
        ],
        paper=paper,
        sentences=bool(data),
        texts_shown=show_texts,
        data=Markup(embedded(data)),
        data_rows=[(key, Markup(embedded(of_view))) for key, of_view in data_rows],
        made=[table for table in origin_tables if table is not None],
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


def embedded(value: Any) -> str:
    """Write JSON that may stand inside a script element, whatever the text in it says.

    Nothing outside ASCII and none of ``<``, ``>``, ``&`` is left, so no text can close the
    element, begin a comment, or end a line of the script.

    Examples
    --------
    >>> "</script>" in embedded({"text": "</script>"})
    False
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


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


def _render(**context: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_RESOURCES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["data"] = rows.is_data
    environment.filters["packed"] = lambda table: Markup(embedded(rows.packed(table)))
    style = (_RESOURCES / "page.css").read_text("utf-8")
    # One script: it starts when the page is read, so the order of its files does not matter.
    files = [path.read_text("utf-8") for path in sorted((_RESOURCES / "scripts").glob("*.js"))]
    script = "\n".join(['"use strict";', *files])
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
    policy += "base-uri 'none'; form-action 'none'"
    return environment.get_template("page.html.j2").render(
        **context, style=Markup(style), script=Markup(script), policy=policy
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())
    return f"'sha256-{digest.decode()}'"
