"""What float32 can give: numbers computed in two ways are the same but for some roundings of the largest.

Which kernels a processor takes decides in which order they add up, and so on the last digits. An absolute
tolerance holds for the sizes that one has met; a number of roundings for any.
"""

import numpy as np

EPSILON = float(np.finfo(np.float32).eps)
# The worst that the suite met on kernels of AVX-512, AVX2 and SSE is 58: a tiny model's weights are so large
# that each layer multiplies what the one before has rounded.
ROUNDINGS = 256


def slack(*values, roundings=ROUNDINGS):
    """How far from each other two ways to compute numbers of this size may come out."""
    return roundings * EPSILON * max(np.abs(np.asarray(value, float)).max() for value in values)


def assert_same(found, expected, *beside, roundings=ROUNDINGS):
    """Compare two arrays; of differences, ``beside`` is what they are the differences of."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=slack(expected, *beside, roundings=roundings))
