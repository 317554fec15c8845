"""``python -m bench``: the engine beside the stock libraries, in one run on one machine."""

import argparse
import datetime
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench import measure, plan, robustness, sentences, table
from bench.models import widened
from bench.rows import Bench, run_growth, run_work
from bench.runs import Failed, Workers
from distillens.data.text import Example
from distillens.models.tokenizer import Encoder

_ROOT = Path(__file__).parents[1]
_RUN = Path("results/quickstart")


def main() -> int:
    """Measure what the arguments say; the exit status says whether all of it could be measured."""
    given = _arguments()
    scale = plan.QUICK if given.quick else plan.FULL
    chosen = given.works.split(",") if given.works else [work.name for work in plan.works(scale)] + ["growth"]
    with (
        tempfile.TemporaryDirectory() as scratch,
        Workers(fresh=not given.quick) as workers,
    ):
        bench = Bench(workers, widened(given.model, Path(scratch) / "model"), Path(scratch), {}, [])
        results = {"rows": [], "growth": {}, "machine": {}, "notes": []}
        every = _choose(bench, given.data, scale, results["notes"])
        bench.measure_sgemm(scale)
        results["machine"] = _machine(bench)
        tables = ""
        for work in plan.works(scale):
            if work.name in chosen:
                results["rows"].append(_row(bench, work, scale, given.sst2))
                tables = _write(given.out, results, bench)
        if "growth" in chosen:
            results["growth"] = _growth(bench, scale, every)
            tables = _write(given.out, results, bench)
    print(tables)
    return int("failed" in results["growth"] or any("failed" in row for row in results["rows"]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="very few sentences and one process: says only that it runs")
    add("--model", type=Path, default=_ROOT / _RUN / "models/snippets-5/minilm-6/1", help="a run's folder")
    add("--data", type=Path, default=_ROOT / _RUN / "data/snippets-5", help="a task's folder, or one file")
    add("--sst2", type=Path, default=_ROOT.parent / "shared/data" / robustness.SST2, help="validation split")
    add("--works", help="only these, with commas: the first column of the table, or growth")
    add("--out", type=Path, help="where results.json and RESULTS.md go")
    given = parser.parse_args()
    if given.out is None:
        partial = given.quick or given.works
        given.out = _ROOT / "results/bench" if partial else _ROOT / "bench"
    known = [work.name for work in plan.works(plan.FULL)] + ["growth"]
    if given.works and set(given.works.split(",")) - set(known):
        parser.error(f"--works: there are {', '.join(known)}")
    return given


def _choose(bench: Bench, data: Path, scale: plan.Scale, notes: list[str]) -> list[Example]:
    """Choose the sentences of all works; return those to see how cost grows."""
    every, encoder = sentences.load(data), Encoder(bench.folder)

    def fits(example: Example) -> bool:
        return not encoder.cuts(example.texts)

    short = sentences.spread(every, scale.short, scale.short_words, fits)
    long, joined = sentences.long(every, scale.long, scale.long_words, fits)
    for name, chosen in (("short", short), ("long", long)):
        bench.examples[name] = sentences.write(bench.scratch / f"{name}.parquet", chosen)
        words = sorted(len(one.words) for one in chosen)
        notes.append(
            f"{name}: {len(words)} texts of {words[0]} to {words[-1]} words (median {median(words):g})"
            + (
                ", neighbouring snippets of the source joined into one text, since none is so long"
                if name == "long" and joined
                else ""
            )
            + "."
        )
    return sentences.first(every, max(scale.growth), fits)


def _row(bench: Bench, work: plan.Work, scale: plan.Scale, sst2: Path) -> dict[str, Any]:
    try:
        if work.sentences != "copies":
            return run_work(bench, work, scale)
        if not sst2.is_file():
            return {"work": work.name, "skipped": "SST-2's validation split is not there (--sst2)"}
        bench.examples["copies"] = bench.scratch / "copies.parquet"
        counted = bench.workers.ask(
            "robustness: perturbed copies",
            kind="copies",
            path=str(sst2),
            out=str(bench.examples["copies"]),
            limit=scale.perturbed,
            copies=scale.copies,
            predicted=scale.predicted,
        )
        return run_work(bench, work, scale) | counted | {"copies": scale.copies, "must_forwards_share": 0.4}
    except Failed as error:
        print(error, file=sys.stderr)
        return {"work": work.name, "failed": str(error).splitlines()[-1]}


def _growth(bench: Bench, scale: plan.Scale, every: Sequence[Example]) -> dict[str, Any]:
    try:
        return run_growth(bench, scale, every)
    except Failed as error:
        print(error, file=sys.stderr)
        return {"failed": str(error).splitlines()[-1]}


def _write(out: Path, results: dict[str, Any], bench: Bench) -> str:
    """What is measured so far, so that nothing is lost if a later work fails."""
    for name, key in (("numpy", "sgemm_gflops"), ("torch", "torch_sgemm_gflops")):
        rates = [one[name] for one in bench.sgemm]
        results["machine"] |= {key: median(rates), f"{key}_range": [min(rates), max(rates)]}
    # A row in half precision is not the stage as it runs by default, nor is prediction.
    rows = [
        row for row in results["rows"] if "ratio" in row and row["work"] not in ("robustness", "bfloat16")
    ]
    if rows:
        gflops = sum(row["executed_gflop"] for row in rows) / sum(row["seconds"] for row in rows)
        share = gflops / results["machine"]["sgemm_gflops"]
        results["explanation_stage"] = {"gflops": gflops, "sgemm_share": share, "must": 0.6, "aim": 0.75}
    return table.write(out, results)


def _machine(bench: Bench) -> dict[str, Any]:
    names = [
        line.partition(":")[2].strip()
        for line in (Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ())
        if line.startswith("model name")
    ]
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": measure.cores(),
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        **bench.workers.ask("versions", kind="versions"),
    }


if __name__ == "__main__":
    sys.exit(main())
