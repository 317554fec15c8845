"""The report: one page that needs nothing beside it, and its tables and figures as files."""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from distillens import tables
from distillens.metrics.calibration import TOLERANCE
from distillens.provenance import ROOT
from distillens.report import figures, making, read, sentences, verdict
from distillens.report import tables as built
from distillens.report.cells import Table, write_csv
from distillens.report.svg import standalone
from distillens.tables import TableError

_RESOURCES = ROOT / "resources" / "page"
_LOG = logging.getLogger("distillens")

Paths = Sequence[str | Path]


def write_report(
    study: Mapping[str, Any],
    tasks: Mapping[str, Mapping[str, Any]],
    explained: Paths,
    explanations: Paths,
    scores: Paths,
    drift: Paths,
    out: str | Path,
) -> None:
    """Write the page, and its tables and figures into folders beside it.

    Parameters
    ----------
    study : mapping
        The study's config, but for the tasks; ``name`` is the study's.
    tasks : mapping
        The config's task blocks.
    explained, explanations, scores, drift : sequences of paths
        Tables of the kinds ``examples``, ``explanations``, ``scores`` and ``drift``. What
        each is about is read from its columns and provenance, never from its name.
    out : str or Path
        The page; ``tables/*.csv`` and ``figures/*.svg`` are written into its folder.
    """
    about = read.study_of(study, tasks)
    aggregates, pairs = read.scores(scores)
    subjects = read.by_subject(aggregates)
    drifts = read.drift(drift)
    attributions = sentences.load(explanations)
    said = verdict.verdicts(about, subjects["performance"], drifts)
    drawings = figures.draw(about, subjects, drifts)
    diagnosed = making.diagnostics(attributions)
    undefined = making.undefined([*subjects.values()], drifts)
    origins = making.origins(_provenances(explained, explanations, scores, drift))
    data = sentences.sentences(about, _texts(explained), attributions, pairs)

    folder = Path(out).parent
    for name, columns in built.COLUMNS.items():
        _write_frame(folder / "tables" / f"{name}.csv", subjects[name], columns)
    _write_frame(folder / "tables" / "drift.csv", drifts, tables.SCHEMAS["drift"].names)
    write_csv(folder / "tables" / "verdict.csv", *verdict.records(about, said))
    rows = [[row[column] for column in making.COLUMNS] for row in diagnosed]
    write_csv(folder / "tables" / "diagnostics.csv", making.COLUMNS, rows)
    write_csv(folder / "tables" / "undefined.csv", ("metric", "undefined", "defined"), undefined)
    write_csv(folder / "tables" / "provenance.csv", ("what", "value", "files"), origins)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for drawing in drawings:
        (folder / "figures" / f"{drawing.name}.svg").write_text(standalone(drawing.svg), "utf-8")
    page = _render(
        study=about,
        verdict=verdict.table(about, said),
        answer=verdict.answer(said),
        seeds_note=verdict.seeds_note(about, said),
        tolerance=TOLERANCE,
        confidence=(study.get("metrics") or {}).get("confidence", 0.95),
        sections=_sections(about, subjects, drifts, drawings),
        sentences=bool(data),
        data=Markup(embedded({"tasks": data})),
        made=[
            table
            for table in (
                making.summary_table(about, attributions),
                making.diagnostics_table(about, diagnosed),
                making.undefined_table(undefined),
                making.origins_table(origins),
            )
            if table is not None
        ],
        config=yaml.safe_dump(
            json.loads(json.dumps({**study, "tasks": tasks})), sort_keys=False, allow_unicode=True
        ),
    )
    Path(out).write_text(page.lstrip(), "utf-8")
    _LOG.info("%s: %.1f MB, %d figures", out, len(page.encode()) / 1e6, len(drawings))


def embedded(value: Any) -> str:
    """Write JSON that may stand inside a script element, whatever the text in it says.

    Nothing outside ASCII and none of ``<``, ``>``, ``&`` is left, so no text can close the
    element, begin a comment, or end a line of the script.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _sections(
    study: read.Study,
    subjects: Mapping[str, pd.DataFrame],
    drift: pd.DataFrame,
    drawings: Sequence[figures.Drawing],
) -> dict[str, list[dict[str, Any]]]:
    """Per section and task, the figures and tables; a task without any is left out."""
    builders: dict[str, list[Callable[[str], Table | None]]] = {
        "performance": [lambda task: built.performance(study, task, subjects["performance"])],
        "robustness": [
            lambda task: built.changes(study, task, subjects["robustness"]),
            lambda task: built.robustness(study, task, subjects["robustness"]),
        ],
        "agreement": [
            lambda task: built.drift(study, task, drift),
            lambda task: built.drift_by_metric(study, task, drift),
            lambda task: built.agreement(study, task, subjects["agreement"]),
        ],
        "faithfulness": [lambda task: built.faithfulness(study, task, subjects["faithfulness"])],
    }
    sections = {}
    for name, builds in builders.items():
        parts = [
            {
                "task": task,
                "figures": [
                    drawing for drawing in drawings if (drawing.section, drawing.task) == (name, task)
                ],
                "tables": [table for table in (build(task) for build in builds) if table is not None],
            }
            for task in study.tasks
        ]
        sections[name] = [part for part in parts if part["figures"] or part["tables"]]
    return sections


def _texts(paths: Paths) -> dict[str, list[dict[str, Any]]]:
    """The explained texts of each task."""
    texts = {}
    for path in paths:
        made = tables.provenance(path)
        if "task" not in made:
            raise TableError(f"{path}: its provenance does not name its task")
        texts[made["task"]] = tables.read(path, "examples").to_pylist()
    return texts


def _provenances(explained: Paths, explanations: Paths, scores: Paths, drift: Paths) -> list[tuple[str, Any]]:
    kinds = {"texts": explained, "explanations": explanations, "scores": scores, "drift": drift}
    return [(kind, tables.provenance(path)) for kind, paths in kinds.items() for path in paths]


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
    style, script = ((_RESOURCES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
    policy += "base-uri 'none'; form-action 'none'"
    return environment.get_template("page.html.j2").render(
        **context, style=Markup(style), script=Markup(script), policy=policy
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())
    return f"'sha256-{digest.decode()}'"
