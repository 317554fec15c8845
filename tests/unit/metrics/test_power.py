"""How many texts or runs would tell: by the formula, and by trying."""

import math

import numpy as np
import pytest
from scipy import stats

from distillens.metrics.power import POWER, Need, Source, detectable, for_all, for_any, needed, power_of_each


def test_texts_by_the_formula():
    # One text has variance .01; only texts vary, so it is a t test.
    found = needed(0.02, [Source(0.01, 25), Source(0, 3), Source(0, 3)], alpha=0.05)
    n = int(found.texts)

    def least(count):
        df = count - 1
        return math.sqrt(0.01 / count) * (stats.t.ppf(0.95, df) + stats.t.ppf(0.8, df))

    assert least(n) <= 0.02 < least(n - 1)
    assert math.isnan(found.teacher_runs) and math.isnan(found.student_runs)


def test_what_tells_already_needs_no_more():
    assert needed(0.5, [Source(0.01, 25), Source(0, 3), Source(0, 3)], alpha=0.05) == Need(25, 3, 3)


def test_runs_where_no_number_of_texts_is_enough():
    sources = [Source(0.01, 1000), Source(0.0, 3), Source(0.01, 3)]
    found = needed(0.12, sources, alpha=0.05)
    assert math.isnan(found.texts) and math.isnan(found.teacher_runs) and 3 < found.student_runs < 20


def test_enough_texts_are_found_where_very_many_are_less_so():
    # Of 100,000 texts the three runs alone decide the degrees of freedom, and t grows.
    sources = [Source(0.25, 50), Source(0.003, 3), Source(0.0, 3)]

    def told(count):
        return detectable([Source(0.25, count), *sources[1:]], alpha=0.05) <= 0.118

    assert not told(100_000)
    n = int(needed(0.118, sources, alpha=0.05).texts)
    assert told(n) and not any(map(told, range(50, n)))


@pytest.mark.parametrize("effect", [0.0, -0.1, math.nan])
def test_no_effect_needs_what_no_one_has(effect):
    assert all(map(math.isnan, needed(effect, [Source(0.1, 9), Source(0.1, 3), Source(0.1, 3)], 0.05)))


def test_a_fresh_study_of_that_size_tells_in_four_of_five():
    rng, effect, sd = np.random.default_rng(0), 0.1, 0.4
    n = int(needed(effect, [Source(sd**2, 20), Source(0, 3), Source(0, 3)], alpha=0.05).texts)
    told = [
        stats.ttest_1samp(rng.normal(effect, sd, n), 0, alternative="greater").pvalue < 0.05
        for _ in range(2000)
    ]
    assert np.mean(told) == pytest.approx(POWER, abs=0.03)


def test_a_fresh_study_of_that_size_tells_by_all_explainers_in_four_of_five():
    rng, effects, sd = np.random.default_rng(0), (0.1, 0.12, 0.11), 0.4
    power = power_of_each(len(effects))
    each = [
        needed(effect, [Source(sd**2, 20), Source(0, 3), Source(0, 3)], 0.05, power) for effect in effects
    ]
    n = int(for_all(each).texts)
    assert n == each[0].texts > needed(0.1, [Source(sd**2, 20), Source(0, 3), Source(0, 3)], 0.05).texts

    def tells(count):
        studies = rng.normal(effects, sd, (2000, count, len(effects)))
        p_values = stats.ttest_1samp(studies, 0, axis=1, alternative="greater").pvalue
        return (p_values < 0.05).all(axis=1).mean()

    assert tells(n) >= POWER - 0.02
    alone = int(for_any(each).texts)  # the size of the clearest is too small for all
    assert tells(alone) < POWER < tells(2 * n)


def test_what_one_explainer_never_tells_all_never_tell():
    one, never = Need(80.0, 4.0, 2.0), Need(math.nan, math.nan, math.nan)
    assert all(map(math.isnan, for_all([one, never]))) and for_any([one, never]) == one
