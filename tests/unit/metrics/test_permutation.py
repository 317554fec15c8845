"""The renaming of outputs that fits best, beside all renamings."""

from itertools import permutations

import numpy as np
import pytest

from distillens.metrics.permutation import best_renaming


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_no_other_renaming_makes_more_texts_right(classes):
    draw = np.random.default_rng(classes)
    for _ in range(50):
        truth, predicted = draw.integers(classes, size=(2, 30))
        right = {
            order: np.mean(np.array(order)[predicted] == truth) for order in permutations(range(classes))
        }
        found = best_renaming(truth, predicted, classes)
        assert right[tuple(found)] == max(right.values())


def test_names_stay_where_no_other_is_better():
    assert best_renaming([0, 1, 0, 1], [0, 0, 1, 1], 2) == [0, 1]
    assert best_renaming([0, 0, 0], [0, 0, 0], 3) == [0, 1, 2]
