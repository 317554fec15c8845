"""What a study can tell, said before it is run: by simulation of the verdict that is given in the end."""

import math

import numpy as np
import pytest

from distillens import tables
from distillens.cli.power_estimate import SPREAD, lines, told
from distillens.config.validate import complete
from distillens.metrics.calibration import Rule
from distillens.metrics.pilot import by_ladder
from distillens.metrics.placement import ladder_of
from distillens.metrics.verdict import DRIFTS
from tests.audit.pilots import ACCEPTED, simulated, verdict_of
from tests.unit.config.test_ladder import config

N, STUDIES = 100, 200


def ladders(apart, studies, n=N):
    return [simulated([seed, 8], n, apart) for seed in range(studies)]


@pytest.fixture(scope="module")
def large():
    """The spread of one text and the accepted agreement, from very many texts."""
    ladder, _ = ladder_of(*simulated(1, 20_000, 0.0), np.ones(20_000), 0.95)
    return by_ladder(ladder, ACCEPTED, Rule()).spread, ladder.against(ACCEPTED).accepted.value


def test_the_difference_that_is_announced_is_found_in_four_of_five_studies(large):
    spread, accepted = large
    apart = -told(N, spread, 0.95).difference / accepted
    found = np.mean([verdict_of(*one)["verdict"] == DRIFTS for one in ladders(apart, STUDIES)])
    assert found == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / STUDIES))


def test_the_interval_is_about_as_wide_as_announced(large):
    halves = []
    for student, kinds in ladders(0.0, 50):
        design = ladder_of(student, kinds, np.ones(N), 0.95)[0]
        low, high = design.design.interval(design.contrasts(ACCEPTED)[0], 0.95)[1:]
        halves.append((high - low) / 2)
    assert np.mean(halves) == pytest.approx(told(N, large[0], 0.95).half_width, rel=0.1)


def test_more_texts_tell_less_and_more_comparisons_tell_more():
    by_texts = [told(n, SPREAD, 0.95).difference for n in (50, 100, 200, 500)]
    assert by_texts == sorted(by_texts, reverse=True)
    assert told(100, SPREAD, 0.95, tests=8).difference > told(100, SPREAD, 0.95).difference


def said(made, results):
    return list(lines(complete(made), results))


def test_it_is_said_for_each_task_with_a_reference(tmp_path):
    (line,) = said(config(seeds=(1,)), tmp_path)
    assert line.startswith("snippets-5: 30 texts make") and "as usual)" in line
    (by_runs,) = said(config(seeds=(1, 2, 3)), tmp_path)
    assert "where runs differ, less" in by_runs
    assert said(config(seeds=(1,), reference={"ladder": None}), tmp_path) == []


def test_the_spread_that_a_plan_has_seen_is_taken(tmp_path):
    rows = [
        {"student": "kd", "spread": 0.1, "gated": False},
        {"student": "gold", "spread": 0.2, "gated": False},
        {"student": "untrained", "spread": 0.9, "gated": True},
    ]
    tables.write(tmp_path / "metrics/snippets-5/plan.parquet", "plan", rows, {})
    assert "differ by 0.20, as seen" in said(config(seeds=(1,)), tmp_path)[0]


def test_a_pilot_says_so(tmp_path):
    made = config(seeds=(1,))
    made["tasks"]["snippets-5"]["explain"] |= {"until": "told", "most": 200}
    assert said(made, tmp_path)[0].endswith("they are a pilot, at most 200 follow from it")
