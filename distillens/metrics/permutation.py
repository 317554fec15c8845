"""Whether a classifier's outputs bear each other's names: the renaming that fits the labels best."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment


def best_renaming(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> list[int]:
    """Which label each output would have to be called for the most texts to be right.

    The assignment problem on the table of confusions (Kuhn 1955).

    Parameters
    ----------
    truth, predicted : array_like of int, shape (n,)
        Class numbers.
    n_classes : int

    Returns
    -------
    list of int, shape (n_classes,)
        The label of output 0, 1, ...; where none is better, each its own.

    Examples
    --------
    >>> best_renaming(truth=[0, 0, 1, 2], predicted=[1, 1, 0, 2], n_classes=3)
    [1, 0, 2]
    """
    truth, predicted = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    confusion = np.zeros((n_classes, n_classes))
    np.add.at(confusion, (predicted, truth), 1)
    # Of equal renamings the one that changes least: half a text in favour of an output's own name.
    confusion[np.diag_indices(n_classes)] += 0.5 / n_classes
    return linear_sum_assignment(confusion, maximize=True)[1].tolist()
