"""What lies beside the page: its tables and figures, the config, and the verdict for programs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from distillens import tables
from distillens.report import classes, costs, diagnostics, outcome, outcome_formats, outcome_status, verdict
from distillens.report import tables as built
from distillens.report.exhibits import published
from distillens.report.formatting import write_csv
from distillens.report.material import Material
from distillens.report.svg import standalone


def write(material: Material, config: str, folder: Path) -> None:
    """Write ``tables/*.csv``, ``figures/*.svg``, ``study.yaml``, ``verdict.json`` and ``summary.md``.

    Parameters
    ----------
    material : Material
    config : str
        The study's config, as YAML.
    folder : Path
        The page's. Exhibits of a published study go to its ``published/``.
    """
    _write_tables(material, folder / "tables")
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for drawing in material.drawings:
        (folder / "figures" / f"{drawing.name}.svg").write_text(standalone(drawing.svg), "utf-8")
    if material.paper:
        published.write(material.paper["exhibits"], folder / "published")
    (folder / "study.yaml").write_text(config, "utf-8")
    record = _record(material)
    (folder / "verdict.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "summary.md").write_text(outcome_formats.markdown(record), "utf-8")


def _write_tables(of: Material, folder: Path) -> None:
    for name, columns in built.COLUMNS.items():
        _write_frame(folder / f"{name}.csv", of.subjects[name], columns)
    whole = {"drift": of.drifts, "trainings": of.trained, "word_shifts": of.shifts}
    whole |= {"gap_closed": of.closings} if of.files.gap_closed else {}
    whole |= {"placements": of.ladders.placements, "ladders": of.ladders.rungs} if of.files.ladders else {}
    for kind, frame in whole.items():
        _write_frame(folder / f"{kind}.csv", frame, tables.SCHEMAS[kind].names)
    made = {
        **classes.records(of.by_class),
        "verdict": verdict.records(of.outline, of.verdicts),
        "tradeoff": costs.records(of.outline, of.verdicts, of.subjects, of.costs),
        "diagnostics": diagnostics.records(of.outline, of.diagnosed),
        "undefined": (("metric", "undefined", "defined"), of.undefined),
        "provenance": (("what", "value", "files"), of.origins),
    }
    for name, (columns, rows) in made.items():
        write_csv(folder / f"{name}.csv", columns, rows)


def _record(of: Material) -> dict[str, Any]:
    """The record that `distillens gate` writes and reads as a baseline."""
    labels = {task: block["labels"] for task, block in of.tasks.items()}
    first = {
        key: [labels[key[0]][int(answer)] for answer in of_runs.iloc[:, 0].dropna()]
        for key, of_runs in of.answers.items()
        if of.settings["models"][key[1]]["teacher"] is None
    }
    by_task = {tables.provenance(path)["task"]: path for path in of.files.explained}
    evidence = outcome.Evidence(
        drift=of.drifts,
        placements=of.ladders.placements,
        scores=of.aggregates,
        text_agreement=of.text_agreement,
        answers=first,
        explained={task: by_task[task] for task in of.tasks if task in by_task},
        explanations=of.files.explanations,
        repeated=of.repeated,
    )
    record = {**outcome.record(of.config, evidence), "against": []}
    return {**record, "status": outcome_status.status(record)}


def _write_frame(path: Path, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    # Sorted by its texts, so that the order of the input files changes nothing.
    rows = frame[list(columns)].values.tolist()
    write_csv(path, columns, sorted(rows, key=lambda row: [str(cell) for cell in row]))
