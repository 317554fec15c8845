"""Models of all kinds in one study: ``python -m bench.any_model``, in the project's folder.

resources/studies/any-model-mini.yaml names a file, an endpoint and functions that are made of its own
teacher. So this command, step by step,

1. trains the teacher, which is all of the study that can be made at first;
2. makes of its first run a folder for a function and an int8 ONNX file (quantised by ONNX Runtime),
   serves it by HTTP, and asks it for the soft labels of the train and the validation split;
3. runs the study;
4. forgets what it has of the endpoint and of the functions, and runs it again: nothing may be asked.

Then it prints tables, and writes them beside the report. What is made already is not made again: the seconds,
calls and texts of a run that goes on are those of its last part.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bench import asked, table
from bench.endpoint import Server, serving
from distillens import registry, tables
from distillens.cli.cost_estimate import passes
from distillens.cli.run import snakemake
from distillens.config import model_kind
from distillens.config.validate import complete
from distillens.metrics.calibration import HEADLINE
from distillens.models.asking import Asking
from distillens.models.journal import Journal
from distillens.models.recall import Recall
from distillens.provenance import ROOT
from distillens.report.results import Results, load

STUDY = ROOT / "resources" / "studies" / "any-model-mini.yaml"
TASK, TEACHER, SEED = "snippets-5", "teacher", 1
ANSWERED = "answers.csv"
_SAID = re.compile(r"(\d+) texts asked, (\d+) answered by its journal")
_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
_SHOWN = ("student", "explainer", "S", "C", "R of the student", "D", "by runs", "by the ladder")


def main() -> None:
    """Make, serve, run, run again, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.any_model", description=__doc__)
    parser.add_argument("--cores", default="2", help="for Snakemake")
    given = parser.parse_args()
    config = yaml.safe_load(STUDY.read_text("utf-8"))
    results, made = Path("results", config["study"]), asked.MADE
    made.mkdir(parents=True, exist_ok=True)
    seconds = {"the teacher": _timed(train_teacher, config, results, given.cores)}
    make_copies(results, made)
    asked.teacher(["Loaded before anybody waits for it."])
    with serving(config["models"]["endpoint"]["http"]["url"], asked.teacher) as server:
        seconds["soft labels"] = _timed(ask_for_labels, config, results, made / ANSWERED)
        seconds["the study"] = _timed(_run, STUDY, given.cores)
        first, spent = counts(config, server), costs(load(results))
        forget(config, results)
        server.calls = server.texts = 0
        seconds["again"] = _timed(_run, STUDY, given.cores)
        again = hits(config, server)
    study_results = load(results)
    frames = {
        "verdicts": verdicts(study_results),
        "differences": differences(study_results),
        "performance": performance(study_results),
        "asked": first.merge(again, on="model"),
        "costs": spent,
        "seconds": pd.DataFrame({"step": seconds.keys(), "seconds": [round(s) for s in seconds.values()]}),
    }
    parts = []
    for name, frame in frames.items():
        frame.to_csv(results / "report" / f"any-model-{name}.csv", index=False)
        parts.append(f"## {name.capitalize()}\n\n{table.of_frame(frame, _cell)}")
    text = "\n\n".join(parts) + "\n"
    (results / "report" / "any-model.md").write_text(text, "utf-8")
    print(text)


def train_teacher(config: Mapping[str, Any], results: Path, cores: str) -> None:
    """Train the runs of the teacher, by a study that is this one without its students."""
    alone = {**config, "models": {TEACHER: config["models"][TEACHER]}}
    file = asked.MADE / "teacher-alone.yaml"
    file.write_text(yaml.safe_dump(alone, sort_keys=False), "utf-8")
    models = [results / "models" / TASK / TEACHER / str(seed) / "training.json"
              for seed in config["models"][TEACHER]["seeds"]]  # fmt: skip
    splits = [results / "data" / TASK / f"{split}.parquet" for split in ("train", "validation")]
    _run(file, cores, *map(str, models + splits))


