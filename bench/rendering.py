"""How much a verdict depends on how a removed word looks: ``python -m bench.rendering [RESULTS]``.

The models of a finished study are explained again on its texts, words removed as a mask, as "..." and by
deletion, and judged each time as the workflow does. Written are a row for each rendering, explainer and
student, and how much one and the same run of the teacher agrees with itself between two renderings: the
*ceiling of the rendering*, which no student beats whose words are removed in another way than its teacher's.
"""

import argparse
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from bench import table
from bench.finished import score_settings, study_of
from distillens import tables
from distillens.attribution.explain import ExplanationPlan, write_explanations
from distillens.config.study import Study
from distillens.evaluation.calibrate import calibrate
from distillens.evaluation.decide_verdicts import decide_verdicts
from distillens.evaluation.teacher_groups import Attributions
from distillens.metrics import agreement
from distillens.metrics.calibration import HEADLINE
from distillens.models.engine import EngineOptions
from distillens.models.job import ModelJob
from distillens.models.removal import DELETE, MASK, Rule
from distillens.provenance import ExplanationId
from distillens.report.results import Results, load

RULES: dict[str, Rule] = {"mask": MASK, "...": {"neutral": "..."}, "deleted": DELETE}
EXPLAINERS = ("occlusion", "shap")
"""Those that draw nothing; gradients remove no words."""
_KEPT = ["agreement", "ceiling", "drift", "drift_low", "drift_high", "verdict"]


def main() -> None:
    """Explain, judge, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.rendering", description=__doc__)
    add = parser.add_argument
    add("results", type=Path, nargs="?", default=Path("results/quickstart"), help="a finished study")
    add("--explainers", nargs="+", default=list(EXPLAINERS), help="of the study's; they remove words")
    add("--out", type=Path, help="where rendering.csv and .md go; by default RESULTS/report")
    given = parser.parse_args()
    verdicts, ceilings = renderings(load(given.results), given.explainers)
    out = given.out or given.results / "report"
    out.mkdir(parents=True, exist_ok=True)
    verdicts.to_csv(out / "rendering.csv", index=False)
    text = f"{_by_student(verdicts)}\n\n{table.of_frame(ceilings, _cell)}\n"
    (out / "rendering.md").write_text(text, "utf-8")
    print(text)


def renderings(results: Results, explainers: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for each task, explainer, rendering and student; and one for each two renderings."""
    study = study_of(results)
    verdicts, ceilings = [], []
    for task in study.config["tasks"]:
        with tempfile.TemporaryDirectory() as scratch:
            files = {
                name: _explained(results.folder, study, task, explainers, rule, Path(scratch, str(place)))
                for place, (name, rule) in enumerate(tqdm(RULES.items(), desc=f"renderings of {task}"))
            }
            for name, paths in files.items():
                for row in _judged(results.folder, study, task, list(paths.values()), Path(scratch)):
                    verdicts.append({"task": task, "rendering": name, **row})
            ceilings += [{"task": task, **row} for row in _ceilings(files, study)]
    return pd.DataFrame(verdicts), pd.DataFrame(ceilings)


def _explained(
    folder: Path, study: Study, task: str, explainers: Sequence[str], rule: Rule, out: Path
) -> dict[ExplanationId, Path]:
    """Explanations of all runs with words removed in one way."""
    paths, texts = {}, folder / "data" / task / "explained.parquet"
    for model, block in study.config["models"].items():
        for seed, explainer in itertools.product(block["seeds"], explainers):
            run = ExplanationId(task, model, seed, explainer)
            paths[run] = out / model / str(seed) / f"{explainer}.parquet"
            engine = EngineOptions(**{**study.engine_of(model), "rule": rule})
            job = ModelJob(run, folder / "models" / task / model / str(seed), engine)
            block_of = study.config["explainers"][explainer]
            plan = ExplanationPlan(block_of, study.config["explained_output"], study.config["seed"])
            paths[run].parent.mkdir(parents=True, exist_ok=True)
            write_explanations(job, plan, texts, paths[run])
    return paths


def _judged(
    folder: Path, study: Study, task: str, explanations: Sequence[Path], scratch: Path
) -> list[dict[str, Any]]:
    """What the workflow would say of these explanations."""
    settings = score_settings(study, task)
    calibration, drift = scratch / "calibration.parquet", scratch / "drift.parquet"
    performance = folder / "metrics" / task / "performance.parquet"
    explained = folder / "data" / task / "explained.parquet"
    calibrate(performance, explanations, [], explained, settings=settings, out=calibration)
    level = study.config["metrics"]["confidence_level"]
    decide_verdicts([calibration], out=drift, confidence_level=level, controls=[])
    rows = tables.read(drift, "drift").to_pylist()
    return [
        {name: row[name] for name in ("explainer", "student", *_KEPT)}
        for row in rows
        if row["metric"] == HEADLINE
    ]


def _ceilings(files: Mapping[str, Mapping[ExplanationId, Path]], study: Study) -> list[dict[str, Any]]:
    """The mean agreement of each teacher's first run with itself, between two renderings."""
    rows = []
    teachers = [name for name, model in study.config["models"].items() if model["teacher"] is None]
    for one, other in itertools.combinations(files, 2):
        for run, path in files[one].items():
            if run.model in teachers and run.seed == study.config["models"][run.model]["seeds"][0]:
                first, second = Attributions.read(path), Attributions.read(files[other][run])
                pair = second.towards(first), first.towards(first)
                values = agreement.agreements(*pair, [(HEADLINE, None)])[0]
                where = {"explainer": run.explainer, "teacher": run.model, "renderings": f"{one}, {other}"}
                rows.append({**where, "agreement with itself": float(np.nanmean(values))})
    return rows


def _by_student(verdicts: pd.DataFrame) -> str:
    shown = verdicts.assign(
        D=[f"{row.drift:.2f} [{row.drift_low:.2f}, {row.drift_high:.2f}]" for row in verdicts.itertuples()]
    )
    columns = ["task", "explainer", "student", "rendering", "agreement", "ceiling", "D", "verdict"]
    return table.of_frame(shown[columns].sort_values(columns[:3], kind="stable"), _cell)


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
