"""Random cases for two implementations of one definition.

They have ties, zeros, constants, NaN, infinities, one and two words, k beyond the text, and the smallest and
largest numbers. A case depends on its number and what it is about, so a failure names what fails.
"""

import zlib

import numpy as np
import pytest

CASES = 1000


def generator(about, number):
    return np.random.default_rng([zlib.crc32(about.encode()), number])


def same(found, expected, case):
    assert float(found) == pytest.approx(expected, rel=1e-9, abs=1e-11, nan_ok=True), case


def one_attribution(rng, n):
    """Values of one of many kinds."""
    kind = rng.integers(0, 10)
    if kind <= 2:
        return rng.normal(size=n)
    if kind <= 5:
        return rng.integers(-2, 3, n).astype(float)  # ties and zeros
    if kind == 6:
        return np.full(n, rng.choice([0.0, 0.1, -3.0]))
    if kind == 7:
        strange = rng.normal(size=n)
        strange[rng.integers(n)] = rng.choice([np.nan, np.inf, -np.inf])
        return strange
    if kind == 8:
        return rng.integers(-3, 4, n) * rng.choice([5e-324, 1e-310, 5e307])
    return rng.normal(size=n) * 10.0 ** rng.integers(-30, 30, n)


def pair_of(rng, most):
    n = int(rng.integers(1, most + 1))
    a = one_attribution(rng, n)
    b = one_attribution(rng, n) if rng.random() < 0.8 else a * rng.choice([1, -1, 2])
    with np.errstate(over="ignore"):
        return a, b, int(rng.integers(1, 5))