def make_copies(results: Path, made: Path) -> None:
    """Lay out the teacher's first run as a function and as an int8 file find it, and its training texts."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    source = results / "models" / TASK / TEACHER / str(SEED)
    for name, more in (("teacher", ("model.safetensors",)), ("int8", ())):
        (made / name).mkdir(exist_ok=True)
        for file in (*_FILES, *more):
            _copy(source / file, made / name / file)
    _written(
        made / "int8" / "model.onnx",
        lambda draft: quantize_dynamic(source / "model.onnx", draft, weight_type=QuantType.QInt8),
    )
    rows = tables.read(results / "data" / TASK / "train.parquet", "examples").to_pandas()
    frame = pd.DataFrame({"text": rows["text_a"], "label": rows["label"].astype(int)})
    _written(made / "train.csv", lambda draft: frame.to_csv(draft, index=False))


def ask_for_labels(config: Mapping[str, Any], results: Path, out: Path) -> None:
    """Write the endpoint's probabilities for the train and the validation split; its journal keeps them."""
    whole = complete({**config, "models": {name: config["models"][name] for name in (TEACHER, "endpoint")}})
    labels = whole["tasks"][TASK]["labels"]
    backend = Asking.of(whole, "endpoint", "0").open(
        "http", whole["models"]["endpoint"]["http"], labels, "endpoint", pairs=False
    )
    rows = [
        row
        for split in ("train", "validation")
        for row in tables.read(results / "data" / TASK / f"{split}.parquet", "examples").to_pylist()
    ]
    texts = list(dict.fromkeys(row["text_a"] for row in rows))
    answers = backend.answers([(text,) for text in texts])
    frame = pd.DataFrame(answers, columns=[f"p{number}" for number in range(len(labels))])
    frame.insert(0, "text", texts)
    _written(out, lambda draft: frame.to_csv(draft, index=False))


def counts(config: Mapping[str, Any], server: Server) -> pd.DataFrame:
    """For each model that is only asked: texts that check announces at most, and what was asked."""
    whole = complete(config)
    rows = []
    for name in kinds(whole):
        row = {"model": name, "texts at most": _announced(whole, name)}
        row["distinct texts asked"] = _in_journal(whole, name)
        row["calls"] = server.calls if name == "endpoint" else None
        row["texts served"] = server.texts if name == "endpoint" else None
        rows.append(row)
    return pd.DataFrame(rows)


def kinds(config: Mapping[str, Any]) -> list[str]:
    """The models that are only asked."""
    return [name for name, model in config["models"].items() if model_kind.kind_of(model)]


def _announced(config: Mapping[str, Any], name: str) -> int:
    """Forward passes of a model's jobs, as `distillens check` counts them; explainers that draw run twice."""
    alone = {**config, "models": {name: {**config["models"][name], "teacher": None}}, "reference": None}
    rows = passes(alone, Path("results", config["study"]))
    return sum((2 if row.what == "lime" else 1) * (row.passes or 0) for row in rows)


def _in_journal(config: Mapping[str, Any], name: str) -> int | None:
    model = config["models"][name]
    kind = model_kind.kind_of(model)
    backend = Asking.of(config, name, "0").open(
        kind, model[kind], config["tasks"][TASK]["labels"], name, pairs=False
    )
    return len(Journal(backend.folder / "any")) if isinstance(backend, Recall) else None


def forget(config: Mapping[str, Any], results: Path) -> None:
    """Remove explanations and predictions of the models whose answers are kept."""
    whole = complete(config)
    for name in kinds(whole):
        if not registry.literal("backend", model_kind.kind_of(whole["models"][name]), "KEPT"):
            continue
        for kind in ("explanations", "explanations_again", "predictions"):
            for path in (results / kind / TASK).glob(f"{name}/**/*"):
                if path.is_file():
                    path.unlink()


def hits(config: Mapping[str, Any], server: Server) -> pd.DataFrame:
    """What jobs asked in the second run, and what their journals had, as their logs say."""
    rows = []
    for name in kinds(complete(config)):
        said = [match for text in _logs(config["study"], name) for match in _SAID.findall(text)]
        asked_, kept = np.array(said, dtype=int).reshape(-1, 2).sum(axis=0).tolist()
        row = {"model": name, "asked again": asked_ if said else None, "journal hits": kept if said else None}
        rows.append({**row, "calls again": server.calls if name == "endpoint" else None})
    return pd.DataFrame(rows)


