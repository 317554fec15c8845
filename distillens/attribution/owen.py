"""Owen values over a tree of words, all open nodes in one array.

The same walk as ``shap.PartitionExplainer``'s (Lundberg and Lee 2017; Owen 1977), draws and order of sums
included, so that the values are those of shap, also where evaluations do not suffice.

Step by step:

1. An entry is a node of the tree in a context: a set of words outside it that are kept. It knows the outputs
   without and with the whole node, and has a weight.
2. Of each entry whose node has two halves, the outputs with one half and with the other are asked for.
3. It becomes four: each half, without and with the other half, with half the weight.
4. The gain of an entry of one word, times its weight, goes to the word. Where evaluations run
   out, the gains of entries that were not taken apart go to their nodes, and from there in equal
   parts to the words below.

Entries of the largest gain come first; those of equal gain in a random order.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class _Entries:
    """Nodes in contexts, in the order in which they are taken apart."""

    keep: np.ndarray  # without the node; shape (entries, leaves)
    low: np.ndarray  # outputs without and with it; shape (entries, outputs)
    high: np.ndarray
    node: np.ndarray
    weight: np.ndarray
    rank: np.ndarray  # smaller comes first, then the smaller draw; shape (2, entries)

    def __getitem__(self, rows: np.ndarray | slice) -> "_Entries":
        parts = (self.keep, self.low, self.high, self.node, self.weight)
        return _Entries(*(part[rows] for part in parts), self.rank[:, rows])

    @property
    def gains(self) -> np.ndarray:
        return (self.high - self.low) * self.weight[:, None]


def owen_values(
    links: np.ndarray, base: np.ndarray, whole: np.ndarray, max_evals: int, seed: int
) -> Generator[np.ndarray, np.ndarray, tuple[np.ndarray, int, bool]]:
    """Share out the change of the output among the leaves of a tree.

    Parameters
    ----------
    links : ndarray, shape (leaves - 1, 4)
        As in ``scipy.cluster.hierarchy.linkage``.
    base, whole : ndarray, shape (outputs,)
        Outputs without any and with all leaves.
    max_evals : int
        About how many evaluations are made at most, those two included.
    seed : int

    Yields
    ------
    ndarray of bool, shape (evaluations, leaves)
        What is asked for; the outputs are to be sent, shape (evaluations, outputs).

    Returns
    -------
    ndarray, shape (leaves, outputs)
    int
        Evaluations, without those two.
    bool
        Whether they ran out, so that some groups were not taken apart and values are not exact.

    Examples
    --------
    A sum: each leaf gets its own number.

    >>> walk = owen_values(np.array([[0, 1, 1, 2]]), np.zeros(1), np.array([3.0]), 10, seed=0)
    >>> keep = next(walk)
    >>> try:
    ...     walk.send(keep @ np.array([[1.0], [2.0]]))
    ... except StopIteration as end:
    ...     print(end.value[0].ravel().tolist(), *end.value[1:])
    [1.0, 2.0] 2 False
    """
    leaves = len(links) + 1
    halves = links[:, :2].astype(int)
    below = _members(halves, leaves)
    draws = np.random.RandomState(seed)
    values, evals, budget = np.zeros((2 * leaves - 1, len(base))), 0, max_evals - 2
    truncated = False
    entries = _Entries(
        np.zeros((1, leaves), dtype=bool),
        base[None],
        whole[None],
        np.array([2 * leaves - 2]),
        np.ones(1),
        np.zeros((2, 1)),
    )
    while len(entries.node):
        inner = entries.node >= leaves
        if evals >= budget:
            np.add.at(values, entries.node, entries.gains)
            truncated = bool(inner.any())
            break
        # Two evaluations for each that is taken apart, until there are none left.
        popped = int((evals + 2 * (np.cumsum(inner) - inner) < budget).sum())
        now, entries = entries[:popped], entries[popped:]
        inner = inner[:popped]
        np.add.at(values, now.node[~inner], now[~inner].gains)
        now = now[inner]
        if not len(now.node):
            continue
        left, right = halves[now.node - leaves].T
        keep = np.stack([now.keep | below[left], now.keep | below[right]], axis=1)
        outputs = (yield keep.reshape(-1, leaves)).reshape(len(left), 2, -1)
        evals += 2 * len(left)
        entries = _sorted(entries, _taken_apart(now, left, right, keep, outputs, draws))
    _lower(values, links, halves, leaves)
    return values[:leaves], evals, truncated


def _taken_apart(
    now: _Entries,
    left: np.ndarray,
    right: np.ndarray,
    keep: np.ndarray,
    outputs: np.ndarray,
    draws: np.random.RandomState,
) -> _Entries:
    """Four entries of each: left and right without the other half, left and right with it."""
    one, other = outputs[:, 0], outputs[:, 1]
    low = np.stack([now.low, now.low, other, one], axis=1).reshape(-1, one.shape[1])
    high = np.stack([one, other, now.high, now.high], axis=1).reshape(-1, one.shape[1])
    weight = np.repeat(now.weight / 2, 4)
    return _Entries(
        keep=np.stack([now.keep, now.keep, keep[:, 1], keep[:, 0]], axis=1).reshape(-1, keep.shape[2]),
        low=low,
        high=high,
        node=np.stack([left, right, left, right], axis=1).ravel(),
        weight=weight,
        rank=np.stack([-np.abs(high - low).max(axis=1) * weight, draws.randn(len(weight))]),
    )


def _sorted(old: _Entries, new: _Entries) -> _Entries:
    fields = ("keep", "low", "high", "node", "weight")
    joined = [np.concatenate([getattr(old, name), getattr(new, name)]) for name in fields]
    rank = np.concatenate([old.rank, new.rank], axis=1)
    return _Entries(*joined, rank)[np.lexsort(rank[::-1])]


def _members(halves: np.ndarray, leaves: int) -> np.ndarray:
    """Which leaves stand below each node."""
    below = np.eye(2 * leaves - 1, leaves, dtype=bool)
    for number, (left, right) in enumerate(halves.tolist(), leaves):
        below[number] = below[left] | below[right]
    return below


def _lower(values: np.ndarray, links: np.ndarray, halves: np.ndarray, leaves: int) -> None:
    """Share out what lies on inner nodes among the leaves below, in place."""
    sizes = np.concatenate([np.ones(leaves), links[:, 3]])
    for number in range(2 * leaves - 2, leaves - 1, -1):
        if values[number].any():
            for half in halves[number - leaves].tolist():
                values[half] += values[number] * sizes[half] / sizes[number]
