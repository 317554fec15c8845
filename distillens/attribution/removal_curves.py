"""Confidence as words go, or come, one after another; and the orders that could not be beaten.

The curves are what AOPC is the mean of (Samek et al. 2017; DeYoung et al. 2020). A model
whose confidence falls whatever is removed has a large AOPC with any explainer, so models
are compared by where an explainer stands between the worst and the best order of its
own text (Edin et al. 2025, "Normalized AOPC"), which a beam search finds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from distillens.attribution.rankings import RANDOM, Rankings, orders
from distillens.data.text import Example
from distillens.joblog import Progress
from distillens.metrics.explained_output import confidence, drop
from distillens.models.engine import Engine
from distillens.models.masks import Masks

_AT_ONCE = 32

Ask = Callable[[Sequence[tuple[int, Sequence[int]]]], np.ndarray]


def trace(
    chosen: Sequence[Example],
    rankings: Mapping[tuple[str, str], Rankings],
    draws: int,
    beam: int,
    engine: Engine,
    seed: int,
    progress: Progress | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of the table of kind ``curves``, an example after the other.

    ``confidence`` begins with the whole text, followed by one value for each word:

    ========================== ==========================================================
    ranking, operation
    ========================== ==========================================================
    ``own``, ``remove``        without the first 1, 2, ... n words of the explainer's order
    ``own``, ``keep``          with the first 1, 2, ... n words only
    ``random``, ``remove``     a random order; explainer null, unless that has tokens
    ``each``, ``remove``       without the i-th word alone (leave-one-out); likewise
    ``upper``, ``lower``       the order with the largest and the smallest mean drop found
    ========================== ==========================================================

    Parameters
    ----------
    chosen : sequence of Example
        What the model sees of the examples.
    rankings, draws, seed
        As in `distillens.attribution.rankings.orders`; a teacher's rankings have no curve.
    beam : int
        Width of the beam search for ``upper`` and ``lower``; 0 leaves them out.
    engine : Engine
    progress : Progress, optional
        Advanced by every example.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> answer = lambda asked: np.array([[0.0, 3.0 * row[1]] for one in asked for row in one.keep])
    >>> engine = Fake(masked=answer, logits=lambda texts: np.array([[0.0, 3.0]] * len(texts)))
    >>> for row in trace([Example("a", "so bad")], {}, draws=1, beam=0, engine=engine, seed=0):
    ...     print(row["ranking"], row["order"], np.round(row["confidence"], 2).tolist())
    random [0, 1] [0.95, 0.95, 0.5]
    each [0, 1] [0.95, 0.95, 0.5]
    """
    own = {key: ranked for key, ranked in rankings.items() if key[1] == "own"}
    for start in range(0, len(chosen), _AT_ONCE):
        group = chosen[start : start + _AT_ONCE]
        whole = engine.logits([example.texts for example in group])
        target = whole.argmax(axis=1)
        before = confidence(whole, target)
        plan = []
        for number, example in enumerate(group):
            plan += _plan(number, orders(example, own, draws, seed))
        if beam:
            plan += _bounds(group, target, before, beam, engine)
        asked = [Masks.without(units, removals) for *_, units, removals in plan]
        owners = [number for number, *_, removals in plan for _ in removals]
        values = confidence(engine.masked(asked), target[owners]) if owners else np.empty(0)
        position = 0
        for number, explainer, name, draw, operation, order, _, removals in plan:
            after = values[position : position + len(removals)]
            position += len(removals)
            yield {
                "example_id": group[number].example_id,
                "explainer": explainer,
                "ranking": name,
                "draw": draw,
                "operation": operation,
                "target": int(target[number]),
                "order": order,
                "confidence": [float(before[number]), *after.tolist()],
            }
        if progress:
            progress.advance(len(group))


def extreme_orders(lengths: Sequence[int], ask: Ask, beam: int, sign: int) -> list[list[int]]:
    """Find for each text the order of its words with the most extreme sum of drops.

    A drop depends on which words are gone, not on the order in which they went; so
    states are sets, and the search is exhaustive where ``beam`` is at least the number
    of sets of a size.

    Parameters
    ----------
    lengths : sequence of int
        Words of each text.
    ask : callable
        From (number of the text, words removed) to drops.
    beam : int
        States that are kept at each size.
    sign : int
        1 for the largest sum, -1 for the smallest.

    Examples
    --------
    >>> drops = lambda asked: np.array([sum(removed) for _, removed in asked])  # word n makes a drop of n
    >>> extreme_orders([3], drops, beam=2, sign=1)
    [[2, 1, 0]]
    """
    beams: list[list[tuple[float, tuple[int, ...]]]] = [[(0.0, ())] for _ in lengths]
    for size in range(max(lengths, default=0)):
        grown = [
            (number, total, order)
            for number, (length, states) in enumerate(zip(lengths, beams, strict=True))
            if size < length
            for total, order in _grown(states, length, sign)
        ]
        drops = ask([(number, order) for number, _, order in grown])
        extended: dict[int, list[tuple[float, tuple[int, ...]]]] = {}
        for (number, total, order), lost in zip(grown, drops, strict=True):
            extended.setdefault(number, []).append((total + float(lost), order))
        for number, states in extended.items():
            beams[number] = sorted(states, key=lambda state: (-sign * state[0], state[1]))[:beam]
    return [list(states[0][1]) for states in beams]


def _grown(
    states: Sequence[tuple[float, tuple[int, ...]]], length: int, sign: int
) -> list[tuple[float, tuple[int, ...]]]:
    """Every state with one more word; of those with the same words the best."""
    best: dict[frozenset[int], tuple[float, tuple[int, ...]]] = {}
    for total, order in states:
        for word in range(length):
            if word not in order:
                words = frozenset((*order, word))
                if words not in best or sign * total > sign * best[words][0]:
                    best[words] = (total, (*order, word))
    return list(best.values())


def _plan(number: int, every: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """What is asked of one example: (..., order, the example in its units, sets of removed words)."""
    for explainer, name, draw, units, order in every:
        if units.words and not order:  # its explainer says nothing of the text
            continue
        prefixes = [order[:k] for k in range(1, len(order) + 1)]
        yield number, explainer, name, draw, "remove", order, units, prefixes
        if name == "own":
            rest = [order[k:] for k in range(1, len(order) + 1)]
            yield number, explainer, name, draw, "keep", order, units, rest
        if name == RANDOM and draw == 0:
            words = list(range(len(units.words)))
            yield number, explainer, "each", 0, "remove", words, units, [[word] for word in words]


def _bounds(
    group: Sequence[Example], target: np.ndarray, before: np.ndarray, beam: int, engine: Engine
) -> Iterator[tuple[Any, ...]]:
    def drops(removals: Sequence[tuple[int, Sequence[int]]]) -> np.ndarray:
        owners = [number for number, _ in removals]
        asked = [
            Masks.without(group[number], [removed for _, removed in own])
            for number, own in groupby(removals, key=itemgetter(0))
        ]
        logits = engine.masked(asked)
        after = confidence(logits, target[owners])
        return drop(before[owners], after, absolute=logits.shape[1] == 1)

    lengths = [len(example.words) for example in group]
    for name, sign in (("upper", 1), ("lower", -1)):
        for number, order in enumerate(extreme_orders(lengths, drops, beam, sign)):
            prefixes = [order[:k] for k in range(1, len(order) + 1)]
            yield number, None, name, 0, "remove", order, group[number], prefixes
