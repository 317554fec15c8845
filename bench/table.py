"""Results as JSON, and as Markdown between two marks of a page whose other text is left alone."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(folder: Path, results: dict[str, Any]) -> str:
    """Write ``results.json`` and the measured part of ``RESULTS.md``; return that part."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    tables = markdown(results)
    insert(folder / "RESULTS.md", tables, BEGIN, END)
    return tables


def insert(page: Path, text: str, begin: str, end: str) -> None:
    """Put text between two marks of a page; a page that is not there is begun."""
    old = page.read_text("utf-8") if page.exists() else f"# What the bench measured\n\n{begin}\n{end}\n"
    if old.count(begin) != 1 or end not in old.partition(begin)[2]:
        raise ValueError(f"{page.name}: the marks {begin} and {end} must both be there, once")
    above, below = old.partition(begin)[0], old.partition(begin)[2].partition(end)[2]
    page.write_text(f"{above}{begin}\n{text}\n{end}{below}", encoding="utf-8")


def markdown(results: dict[str, Any]) -> str:
    """All tables."""
    rows, parts = results["rows"], [_machine(results["machine"])]
    measured = [row for row in rows if "ratio" in row]
    lines = [line for row in measured for line in _speed(row)]
    parts.append(
        "**Against the stock libraries** (seconds a sentence; the ratio is peer / ours)\n\n"
        + table(("work", "peer", "ratio", "must / aim", "largest difference", "ours s", "peer s"), lines)
    )
    parts.append(
        "**Forward passes and memory** (texts through the model; peak of resident memory, in brackets what "
        "it is above that after loading and warming up)\n\n"
        + table(
            ("work", "asked", "computed", "peer", "ours MB", "peer MB", "memory against peer"),
            [_forwards(row) for row in measured],
        )
    )
    parts.append(
        "**Arithmetic** (GFLOP/s of matrix products; effective: as if every layer had been computed for "
        "every position)\n\n"
        + table(
            ("work", "executed", "effective", "peer", "sgemm", "share of sgemm"), [_flop(r) for r in measured]
        )
        + _stage(results.get("explanation_stage"))
    )
    parts += [_copies(row) for row in measured if "forwards_share" in row]
    parts += [f"{row['work']}: {row[why]}" for row in rows for why in ("skipped", "failed") if why in row]
    if results.get("growth"):
        parts.append(_growth(results["growth"]))
    if results.get("notes"):
        parts.append("\n".join(f"- {note}" for note in results["notes"]))
    return "\n\n".join(parts)


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    low, high = machine["sgemm_gflops_range"]
    return (
        f"{machine['date']}; {machine['cpu']}, {machine['cores']} cores; Python {machine['python']}, "
        f"{versions}. sgemm {machine['sgemm_gflops']:.0f} GFLOP/s by NumPy ({low:.0f} to {high:.0f} over the "
        f"run: far apart, and something else was running), {machine['torch_sgemm_gflops']:.0f} by torch."
    )


def _speed(row: dict[str, Any]) -> list[tuple[str, ...]]:
    goals = f"{row['must'] or '-'} / {row['aim'] or '-'}" if row["must"] else ""
    limit = f" (must < {row['must_difference']:.0e})" if row["must_difference"] else ""
    return [
        (
            row["work"] if number == 0 else "",
            name,
            f"{one['ratio']:.2f} x",
            goals if number == 0 else "",
            f"{one['max_abs_difference']:.1e}" + (limit if number == 0 else ""),
            f"{one['seconds_per_sentence']:.3g}",
            f"{one['peer_seconds_per_sentence']:.3g}",
        )
        for number, (name, one) in enumerate([(row["peer"], row), *row["peers"].items()])
    ]


def _forwards(row: dict[str, Any]) -> tuple[str, ...]:
    counts = (f"{row[name]:,}" for name in ("forwards", "distinct_forwards", "peer_forwards"))
    memory = (
        f"{row[f'{side}peak_memory_mb']:.0f} ({row[f'{side}memory_above_loaded_mb']:.0f})"
        for side in ("", "peer_")
    )
    return row["work"], *counts, *memory, f"{row['peak_memory_mb'] / row['peer_peak_memory_mb']:.2f}"


def _flop(row: dict[str, Any]) -> tuple[str, ...]:
    names = ("gflops", "effective_gflops", "peer_gflops", "sgemm_gflops")
    return row["work"], *(f"{row[name]:.1f}" for name in names), f"{row['sgemm_share']:.0%}"


def _stage(stage: dict[str, float] | None) -> str:
    if not stage:
        return ""
    return (
        f"\n\nThe explanation stage as a whole: {stage['gflops']:.1f} GFLOP/s, {stage['sgemm_share']:.0%} of "
        f"sgemm (must {stage['must']:.0%}, aim {stage['aim']:.0%})."
    )


def _copies(row: dict[str, Any]) -> str:
    return (
        f"**Robustness**: {row['texts']} texts of SST-2's validation split, "
        f"{row['perturbations']} perturbations, {row['copies']} copies: "
        f"{row['distinct']:,} distinct texts of {row['copies']:,}, "
        f"so {row['forwards_share']:.1%} of the forwards (must be at most {row['must_forwards_share']:.0%} "
        f"where the text allows it, else the share of distinct texts, which it is)."
    )


def _growth(growth: dict[str, Any]) -> str:
    lines = []
    if "failed" in growth:
        return f"growth: {growth['failed']}"
    for method, record in growth.items():
        for number, one in enumerate(record["runs"]):
            lines.append(
                (
                    method if number == 0 else "",
                    f"{one['sentences']:,}",
                    f"{one['seconds_per_sentence']:.3g}",
                    f"{one['peak_memory_mb']:.0f}",
                    f"{record['memory_ratio']:.3f} (must < {record['must']})"
                    if one is record["runs"][-1]
                    else "",
                )
            )
    title = (
        "**Cost against the number of sentences** (ours, cheap settings; memory of 1,024 against that of 64)"
    )
    return f"{title}\n\n" + table(("explainer", "sentences", "s a sentence", "peak MB", "memory"), lines)


def of_frame(frame: pd.DataFrame, cell: Callable[[Any], str]) -> str:
    """A data frame as such a table, each value as ``cell`` writes it; what is missing is empty.

    Examples
    --------
    >>> print(of_frame(pd.DataFrame({"texts": [100.0, None]}), "{:g}".format))
    | texts |
    |-------|
    | 100   |
    |       |
    """
    rows = [["" if pd.isna(value) else cell(value) for value in row] for row in frame.itertuples(index=False)]
    return table([str(column) for column in frame.columns], rows)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    first, *rest = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (head, *lines)
    ]
    return "\n".join([first, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *rest])
