"""What noise leaves of an agreement, against attributions whose noise is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from distillens.metrics.reliability import reach


def test_by_hand():
    # sqrt(0.49) = 0.7 of the ceiling; sqrt(0.36 / 0.81) = 2/3 of it.
    np.testing.assert_allclose(reach(0.5, 1.0, 0.49), 0.35)
    np.testing.assert_allclose(reach([0.9, 0.6], [0.81, 0.81], [0.36, 0.9]), [0.6, 0.6])


def test_what_is_not_known_stays_unknown():
    assert np.isnan(reach(np.nan, 1.0, 0.5)) and np.isnan(reach(0.8, 1.0, np.nan))
    assert np.isnan(reach(0.8, 0.0, 0.5)) and np.isnan(reach(0.8, -0.2, 0.5))
    assert reach(0.8, 1.0, -0.3) == 0


def mean_agreement(a, b):
    return np.mean([spearmanr(one, other)[0] for one, other in zip(a, b, strict=True)])


@pytest.mark.parametrize("noise", [0.2, 0.5, 1.0])
def test_it_is_what_a_noisy_run_of_the_teachers_recipe_reaches(noise):
    """400 texts of 15 words; runs share their truth, and each has a peculiarity of its own."""
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(400, 15))
    first, second = (truth + rng.normal(0, 0.5, truth.shape) for _ in range(2))
    asked, again = (second + rng.normal(0, noise, truth.shape) for _ in range(2))
    ceiling, own = mean_agreement(first, second), mean_agreement(asked, again)
    assert reach(ceiling, 1.0, own) == pytest.approx(mean_agreement(first, asked), abs=0.03)
