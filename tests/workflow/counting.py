"""Runs snakemake and counts its work: what a clock says depends on what else is running.

``python counting.py OUT all|own ARGUMENT...`` leaves a JSON object in ``OUT``: how often a source was
``parsed`` into a syntax tree; for ``all`` also the ``calls`` of functions, whosoever, and the ``steps`` of
the package and of the rules: lines that were run, each turn of a loop counted.
"""

import json
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = tuple(str(ROOT / part) for part in ("distillens", "workflow", "Snakefile"))


def main(out, what):
    """Run snakemake with the other arguments."""
    counts = {"parsed": 0, "calls": 0, "steps": 0}

    def line(frame, event, _):
        counts["steps"] += event == "line"
        return line

    def call(frame, *_):
        counts["calls"] += 1
        return line if frame.f_code.co_filename.startswith(OWN) else None

    def heard(event, arguments):
        counts["parsed"] += event == "compile" and arguments[1] == "<unknown>"

    sys.addaudithook(heard)
    sys.settrace(call if what == "all" else None)
    try:
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    finally:
        sys.settrace(None)
        Path(out).write_text(json.dumps(counts))


if __name__ == "__main__":
    main(*(sys.argv.pop(1) for _ in range(2)))
