"""What an edit of one student costs: ``python -m bench.increments``.

The quickstart is run whole in a folder of its own, then again with another learning rate of
one student. The student's share of the work is the share of the first run's job seconds (Snakemake's
benchmarks) that its own jobs took; the aim for the edit is that share and 10 points more.
What is not jobs is wall time in which fewer jobs ran than there are cores: Snakemake itself, imports
of the graph, waiting. The aim is below 15 %.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.increments", description=__doc__)
    add = parser.add_argument
    add("--config", type=Path, default=ROOT / "config.yaml", help="the study")
    add("--student", default="minilm-3", help="whose learning rate is edited")
    add("--cores", type=int, default=len(os.sched_getaffinity(0)))
    add("--out", type=Path, default=ROOT / "bench" / "increments.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = measure(given.config, given.student, given.cores, Path(folder))
    given.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))


def measure(config: Path, student: str, cores: int, folder: Path) -> dict[str, Any]:
    """Seconds of a whole run and of one after an edit, and their shares.

    Parameters
    ----------
    config : Path
        A study's config.
    student : str
        A model of it.
    cores : int
        Jobs of one thread that may run at once.
    folder : Path
        Empty; the study is run in it.
    """
    # Through JSON, so that blocks that models share become copies.
    study = json.loads(json.dumps(yaml.safe_load(config.read_text("utf-8"))))
    whole = _run(study, cores, folder)
    jobs = job_seconds(folder / "benchmarks" / study["study"])
    study["models"][student]["training"]["learning_rate"] *= 0.9
    edit = _run(study, cores, folder)
    own = sum(seconds for job, seconds in jobs.items() if student in Path(job).parts)
    total = sum(jobs.values())
    return {
        "cores": cores,
        "jobs": len(jobs),
        "whole_s": round(whole, 1),
        "edit_s": round(edit, 1),
        "edit_share": round(edit / whole, 3),
        "student_share": round(own / total, 3),
        "not_jobs_share": round(1 - total / cores / whole, 3),
    }


def job_seconds(benchmarks: Path) -> dict[str, float]:
    """Seconds of each job, by the path of its benchmark without the suffix."""
    seconds = {}
    for path in sorted(benchmarks.rglob("*.tsv")):
        _, values = path.read_text("utf-8").splitlines()
        seconds[str(path.relative_to(benchmarks).with_suffix(""))] = float(values.split("\t")[0])
    return seconds


def _run(study: dict[str, Any], cores: int, folder: Path) -> float:
    (folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False), "utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--quiet", "all"]
    command += ["--configfile", "study.yaml", "--cores", str(cores), "--resources", "gpu=1"]
    start = time.monotonic()
    subprocess.run(command, check=True, cwd=folder)
    return time.monotonic() - start


if __name__ == "__main__":
    main()