def _logs(study: str, name: str) -> Iterator[str]:
    for rule in ("explain", "explain_again", "predict"):
        for path in Path("logs", study, rule, TASK, name).glob("**/*.log"):
            yield path.read_text("utf-8")


def verdicts(results: Results) -> pd.DataFrame:
    """A row for each student and explainer: agreement, drift, and both verdicts."""
    drift = results.drift[results.drift["metric"] == HEADLINE]
    placed = results.placements
    placed = placed[(placed["metric"] == HEADLINE) & placed["kind"].isna()]
    by_ladder = {(row.student, row.explainer): row.verdict for row in placed.itertuples()}
    rows = [
        (row.student, row.explainer, row.agreement, row.ceiling, row.student_explainer_ceiling,
         f"{row.drift:.2f} [{row.drift_low:.2f}, {row.drift_high:.2f}]", row.verdict,
         by_ladder.get((row.student, row.explainer)))
        for row in drift.itertuples()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=_SHOWN)


def differences(results: Results) -> pd.DataFrame:
    """How far the attributions of endpoint and function are at most from those of the folder behind them."""
    values = results.attributions.set_index(["explainer", "example_id", "position", "label"])["value"]
    model = results.attributions["model"].to_numpy()
    folder = values[(model == TEACHER) & (results.attributions["seed"] == SEED).to_numpy()]
    rows = []
    for name in ("endpoint", "function"):
        apart = (values[model == name] - folder).abs().groupby("explainer").max()
        largest = folder.abs().groupby("explainer").max()
        rows += [(name, one, f"{apart[one]:.1e}", largest[one]) for one in apart.index]
    return pd.DataFrame(rows, columns=["model", "explainer", "largest difference", "largest value"])


def performance(results: Results) -> pd.DataFrame:
    """Accuracy and macro F1 of each run."""
    scores = results.scores
    about = ["explainer", "perturbation", "subset", "against", "probe"]
    own = scores[scores["metric"].isin(["accuracy", "macro_f1"]) & scores[about].isna().all(axis=1)]
    wide = own.pivot_table(index=["model", "seed"], columns="metric", values="value", sort=False)
    return wide.reset_index().astype({"seed": int})


def costs(results: Results) -> pd.DataFrame:
    """Seconds of training and of explaining, and the size and speed of what has weights; sums over runs."""
    trained = results.trainings.groupby("model")["wall_seconds"].sum()
    size = results.costs.groupby("model")[["file_bytes", "latency_ms"]].mean()
    rows = []
    for name in results.settings["models"]:
        explained = [
            pd.read_csv(path, sep="\t")["s"].sum()
            for rule in ("explain", "explain_again")
            for path in Path("benchmarks", results.settings["name"], rule, TASK, name).glob("**/*.tsv")
        ]
        rows.append(
            {
                "model": name,
                "training s": trained.get(name),
                "explaining s": sum(explained),
                "weights MB": size["file_bytes"].get(name, np.nan) / 1e6,
                "ms a text": size["latency_ms"].get(name),
            }
        )
    return pd.DataFrame(rows)


def _run(study: Path, cores: str, *more: str) -> None:
    command, environment = snakemake(study, *more, "--cores", cores)
    if subprocess.run(command, check=False, env=environment).returncode:
        sys.exit(f"{study}: its workflow stopped; it says why above")


def _timed(step: Any, *given: Any) -> float:
    start = time.monotonic()
    step(*given)
    return time.monotonic() - start


def _copy(source: Path, target: Path) -> None:
    _written(target, lambda draft: shutil.copyfile(source, draft))


def _written(target: Path, write: Any) -> None:
    """Write a file, unless its bytes are the same: what hangs on it is not made again then."""
    draft = target.with_name(f".{target.name}")
    write(draft)
    if target.is_file() and target.read_bytes() == draft.read_bytes():
        draft.unlink()
    else:
        draft.replace(target)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() or abs(value) >= 100 else f"{value:.2f}"
    return str(value)


if __name__ == "__main__":
    main()
