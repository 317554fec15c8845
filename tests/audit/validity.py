"""Write the tables of docs/validity.md: ``make validity``.

About 50 minutes of processor time, on all cores that there are. Studies depend on their cell and number
only, so the same code writes the same table.
"""

import argparse
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.audit import pilots
from tests.audit.counts import Counts, count_all
from tests.audit.studies import CELLS, NONE, ONE_DISTANCE, Cell, truth_of

PAGE = Path(__file__).parents[2] / "docs" / "validity.md"
STUDIES = 500
COVERAGE, WRONG, POWER = 0.93, 0.05, 0.80

_HEAD = (
    "| cell | D | coverage | half width | drift found | any of seven | no drift found | before |",
    "|---|---|---|---|---|---|---|---|",
)


def powered(cell: Cell) -> bool:
    """Whether an identical recipe shall be told to be one in `POWER` of studies: where runs differ little."""
    design = cell.seeds, cell.runs, cell.texts
    return cell.promised and cell.drift == NONE and cell.spread <= 0.1 and design == (3, 3, 100)


def covers(cell: Cell) -> bool:
    """Whether the interval of D is promised to hold the truth in `COVERAGE` of studies."""
    return cell.promised and cell.runs >= 3 and cell.ratio <= 1.5


def misses(counts: Counts) -> Iterator[str]:
    """What a cell does not keep of the promises, in words; none where it keeps all."""
    cell, studies = counts.cell, counts.studies
    if covers(cell) and counts.bounded and counts.covered / counts.bounded < COVERAGE:
        yield f"the interval of D holds the truth in {_percent(counts.covered, counts.bounded)}"
    if cell.drift == NONE and counts.any_drift / studies > WRONG:
        yield f"any of seven that do not drift is said to in {_percent(counts.any_drift, studies)}"
    if cell.drift == ONE_DISTANCE and counts.no_drift / studies > WRONG:
        yield f"a drift of one distance is called none in {_percent(counts.no_drift, studies)}"
    if powered(cell) and counts.no_drift / studies < POWER:
        yield f"an identical recipe is told to be one in {_percent(counts.no_drift, studies)}"


def row(counts: Counts) -> str:
    """A line of the table; what misses a promise is bold."""
    cell, missed = counts.cell, " ".join(misses(counts))
    several = cell.students > 1
    cells = [
        cell.name + ("" if cell.promised else " (not promised)"),
        f"{truth_of(cell).drift:.3f}".replace("-0.000", "0.000"),
        _marked(_share(counts.covered, counts.bounded), "interval" in missed),
        "–" if math.isnan(counts.half_width) else f"{counts.half_width:.2f}",
        _share(counts.drift, counts.studies),
        _marked(_share(counts.any_drift, counts.studies), "seven" in missed) if several else "–",
        _marked(_share(counts.no_drift, counts.studies), "distance" in missed or "identical" in missed),
        cell.before or "–",
    ]
    return "| " + " | ".join(cells) + " |"


def with_powers(page: str, found: Sequence[pilots.Power], studies: int) -> str:
    """The page with its table of the ladder's verdict anew."""
    said = f"{studies:,} studies a cell."
    return _between(page, "powers", f"{said}\n\n{pilots.table(list(found))}")


def written(page: str, counts: Sequence[Counts]) -> str:
    """The page with its table and its list of misses anew."""
    missed = [f"- **{one.cell.name}**: {what} of studies." for one in counts for what in misses(one)] or [
        "None."
    ]
    studies = f"{counts[0].studies:,} studies a cell, so one standard error is at most "
    studies += f"{100 * math.sqrt(0.25 / counts[0].studies):.1f} points, of a share of 5 % it is "
    studies += f"{100 * math.sqrt(0.05 * 0.95 / counts[0].studies):.1f}."
    page = _between(page, "cells", "\n".join([studies, "", *_HEAD, *map(row, counts)]))
    return _between(page, "misses", "\n".join(missed))


def _between(page: str, mark: str, text: str) -> str:
    head, start, rest = page.partition(f"<!-- {mark} -->\n")
    _, end, tail = rest.partition(f"<!-- end of {mark} -->")
    if not (start and end):
        raise ValueError(
            f"{PAGE}: no place for {mark!r}; put back <!-- {mark} --> and <!-- end of {mark} -->"
        )
    return f"{head}{start}{text}\n{end}{tail}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}".removeprefix("0") if whole else "–"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _marked(text: str, missed: bool) -> str:
    return f"**{text}**" if missed else text


def main() -> None:
    """Count, write, and say which cells miss."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--ladder", action="store_true", help="only the table of the ladder's verdict")
    arguments = parser.parse_args()
    found = pilots.powers(arguments.studies, arguments.workers)
    PAGE.write_text(with_powers(PAGE.read_text("utf-8"), found, arguments.studies), "utf-8")
    if arguments.ladder:
        return
    counts = []
    for one in count_all(CELLS, arguments.studies, arguments.workers):
        counts.append(one)
        print(row(one), flush=True)
    PAGE.write_text(written(PAGE.read_text("utf-8"), counts), "utf-8")


if __name__ == "__main__":
    main()
