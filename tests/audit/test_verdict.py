"""The verdict on made-up studies whose truth is known: `make validity` with few studies a cell.

Bounds are binomial, so wide that code which keeps the promises fails one of them in fewer than one of 10,000
draws.
"""

import math

import numpy as np
import pytest
from scipy import stats

from tests.audit import pilots
from tests.audit.counts import Counts, count
from tests.audit.studies import CELLS, NONE, ONE_DISTANCE, TOLERATED, Cell, draw, truth_of
from tests.audit.validity import (
    COVERAGE,
    PAGE,
    POWER,
    WRONG,
    covers,
    misses,
    powered,
    row,
    with_powers,
    written,
)

STUDIES = 30
BOUNDS = 4 * len(CELLS)
RARE = 1e-4 / BOUNDS


def most(rate, of):
    return stats.binom.isf(RARE, of, rate)


def least(rate, of):
    return stats.binom.ppf(RARE, of, rate)


@pytest.fixture(scope="module")
def counts():
    return {cell: count(cell, STUDIES) for cell in CELLS}


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_cell_keeps_what_is_promised(counts, cell):
    of = counts[cell]
    if cell.seeds < 3:
        assert of.bounded == of.any_drift == of.no_drift == 0
        return
    assert of.bounded == STUDIES
    if covers(cell):
        assert of.covered >= least(COVERAGE, STUDIES)
    if cell.drift in (NONE, TOLERATED):
        assert of.any_drift <= most(WRONG, STUDIES)
    if cell.drift == ONE_DISTANCE:
        assert of.no_drift <= most(WRONG, STUDIES)
    if cell.runs < 2:
        assert of.no_drift == 0
    if powered(cell):
        assert of.no_drift >= least(POWER, STUDIES)


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True])
def test_all_cells_together_keep_what_is_promised(counts, paired):
    own = [of for cell, of in counts.items() if cell.promised and cell.seeds > 2 and cell.paired == paired]
    null = [of for of in own if of.cell.drift == NONE]
    far = [of for of in own if of.cell.drift == ONE_DISTANCE]
    bounded = [of for of in own if covers(of.cell)]
    assert sum(of.covered for of in bounded) >= least(COVERAGE, STUDIES * len(bounded))
    assert sum(of.any_drift for of in null) <= most(WRONG, STUDIES * len(null))
    assert sum(of.no_drift for of in far) <= most(WRONG, STUDIES * len(far))


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS[::4], ids=lambda cell: cell.name)
def test_studies_have_the_means_that_are_said_to_be_true(cell):
    studies = [draw(cell, number) for number in range(300)]
    upper = np.triu_indices(cell.seeds, 1)
    found = {
        "ceiling": [study.between[upper].mean() for study in studies],
        "student": [study.students.mean() for study in studies],
        "again": [study.again.mean() for study in studies],
    }
    for name, means in found.items():
        error = np.std(means) / math.sqrt(len(means))
        assert np.mean(means) == pytest.approx(getattr(truth_of(cell), name), abs=5 * error + 1e-12)


def test_a_study_depends_on_its_cell_and_number_alone():
    cell = CELLS[0]
    first, again, other = (draw(cell, number) for number in (3, 3, 4))
    assert np.array_equal(first.students, again.students) and not np.array_equal(
        first.students, other.students
    )
    assert len({cell.name for cell in CELLS}) == len(CELLS)


def test_the_page_has_all_cells_and_says_which_miss():
    good = Counts(Cell("good"), 100, 100, 95, 1, 2, 90, 0.05)
    bad = Counts(Cell("bad"), 100, 100, 90, 9, 40, 10, 0.05)
    page = "a\n<!-- cells -->\nstale\n<!-- end of cells -->\nb\n<!-- misses -->\n<!-- end of misses -->\n"
    text = written(page, [good, bad])
    assert list(misses(good)) == [] and len(list(misses(bad))) == 3
    assert "stale" not in text and row(good) in text and "**.900**" in row(bad) and "**.400**" in row(bad)
    assert text.count("- **bad**") == 3 and written(text, [good, bad]) == text
    stands = PAGE.read_text("utf-8")
    assert [cell.name for cell in CELLS if f"| {cell.name}" not in stands] == []


def test_the_page_has_the_ladders_power_for_every_number_of_texts():
    found = [pilots.Power(n, n or 41.0, 0.05, 0.04, (0.2, 0.5, 1.0), 0.8) for n in pilots.NUMBERS]
    text = with_powers("a\n<!-- powers -->\nstale\n<!-- end of powers -->\nb\n", found, 100)
    assert "stale" not in text and "| 30 | .050 | .040 | .200 | .500 | 1.00 | .800 |" in text
    rows = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")}
    stands = PAGE.read_text("utf-8").partition("<!-- powers -->")[2].partition("<!-- end of powers -->")[0]
    shown = {line.split("|")[1].strip() for line in stands.splitlines() if line.startswith("| ")}
    assert {name for name in rows if not name.startswith("pilot")} <= shown and len(shown) == len(rows)


@pytest.mark.slow
def test_the_ladders_verdict_keeps_its_error_rate_and_gains_power_with_texts():
    few, many, planned = (pilots.power(n, 200) for n in (50, 200, None))
    for one in (few, many, planned):
        assert max(one.wronged, one.praised) <= stats.binom.isf(1e-4, 200, WRONG) / 200
    assert few.found[0] < many.found[0] and few.kept < many.kept
    assert planned.found[1] >= stats.binom.ppf(1e-4, 200, POWER) / 200
