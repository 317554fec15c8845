"""The committed studies: ``python -m docs.studies keep RESULTS``, ``python -m docs.studies build``.

``keep`` copies what a page is made from into ``docs/results/NAME/kept``: config, scores, costs and labels,
without a text, an explanation or a prediction. ``build`` makes the pages, tables and figures beside them
again, of the studies that are named or of all, with today's rule and today's page; what needs texts is left
out. So a page need not be older than the code that it is committed with; a test looks.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from distillens import registry, tables
from distillens.config import label_views
from distillens.data import repeats
from distillens.evaluation.decide_verdicts import decide_verdicts
from distillens.report.material import ReportFiles
from distillens.report.page import write_report
from distillens.report.results import load

STUDIES = Path(__file__).parent / "results"
_KEPT = ("metrics/*/*.parquet", "costs/*/*/*.parquet", "trainings/*/*/*.parquet", "data/*/*.parquet")
_MADE = ("tables", "figures", "published")
_MOST_BUCKETS = 20_000
"""Rows of scores by bucket; of a study with more, a page without them is committed."""


def main() -> None:
    """Keep, or build."""
    parser = argparse.ArgumentParser(prog="python -m docs.studies", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("keep").add_argument("results", type=Path, help="a finished study")
    commands.add_parser("build").add_argument("names", nargs="*", help="by default all that are kept")
    given = parser.parse_args()
    if given.command == "keep":
        name = keep(given.results, STUDIES / given.results.name)
        build(name)
        return
    for folder in [STUDIES / name for name in given.names] or kept():
        build(folder)


def kept(folder: Path = STUDIES) -> list[Path]:
    """The folders of the studies that can be built again."""
    return sorted(path.parent for path in folder.glob("*/kept"))


def keep(results: Path, folder: Path) -> Path:
    """Copy what the page of a finished study is made from, without texts.

    Parameters
    ----------
    results : Path
        Its results, with a report.
    folder : Path
        The study's among the committed ones; what was kept there before is replaced.

    Raises
    ------
    SystemExit
        If the study is not finished.
    """
    if not (results / "report" / "study.yaml").is_file():
        raise SystemExit(f"{results}: has no report; run the study first")
    target = folder / "kept"
    shutil.rmtree(target, ignore_errors=True)
    names: dict[Path, dict[Any, str]] = {}
    for pattern in _KEPT:
        for path in load(results).paths(pattern):
            if not any(part.startswith(".") for part in path.relative_to(results).parts):
                _copy(path, target / path.relative_to(results), names.setdefault(path.parent, {}))
    shutil.copy2(results / "report" / "study.yaml", target / "study.yaml")
    return folder


def _copy(source: Path, target: Path, names: dict[Any, str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    kind, origin = tables.kind_of(source), tables.provenance(source)
    rows = tables.read(source, kind).to_pylist()
    if kind == "text_agreement" or (source.stem == "buckets" and len(rows) > _MOST_BUCKETS):
        return
    if kind == "examples":  # which of a task's texts are alike is still seen
        for number, row in enumerate(rows):
            name = names.setdefault(repeats.key(row), f"text {len(names)}")
            row |= {"example_id": str(number), "text_a": name, "text_b": None}
    if kind == "word_shifts":
        rows = [row for row in rows if row["kind"] != "word"]
    if kind == "scores":  # of single texts there are many, and their names may say what they are
        rows = [row for row in rows if row["example_id"] is None]
    tables.write(target, kind, rows, origin)


def build(folder: Path) -> None:
    """Make the page of a kept study, and what lies beside it, again."""
    source = folder / "kept"
    config = yaml.safe_load((source / "study.yaml").read_text("utf-8"))
    for name in _MADE:
        shutil.rmtree(folder / name, ignore_errors=True)
    name, tasks = config.pop("name"), config.pop("tasks")
    drift = source / "metrics" / "drift.parquet"
    controls = [one for one, of in config["explainers"].items() if of["method"] in registry.controls()]
    decide_verdicts(
        sorted(source.glob("metrics/*/calibration.parquet")),
        out=drift,
        confidence_level=config["metrics"]["confidence_level"],
        controls=controls,
        families=label_views.families(label_views.judged(tasks)),
    )
    write_report(
        {"name": name, **config, "show_texts": False}, tasks, _files(source, drift), folder / "index.html"
    )


def _files(folder: Path, drift: Path) -> ReportFiles:
    def of(*kinds: str) -> Sequence[Path]:
        return [path for path in sorted(folder.rglob("*.parquet")) if tables.kind_of(path) in kinds]

    by_kind: dict[str, Any] = {
        kind: of(kind)
        for kind in ("word_shifts", "gap_closed", "placements", "ladders", "trainings", "costs")
    }
    texts = of("examples")
    return ReportFiles(
        explained=[path for path in texts if path.stem == "explained"],
        splits=[path for path in texts if path.stem in ("train", "validation", "test")],
        explanations=[],
        scores=of("scores"),
        drift=drift,
        **by_kind,
    )


if __name__ == "__main__":
    main()
